"""`somnolink analyze` as it is run: table, JSON by its schema, options, pictures, exit status."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
import typer
from typer.testing import CliRunner, Result

from gateway.cli.analyze import analyze
from gateway.wire.files.viatom import encode_vld
from tests.integration.analyze.edf_builder import Channel, Edf
from tests.integration.analyze.test_readers import write_mat
from tests.unit.service.exchange.dialects import O2_DIALECTS, as_bytes, rows_of

ROOT = Path(__file__).resolve().parents[3]
SCHEMA = json.loads((ROOT / "docs" / "analyze.schema.json").read_text())
START = datetime(2026, 3, 13, 23)  # noqa: DTZ001 - rings keep local time without a zone
PROFILES = ["peak", "pobm", "wellue", "oscar", "trailing-mean"]

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
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    return result.stderr


def night(hours: float = 5.0, every_s: int = 600) -> tuple[np.ndarray, np.ndarray]:
    """SpO2 at 1 Hz: 96 % with a fall by 6 % over 30 s and back over 15 s every ten minutes; a pulse that answers."""
    size = int(hours * 3600)
    spo2, pulse = np.full(size, 96.0), np.full(size, 60.0)
    for begin in range(every_s, size - every_s, every_s):
        spo2[begin : begin + 30] = np.linspace(96, 90, 30)
        spo2[begin + 30 : begin + 45] = np.linspace(90, 96, 15)
        pulse[begin + 30 : begin + 45] = 72
    return np.round(spo2).astype(int), pulse.astype(int)


@pytest.fixture(scope="module")
def ring_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ring") / "20260313230000.vld"
    spo2, pulse = night()
    motion = np.zeros(spo2.size, int)
    path.write_bytes(encode_vld(spo2, pulse, start=START, interval_s=1, motion=motion))
    return path


def test_json_says_what_the_file_holds(ring_file: Path) -> None:
    answer = told(ring_file)
    assert (answer["source"], answer["kind"], answer["start"]) == (ring_file.name, "viatom", "2026-03-13T23:00:00")
    assert (answer["interval_s"], answer["profile"]) == (1.0, "peak")
    assert answer["duration_h"] == pytest.approx(5.0, abs=0.01)
    begins = range(600, 5 * 3600 - 600, 600)
    nadirs = [event["nadir_s"] for event in answer["desaturations"]]
    assert len(nadirs) == len(begins)
    assert all(abs(nadir - begin - 30) <= 5 for nadir, begin in zip(nadirs, begins, strict=True))
    assert answer["odi4"] == pytest.approx(len(begins) / answer["valid_h"])
    spo2, _ = night()
    assert answer["spo2"]["t90_le_pct"] == pytest.approx(100 * (spo2 <= 90).mean(), rel=0.02)
    assert answer["hypoxic_burden"]["events"] == "own"
    assert "profiles" not in answer


@pytest.mark.parametrize("kind", ["o2-csv", "edf", "csv"])
def test_the_same_night_in_another_format_gives_the_same_indices(tmp_path: Path, ring_file: Path, kind: str) -> None:
    spo2, pulse = night()
    path = tmp_path / "night"
    if kind == "edf":
        edf = Edf([Channel("SpO2", spo2.tolist(), 30), Channel("PR", pulse.tolist(), 30, "bpm")], spo2.size // 30, 30.0)
        path.write_bytes(edf.to_bytes())
    elif kind == "o2-csv":
        rows = rows_of(START, 1, spo2.tolist(), pulse.tolist(), [0] * spo2.size)
        path.write_bytes(as_bytes(O2_DIALECTS["AM/PM quoted, trailing comma (O2Ring)"](rows)))
    else:
        path.write_text(
            "time,spo2,pulse\n" + "".join(f"{n},{s},{p}\n" for n, (s, p) in enumerate(zip(spo2, pulse, strict=True)))
        )
    answer, ring = told(path), told(ring_file)
    assert answer["kind"] == kind
    for key in set(ring) - {"source", "kind", "start"}:
        assert answer[key] == ring[key], key


def test_a_zone_gives_the_start_its_offset(ring_file: Path) -> None:
    assert told(ring_file, "--zone", "Europe/Paris")["start"] == "2026-03-13T23:00:00+01:00"


def test_all_profiles_side_by_side(ring_file: Path) -> None:
    answer = told(ring_file, "--profile", "all")
    assert list(answer["profiles"]) == PROFILES
    for name in PROFILES:
        single = told(ring_file, "--profile", name)
        assert answer["profiles"][name] == {key: single[key] for key in answer["profiles"][name]}
    assert answer["profiles"]["peak"]["odi3"] == answer["odi3"]
    table = run(ring_file, "--profile", "all").stdout
    assert all(name in table for name in PROFILES)


def test_the_table_reads_in_plain_words(ring_file: Path) -> None:
    text = run(ring_file, "--sex", "f", "--age", "52").stdout
    answer = told(ring_file, "--sex", "F", "--age", "52")
    assert "20260313230000.vld (viatom), start 2026-03-13 23:00:00" in text
    assert f"{answer['odi3']:.1f}" in text
    assert "hypoxic burden (own events)" in text
    assert "no diagnosis" in text
    assert "\x1b" not in text


def test_scored_events_and_stages_count_for_the_burden(tmp_path: Path, ring_file: Path) -> None:
    events, stages = tmp_path / "events.csv", tmp_path / "stages.txt"
    events.write_text("start_s,duration_s\n" + "".join(f"{at},25\n" for at in range(600, 17_400, 600)))
    stages.write_text("W\n" * 60 + "N2\n" * 540)
    scored = told(ring_file, "--events", events)["hypoxic_burden"]
    assert (scored["events"], scored["hours_of"], scored["event_count"]) == ("scored", "recording", 28)
    asleep = told(ring_file, "--events", events, "--stages", stages)["hypoxic_burden"]
    assert (asleep["events"], asleep["hours_of"]) == ("scored", "sleep")
    assert asleep["hours"] == pytest.approx(4.5, abs=0.01)


def test_events_and_stages_of_the_file_itself_are_used(tmp_path: Path) -> None:
    write_mat(tmp_path / "night.mat")
    burden = told(tmp_path / "night.mat")["hypoxic_burden"]
    assert (burden["events"], burden["hours_of"], burden["event_count"]) == ("scored", "sleep", 2)


def test_a_picture(tmp_path: Path, ring_file: Path) -> None:
    picture = tmp_path / "night.png"
    assert run(ring_file, "--plot", picture).exit_code == 0
    data = picture.read_bytes()
    assert data.startswith(b"\x89PNG")
    width, height = (int.from_bytes(data[at : at + 4], "big") for at in (16, 20))
    assert width > 1000
    assert height > 400


@pytest.mark.parametrize("zone", [[], ["--zone", "Europe/Paris"]])
def test_a_page_that_needs_nothing_else(tmp_path: Path, ring_file: Path, zone: list[str]) -> None:
    page = tmp_path / "night.HTML"
    assert run(ring_file, "--plot", page, *zone).exit_code == 0
    text = page.read_text()
    answer = told(ring_file)
    assert text.count('class="event"') == 2 * len(answer["desaturations"])  # marked in both panels
    assert text.count("<tr data-start") == len(answer["desaturations"])
    assert "SpO2 (%)" in text
    assert "pulse (bpm)" in text
    assert "from 2026-03-13" in text
    assert ">00:00</text>" in text
    for outside in ("http:", "https:", "src=", "href=", "@import", "url("):
        assert outside not in text


class TestRefusals:
    def test_a_wrong_file_is_one_line_and_status_two(self, tmp_path: Path) -> None:
        assert refused(tmp_path).startswith(f"somnolink: {tmp_path}: this is a directory")
        path = tmp_path / "night.csv"
        path.write_bytes(np.random.default_rng(5).bytes(3000))
        assert str(path) in refused(path)
        assert str(path) in refused(path, "--json")

    @pytest.mark.parametrize(
        ("options", "what"),
        [
            (["--profile", "none"], "--profile none: there are peak, pobm, wellue, oscar, trailing-mean and all"),
            (["--zone", "Europe/Atlantis"], "--zone Europe/Atlantis: no such time zone"),
            (["--zone", "../etc/passwd"], "no such time zone"),
            (["--zone", "Europe"], "no such time zone"),
            (["--age", "-1"], "--age -1: must be 0 to 120"),
            (["--age", "nan"], "--age nan: must be 0 to 120"),
            (["--plot", "night.pdf"], "--plot night.pdf: must end in .png or .html"),
            (["--plot", "/nowhere/night.png"], "/nowhere/night.png: cannot be written"),
            (["--plot", "/nowhere/night.html"], "/nowhere/night.html: cannot be written"),
            (["--events", "absent.csv"], "absent.csv: cannot be read"),
            (["--stages", "absent.csv"], "absent.csv: cannot be read"),
        ],
    )
    def test_a_wrong_option(self, ring_file: Path, options: list[str], what: str) -> None:
        assert what in refused(ring_file, *options)

    def test_events_of_another_night(self, tmp_path: Path, ring_file: Path) -> None:
        events = tmp_path / "events.csv"
        events.write_text("start_s,duration_s\n20000,10\n")
        assert "an event at 20000 s, after the recording's 18000 s" in refused(ring_file, "--events", events)

    def test_stages_of_another_night(self, tmp_path: Path, ring_file: Path) -> None:
        stages = tmp_path / "stages.txt"
        stages.write_text("W\n" * 700)
        assert "700 stages fit neither 18000 s nor 600 epochs" in refused(ring_file, "--stages", stages)


def test_asking_for_help_loads_nothing_heavy() -> None:
    heavy = "numba scipy matplotlib h5py analytics"
    code = f"import sys, gateway.cli.analyze; print([name for name in {heavy.split()} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True, timeout=200
    )
    assert done.stdout.strip() == "[]"


class TestRealRecordings:
    def test_the_reference_night_gives_the_reference_burden(self, recordings: Path) -> None:
        answer = told(recordings / "oximetry" / "hypoxic_burden_example.mat")
        assert answer["hypoxic_burden"]["value"] == pytest.approx(19.433, abs=0.005)
        assert answer["start"] is None

    def test_its_events_given_apart_give_the_same(self, recordings: Path) -> None:
        folder = recordings / "oximetry"
        events = folder / "hypoxic_burden_example_events.csv"
        answer = told(folder / "hypoxic_burden_example.mat", "--events", events)
        assert answer["hypoxic_burden"]["value"] == pytest.approx(19.433, abs=0.005)

    @pytest.mark.parametrize("name", ["checkme-o2-max-20260310.csv", "checkme-o2-max-20260220-short.csv"])
    def test_o2_max_nights(self, recordings: Path, name: str) -> None:
        answer = told(recordings / "oximetry" / name, "--profile", "all", "--zone", "America/New_York")
        text = (recordings / "oximetry" / name).read_text().splitlines()[1:]
        valid = [float(line.split(",")[1]) for line in text if "--" not in line]
        assert answer["interval_s"] == 2.0
        assert answer["valid_h"] == pytest.approx(len(valid) * 2 / 3600, rel=0.02)
        assert answer["spo2"]["mean"] == pytest.approx(np.mean(valid), abs=0.1)
        assert answer["spo2"]["t90_pct"] == pytest.approx(100 * np.mean(np.array(valid) < 90), abs=0.1)
        assert answer["start"][-6:] in ("-04:00", "-05:00")
