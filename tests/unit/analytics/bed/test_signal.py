"""Samples into slots of 20 ms."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.bed.signal import (
    CLIPPED,
    EMPTY,
    FILLED,
    FLUSH_SLOTS,
    SATURATED,
    SLOTS_DTYPE,
    WaveformChunk,
    slots_advance,
    slots_capacity,
)


def fill(*chunks: WaveformChunk) -> tuple[list[int], list[float], list[int], int]:
    """Slots, values, what they hold, and how many samples were dropped."""
    state = np.zeros(1, SLOTS_DTYPE)
    state["scale"] = 1.0
    slots: list[int] = []
    values: list[float] = []
    holds: list[int] = []
    for chunk in chunks:
        room = slots_capacity(chunk.pressure.size)
        slot, value = np.empty(room, np.int64), np.empty(room)
        held, step = np.empty(room, np.uint8), np.empty(room)
        given = (chunk.t0_ms, chunk.dt_ms, chunk.pressure, chunk.gain, chunk.flags, chunk.gain_ratio)
        made = slots_advance(state[0], *given, False, slot, value, held, step)
        slots += slot[:made].tolist()
        values += value[:made].tolist()
        holds += held[:made].tolist()
    return slots, values, holds, int(state["ignored"][0])


def samples(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float64)


def test_a_sample_of_50_hz_is_a_slot() -> None:
    slots, values, holds, _ = fill(WaveformChunk(1000.0, 20.0, samples(1, 2, 3)))
    assert (slots, values, holds) == ([50, 51, 52], [1.0, 2.0, 3.0], [FILLED] * 3)


@pytest.mark.parametrize("shift_ms", [-15, -10, 0, 10, 30])
def test_a_clock_that_wanders_loses_nothing(shift_ms: int) -> None:
    first = WaveformChunk(1005.0, 20.0, samples(1, 2))
    slots, _, holds, dropped = fill(first, WaveformChunk(1045.0 + shift_ms, 20.0, samples(3, 4)))
    assert (slots, holds, dropped) == ([50, 51, 52, 53], [FILLED] * 4, 0)


def test_a_hole_leaves_its_slots_empty() -> None:
    slots, _, holds, _ = fill(WaveformChunk(1000.0, 20.0, samples(1)), WaveformChunk(1080.0, 20.0, samples(5)))
    assert slots == [50, 51, 52, 53, 54]
    assert holds == [FILLED, EMPTY, EMPTY, EMPTY, FILLED]


def test_of_a_long_hole_only_what_the_delays_need_is_passed() -> None:
    week_ms = 7 * 86_400_000.0
    slots, _, holds, _ = fill(WaveformChunk(0.0, 20.0, samples(1)), WaveformChunk(week_ms, 20.0, samples(2)))
    assert len(slots) == FLUSH_SLOTS + 2
    assert slots[-1] == week_ms / 20
    assert holds[1:-1] == [EMPTY] * FLUSH_SLOTS


def test_samples_that_come_again_are_dropped_and_counted() -> None:
    chunk = WaveformChunk(1000.0, 20.0, samples(1, 2, 3))
    slots, values, _, dropped = fill(chunk, chunk)
    assert (len(slots), values, dropped) == (3, [1.0, 2.0, 3.0], 3)


def test_faster_samples_are_averaged_in_their_slot() -> None:
    slots, values, _, _ = fill(WaveformChunk(0.0, 1.0, np.arange(60.0)))
    assert slots == [0, 1]  # the third is not known to be whole
    assert values == [9.5, 29.5]


def test_a_clipped_sample_spoils_its_slot_and_a_missing_one_empties_it() -> None:
    flags = np.array([0, CLIPPED, 0], np.uint8)
    _, _, holds, _ = fill(WaveformChunk(0.0, 20.0, samples(1, 32767, np.nan), flags=flags))
    assert holds == [FILLED, SATURATED, EMPTY]


def test_values_are_told_as_if_taken_with_the_lowest_gain() -> None:
    gain = np.array([0, 1, 2], np.uint8)
    _, values, _, _ = fill(WaveformChunk(0.0, 20.0, samples(100, 400, 1600), gain=gain, gain_ratio=4.0))
    assert values == [100.0, 100.0, 100.0]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"dt_ms": 20.6}, "20.5 ms or more often"),
        ({"dt_ms": 0.0}, "or more often"),
        ({"t0_ms": float("nan")}, "not a time"),
        ({"pressure": np.zeros(3, np.float32)}, "float64"),
        ({"gain": np.zeros(2, np.uint8)}, "gain is one uint8"),
        ({"flags": np.zeros(3, np.int64)}, "flags is one uint8"),
        ({"gain_ratio": 0.5}, "multiplies by 1 or more"),
        ({"count": -1.0}, "a count"),
    ],
)
def test_what_cannot_be_a_waveform_is_refused(wrong: dict[str, object], says: str) -> None:
    right: dict[str, object] = {"t0_ms": 0.0, "dt_ms": 20.0, "pressure": np.zeros(3)}
    with pytest.raises(ValueError, match=says):
        WaveformChunk(**(right | wrong))  # type: ignore[arg-type] - wrong on purpose
