"""The devices' own `main`, unchanged, under MicroPython, on a board whose time is a number."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from tests.unit.edge.ports import program

ROOT = Path(__file__).resolve().parents[3]
PROGRAMS = Path(__file__).resolve().parent / "programs"


def run(device: str, folder: Path, hours: int) -> dict[str, float]:
    done = subprocess.run(
        [program("micropython"), "-X", "heapsize=256k", str(PROGRAMS / "run.py"), device, str(folder), str(hours)],
        env={**os.environ, "MICROPYPATH": f"{ROOT}:.frozen"},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    result: dict[str, float] = json.loads(done.stdout)
    return result


def test_the_recorder_sleeps_deeply_wakes_without_a_boot_and_keeps_recording(tmp_path: Path) -> None:
    result = run("recorder", tmp_path, 8)
    assert result["boots"] == 1
    assert result["increasing"]
    assert 8 * 12 < result["records"] < 8 * 12 + 2 * 30
    assert result["longest_s"] <= 301
    assert (
        result["starts"] == result["sleeps"]
    )  # each deep sleep started the program anew, the last one ran out of time
    assert 8 * 60 - 20 <= result["sleeps"] < 8 * 60 + 60
    assert result["rests"] > 0
    assert result["advertised"] > 20


def test_the_bed_sensor_keeps_every_sample_for_two_hours_without_a_gateway(tmp_path: Path) -> None:
    result = run("bed", tmp_path, 2)
    assert result["boots"] == 1
    assert result["increasing"]
    assert 2 * 3600 * 50 - 112 - 20 <= result["samples"] <= 2 * 3600 * 50
    assert result["sleeps"] == 0
