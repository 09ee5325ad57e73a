"""Stored files of Oxy rings."""

import csv
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from gateway.errors import ProtocolError
from gateway.home.devices.viatom import vld

START = datetime.fromisoformat("2026-01-16T23:33:12")
NAN = np.float32(np.nan)
SPO2 = np.array([97, 96, NAN, 88, 87, 89, 95, 97], "f4")
PULSE = np.array([60, 61, NAN, 70, 72, 300, 66, 61], "f4")
MOTION = np.array([0, 3, 255, 9, 0, 0, 1, 2], "u1")


def test_a_file_written_is_read_back() -> None:
    data = vld.encode_file(START, SPO2, PULSE, MOTION, interval_s=4, steps=70_000)
    stored = vld.parse_file(data)
    assert (stored.version, stored.start, stored.duration_s, stored.interval_s) == (3, START, 32, 4.0)
    np.testing.assert_array_equal(stored.spo2_pct, SPO2)
    np.testing.assert_array_equal(stored.pulse_bpm, PULSE)
    np.testing.assert_array_equal(stored.motion, MOTION)
    assert stored.complete
    assert (stored.summary.min_spo2_pct, stored.summary.below_90_s, stored.summary.steps) == (87, 12, 70_000)


def test_the_header_byte_for_byte() -> None:
    data = bytearray(40)
    data[0:9] = bytes.fromhex("0501ea070110172112".replace("2112", "210c"))
    data[9:13] = (45).to_bytes(4, "little")
    data[13:17] = (2).to_bytes(2, "little") + (1).to_bytes(2, "little")
    data[17:26] = bytes((96, 84, 11, 7, 13)) + (500).to_bytes(2, "little") + bytes((4, 88))
    data[26:30] = (1234).to_bytes(4, "little")
    stored = vld.parse_file(bytes(data) + bytes.fromhex("5f48000301"))
    assert (stored.version, stored.mode, stored.start, stored.asleep_s) == (5, 1, START, 1)
    assert stored.summary == vld.Summary(96, 84, 11, 7, 13, 500, 4, 8.8, 1234)
    assert (stored.spo2_pct[0], stored.pulse_bpm[0], stored.motion[0], stored.flags[0]) == (95, 72, 3, 1)
    assert stored.interval_s == 2.0


def test_markers_of_no_value() -> None:
    data = vld.encode_file(START, SPO2[:3], PULSE[:3], interval_s=4)
    for record in ("ffffff0000", "00000000ff", "65ff000000"):
        stored = vld.parse_file(data[:40] + bytes.fromhex(record) * 3)
        assert np.isnan(stored.spo2_pct).all()
        assert np.isnan(stored.pulse_bpm).all()


@pytest.mark.parametrize(
    ("duration_s", "records", "interval_s"),
    [
        (28_800, 7_200, 4.0),
        (28_801, 7_200, 4.0),
        (28_797, 7_200, 4.0),
        (27_156, 13_578, 2.0),
        (600, 600, 1.0),
        (10_200, 10_000, 1.0),
        (10_300, 10_000, 1.03),
        (30_000, 1_000, 30.0),
        (1, 0, 4.0),
    ],
)
def test_the_interval_follows_from_duration_and_records(duration_s: int, records: int, interval_s: float) -> None:
    assert vld.interval_s(duration_s, records) == interval_s


@pytest.mark.parametrize(("duration_s", "records"), [(0, 100), (65_535, 1_000), (9, 100)])
def test_no_interval(duration_s: int, records: int) -> None:
    with pytest.raises(ProtocolError):
        vld.interval_s(duration_s, records)


@pytest.mark.parametrize("missing", [1, 4, 5, 7, 39])
def test_a_file_cut_off_keeps_its_whole_records_and_its_interval(missing: int) -> None:
    data = vld.encode_file(START, SPO2, PULSE, MOTION, interval_s=2)
    stored = vld.parse_file(data[:-missing])
    whole = (len(data) - missing - 40) // 5
    assert not stored.complete
    assert "cut off" in stored.problems[0]
    assert ("last record" in stored.problems[-1]) == (missing % 5 != 0)
    assert stored.interval_s == 2.0
    np.testing.assert_array_equal(stored.spo2_pct, SPO2[:whole])


