"""Every logic test of the firmware once more, under the real MicroPython.

The test files are compiled in the same heap as they run in, so it is larger here than the firmware's own 64 KiB; that
limit is held by tests/integration/edge, where the compiled firmware runs a year.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.unit.edge.ports import program

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]


@pytest.mark.parametrize("path", sorted((HERE / "logic").glob("test_*.py")), ids=lambda path: path.stem)
def test_logic_holds_under_micropython(path: Path) -> None:
    environment = {**os.environ, "MICROPYPATH": f"{ROOT}:.frozen"}
    done = subprocess.run(
        [program("micropython"), "-X", "heapsize=512k", str(HERE / "run_tests.py"), str(path)],
        env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed" in done.stdout
