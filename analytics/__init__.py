"""Pure analytics: arrays and state in, values and state out. No I/O, no clock, nothing of ours imported.

Kernels are compiled by numba and cached on disk. numba notices that a kernel's own file has changed, but not that of a
kernel which it calls: after an upgrade an old caller would run with a new layout of the state, and crash. So the cache
lives in a folder named by a digest of the packages that have kernels, together with numba's version.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

import numba


def _cache_folder() -> Path:
    digest = hashlib.sha256(numba.__version__.encode())
    here = Path(__file__).parent
    for package in sorted(here.glob("*/__init__.py")):
        sources = {source: source.read_bytes() for source in sorted(package.parent.rglob("*.py"))}
        if any(b"njit" in text for text in sources.values()):
            for source, text in sources.items():
                digest.update(source.relative_to(here).as_posix().encode() + b"\0" + text)
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = base / "somnolink" / "kernels" / digest.hexdigest()[:16]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        # A service account without a home: compiled anew by each process, into a folder of its own.
        folder = Path(tempfile.mkdtemp(prefix="somnolink-kernels-"))
    return folder


if not os.environ.get("NUMBA_CACHE_DIR"):
    setattr(numba.config, "CACHE_DIR", str(_cache_folder()))  # noqa: B010 - made at run time: no type knows it
