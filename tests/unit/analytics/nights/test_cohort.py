"""Misclassification and agreement over many people, by hand and on people of a known kind."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.nights.cohort import intraclass_correlation, misclassification


def test_people_whose_nights_agree_are_never_misclassified() -> None:
    values = np.repeat([[2.0], [9.0], [20.0], [45.0]], 10, axis=1)
    for found in misclassification(values, [1, 10]):
        assert (found.wrong_pct, found.f1, found.looks_normal_pct) == (0.0, 1.0, 0.0)
        assert found.wrong_by_class_pct == (0.0, 0.0, 0.0, 0.0)


def test_one_night_in_four_that_looks_normal_is_counted_so() -> None:
    values = np.array([[0.0, 40.0, 40.0, 40.0]] * 3)
    (one,) = misclassification(values, [1], draws=2000)
    assert one.looks_normal_pct == pytest.approx(25.0, abs=2.0)
    assert one.wrong_pct == pytest.approx(25.0, abs=2.0)
    assert one.f1 == pytest.approx(2 * 0.75 / 1.75, abs=0.02)
    assert np.isnan(one.wrong_by_class_pct[0])


def test_the_mean_of_all_nights_is_the_truth() -> None:
    values = np.random.default_rng(2).lognormal(2.3, 0.8, (40, 12))
    (every,) = misclassification(values, [12])
    assert every.wrong_pct == 0.0


def test_more_nights_are_wrong_less_often() -> None:
    rng = np.random.default_rng(3)
    values = rng.lognormal(2.2, 1.0, (150, 1)) * rng.lognormal(0, 0.45, (150, 40))
    wrong = [found.wrong_pct for found in misclassification(values, [1, 2, 4, 7, 14])]
    assert wrong == sorted(wrong, reverse=True)


def test_the_same_seed_gives_the_same_figures() -> None:
    values = np.random.default_rng(4).lognormal(2.3, 0.8, (20, 9))
    one, same, other = (misclassification(values, [3], seed=seed) for seed in (7, 7, 8))
    assert repr(one) == repr(same) != repr(other)


@pytest.mark.parametrize(
    ("values", "nights"),
    [
        (np.zeros((0, 3)), [1]),
        (np.zeros(5), [1]),
        (np.full((2, 3), np.nan), [1]),
        (np.zeros((2, 3)), [4]),
        (np.zeros((2, 3)), [0]),
    ],
)
def test_a_table_that_cannot_be_read_is_refused(values: np.ndarray, nights: list[int]) -> None:
    with pytest.raises(ValueError):
        misclassification(values, nights)


def test_agreement_is_that_of_the_variances_it_was_made_of() -> None:
    rng = np.random.default_rng(5)
    people = [rng.normal(level, 1.0, rng.integers(2, 12)) for level in rng.normal(0, 2.0, 1500)]
    assert intraclass_correlation(people) == pytest.approx(4.0 / 5.0, abs=0.03)


def test_agreement_by_hand() -> None:
    """Shrout and Fleiss: (MSB - MSW) / (MSB + (k - 1) MSW) with MSB 8 and MSW 2."""
    assert intraclass_correlation([[1.0, 3.0], [3.0, 5.0], [5.0, 7.0]]) == pytest.approx((8 - 2) / (8 + 2))


def test_agreement_needs_people_and_nights() -> None:
    with pytest.raises(ValueError):
        intraclass_correlation([[1.0, 2.0]])
    with pytest.raises(ValueError):
        intraclass_correlation([[1.0], [2.0]])
    assert intraclass_correlation([[3.0, 3.0], [3.0, 3.0]]) == 1.0
