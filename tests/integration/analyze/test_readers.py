"""Files on disk, one recording each: every dialect and format gives the samples that were written."""
# ruff: noqa: DTZ001, DTZ007 - naive times are what these files hold

from __future__ import annotations

import csv
import re
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import h5py
import numpy as np
import pytest

from gateway.service.exchange.files import read_recording
from gateway.wire.files.oxyii import encode_oxyii
from gateway.wire.files.viatom import encode_vld
from tests.integration.analyze.edf_builder import Channel, Edf
from tests.unit.service.exchange.dialects import O2_DIALECTS, PLAIN_DIALECTS, as_bytes, rows_of

START = datetime(2026, 3, 13, 23, 59, 50)
SPO2 = [97, 96, 96, None, 88, 71, 95, None, 96, 96]
PULSE = [60, 61, 127, None, 70, 80, 90, 55, 54, None]
MOTION = [0, 3, 0, 9, 0, 0, 1, 0, 0, 0]


def as_floats(values: list[int | None]) -> list[float]:
    return [np.nan if value is None else float(value) for value in values]


@pytest.mark.parametrize("dialect", O2_DIALECTS)
@pytest.mark.parametrize("interval_s", [1, 2, 4])
def test_every_dialect_of_ring_csv(tmp_path: Path, dialect: str, interval_s: int) -> None:
    path = tmp_path / "night.csv"
    path.write_bytes(as_bytes(O2_DIALECTS[dialect](rows_of(START, interval_s, SPO2, PULSE, MOTION))))
    recording = read_recording(path)
    assert (recording.source, recording.kind, recording.start) == ("night.csv", "o2-csv", START)
    assert recording.interval_s == interval_s
    np.testing.assert_array_equal(recording.spo2, as_floats(SPO2))
    np.testing.assert_array_equal(recording.pulse, as_floats(PULSE))
    assert recording.motion.tolist() == MOTION
    assert recording.flags.tolist() == [0] * 10
    assert recording.notes == ()


@pytest.mark.parametrize("dialect", PLAIN_DIALECTS)
@pytest.mark.parametrize("zone", [None, ZoneInfo("Europe/Paris")])
def test_plain_csv(tmp_path: Path, dialect: str, zone: ZoneInfo | None) -> None:
    path = tmp_path / "night.txt"
    path.write_bytes(as_bytes(PLAIN_DIALECTS[dialect](rows_of(START, 4, SPO2, PULSE, MOTION))))
    recording = read_recording(path, zone)
    assert (recording.kind, recording.interval_s) == ("csv", 4)
    np.testing.assert_array_equal(recording.spo2, as_floats(SPO2))
    np.testing.assert_array_equal(recording.pulse, as_floats(PULSE))
    assert recording.flags.tolist() == [0] * 10
    if dialect == "elapsed seconds":
        assert recording.start is None
        return
    assert recording.start is not None
    assert (recording.start.tzinfo is None) == (zone is None and dialect.startswith("ISO") and "UTC" not in dialect)
    if zone is not None and "UTC" not in dialect and "epoch" not in dialect:
        assert recording.start.isoformat() == "2026-03-13T23:59:50+01:00"


def test_plain_csv_without_a_pulse(tmp_path: Path) -> None:
    path = tmp_path / "night.csv"
    path.write_text("t,SpO2 [%]\n0,97\n1,96\n2,95.5\n")
    recording = read_recording(path)
    assert recording.spo2.tolist() == [97, 96, 95.5]
    assert np.isnan(recording.pulse).all()


def test_decimal_commas_with_semicolons(tmp_path: Path) -> None:
    path = tmp_path / "night.csv"
    path.write_text("time;spo2;pulse\n0;96,5;60,5\n0,5;96;61\n1;95,5;\n")
    recording = read_recording(path)
    assert recording.interval_s == 0.5
    assert recording.spo2.tolist() == [96.5, 96, 95.5]


def test_faster_than_four_a_second_is_thinned_to_one(tmp_path: Path) -> None:
    path = tmp_path / "night.csv"
    path.write_text("time,spo2\n" + "".join(f"{n / 10:.1f},{90 + n // 10}\n" for n in range(50)))
    recording = read_recording(path)
    assert recording.interval_s == 1
    assert recording.spo2.tolist() == [90, 91, 92, 93, 94]
    assert "thinned" in recording.notes[0]


