"""The compiled firmware, under MicroPython with a 64 KiB heap, through a year of wear; and that all of it compiles."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.unit.edge.ports import program

ROOT = Path(__file__).resolve().parents[3]
HERE = "tests/integration/edge"


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every file of the firmware, and the simulated year, as MicroPython bytecode."""
    target = tmp_path_factory.mktemp("compiled")
    compiler = program("mpy-cross")
    sources = sorted((ROOT / "edge").rglob("*.py"))
    assert len(sources) > 20
    for source in [*sources, ROOT / HERE / "year.py", ROOT / HERE / "file_flash.py"]:
        path = source.relative_to(ROOT)
        output = target / path.with_suffix(".mpy")
        output.parent.mkdir(parents=True, exist_ok=True)
        level = "-O3" if path.parts[0] == "edge" else "-O0"  # the simulation's own assertions stay in
        subprocess.run([compiler, level, "-s", path.name, "-o", output, source], check=True, timeout=60)
    return target


def test_a_year_of_wear_with_400_boots_in_64_kib(compiled: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [
            program("micropython"), "-X", "heapsize=64k", str(ROOT / HERE / "start.py"),
            f"{HERE.replace('/', '.')}.year", str(tmp_path), "365", "400", "7",
        ],
        env={**os.environ, "MICROPYPATH": f"{compiled}:.frozen"},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["boots"] == 401
    assert result["cuts"] > 100  # within a write, the others between two
    assert result["kept"] > 100_000
    assert result["received"] == result["kept"]
    assert result["same_bytes_in_order"]
    assert result["pending"] == 0
    assert result["between_anchors"] > 10_000
    assert result["worst_between_ms"] <= 2000
    assert result["dated"] + result["undated"] == result["received"]
    assert result["payload_pct"] >= 90
