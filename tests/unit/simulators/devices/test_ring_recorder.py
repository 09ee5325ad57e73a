"""An O2Ring's memory: what becomes a file, when, and with which bytes."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.wire.files.viatom import MISSING_PULSE, MISSING_SPO2, parse_vld
from simulators.devices import DeviceClock, Finger, RingOptions, Samples, Trace
from simulators.devices.ring_recorder import RingRecorder
from simulators.physiology import Sleeper

T0 = 1_700_000_000_000
LOCAL = datetime(2023, 11, 14, 23, 13, 20)  # noqa: DTZ001 - a ring knows no zone
HOUR_MS = 3_600_000


class StillClock:
    """A clock that stands where it is put."""

    def __init__(self, utc_ms: int = T0) -> None:
        self.now_ms = utc_ms

    def utc_ms(self) -> int:
        return self.now_ms


def trace(worn: list[tuple[int, bool]], start_ms: int = T0) -> Trace:
    """One sample a second; spells of (seconds, worn), SpO2 and pulse counting up."""
    on = np.concatenate([np.full(seconds, is_on) for seconds, is_on in worn])
    index = np.arange(on.size, dtype=np.float64)
    spo2, pulse = 80.0 + index % 20, 50.0 + index % 100
    return Trace(
        start_ms,
        1000,
        Samples(
            np.where(on, spo2, np.nan),
            np.where(on, pulse, np.nan),
            np.where(on, 2.0, np.nan),
            (index % 200).astype(np.uint8),
            on,
            np.zeros(on.size, dtype=np.bool_),
        ),
    )


def recorder(finger: Finger, options: RingOptions | None = None, *, drift_ppm: float = 0.0) -> RingRecorder:
    clock = DeviceClock(StillClock(), LOCAL, drift_ppm=drift_ppm)  # type: ignore[arg-type]  # needs no more of a clock
    return RingRecorder(options or RingOptions(), finger, clock, T0)


def test_a_recording_becomes_a_file_when_the_finger_has_been_away() -> None:
    ring = recorder(Finger([trace([(10, False), (600, True), (300, False)])]))
    ring.advance(T0 + 610_000 + 100_000)
    assert ring.recording
    assert not ring.files
    ring.advance(T0 + 610_000 + 130_000)
    assert not ring.recording
    (name,) = ring.files
    assert name == "20231114231330"
    stored = parse_vld(ring.files[name])
    assert stored.complete
    assert stored.start == LOCAL + timedelta(seconds=10)
    assert stored.interval_s == 4.0
    # 600 s worn, then the 120 s for which it waited: as real files do, it ends in rows without a value.
    assert stored.spo2.size == 180
    assert (stored.spo2[150:] == MISSING_SPO2).all()
    assert (stored.pulse[150:] == MISSING_PULSE).all()
    np.testing.assert_array_equal(stored.spo2[:150], 80 + (10 + 4 * np.arange(150)) % 20)
    np.testing.assert_array_equal(stored.pulse[:150], 50 + (10 + 4 * np.arange(150)) % 100)
    np.testing.assert_array_equal(stored.motion[:150], (10 + 4 * np.arange(150)) % 200)


@pytest.mark.parametrize(("gap_s", "files"), [(116, 1), (124, 2)])
def test_a_gap_splits_a_recording_only_when_it_is_long_enough(gap_s: int, files: int) -> None:
    ring = recorder(Finger([trace([(600, True), (gap_s, False), (600, True), (200, False)])]))
    ring.advance(T0 + HOUR_MS)
    assert len(ring.files) == files


@pytest.mark.parametrize(("worn_s", "files"), [(40, 0), (64, 1)])
def test_too_short_a_recording_is_not_kept(worn_s: int, files: int) -> None:
    options = RingOptions(off_s=8.0)
    ring = recorder(Finger([trace([(worn_s, True), (100, False)])]), options)
    ring.advance(T0 + HOUR_MS)
    assert len(ring.files) == files


def test_it_keeps_its_last_four_recordings() -> None:
    finger = Finger([trace([(300, True), (300, False)], T0 + k * HOUR_MS) for k in range(6)])
    ring = recorder(finger)
    ring.advance(T0 + 7 * HOUR_MS)
    assert len(ring.files) == 6
    assert list(ring.memory) == list(ring.files)[-4:]


def test_it_goes_on_in_a_next_file_after_its_longest() -> None:
    ring = recorder(Finger([trace([(9000, True), (300, False)])]), RingOptions(longest_h=1.0))
    ring.advance(T0 + 4 * HOUR_MS)
    parts = [parse_vld(data) for data in ring.files.values()]
    assert [part.spo2.size for part in parts] == [900, 900, 480]


def test_version_3_at_2_s_repeats_each_sample() -> None:
    ring = recorder(Finger([trace([(600, True), (300, False)])]), RingOptions(interval_s=2.0))
    ring.advance(T0 + HOUR_MS)
    (stored,) = (parse_vld(data) for data in ring.files.values())
    assert stored.interval_s == 2.0
    np.testing.assert_array_equal(stored.spo2[0::2], stored.spo2[1::2])
    np.testing.assert_array_equal(stored.spo2[0:300:2], 80 + (4 * np.arange(150)) % 20)


def test_version_5_at_2_s_repeats_nothing() -> None:
    ring = recorder(Finger([trace([(600, True), (300, False)])]), RingOptions(version=5, interval_s=2.0))
    ring.advance(T0 + HOUR_MS)
    (stored,) = (parse_vld(data) for data in ring.files.values())
    np.testing.assert_array_equal(stored.spo2[:300], 80 + (2 * np.arange(300)) % 20)


def test_losing_power_keeps_what_was_recorded() -> None:
    ring = recorder(Finger([trace([(600, True)])]))
    ring.stop(T0 + 200_000)
    (stored,) = (parse_vld(data) for data in ring.files.values())
    assert stored.spo2.size == 51
    assert not ring.recording


def test_a_fast_clock_samples_more_often() -> None:
    finger = Finger([trace([(7200, True), (300, False)])])
    fast, slow = recorder(finger, drift_ppm=1000.0), recorder(finger, drift_ppm=-1000.0)
    for ring in (fast, slow):
        ring.stop(T0 + 7_200_000 - 1)
    sizes = [parse_vld(next(iter(ring.files.values()))).spo2.size for ring in (fast, slow)]
    assert sizes == [1802, 1799]


def test_a_second_recording_of_the_same_name_moves_on_by_a_second() -> None:
    clock = StillClock()
    own = DeviceClock(clock, LOCAL)  # type: ignore[arg-type]  # needs no more of a clock
    finger = Finger([trace([(300, True), (300, False)]), trace([(300, True), (300, False)], T0 + HOUR_MS)])
    ring = RingRecorder(RingOptions(), finger, own, T0)
    ring.advance(T0 + 600_000)
    clock.now_ms = T0 + HOUR_MS
    own.set(LOCAL)
    ring.advance(T0 + 2 * HOUR_MS)
    assert list(ring.files) == ["20231114231320", "20231114231321"]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 2_000_000), max_size=12), st.sampled_from([RingOptions(), RingOptions(interval_s=2.0)]))
def test_how_often_it_is_asked_changes_nothing(steps: list[int], options: RingOptions) -> None:
    finger = Finger([trace([(30, False), (2000, True), (100, False), (1000, True), (150, False), (700, True)])])
    asked, at_once = recorder(finger, options, drift_ppm=40.0), recorder(finger, options, drift_ppm=40.0)
    now = T0
    for step in steps:
        now += step
        asked.advance(now)
    end = max(now, T0 + 2 * HOUR_MS)
    asked.advance(end)
    at_once.advance(end)
    assert asked.files == at_once.files


def test_a_night_is_stored_as_its_truth_rounded() -> None:
    night = Sleeper(11).night(T0)
    ring = recorder(Finger([Trace.of_night(night)]), replace(RingOptions(), version=5, interval_s=1.0))
    ring.advance(night.end_utc_ms + HOUR_MS)
    stored = [parse_vld(data) for data in ring.files.values()]
    worn = night.spo2_pct[~night.finger_off]
    rounded = np.concatenate([part.spo2[part.spo2 != MISSING_SPO2] for part in stored])
    np.testing.assert_array_equal(rounded, np.rint(worn))
