"""Taking a backup, and letting go of old ones."""

from __future__ import annotations

import re
import shutil
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from gateway.errors import ConfigurationError, StoreUnavailableError
from gateway.service.backup import manifest, postgresql, sqlite
from gateway.service.backup.manifest import FORMAT, Manifest
from gateway.service.backup.places import Places

FINISHED: Final = re.compile(r"somnolink-\d{8}T\d{9}Z")
"""A whole backup's folder; one that broke off ends otherwise and is never taken for one."""


def backup(places: Places, into: Path, *, now_ms: int, without_samples: bool = False) -> Path:
    """Copy samples and records into a new folder below `into`, while the service runs.

    The samples' state is fixed first, the records' at once after it: so the records know at least what the samples
    hold, but for what is being judged just then, and `restore` has the nights of the last days run again.

    Parameters
    ----------
    now_ms : int
        UTC milliseconds; they name the folder.
    without_samples : bool
        Leave the samples out: they are in an InfluxDB, and backed up by its own tools.

    Returns
    -------
    Path
        The folder. It appears under its name when all in it is on disk.

    Raises
    ------
    ConfigurationError
        There is nothing to back up, samples are elsewhere and nobody said so, or `into` cannot be used.
    StoreUnavailableError
        A database is locked or away, or the disk is full.
    """
    if places.samples is None and not without_samples:
        raise ConfigurationError(
            "the samples are in InfluxDB: back them up with its own tools, and the records with --without-samples"
        )
    samples = None if without_samples else places.samples
    name = datetime.fromtimestamp(now_ms / 1000, UTC).strftime("somnolink-%Y%m%dT%H%M%S") + f"{now_ms % 1000:03d}Z"
    folder, unfinished = into / name, into / f"{name}.partial"
    try:
        into.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished.mkdir(mode=0o700)
        with ExitStack() as pinned:
            files = {}
            if samples is not None:
                files[manifest.SAMPLES] = pinned.enter_context(closing(sqlite.pin(samples)))
            if isinstance(places.records, Path):
                files[manifest.RECORDS_SQLITE] = pinned.enter_context(closing(sqlite.pin(places.records)))
            else:
                postgresql.dump(places.records, places.password, unfinished / manifest.RECORDS_POSTGRESQL)
            for file, connection in files.items():
                sqlite.copy_pinned(connection, unfinished / file)
        entries = {file.name: manifest.entry_of(file) for file in sorted(unfinished.iterdir())}
        listed = unfinished / manifest.NAME
        listed.write_bytes(msgspec.json.format(msgspec.json.encode(Manifest(FORMAT, now_ms, entries))) + b"\n")
        sqlite.sync(listed)
        sqlite.sync(unfinished)
        unfinished.rename(folder)
        sqlite.sync(into)
    except OSError as error:
        raise StoreUnavailableError(f"backup in {into}: {error.strerror or error}") from None
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return folder


def prune(into: Path, keep: int) -> list[Path]:
    """Remove all but the latest `keep` finished backups in a folder; returns those that went."""
    finished = sorted(one for one in into.iterdir() if FINISHED.fullmatch(one.name) and (one / manifest.NAME).is_file())
    gone = finished[: max(0, len(finished) - keep)]
    for folder in gone:
        shutil.rmtree(folder)
    return gone
