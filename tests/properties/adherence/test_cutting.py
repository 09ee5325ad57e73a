"""However a log arrives, its wear is the same, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.adherence.samples import WearChunk
from analytics.adherence.stream import WearOutput, WearState, close, find_wear, start, step
from tests.unit.analytics.adherence.mouths import HOUR_MS, T0, even, firmware, long_wears, pieces, short_wears

LOGS = [even(*long_wears(3, 2)), firmware(*short_wears(4, 6)), even(*short_wears(5, 6), 140.0)]
CUTS = st.lists(st.integers(0, 1200), max_size=40)


def run(chunks: list[WearChunk], restore: bool = False) -> WearOutput:
    state, intervals, missing, ignored = start(), (), (), 0
    for piece in chunks:
        if restore:
            state = WearState.from_bytes(state.to_bytes())
        state, output = step(state, piece)
        intervals, missing, ignored = intervals + output.intervals, missing + output.missing, output.ignored
    _, last = close(state)
    return WearOutput(intervals + last.intervals, missing, None, ignored)


@st.composite
def wild_logs(draw: st.DrawFn) -> WearChunk:
    """Any temperatures at any times: mouths and faults alike."""
    steps = draw(st.lists(st.integers(0, 2_000_000), min_size=1, max_size=60))
    size = len(steps)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    levels = rng.choice([5.0, 22.0, 29.0, 31.0, 31.7, 33.0, 36.0, 40.0, 55.0, np.nan, np.inf], size)
    celsius = levels + rng.normal(0, 0.3, size)
    accel = rng.integers(-1200, 1200, (size, 3)) if draw(st.booleans()) else np.empty((0, 3))
    motion = rng.integers(0, 400, size) if draw(st.booleans()) else np.empty(0)
    flags = rng.choice([0, 0, 0, 1, 6], size) if draw(st.booleans()) else np.empty(0)
    return WearChunk(
        T0 + np.cumsum(steps, dtype=np.int64),
        celsius.astype(np.float32),
        accel.astype(np.int16),
        motion.astype(np.uint16),
        flags.astype(np.uint16),
    )


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(range(len(LOGS))), CUTS)
def test_any_cutting_gives_the_same_bits(number: int, at: list[int]) -> None:
    assert repr(run(list(pieces(LOGS[number], at)))) == repr(find_wear(LOGS[number]))


def test_one_reading_at_a_time_gives_the_same_bits() -> None:
    log = LOGS[2]
    assert repr(run(list(pieces(log, range(log.t_ms.size))))) == repr(find_wear(log))


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(range(len(LOGS))), CUTS)
def test_a_snapshot_and_restore_anywhere_gives_the_same_bits(number: int, at: list[int]) -> None:
    assert repr(run(list(pieces(LOGS[number], at)), restore=True)) == repr(find_wear(LOGS[number]))


@settings(max_examples=150, deadline=None)
@given(wild_logs(), CUTS)
def test_whatever_the_readings_wears_are_in_order_apart_and_the_same_in_pieces(log: WearChunk, at: list[int]) -> None:
    whole = find_wear(log)
    optional = [log.accel, log.motion, log.flags]
    cut = list(pieces(log, at)) if all(len(column) for column in optional) else [log]
    assert repr(run(cut)) == repr(whole)
    edges = [edge for wear in whole.intervals for edge in (wear.start_ms, wear.end_ms)]
    assert edges == sorted(edges)
    assert all(wear.minutes >= 5 for wear in whole.intervals)
    assert all(log.t_ms[0] <= edge <= log.t_ms[-1] for edge in edges)
    for gap in whole.missing:
        assert gap.minutes > 20
        assert not any(wear.start_ms < gap.end_ms and wear.end_ms > gap.start_ms for wear in whole.intervals)


@settings(max_examples=20, deadline=None)
@given(st.integers(-(2**40), 2**42))
def test_the_date_only_moves_the_wears(by_ms: int) -> None:
    log = LOGS[1]
    moved = find_wear(WearChunk(log.t_ms + by_ms, log.temperature, log.accel, log.motion, log.flags))
    here = find_wear(log)
    assert [wear.start_ms - by_ms for wear in moved.intervals] == [wear.start_ms for wear in here.intervals]
    assert [wear.end_sd_s for wear in moved.intervals] == [wear.end_sd_s for wear in here.intervals]


def test_a_chunk_that_comes_twice_is_ignored() -> None:
    log = LOGS[0]
    again = run([log, log])
    assert again.ignored == log.t_ms.size
    assert again.intervals == find_wear(log).intervals


def test_a_night_run_again_from_any_quiet_hour_is_the_same() -> None:
    """Late data run again from the store: nothing is remembered from one wear to the next."""
    log = LOGS[0]
    later = log.t_ms >= T0 + 13 * HOUR_MS
    part = WearChunk(log.t_ms[later], log.temperature[later], log.accel[later], log.motion[later], log.flags[later])
    assert find_wear(part).intervals == find_wear(log).intervals[-len(find_wear(part).intervals) :]


@pytest.mark.parametrize("damage", [b"", b"x", b"somnolink wear 0 state 1 1 "])
def test_a_damaged_snapshot_is_refused(damage: bytes) -> None:
    with pytest.raises(ValueError, match="not a state"):
        WearState.from_bytes(damage)
    good = start().to_bytes()
    with pytest.raises(ValueError, match="damaged"):
        WearState.from_bytes(good[:-1])
    with pytest.raises(ValueError, match="damaged"):
        WearState.from_bytes(good[:-1] + b"\x01")
