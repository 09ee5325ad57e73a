"""Real servers for tests, each a context manager on a free loopback port with a folder of its own.

A missing server program is not a reason to pass: with CI=true the test fails, else it is skipped; both say what to
install.
"""

from __future__ import annotations

import os
import shutil

import pytest


def require(program: str, package: str) -> str:
    """The path of a server program; fails (CI=true) or skips the test where it is missing."""
    path = shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin:/sbin")
    if path is None:
        reason = f"{program} is not installed: sudo apt-get install {package}"
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    return path
