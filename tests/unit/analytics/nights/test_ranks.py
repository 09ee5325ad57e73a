"""Rank statistics against scipy's own, and by hand where the answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from analytics.nights.ranks import mann_whitney_p, shift, slope


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("digits", [0, 6])
def test_mann_whitney_is_that_of_scipy_with_ties_or_without(seed: int, digits: int) -> None:
    rng = np.random.default_rng(seed)
    before, after = rng.normal(10, 2, 9).round(digits), rng.normal(11, 2, 14).round(digits)
    expected = stats.mannwhitneyu(before, after, method="asymptotic").pvalue
    assert mann_whitney_p(before, after) == pytest.approx(expected)


def test_equal_samples_and_empty_ones_show_no_difference() -> None:
    assert mann_whitney_p(np.full(5, 3.0), np.full(6, 3.0)) == 1.0
    assert mann_whitney_p(np.array([]), np.array([1.0])) == 1.0


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("digits", [0, 6])
def test_the_slope_is_theils_and_its_interval_sens(seed: int, digits: int) -> None:
    rng = np.random.default_rng(seed)
    at = np.sort(rng.choice(60, 20, replace=False)).astype(np.float64)
    values = (0.1 * at + rng.normal(10, 2, at.size)).round(digits)
    estimate, low, high, p = slope(at, values)
    expected = stats.theilslopes(values, at, 0.95)
    assert estimate == pytest.approx(expected.slope)
    # scipy rounds the rank that falls between two; here it goes outwards.
    assert low <= expected.low_slope + 1e-12
    assert high >= expected.high_slope - 1e-12
    assert low <= estimate <= high
    # scipy corrects Kendall's p differently for ties of one series alone, and not for continuity.
    assert p == pytest.approx(stats.kendalltau(at, values, method="asymptotic").pvalue, abs=0.04)


def test_one_wild_night_does_not_bend_a_slope() -> None:
    at = np.arange(21.0)
    values = 2.0 * at
    values[10] = 500.0
    assert slope(at, values)[0] == pytest.approx(2.0, abs=0.01)


def test_a_level_series_has_no_slope() -> None:
    assert slope(np.arange(5.0), np.full(5, 7.0)) == (0.0, 0.0, 0.0, 1.0)


def test_the_shift_is_the_median_of_all_differences() -> None:
    estimate, low, high = shift(np.array([1.0, 2.0, 3.0]), np.array([5.0, 6.0, 7.0]))
    assert estimate == 4.0
    assert (low, high) == (2.0, 6.0)  # with three and three no narrower interval has 95 %


def test_the_interval_of_a_shift_covers_as_often_as_it_says() -> None:
    rng = np.random.default_rng(3)
    hits = 0
    for _ in range(400):
        _, low, high = shift(rng.normal(0, 1, 10), rng.normal(1, 1, 12))
        hits += low <= 1.0 <= high
    assert hits / 400 == pytest.approx(0.95, abs=0.03)


def test_order_changes_no_bit() -> None:
    rng = np.random.default_rng(4)
    a, b = rng.normal(0, 1, 12), rng.normal(1, 1, 15)
    assert shift(a, b) == shift(a[::-1], rng.permutation(b))
    assert mann_whitney_p(a, b) == mann_whitney_p(a[::-1], rng.permutation(b))