def test_a_gap_is_missing_samples_and_a_note(tmp_path: Path) -> None:
    rows = rows_of(START, 2, list(range(80, 100)), [60] * 20, [0] * 20)
    path = tmp_path / "night.csv"
    path.write_bytes(as_bytes(O2_DIALECTS["CRLF"](rows[:5] + rows[12:])))
    recording = read_recording(path)
    assert np.flatnonzero(np.isnan(recording.spo2)).tolist() == list(range(5, 12))
    assert recording.motion[5:12].tolist() == [255] * 7
    assert recording.notes == ("1 gaps, 14 s in all, left as missing",)


def test_a_line_cut_short_at_the_end_is_left_out_and_noted(tmp_path: Path) -> None:
    path = tmp_path / "night.csv"
    text = as_bytes(O2_DIALECTS["24 h, month name (O2 Max)"](rows_of(START, 2, SPO2, PULSE, MOTION)))
    path.write_bytes(text[:-12])
    recording = read_recording(path)
    assert recording.spo2.size == 9
    assert recording.notes == ("the last line is cut short and was left out",)


def test_the_repeated_hour_of_a_ring_that_follows_the_clocks(tmp_path: Path) -> None:
    paris = ZoneInfo("Europe/Paris")
    begin = datetime(2026, 10, 25, 1, 30, tzinfo=paris)
    rows = []
    for number in range(3600):
        at = datetime.fromtimestamp(begin.timestamp() + 2 * number, paris).replace(tzinfo=None)
        rows.append((at, 90 + number % 8, 60, 0))
    path = tmp_path / "night.csv"
    path.write_bytes(as_bytes(O2_DIALECTS["24 h, month name (O2 Max)"](rows)))
    for zone in (None, paris):
        recording = read_recording(path, zone)
        assert recording.spo2.tolist() == [90 + number % 8 for number in range(3600)]
    assert recording.start == begin


class TestRingBinaries:
    spo2 = np.array([0xFF if value is None else value for value in SPO2])
    pulse = np.array([0xFFFF if value is None else value for value in PULSE])

    @pytest.mark.parametrize("version", [3, 5])
    @pytest.mark.parametrize("interval_s", [1, 2, 4])
    @pytest.mark.parametrize("name", ["20260312235950.vld", "anything.csv", "night"])
    def test_viatom(self, tmp_path: Path, version: int, interval_s: int, name: str) -> None:
        path = tmp_path / name
        motion = np.array(MOTION)
        path.write_bytes(
            encode_vld(self.spo2, self.pulse, start=START, interval_s=interval_s, motion=motion, version=version)
        )
        recording = read_recording(path)
        assert (recording.source, recording.kind, recording.start) == (name, "viatom", START)
        assert (recording.interval_s, recording.notes) == (interval_s, ())
        np.testing.assert_array_equal(recording.spo2, as_floats(SPO2))
        np.testing.assert_array_equal(recording.pulse, as_floats(PULSE))
        assert recording.motion.tolist() == MOTION
        assert recording.flags.tolist() == [0] * 10

    def test_viatom_cut_short_and_undated(self, tmp_path: Path) -> None:
        path = tmp_path / "night.dat"
        path.write_bytes(encode_vld(self.spo2, self.pulse, start=None, interval_s=4)[:-8])
        recording = read_recording(path, ZoneInfo("UTC"))
        assert (recording.spo2.size, recording.interval_s, recording.start) == (8, 4, None)
        assert [note.split(":")[0] for note in recording.notes] == [
            "the file gives no start",
            "the file is not complete",
        ]

    def test_o2ring_s(self, tmp_path: Path) -> None:
        path = tmp_path / "20260312235950"
        pulse = np.minimum(self.pulse, 0xFF)
        marked = np.zeros(10, bool)
        marked[0] = True
        data = encode_oxyii(self.spo2, pulse, start=START, motion=np.array(MOTION), spo2_invalid=marked)
        path.write_bytes(data)
        recording = read_recording(path, ZoneInfo("Europe/Paris"))
        assert (recording.kind, recording.interval_s) == ("oxyii", 1)
        assert recording.start == START.replace(tzinfo=ZoneInfo("Europe/Paris"))
        np.testing.assert_array_equal(recording.spo2, [np.nan, *as_floats(SPO2)[1:]])
        np.testing.assert_array_equal(recording.pulse, as_floats(PULSE))
        assert recording.motion.tolist() == MOTION
        assert recording.notes == ("1 SpO2 values that the ring marked invalid were left out",)
        path.write_bytes(data[:-48])
        assert "had not finished" in read_recording(path).notes[0]
        path.write_bytes(data[:20] + bytes([data[20] ^ 1]) + data[21:])
        assert "checksum" in read_recording(path).notes[0]


