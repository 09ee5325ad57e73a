"""`somnolink analyze` on a bed's waveform: every format, JSON by its schema, and files that are none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
import scipy.io
import typer
from typer.testing import CliRunner, Result

from gateway.cli.analyze import analyze

SCHEMA = json.loads((Path(__file__).resolve().parents[3] / "docs" / "analyze.schema.json").read_text())

app = typer.Typer()
app.command()(analyze)


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)


def told(*arguments: str | Path) -> dict[str, Any]:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    answer: dict[str, Any] = json.loads(result.stdout)
    jsonschema.Draft202012Validator(SCHEMA).validate(answer)
    return answer


def refused(*arguments: str | Path) -> str:
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    return result.stderr


def beating(rate_hz: float, seconds: float = 40.0, bpm: float = 66.0) -> np.ndarray:
    """Complexes of 6 Hz on a breath of 15 a minute, in counts."""
    rng = np.random.default_rng(5)
    t = np.arange(int(seconds * rate_hz)) / rate_hz
    made = 3.0 * rng.standard_normal(t.size) + 500.0 * np.sin(2 * np.pi * t / 4.0)
    for at in np.arange(0.3, seconds, 60.0 / bpm):
        since = np.maximum(t - at, 0.0)
        made += 120.0 * np.exp(-since / 0.09) * np.sin(2 * np.pi * 6.0 * since)
    return np.rint(made)


def is_of_66(bed: dict[str, Any], windows: int = 4) -> None:
    assert len(bed["heart_rate_bpm"]) == windows
    assert all(abs(rate - 66.0) < 1.0 for rate in bed["heart_rate_bpm"])
    assert all(rate is None or abs(rate - 15.0) < 1.0 for rate in bed["respiration_rate_bpm"])
    assert bed["coverage_pct"] == 100.0
    assert all(bed["presence"])


def test_matlab(tmp_path: Path) -> None:
    path = tmp_path / "bcg_ecg.mat"
    scipy.io.savemat(path, {"bcg": beating(1000.0)[:, None] * 1e-4, "Fs": np.array([[1000]], np.uint16)})
    answer = told(path)
    assert (answer["kind"], answer["rate_hz"], answer["start"]) == ("bed", 1000.0, None)
    is_of_66(answer["bed"])


def test_numbers_below_comments_that_name_the_rate(tmp_path: Path) -> None:
    path = tmp_path / "bcg.txt"
    comments = "# Simple Text Format\n# Sampling Rate (Hz):= 250.00\n# Resolution:= 12\n# Labels:= BCG\n"
    path.write_text(comments + "\n".join(f"{value:.1f}" for value in beating(250.0)) + "\n")
    answer = told(path)
    assert answer["rate_hz"] == 250.0
    is_of_66(answer["bed"])


def test_a_csv_with_its_rate_in_a_comment_and_gain_and_flags(tmp_path: Path) -> None:
    path = tmp_path / "strip.csv"
    rows = "\n".join(f"{value:.0f},1,0" for value in 2 * beating(50.0))
    path.write_text(f"# rate_hz: 50\npressure,gain,flags\n{rows}\n")
    answer = told(path)
    is_of_66(answer["bed"])
    assert answer["bed"]["clipped_pct"] == 0.0


def test_a_csv_with_times_and_a_hole(tmp_path: Path) -> None:
    path = tmp_path / "strip.csv"
    values = beating(50.0)
    rows = [
        f"{1_790_000_000 + number / 50:.2f},{value:.0f}"
        for number, value in enumerate(values)
        if not 900 <= number < 950
    ]
    path.write_text("time,pressure\n" + "\n".join(rows) + "\n")
    answer = told(path, "--zone", "Europe/Paris")
    assert answer["start"].startswith("2026-09-21T")
    assert answer["rate_hz"] == pytest.approx(50.0, rel=1e-3)
    assert "50 samples are missing" in answer["notes"][-1]
    assert abs(answer["bed"]["heart_rate_bpm"][0] - 66.0) < 1.0
    assert len(answer["bed"]["heart_rate_bpm"]) == 4


def test_an_empty_bed_has_windows_and_no_values(tmp_path: Path) -> None:
    path = tmp_path / "empty.csv"
    noise = np.rint(4 * np.random.default_rng(1).standard_normal(3000))
    path.write_text("# fs = 50\n" + "\n".join(f"{value:.0f}" for value in noise) + "\n")
    bed = told(path)["bed"]
    assert bed["heart_rate_bpm"] == [None] * 6
    assert bed["coverage_pct"] is None
    assert not any(bed["presence"])


def test_people_get_a_table(tmp_path: Path) -> None:
    path = tmp_path / "bcg.txt"
    path.write_text("# rate: 50\n" + "\n".join(f"{value:.0f}" for value in beating(50.0)) + "\n")
    result = run(path)
    assert result.exit_code == 0
    assert "heart rate, median" in result.stdout
    assert "66.0" in result.stdout
    assert "no diagnosis" in result.stdout


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("# rate: 50\n1\n2\nx\n4\n", "line 4: 'x' is no sample"),
        ("# rate: 20\n1\n2\n3\n", "20 samples a second"),
        ("# rate: 50\nnan\nnan\n", "no SpO2|no header|not one sample"),
        ("time,pressure\n1790000000,4\n", "no two samples"),
        ("time,pressure\n1790000000.00,4\n1790000000.02,abc\n", "line 3"),
    ],
)
def test_what_is_no_waveform_is_refused_in_one_line(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text)
    line = refused(path)
    assert any(part in line for part in says.split("|")), line


def test_a_matlab_file_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.mat"
    scipy.io.savemat(path, {"x": np.arange(5)})
    assert "without numbers 'bcg'" in refused(path)
    path.write_bytes(path.read_bytes()[:150])
    assert "other.mat" in refused(path)


def test_the_real_recordings(recordings: Path) -> None:
    real = told(recordings / "bed" / "bcg_ecg.mat")["bed"]
    assert len(real["heart_rate_bpm"]) == 2
    assert all(abs(rate - 85.0) <= 3.0 for rate in real["heart_rate_bpm"])
    assert 71.0 <= told(recordings / "bed" / "bcg_1000hz.txt")["bed"]["heart_rate_bpm"][0] <= 77.0


def test_the_picture_and_another_than_png(tmp_path: Path) -> None:
    path = tmp_path / "strip.txt"
    numbers = "\n".join(str(int(value)) for value in beating(50.0))
    path.write_text("time,pressure\n" + "\n".join(f"{at / 50},{value}" for at, value in enumerate(numbers.split())))
    path = path.rename(tmp_path / "strip.csv")
    picture = tmp_path / "bed.png"
    assert run(path, "--plot", picture).exit_code == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "drawn as .png" in refused(path, "--plot", tmp_path / "bed.html")
