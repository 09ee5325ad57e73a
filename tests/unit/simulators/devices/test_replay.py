"""A real recording through a virtual ring: every valid sample comes out bit for bit."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from gateway.wire.files.viatom import MISSING_PULSE, MISSING_SPO2, parse_vld
from simulators.devices import DeviceClock, Finger, Recording, Trace, replay_options, replay_trace
from simulators.devices.ring_recorder import RingRecorder
from simulators.physiology import Sleeper

NAMES = ["checkme-o2-max-20260310.csv", "checkme-o2-max-20260220-short.csv"]


class StillClock:
    def __init__(self, utc_ms: int) -> None:
        self.now_ms = utc_ms

    def utc_ms(self) -> int:
        return self.now_ms


def read_o2_csv(path: Path) -> Recording:
    """The vendor's export as these tests need it: one dialect, two dashes for no value."""

    def number(text: str) -> float:
        return float(text) if text.strip().isdigit() else np.nan

    with path.open(encoding="utf-8", newline="") as handle:
        rows = list(csv.reader(handle))[1:]
    first, second = (datetime.strptime(row[0], "%H:%M:%S %b %d %Y") for row in rows[:2])  # noqa: DTZ007 - local time
    return Recording(
        start=first,
        interval_s=(second - first).total_seconds(),
        spo2_pct=np.array([number(row[1]) for row in rows]),
        pulse_bpm=np.array([number(row[2]) for row in rows]),
        motion=np.array([int(row[3]) for row in rows], dtype=np.uint8),
    )


def write_o2_csv(path: Path) -> Path:
    """A synthetic file of the same format."""
    night = Sleeper(21, "severe").night(0, 3 * 3600)
    lines = ["Time,Oxygen Level,Pulse Rate,Motion,O2 Reminder,PR Reminder"]
    for k in range(0, night.duration_s, 2):
        moment = datetime.fromtimestamp(1_773_100_936 + k, UTC).strftime("%H:%M:%S %b %d %Y")
        values = ("--", "--") if night.finger_off[k] else (round(night.spo2_pct[k]), round(night.pulse_bpm[k]))
        lines.append(f"{moment},{values[0]},{values[1]},{int(night.motion[k])},0,0")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def check(recording: Recording, delay_ms: int) -> None:
    trace = replay_trace(recording)
    begin = trace.start_utc_ms - 600_000 + delay_ms
    own = DeviceClock(StillClock(begin), datetime.fromtimestamp(begin / 1000, UTC).replace(tzinfo=None))  # type: ignore[arg-type]  # needs no more of a clock
    ring = RingRecorder(replay_options(recording), Finger([trace]), own, begin)
    ring.advance(trace.end_utc_ms + 3_600_000)
    (data,) = ring.files.values()
    stored = parse_vld(data)
    size = recording.spo2_pct.size
    assert stored.complete
    assert stored.interval_s == recording.interval_s
    assert stored.start is not None
    assert 0 <= (stored.start - recording.start).total_seconds() <= recording.interval_s
    np.testing.assert_array_equal(
        stored.spo2[:size], np.where(np.isnan(recording.spo2_pct), MISSING_SPO2, recording.spo2_pct)
    )
    np.testing.assert_array_equal(
        stored.pulse[:size], np.where(np.isnan(recording.pulse_bpm), MISSING_PULSE, recording.pulse_bpm)
    )
    np.testing.assert_array_equal(stored.motion[:size], recording.motion)
    assert (stored.spo2[size:] == MISSING_SPO2).all()


@pytest.mark.parametrize("delay_ms", [0, 1, 777, 1999])
def test_a_synthetic_recording_is_stored_bit_for_bit(tmp_path: Path, delay_ms: int) -> None:
    check(read_o2_csv(write_o2_csv(tmp_path / "synthetic.csv")), delay_ms)


@pytest.mark.parametrize("name", NAMES)
def test_a_real_recording_is_stored_bit_for_bit(recordings: Path, name: str) -> None:
    check(read_o2_csv(recordings / "oximetry" / name), delay_ms=777)


def test_a_recording_begins_at_its_local_time_in_its_zone_or_where_it_is_told() -> None:
    winter = datetime(2026, 1, 15, 23, 0)  # noqa: DTZ001 - a recording's time is local
    recording = Recording(winter, 4.0, np.array([96.0]), np.array([60.0]))
    assert replay_trace(recording, ZoneInfo("Europe/Berlin")).start_utc_ms == 1_768_514_400_000
    assert replay_trace(recording, start_utc_ms=5).start_utc_ms == 5


@pytest.mark.parametrize(
    "fields",
    [
        {"start": datetime(2026, 1, 1, tzinfo=UTC)},
        {"interval_s": 0.0},
        {"spo2_pct": np.zeros(0), "pulse_bpm": np.zeros(0)},
        {"pulse_bpm": np.zeros(2)},
        {"motion": np.zeros(2, dtype=np.uint8)},
    ],
)
def test_a_recording_that_cannot_be_is_refused(fields: dict[str, object]) -> None:
    good: dict[str, object] = {
        "start": datetime(2026, 1, 1),  # noqa: DTZ001 - a recording's time is local
        "interval_s": 2.0,
        "spo2_pct": np.array([96.0]),
        "pulse_bpm": np.array([60.0]),
    }
    with pytest.raises(ValueError):
        Recording(**{**good, **fields})  # type: ignore[arg-type]  # wrong on purpose


def test_a_finger_wears_one_trace_at_a_time_and_nothing_between_them() -> None:
    trace = replay_trace(
        Recording(datetime(1970, 1, 1), 2.0, np.array([96.0, 95.0]), np.array([60.0, 61.0]))  # noqa: DTZ001 - local
    )
    later = Trace(10_000, 1000, trace.samples)
    finger = Finger([trace, later])
    seen = finger.at(np.array([-1, 0, 1999, 2000, 3999, 4000, 9999, 10_000, 11_999, 12_000]))
    np.testing.assert_array_equal(seen.spo2_pct, [np.nan, 96, 96, 95, 95, np.nan, np.nan, 96, 95, np.nan])
    np.testing.assert_array_equal(seen.worn, ~np.isnan(seen.spo2_pct))
    with pytest.raises(ValueError):
        finger.wear(trace)
