"""Real servers for tests, each a context manager on a free loopback port with a folder of its own.

A missing server program is not a reason to pass: with CI=true the test fails, else it is skipped; both say what to
install.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import pytest


def require(program: str, package: str) -> str:
    """The path of a server program; fails (CI=true) or skips the test where it is missing."""
    path = shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin:/sbin")
    return path if path is not None else _missing(program, package)


def require_file(places: Sequence[Path], package: str) -> Path:
    """The first of some places of a file that is there; fails (CI=true) or skips the test where none is."""
    found = next((place for place in places if place.exists()), None)
    return found if found is not None else _missing(places[0].name, package)


def _missing(what: str, package: str) -> NoReturn:
    reason = f"{what} is not installed: sudo apt-get install {package}"
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
