"""The even grid: the interval that rows have, and where each goes."""

from __future__ import annotations

import numpy as np
import pytest

from gateway.service.exchange.files.grid import MAX_SPAN_S, clean_pulse, clean_spo2, fit_grid, thinning
from gateway.service.exchange.files.source import RowError


@pytest.mark.parametrize("interval_s", [0.25, 0.5, 1.0, 2.0, 3.0, 4.0, 10.0])
def test_an_even_column_is_its_own_grid(interval_s: float) -> None:
    grid = fit_grid(np.arange(50) * interval_s)
    assert (grid.interval_s, grid.size, grid.notes) == (interval_s, 50, ())
    assert grid.index.tolist() == list(range(50))


def test_a_gap_is_left_missing_and_noted() -> None:
    grid = fit_grid(np.array([0.0, 2, 4, 10, 12]))
    placed = grid.place(np.array([1.0, 2, 3, 4, 5]), np.nan)
    np.testing.assert_array_equal(placed, [1, 2, 3, np.nan, np.nan, 4, 5])
    assert grid.notes == ("1 gaps, 4 s in all, left as missing",)


def test_of_two_rows_at_one_time_the_later_stays() -> None:
    grid = fit_grid(np.array([0.0, 1, 2, 2, 3, 4]))
    assert grid.place(np.array([1.0, 2, 3, 33, 4, 5]), np.nan).tolist() == [1, 2, 33, 4, 5]
    assert "1 rows at the time of the row before" in grid.notes[0]


def test_several_rows_with_one_whole_second_stamp_are_spread_over_it() -> None:
    grid = fit_grid(np.repeat(np.arange(30.0), 4))
    assert (grid.interval_s, grid.size, grid.notes) == (0.25, 120, ())


def test_whole_second_stamps_over_a_slower_rhythm_leave_no_holes() -> None:
    grid = fit_grid(np.floor(np.arange(200) * 1.5))
    assert grid.interval_s == 1.5
    assert grid.index.tolist() == list(range(200))


def test_jitter_below_half_an_interval_moves_nothing() -> None:
    rng = np.random.default_rng(3)
    times = np.arange(500) * 4.0 + rng.uniform(0, 3, 500)
    grid = fit_grid(times - times[0])

    assert grid.interval_s == 4.0
    assert np.unique(grid.index).size == 500


@pytest.mark.parametrize(
    ("elapsed_s", "row", "what"),
    [
        ([0.0], 0, "one sample alone"),
        ([0.0, 0.0, 0.0], 0, "all times are the same"),
        ([0.0, 10.6, 21.2], 1, "too coarse"),
        ([0.0, 1.0, MAX_SPAN_S + 1.0], 2, "more than 3 days"),
        ([0.0, 1e-3, 2e-3, 3e-3, 4e4], 1, "too dense"),
    ],
)
def test_what_cannot_be_a_recording_is_refused(elapsed_s: list[float], row: int, what: str) -> None:
    with pytest.raises(RowError, match=what) as caught:
        fit_grid(np.array(elapsed_s))
    assert caught.value.row == row


def test_missing_marks_go_and_low_values_stay() -> None:
    values = np.array([0.0, 127, 255, 511, 65_535, np.nan, -1, 101.2, 100.4, 100, 70, 50, 49, 12])
    np.testing.assert_array_equal(clean_spo2(values), [*[np.nan] * 8, 100, 100, 70, 50, 49, 12])


def test_a_pulse_of_127_is_a_pulse() -> None:
    values = np.array([0.0, 127, 200, 254, 255, 511, 65_535, -3, np.nan])
    np.testing.assert_array_equal(clean_pulse(values), [np.nan, 127, 200, 254, *[np.nan] * 5])


@pytest.mark.parametrize(("interval_s", "every"), [(4, 1), (1, 1), (0.25, 1), (0.2, 5), (0.1, 10), (1 / 256, 256)])
def test_sampling_faster_than_four_a_second_is_thinned_to_one(interval_s: float, every: int) -> None:
    assert thinning(interval_s) == every
