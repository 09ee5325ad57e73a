"""A backup of samples and records, taken while the service runs, and the way back.

A backup is a folder: `manifest.json` with sizes and SHA-256, `samples.db`, and `records.db` or `records.dump`.
"""

from __future__ import annotations

from gateway.service.backup.bring_back import restore
from gateway.service.backup.manifest import Manifest, read_manifest
from gateway.service.backup.places import Places
from gateway.service.backup.take import backup, prune

__all__ = ["Manifest", "Places", "backup", "prune", "read_manifest", "restore"]