def test_what_follows_the_end_is_no_data() -> None:
    stored = vld.parse_file(vld.encode_file(START, SPO2, PULSE, interval_s=4) + bytes(7))
    assert stored.spo2_pct.size == SPO2.size
    assert stored.problems == ("7 bytes behind the end",)


def test_a_header_without_a_size() -> None:
    data = bytearray(vld.encode_file(START, SPO2, PULSE, interval_s=4))
    data[9:13] = bytes(4)
    stored = vld.parse_file(bytes(data))
    assert stored.spo2_pct.size == SPO2.size
    assert not stored.complete


def test_a_recording_without_a_sample() -> None:
    empty = np.array([], "f4")
    stored = vld.parse_file(vld.encode_file(START, empty, empty))
    assert stored.complete
    assert stored.spo2_pct.size == 0


def test_repeated_samples_are_noticed() -> None:
    twice = vld.encode_file(START, SPO2.repeat(2), PULSE.repeat(2), MOTION.repeat(2), interval_s=2)
    assert vld.parse_file(twice).repeats
    assert not vld.parse_file(vld.encode_file(START, SPO2, PULSE, MOTION, interval_s=2)).repeats


@pytest.mark.parametrize("change", [(0, 4), (4, 13), (5, 0), (6, 24), (8, 60)])
def test_no_stored_file(change: tuple[int, int]) -> None:
    data = bytearray(vld.encode_file(START, SPO2, PULSE))
    data[change[0]] = change[1]
    with pytest.raises(ProtocolError):
        vld.parse_file(bytes(data))


def test_shorter_than_a_header() -> None:
    with pytest.raises(ProtocolError, match="header"):
        vld.parse_file(bytes(39))


@pytest.mark.parametrize("case", ["version", "long", "ragged"])
def test_what_no_ring_would_store(case: str) -> None:
    with pytest.raises(ProtocolError):
        vld.encode_file(
            START,
            SPO2,
            PULSE[:-1] if case == "ragged" else PULSE,
            interval_s=8192 if case == "long" else 4,
            version=4 if case == "version" else 3,
        )


def check_csv(path: Path) -> None:
    """A night of a vendor's CSV goes through a stored file bit for bit."""
    with path.open(newline="") as lines:
        rows = list(csv.reader(lines))[1:]
    spo2, pulse = (np.array([float(row[i]) if row[i].isdigit() else np.nan for row in rows], "f4") for i in (1, 2))
    motion = np.array([int(row[3]) for row in rows], "u1")
    start = datetime.strptime(rows[0][0], "%H:%M:%S %b %d %Y")  # noqa: DTZ007 - the ring knows no zone
    stored = vld.parse_file(vld.encode_file(start, spo2, pulse, motion, interval_s=2, version=5))
    assert stored.complete
    assert (stored.start, stored.interval_s) == (start, 2.0)
    for column, expected in ((stored.spo2_pct, spo2), (stored.pulse_bpm, pulse), (stored.motion, motion)):
        assert column.tobytes() == expected.tobytes()


def test_a_recorded_night_survives_the_format(recordings: Path) -> None:
    check_csv(recordings / "oximetry" / "checkme-o2-max-20260310.csv")


def test_a_synthetic_night_survives_the_format(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    lines = ["Time,Oxygen Level,Pulse Rate,Motion,O2 Reminder,PR Reminder"]
    for i in range(3000):
        stamp = f"{23 - i // 3000:02d}:{i // 60 % 60:02d}:{i % 60:02d} Mar 10 2026"
        values = "--,--" if i % 97 == 0 else f"{rng.integers(80, 100)},{rng.integers(45, 110)}"
        lines.append(f"{stamp},{values},{rng.integers(0, 200)},0,0")
    path = tmp_path / "night.csv"
    path.write_text("\n".join(lines) + "\n")
    check_csv(path)
