"""With and without the MAD: which nights are compared, and what is said of them."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from analytics.nights.records import PatientNight, TreatmentStep
from analytics.nights.treatment import Comparison, compare, side_of
from tests.unit.analytics.nights.records import NIGHT, joined


def nights(values: list[float], first: int = 0, **told: float) -> list[PatientNight]:
    return [joined(first + i, odi3=value, **told) for i, value in enumerate(values)]


def compared(without: list[float], with_mad: list[float], **told: float) -> Comparison:
    found = compare("odi3", nights(without), nights(with_mad, 100, **told))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("mad_pct", "side"), [(0.0, "without"), (20.0, "without"), (20.1, "mixed"), (79.9, "mixed"), (80.0, "with")]
)
def test_a_night_is_with_or_without_by_the_share_of_its_oximetry(mad_pct: float, side: str) -> None:
    assert side_of(joined(0, mad_pct=mad_pct), []) == side


def test_a_night_without_a_recorder_is_without_only_before_treatment_began() -> None:
    began = [TreatmentStep(NIGHT + timedelta(days=5), 4.0)]
    assert side_of(joined(4), began) == "without"
    assert side_of(joined(5), began) == "unknown"
    assert side_of(joined(5), []) == "without"


BEFORE = [28.0, 35.0, 22.0, 31.0, 26.0, 40.0, 24.0, 30.0]


@pytest.mark.parametrize(
    ("share", "verdict"),
    [
        pytest.param(0.25, "working", id="a quarter remains"),
        pytest.param(0.62, "partly", id="two thirds remain"),
        pytest.param(1.0, "not", id="all remains"),
        pytest.param(1.5, "not", id="more than before"),
    ],
)
def test_the_verdict_follows_what_remains(share: float, verdict: str) -> None:
    found = compared(BEFORE, [share * value for value in BEFORE])
    assert found.verdict == verdict
    assert found.remaining_low_pct <= 100 * share + 2 <= found.remaining_high_pct + 4
    assert found.p_some + found.p_little == pytest.approx(1.0)


def test_half_gone_but_still_moderate_is_partly() -> None:
    found = compared([60.0, 55.0, 66.0, 62.0, 58.0], [20.0, 18.0, 22.0, 21.0, 19.0])
    assert found.p_half > 0.99
    assert found.verdict == "partly"


@pytest.mark.parametrize("count", [2, 3])
def test_two_nights_on_a_side_are_too_few(count: int) -> None:
    found = compared(BEFORE, [7.0, 6.0, 8.0][:count])
    assert (found.verdict, found.why) == (("cannot_say", "too_few_nights") if count == 2 else ("working", ""))


def test_one_night_on_a_side_says_nothing_and_stays_finite() -> None:
    found = compared(BEFORE, [7.0])
    assert found.verdict == "cannot_say"
    assert np.isfinite([found.remaining_low_pct, found.remaining_high_pct]).all()


def test_with_little_to_reduce_nothing_can_be_said() -> None:
    found = compared([3.0, 2.0, 4.0, 3.0, 2.5], [1.0, 0.8, 1.2, 1.0, 0.9])
    assert (found.verdict, found.why) == ("cannot_say", "little_to_reduce")


def test_nights_that_scatter_too_much_tell_nothing() -> None:
    found = compared([10.0, 40.0, 15.0], [25.0, 5.0, 14.0])
    assert (found.verdict, found.why) == ("cannot_say", "interval_too_wide")


def test_like_nights_are_paired_and_posture_no_longer_passes_for_treatment() -> None:
    """Without the MAD two thirds of the nights were on the back, with it one third: the MAD itself did nothing."""
    back, side = 30.0, 6.0
    without = [joined(i, odi3=back, supine_pct=90.0) for i in range(10)]
    without += [joined(10 + i, odi3=side, supine_pct=10.0) for i in range(5)]
    with_mad = [joined(100 + i, odi3=back, supine_pct=85.0) for i in range(5)]
    with_mad += [joined(110 + i, odi3=side, supine_pct=15.0) for i in range(10)]
    found = compare("odi3", without, with_mad)
    assert found is not None
    assert (found.matched, found.pairs) == (True, 10)
    assert found.remaining_pct == pytest.approx(100.0)
    assert found.verdict == "not"


@pytest.mark.parametrize(
    ("supine_pct", "sleep_h", "matched"),
    [
        pytest.param(60.0, 6.5, True, id="20 points of posture"),
        pytest.param(60.1, 6.5, False, id="more"),
        pytest.param(40.0, 5.0, True, id="1.5 h of sleep"),
        pytest.param(40.0, 4.9, False, id="more sleep"),
    ],
)
def test_nights_too_far_apart_are_not_alike(supine_pct: float, sleep_h: float, matched: bool) -> None:
    found = compared(BEFORE, [8.0] * 8, supine_pct=supine_pct, sleep_h=sleep_h)
    assert found.matched == matched
    assert found.pairs == (8 if matched else 0)


@pytest.mark.parametrize(("pairs", "matched"), [(4, False), (5, True)])
def test_fewer_than_five_pairs_are_not_used(pairs: int, matched: bool) -> None:
    far = [joined(50 + i, odi3=20.0, supine_pct=100.0) for i in range(4)]
    found = compare("odi3", [*nights(BEFORE), *far], nights([8.0] * pairs, 100))
    assert found is not None
    assert found.matched == matched
    assert (found.nights_without, found.nights_with) == (12, pairs)


def test_unknown_posture_is_never_matched() -> None:
    without = [joined(i, odi3=v, supine_pct=None) for i, v in enumerate(BEFORE)]  # type: ignore[arg-type]  # as joined
    found = compare("odi3", without, nights([8.0] * 8, 100))
    assert found is not None
    assert not found.matched


def test_the_difference_and_its_interval_are_students() -> None:
    found = compared([10.0, 20.0, 30.0, 20.0, 20.0], [8.0, 16.0, 24.0, 15.0, 17.0])
    assert found.matched
    assert found.difference == pytest.approx(-4.0)
    assert found.difference_low < -4.0 < found.difference_high < 0.0


def test_short_nights_count_on_neither_side_and_no_nights_are_no_comparison() -> None:
    assert compare("odi3", nights(BEFORE), []) is None
    assert compare("odi3", nights(BEFORE), nights([5.0], 100, valid_h=3.0)) is None


def test_an_index_without_classes_is_refused() -> None:
    with pytest.raises(ValueError, match="no classes"):
        compare("t90_pct", [], [])