class TestEdf:
    spo2 = tuple(float(80 + number % 20) for number in range(120))
    pulse = tuple(float(50 + number % 30) for number in range(60))

    def file(self, tmp_path: Path, edf: Edf) -> Path:
        path = tmp_path / "night.edf"
        path.write_bytes(edf.to_bytes())
        return path

    def channels(self, spo2: str = "SpO2", pulse: str = "Pulse") -> list[Channel]:
        eeg = Channel("EEG C3-M2", [0.0] * 60 * 64, 64, "uV", (-500, 500))
        wave = Channel("Pulse Wave", [0.0] * 60 * 16, 16, "", (-500, 500))
        return [eeg, wave, Channel(spo2, self.spo2, 2), Channel(pulse, self.pulse, 1, "bpm", (0, 300))]

    @pytest.mark.parametrize(
        "spo2", ["SpO2", "SaO2", "SAO2", "Osat", "SpO2 BB", "SpO2.1s", "O2 Sat", "Oxygen Saturatio"]
    )
    @pytest.mark.parametrize("pulse", ["Pulse", "PR", "HR", "Pulse Rate", "H.R.", "Heart Rate", "Pulse.1s"])
    def test_signals_by_name_whole_percents_exact(self, tmp_path: Path, spo2: str, pulse: str) -> None:
        recording = read_recording(self.file(tmp_path, Edf(self.channels(spo2, pulse), 60)))
        assert (recording.kind, recording.interval_s, recording.notes) == ("edf", 0.5, ())
        assert recording.start == datetime(2026, 3, 10, 23, 15)
        assert recording.spo2.tolist() == list(self.spo2)
        assert recording.pulse.tolist() == [value for value in self.pulse for _ in range(2)]

    def test_annotations_become_events_and_stages(self, tmp_path: Path) -> None:
        said = [(20.0, 12.5, "Hypopnea"), (5.0, 10.0, "Obstructive Apnoea"), (1.0, 0.0, "Apnea?"), (3, 9, "Snore")]
        said += [(0.0, 9.0, "Apnea before the first sample"), (70.0, 9.0, "Apnea after the last")]
        said += [(0.0, 30.0, "Sleep stage W"), (30.0, 30.0, "Sleep stage R")]
        edf = Edf(self.channels(), 60, plus="C", annotations=said, onsets=[0.25 + number for number in range(60)])
        recording = read_recording(self.file(tmp_path, edf))
        assert recording.start == datetime(2026, 3, 10, 23, 15, 0, 250_000)
        assert recording.events is not None
        assert recording.events.start_s.tolist() == [4.75, 19.75]
        assert recording.events.duration_s.tolist() == [10.0, 12.5]
        assert recording.stages is not None
        assert recording.stages.tolist() == [0] * 30 + [5] * 30

    def test_the_gaps_of_a_discontinuous_file_stay_where_they_were(self, tmp_path: Path) -> None:
        onsets = [float(number) for number in range(20)] + [float(number) for number in range(50, 90)]
        recording = read_recording(self.file(tmp_path, Edf(self.channels(), 60, plus="D", onsets=onsets)))
        assert recording.spo2.size == 180
        assert recording.spo2[:40].tolist() == list(self.spo2[:40])
        assert np.isnan(recording.spo2[40:100]).all()
        assert np.isnan(recording.pulse[40:100]).all()
        assert recording.spo2[100:].tolist() == list(self.spo2[40:])
        assert recording.notes == ("1 gaps, 30 s in all, left as missing",)

    def test_fast_signals_are_taken_once_a_second(self, tmp_path: Path) -> None:
        fast = Channel("SpO2", [float(90 + number // 64) for number in range(640)], 64)
        recording = read_recording(self.file(tmp_path, Edf([fast], 10)))
        assert (recording.interval_s, recording.spo2.tolist()) == (1, [float(90 + number) for number in range(10)])

    def test_a_file_cut_short_keeps_its_whole_records(self, tmp_path: Path) -> None:
        path = self.file(tmp_path, Edf(self.channels(), 60))
        path.write_bytes(path.read_bytes()[:-100])
        recording = read_recording(path)
        assert recording.spo2.tolist() == list(self.spo2[:118])
        assert recording.notes == ("the file is cut short: 59 of 60 data records are there",)

    def test_missing_marks_of_a_sleep_machine(self, tmp_path: Path) -> None:
        values = [-1.0, 95.0, 0.0, 127.0, 94.0]
        channel = Channel("SpO2.1s", values, 1, "%", (-1, 127), (-1, 127))
        recording = read_recording(self.file(tmp_path, Edf([channel], 5)))
        np.testing.assert_array_equal(recording.spo2, [np.nan, 95, np.nan, np.nan, 94])


def write_mat(path: Path, *, rate_hz: float = 1.0, events: bool = True, stages: bool = True) -> np.ndarray:
    spo2 = np.round(np.random.default_rng(4).uniform(85, 98, 600), 3)
    with h5py.File(path, "w", userblock_size=512) as file:
        file["SpO2/Sig"] = spo2[None, :]
        file["SpO2/SR"] = [[rate_hz]]
        if events:
            file["RespEvents/Start"] = [[200.5], [100.0]]
            file["RespEvents/Duration"] = [[20.0], [10.0]]
        else:
            for name in ("Start", "Duration"):  # MATLAB's empty matrix
                empty = file.create_dataset(f"RespEvents/{name}", data=np.zeros(2, np.uint64))
                empty.attrs["MATLAB_empty"] = np.uint8(1)
        if stages:
            file["SleepStage/Annotation"] = np.repeat([0.0, 2.0, 5.0], 200)[:, None]
            file["SleepStage/SR"] = [[1.0]]
    return spo2


class TestHdf5:
    def test_signal_events_and_stages(self, tmp_path: Path) -> None:
        spo2 = write_mat(tmp_path / "night.mat")
        recording = read_recording(tmp_path / "night.mat")
        assert (recording.kind, recording.start, recording.interval_s) == ("hdf5", None, 1)
        np.testing.assert_array_equal(recording.spo2, spo2.astype(np.float32))
        assert recording.events is not None
        assert recording.events.start_s.tolist() == [100.0, 200.5]
        assert recording.events.duration_s.tolist() == [10.0, 20.0]
        assert recording.stages is not None
        assert recording.stages.tolist() == [0] * 200 + [2] * 200 + [5] * 200

    def test_without_events_or_stages_and_at_two_hertz(self, tmp_path: Path) -> None:
        write_mat(tmp_path / "night.mat", rate_hz=2.0, events=False, stages=False)
        recording = read_recording(tmp_path / "night.mat")
        assert (recording.interval_s, recording.events, recording.stages) == (0.5, None, None)


class TestRealRecordings:
    @pytest.mark.parametrize("name", ["checkme-o2-max-20260310.csv", "checkme-o2-max-20260220-short.csv"])
    def test_o2_max_csv_row_for_row(self, recordings: Path, name: str) -> None:
        path = recordings / "oximetry" / name
        recording = read_recording(path)
        with path.open(newline="") as handle:
            rows = list(csv.DictReader(handle))
        first, last = (datetime.strptime(rows[at]["Time"], "%H:%M:%S %b %d %Y") for at in (0, -1))
        assert recording.start == first
        assert recording.interval_s == 2.0
        assert recording.spo2.size == (last - first) / timedelta(seconds=2) + 1 == len(rows)
        expected = [float(row["Oxygen Level"]) if row["Oxygen Level"] != "--" else np.nan for row in rows]
        np.testing.assert_array_equal(recording.spo2, expected)
        expected = [float(row["Pulse Rate"]) if row["Pulse Rate"] != "--" else np.nan for row in rows]
        np.testing.assert_array_equal(recording.pulse, expected)
        assert recording.motion.tolist() == [min(255, int(row["Motion"])) for row in rows]
        assert recording.notes == ()

    def test_the_reference_night(self, recordings: Path) -> None:
        recording = read_recording(recordings / "oximetry" / "hypoxic_burden_example.mat")
        assert recording.spo2.size == 32_520
        assert recording.events is not None
        text = (recordings / "oximetry" / "hypoxic_burden_example_events.csv").read_text()
        scored = [tuple(map(float, line)) for line in re.findall(r"^([\d.]+),([\d.]+)", text, re.MULTILINE)]
        read = list(zip(recording.events.start_s, recording.events.duration_s, strict=True))
        np.testing.assert_allclose(read, scored, atol=0.06)
        assert recording.stages is not None
        assert (recording.stages > 0).sum() == 32_520 - 9990
