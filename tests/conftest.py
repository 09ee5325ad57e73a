"""What every test may use: where the real recordings are, and the count of tests that went without them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# How long an example takes is the machine's affair: a slow one is no finding. Continuous integration judges a change by
# the same examples as the one before it; every other run looks for new ones.
settings.register_profile("somnolink", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("somnolink")

ROOT = Path(__file__).resolve().parent.parent
ABSENT = "recordings absent (set SOMNOLINK_DATA)"


def recordings_folder() -> Path:
    return Path(os.environ.get("SOMNOLINK_DATA", ROOT / ".." / "shared" / "data")).resolve()


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder of real recordings; the test is skipped, and counted, where there is none."""
    folder = recordings_folder()
    if not folder.is_dir():
        pytest.skip(ABSENT)
    return folder


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = [report for report in terminalreporter.getreports("skipped") if ABSENT in str(report.longrepr)]
    terminalreporter.write_line(f"tests skipped for want of recordings: {len(skipped)}")
