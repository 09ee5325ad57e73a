"""`somnolink analyze` on wear logs: table, JSON by its schema, picture, and files that are none."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import jsonschema
import numpy as np
import pytest
import typer
from typer.testing import CliRunner, Result

from analytics.adherence.samples import WearChunk
from gateway.cli.analyze import analyze
from simulators.physiology.mouth import Mouth
from simulators.physiology.sleeper import Sleeper
from simulators.physiology.wearing import Place, Stay
from tests.unit.analytics.adherence.mouths import CALM, DAY_MS, HOUR_MS, T0, even, firmware

ROOT = Path(__file__).resolve().parents[3]
SCHEMA = json.loads((ROOT / "docs" / "analyze.schema.json").read_text())

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


def stamp(t_ms: int) -> str:
    return datetime.fromtimestamp(t_ms / 1000, UTC).isoformat()


def rows(log: WearChunk, time: Sequence[str], whole: bool = True) -> str:
    lines = ["time,temperature,accel_x,accel_y,accel_z,motion,flags" if whole else "time,temperature"]
    for row, text in enumerate(time):
        celsius = "" if np.isnan(log.temperature[row]) else f"{log.temperature[row]:.2f}"
        x, y, z = log.accel[row].tolist()
        lines.append(f"{text},{celsius}" + (f",{x},{y},{z},{log.motion[row]},{log.flags[row]}" if whole else ""))
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def mouth() -> Mouth:
    sleeper = Sleeper(41)
    return Mouth.of_nights([sleeper.night(T0 + DAY_MS * n, index=n) for n in range(2)], 41, habits=CALM)


@pytest.fixture(scope="module")
def log_file(mouth: Mouth, tmp_path_factory: pytest.TempPathFactory) -> Path:
    log = firmware(mouth, T0 - 9 * HOUR_MS, T0 + 2 * DAY_MS - 10 * HOUR_MS)
    path = tmp_path_factory.mktemp("wear") / "recorder.csv"
    path.write_text(rows(log, [stamp(int(t)) for t in log.t_ms]))
    return path


def test_json_says_when_it_was_worn(mouth: Mouth, log_file: Path) -> None:
    answer = told(log_file)
    wear = answer["wear"]
    assert (answer["kind"], answer["source"], wear["suspect"]) == ("wear", "recorder.csv", False)
    assert len(wear["intervals"]) == len(mouth.intervals) == 2
    for found, truth in zip(wear["intervals"], mouth.intervals, strict=True):
        start, end = (datetime.fromisoformat(found[edge]).timestamp() * 1000 for edge in ("start", "end"))
        assert start == pytest.approx(truth.start_utc_ms, abs=120_000)
        assert end == pytest.approx(truth.end_utc_ms, abs=120_000)
        assert found["end_s"] - found["start_s"] == pytest.approx(60 * found["minutes"], abs=0.01)
        assert 0 < found["supine_pct"] < 100
    assert wear["minutes"] == pytest.approx(sum(truth.minutes for truth in mouth.intervals), abs=4)
    assert [night["status"] for night in wear["nights"]] == ["used", "used"]
    assert wear["usage"]["used"] == 2
    assert wear["payer"]["met"] is None


def test_the_table_names_each_wear(log_file: Path) -> None:
    result = run(log_file)
    assert result.exit_code == 0
    assert "2 nights: 2 used, 0 not used, 0 without data" in result.stdout
    assert "03-03" in result.stdout


def test_a_device_in_warm_water_is_suspect_and_not_counted(tmp_path: Path) -> None:
    log = even(Mouth([Stay(Place.WARM_WATER, T0, T0 + 8 * HOUR_MS)], 3), T0 - HOUR_MS, T0 + 10 * HOUR_MS)
    path = tmp_path / "bath.csv"
    path.write_text(rows(log, [stamp(int(t)) for t in log.t_ms]))
    wear = told(path)["wear"]
    assert (wear["minutes"], wear["suspect"]) == (0, True)
    assert wear["suspect_minutes"] > 400
    assert "no motion" in wear["intervals"][0]["suspect"]
    text = run(path).stdout
    assert "suspect, not counted" in " ".join(text.split())
    assert "cheat" not in text.lower()


@pytest.mark.parametrize("layout", ["seconds", "epoch", "local", "semicolon"])
def test_times_in_every_layout_and_temperature_alone(mouth: Mouth, tmp_path: Path, layout: str) -> None:
    log = even(mouth, T0 - 3 * HOUR_MS, T0 + 14 * HOUR_MS)
    zone = ZoneInfo("Europe/Paris")
    seconds = log.t_ms / 1000
    local = [datetime.fromtimestamp(second, zone).strftime("%d.%m.%Y %H:%M:%S") for second in seconds]
    texts = {
        "seconds": [f"{second - seconds[0]:.0f}" for second in seconds],
        "epoch": [f"{second:.0f}" for second in seconds],
        "local": local,
        "semicolon": local,
    }[layout]
    text = rows(log, texts, whole=False)
    if layout == "semicolon":
        text = "\n".join(line.replace(",", ";").replace("T", "t").replace("36.", "36,") for line in text.split("\n"))
        text = text.replace("temperature", "Temperature [°C]")
    path = tmp_path / "log.csv"
    path.write_text(text)
    answer = told(path, "--zone", "Europe/Paris")
    (found,) = answer["wear"]["intervals"]
    truth = mouth.intervals[0]
    assert found["minutes"] == pytest.approx(truth.minutes, abs=4)
    assert found["supine_pct"] is None
    if layout == "seconds":
        assert (answer["start"], found["start"], answer["wear"]["nights"]) == (None, None, [])
    else:
        assert datetime.fromisoformat(found["start"]).timestamp() * 1000 == pytest.approx(truth.start_utc_ms, abs=2e5)


def test_days_without_data_are_missing_nights(mouth: Mouth, tmp_path: Path) -> None:
    first, last = even(mouth, T0 - 9 * HOUR_MS, T0 + 13 * HOUR_MS), even(mouth, T0 + 3 * DAY_MS, T0 + 4 * DAY_MS)
    path = tmp_path / "gap.csv"
    whole = rows(first, [stamp(int(t)) for t in first.t_ms])
    path.write_text(whole + rows(last, [stamp(int(t)) for t in last.t_ms]).partition("\n")[2])
    wear = told(path)["wear"]
    assert [night["status"] for night in wear["nights"]] == ["used", "missing", "missing", "not used", "missing"]
    assert wear["usage"]["with_data"] == 2
    assert "without data" in run(path).stdout


def test_the_picture(log_file: Path, tmp_path: Path) -> None:
    picture = tmp_path / "wear.png"
    assert run(log_file, "--plot", picture).exit_code == 0
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("time,temperature\n", "no sample below the header"),
        ("time,temperature\n0,21\n300,warm\n", "line 3: 'warm' is no temperature value"),
        ("time,temperature\n0,\n300,\n", "not one temperature"),
        ("time,temperature\n300,21\n0,21\n", "line 3: the time goes back"),
        ("time,temperature,motion\n0,21,70000\n", "70000 is no motion value"),
        ("time,temperature,accel_x,accel_y,accel_z\n0,21,0,0,99999\n", "99999 is no accel_z value"),
        ("time,humidity\n0,21\n", "no header"),
    ],
)
def test_what_is_no_wear_log_gets_one_line(tmp_path: Path, text: str, what: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text)
    result = run(path)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert what in result.stderr


def test_a_wear_log_is_drawn_as_png_only(log_file: Path, tmp_path: Path) -> None:
    result = run(log_file, "--plot", tmp_path / "wear.html")
    assert result.exit_code == 2
    assert "drawn as .png" in result.stderr


def test_options_of_oximetry_are_refused(log_file: Path) -> None:
    result = run(log_file, "--age", "50", "--sex", "F")
    assert result.exit_code == 2
    assert "--sex, --age: only for oximetry" in result.stderr
