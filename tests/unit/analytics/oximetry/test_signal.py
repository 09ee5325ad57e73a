"""The grid: one value a second from samples of any interval."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.oximetry import signal
from analytics.oximetry.signal import GAP, MISSING, OUT_OF_RANGE, VALID, OximetryChunk


def grid(*chunks: OximetryChunk) -> tuple[list[int], list[float], list[int], int]:
    """Seconds, values and reasons of a recording, and the samples that were ignored."""
    room = sum(signal.grid_capacity(len(c.spo2), c.dt_ms) for c in chunks)
    second, value = np.empty(room, np.int32), np.empty(room, np.float32)
    why, fresh = np.empty(room, np.uint8), np.empty(room, np.uint8)
    state = np.zeros(1, signal.GRID_DTYPE)[0]
    at = 0
    for c in chunks:
        at = signal.grid_advance(state, c.t0_ms, c.dt_ms, c.spo2, c.motion, c.flags, at, second, value, why, fresh)
    at = signal.grid_close(state, at, second, value, why, fresh)
    assert at <= room
    return second[:at].tolist(), value[:at].tolist(), why[:at].tolist(), int(state["ignored"])


def chunk(t0_ms: int, dt_ms: int, *values: float, flags: list[int] | None = None, motion: list[int] | None = None):
    return OximetryChunk(
        t0_ms,
        dt_ms,
        np.array(values, np.float32),
        motion=np.array(motion or [], np.uint8),
        flags=np.array(flags or [], np.uint16),
    )


def test_one_sample_a_second_is_the_grid_itself():
    second, value, why, _ = grid(chunk(5_000, 1000, 96, 95, 94))
    assert (second, value, why) == ([0, 1, 2], [96, 95, 94], [VALID] * 3)


def test_a_slow_device_is_held_not_interpolated():
    second, value, _, _ = grid(chunk(0, 4000, 96, 92))
    assert second == list(range(8))
    assert value == [96] * 4 + [92] * 4


def test_a_sample_is_held_for_ten_seconds_at_most():
    _, _, why, _ = grid(chunk(0, 12_000, 96, 96))
    assert why[:13] == [VALID] * 10 + [GAP] * 2 + [VALID]


def test_four_samples_a_second_give_the_last_valid_one():
    _, value, why, _ = grid(chunk(0, 250, 96, 95, 94, np.nan, 93, 93, 92, 92))
    assert (value, why) == ([94, 92], [VALID, VALID])


def test_one_suspect_sample_makes_the_second_suspect():
    _, _, why, _ = grid(chunk(0, 500, 96, 96, 96, 96, flags=[0, signal.FLAG_LOW_PERFUSION, 0, 0]))
    assert why == [signal.LOW_PERFUSION, VALID]


def test_a_gap_between_chunks_is_missing_time():
    second, _, why, _ = grid(chunk(0, 1000, 96, 96), chunk(5_000, 1000, 96))
    assert second == [0, 1, 2, 3, 4, 5]
    assert why == [VALID, VALID, GAP, GAP, GAP, VALID]


@pytest.mark.parametrize("gap_s", [15, 16, 17, 3600, 10**9])
def test_a_long_gap_costs_no_more_than_a_short_one(gap_s: int):
    second, _, why, _ = grid(chunk(0, 1000, 96), chunk(1000 * (gap_s + 1), 1000, 95))
    assert why == [VALID] + [GAP] * min(gap_s, signal.GAP_SECONDS) + [VALID]
    assert second[-1] == gap_s + 1


def test_samples_at_or_before_the_latest_are_ignored_and_counted():
    _, value, _, ignored = grid(chunk(0, 1000, 96, 95, 94), chunk(1_000, 1000, 80, 80, 93))
    assert value == [96, 95, 94, 93]
    assert ignored == 2


def test_a_clock_that_jitters_loses_nothing():
    second, value, why, _ = grid(
        chunk(0, 1000, 96), chunk(1_030, 1000, 95), chunk(2_010, 1000, 94), chunk(3_020, 1000, 93)
    )
    assert (second, value, why) == ([0, 1, 2, 3], [96, 95, 94, 93], [VALID] * 4)


@pytest.mark.parametrize(
    ("value", "reason"),
    [(49.9, OUT_OF_RANGE), (50, VALID), (100, VALID), (100.1, OUT_OF_RANGE), (-5, OUT_OF_RANGE)]
    + [(missing, MISSING) for missing in (0, 127, 255, 511, 65535, np.nan)],
)
def test_the_valid_range_is_50_to_100_and_nothing_narrower(value: float, reason: int):
    assert grid(chunk(0, 1000, 96, value, 96))[2] == [VALID, reason, VALID]


@pytest.mark.parametrize(
    ("flag", "reason"),
    [
        (signal.FLAG_NO_FINGER, signal.NO_FINGER),
        (signal.FLAG_LOW_PERFUSION, signal.LOW_PERFUSION),
        (signal.FLAG_POOR_SIGNAL, signal.POOR_SIGNAL),
        (signal.FLAG_DEVICE_ARTEFACT, signal.DEVICE_ARTEFACT),
        (signal.FLAG_CHARGING, signal.CHARGING),
    ],
)
def test_each_flag_has_its_reason(flag: int, reason: int):
    assert grid(chunk(0, 1000, 96, 96, 96, flags=[0, flag, 0]))[2] == [VALID, reason, VALID]


@pytest.mark.parametrize(
    ("motion", "reason"),
    [(signal.MOTION_LIMIT - 1, VALID), (signal.MOTION_LIMIT, signal.MOTION), (254, signal.MOTION), (255, VALID)],
)
def test_motion_is_suspect_from_its_limit_on_and_255_is_none(motion: int, reason: int):
    assert grid(chunk(0, 1000, 96, 96, 96, motion=[0, motion, 0]))[2] == [VALID, reason, VALID]


def test_a_chunk_says_what_is_wrong_with_it():
    with pytest.raises(ValueError, match="interval must be positive"):
        chunk(0, 0, 96)
    with pytest.raises(ValueError, match="differ in length"):
        chunk(0, 1000, 96, 96, flags=[0])
