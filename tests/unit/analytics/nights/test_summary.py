"""n-night means as they are shown: provisional, uncertain, and only of nights that count."""

from __future__ import annotations

import math

import numpy as np
import pytest

from analytics.nights.summary import CLASSES, outlook, outlooks
from tests.unit.analytics.nights.records import joined


@pytest.mark.parametrize(("nights", "provisional"), [(13, True), (14, False)])
def test_a_mean_is_provisional_below_fourteen_nights(nights: int, provisional: bool) -> None:
    assert outlook("odi3", [10.0] * nights).provisional == provisional


def test_the_plain_figures_are_those_of_the_nights() -> None:
    found = outlook("odi3", [4.0, 8.0, 18.0])
    assert (found.nights, found.mean, found.median, found.least, found.most) == (3, 10.0, 8.0, 4.0, 18.0)
    assert found.sd == pytest.approx(np.std([4.0, 8.0, 18.0], ddof=1))
    assert found.cv_pct == pytest.approx(100 * found.sd / 10.0)
    assert found.low < found.mean < found.high


def test_one_night_has_an_interval_and_no_sd() -> None:
    found = outlook("odi3", [12.0])
    assert (found.sd, found.cv_pct) == (None, None)
    assert found.high / found.low > 3
    assert tuple(found.probabilities) == CLASSES


def test_nights_of_zero_have_no_cv_and_a_true_interval() -> None:
    found = outlook("hypoxic_burden", [0.0, 0.0, 0.0])
    assert found.cv_pct is None
    assert (found.mean, found.severity) == (0.0, "normal")
    assert 0.0 <= found.low < found.high < 5.0


def test_a_class_is_uncertain_where_none_is_likely() -> None:
    border, clear = outlook("odi3", [14.0, 16.0]), outlook("odi3", [60.0] * 14)
    assert border.uncertain
    assert (clear.severity, clear.uncertain) == ("severe", False)
    assert clear.probabilities["severe"] > 0.95


def test_an_index_without_bands_has_no_class() -> None:
    found = outlook("t90_pct", [1.0, 2.0])
    assert (found.probabilities, found.severity, found.uncertain) == ({}, "unknown", False)


def test_steady_nights_are_more_reliable_and_more_nights_are_too() -> None:
    steady, restless = outlook("odi3", [10.0, 11.0, 10.0, 9.0]), outlook("odi3", [2.0, 40.0, 9.0, 20.0])
    assert steady.reliability > restless.reliability
    assert outlook("odi3", [10.0, 11.0] * 7).reliability > outlook("odi3", [10.0, 11.0]).reliability
    assert steady.night_factor < restless.night_factor


@pytest.mark.parametrize(("hours", "counts"), [(3.99, 0), (4.0, 1)])
def test_a_night_of_less_than_four_valid_hours_joins_no_mean(hours: float, counts: int) -> None:
    found = outlooks([joined(0, odi3=50.0, valid_h=hours), joined(1, odi3=10.0)])
    assert found[0].nights == 1 + counts


def test_indices_come_in_the_order_of_the_model_and_only_where_told() -> None:
    found = outlooks([joined(0, t90_pct=1.0, odi3=3.0), joined(1, odi3=4.0)])
    assert [(one.index, one.nights) for one in found] == [("odi3", 2), ("t90_pct", 1)]
    assert outlooks([]) == ()


def test_an_index_without_a_model_is_refused() -> None:
    with pytest.raises(ValueError, match="no model"):
        outlook("mean_spo2", [95.0])
    assert math.isfinite(outlook("odi4", [0.0]).high)
