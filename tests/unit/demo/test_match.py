"""What was generated against what was kept: each row once, holes found again, strangers counted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.demo.match import WINDOW, Rows, count_aligned, count_sparse

TOLERANCE_MS = 2_000.0
FOREVER = 1e15


def wave(count: int, *, late_ms: float = 0.0, seed: int = 1) -> Rows:
    values = np.random.default_rng(seed).integers(-500, 500, count)
    return Rows(np.arange(count) * 20.0 + late_ms, values)


def without(rows: Rows, *holes: slice) -> Rows:
    keep = np.ones(rows.values.size, bool)
    for hole in holes:
        keep[hole] = False
    return Rows(rows.t_ms[keep], rows.values[keep])


@pytest.mark.parametrize("late_ms", [0.0, 90.0, -1_990.0])
def test_the_whole_waveform_is_found_within_the_tolerance(late_ms: float) -> None:
    assert count_aligned(wave(100_000), wave(100_000, late_ms=late_ms), TOLERANCE_MS, FOREVER) == (100_000, 0, 0)


def test_beyond_the_tolerance_nothing_is_found() -> None:
    assert count_aligned(wave(500), wave(500, late_ms=2_010.0), TOLERANCE_MS, FOREVER) == (0, 500, 500)


@given(st.lists(st.tuples(st.integers(0, 90), st.integers(1, 90)), max_size=10))
def test_what_is_missing_is_counted_and_the_rest_is_found(holes: list[tuple[int, int]]) -> None:
    whole = wave(3_000)
    starts = [300 * place + offset for place, (offset, _) in enumerate(holes)]
    kept = without(whole, *(slice(start, start + length) for start, (_, length) in zip(starts, holes, strict=True)))
    assert count_aligned(whole, kept, TOLERANCE_MS, FOREVER) == (kept.values.size, 3_000 - kept.values.size, 0)


def test_between_two_holes_that_are_close_no_loss_is_hidden() -> None:
    whole = wave(1_000)
    kept = without(whole, slice(100, 101), slice(102, 103))
    found, missing, left = count_aligned(whole, kept, TOLERANCE_MS, FOREVER)
    assert missing >= 2
    assert found + missing == 1_000
    assert found + left == kept.values.size


@pytest.mark.parametrize("at", [0, 1, 700, 999])
def test_a_row_that_comes_twice_is_left_over(at: int) -> None:
    whole = wave(1_000)
    twice = Rows(np.insert(whole.t_ms, at, whole.t_ms[at]), np.insert(whole.values, at, whole.values[at]))
    found, missing, left = count_aligned(whole, twice, TOLERANCE_MS, FOREVER)
    assert (missing, left) == (0, 1)
    assert found == 1_000


def test_a_stretch_that_comes_twice_is_left_over() -> None:
    whole = wave(1_000)
    twice = Rows(np.insert(whole.t_ms, 500, whole.t_ms[400:500]), np.insert(whole.values, 500, whole.values[400:500]))
    assert count_aligned(whole, twice, TOLERANCE_MS, FOREVER) == (1_000, 0, 100)


def test_rows_that_were_never_generated_are_left_over() -> None:
    whole, strangers = wave(1_000), wave(2 * WINDOW, seed=2)
    kept = Rows(
        np.insert(whole.t_ms, 300, whole.t_ms[300] + strangers.t_ms), np.insert(whole.values, 300, strangers.values)
    )
    assert count_aligned(whole, kept, TOLERANCE_MS, FOREVER) == (1_000, 0, 2 * WINDOW)


@pytest.mark.parametrize(("due_ms", "missing"), [(19_980.0 - 20, 99), (19_980.0, 100), (10_000.0, 0)])
def test_what_is_not_due_yet_is_not_missing(due_ms: float, missing: int) -> None:
    whole = wave(1_000)
    assert count_aligned(whole, without(whole, slice(900, None)), TOLERANCE_MS, due_ms) == (900, missing, 0)


def test_nothing_against_nothing() -> None:
    empty = Rows(np.zeros(0), np.zeros(0, np.int64))
    assert count_aligned(empty, empty, TOLERANCE_MS, FOREVER) == (0, 0, 0)
    assert count_aligned(wave(10), empty, TOLERANCE_MS, FOREVER) == (0, 10, 0)
    assert count_aligned(empty, wave(10), TOLERANCE_MS, FOREVER) == (0, 0, 10)


def records(*entries: tuple[float, int]) -> Rows:
    return Rows(np.array([at for at, _ in entries], np.float64), np.array([value for _, value in entries], np.int64))


def test_records_match_by_time_and_value_each_once() -> None:
    expected = records((0, 10), (60_000, 10), (120_000, 20), (180_000, 30))
    kept = records((1_990, 10), (60_000, 11), (62_001, 10), (120_000, 25))
    assert count_sparse(expected, kept, TOLERANCE_MS, 1, FOREVER) == (2, 2, 2)
    assert count_sparse(expected, kept, TOLERANCE_MS, 1, 150_000) == (2, 1, 2)


def test_two_records_alike_need_two() -> None:
    expected = records((0, 10), (100, 10))
    assert count_sparse(expected, records((50, 10)), TOLERANCE_MS, 0, FOREVER) == (1, 1, 0)
    assert count_sparse(expected, records((50, 10), (60, 10)), TOLERANCE_MS, 0, FOREVER) == (2, 0, 0)
