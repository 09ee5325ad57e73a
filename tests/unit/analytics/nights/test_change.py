"""Trends, changes at and between steps, and bedtime: each found where it is, and not where it is not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import msgspec
import numpy as np
import pytest

from analytics.nights.bedtime import bedtime
from analytics.nights.changes import Change, changes
from analytics.nights.records import PatientNight, TreatmentStep
from analytics.nights.trend import trend, trends
from tests.unit.analytics.nights.records import NIGHT, at, joined


def series(values: Sequence[float]) -> list[PatientNight]:
    return [joined(i, odi3=float(value)) for i, value in enumerate(values)]


def noisy(levels: Sequence[float], seed: int = 0, spread: float = 0.3) -> list[PatientNight]:
    """Nights about levels, as nights of people differ."""
    factors = np.exp(spread * np.random.default_rng(seed).standard_normal(len(levels)))
    return series(np.asarray(levels) * factors)


def day(number: int) -> date:
    return NIGHT + timedelta(days=number)


@pytest.mark.parametrize(("by_night", "direction"), [(0.5, "rising"), (-0.5, "falling"), (0.0, "level")])
def test_a_trend_is_told_by_30_days(by_night: float, direction: str) -> None:
    found = trend("odi3", noisy([30.0 + by_night * i for i in range(40)], spread=0.08))
    assert found is not None
    assert found.direction == direction
    assert found.per_month == pytest.approx(30 * by_night, abs=3.0)
    assert found.low <= found.per_month <= found.high
    assert (found.nights, found.days) == (40, 39)


def test_a_trend_goes_by_the_calendar_not_by_the_count_of_nights() -> None:
    nights = [joined(i, odi3=10.0 + i) for i in range(0, 60, 6)]
    found = trend("odi3", nights)
    assert found is not None
    assert found.per_month == pytest.approx(30.0)


@pytest.mark.parametrize(("count", "direction"), [(7, "cannot_say"), (8, "rising")])
def test_fewer_than_eight_nights_show_no_trend(count: int, direction: str) -> None:
    found = trend("odi3", series(range(1, count + 1)))
    assert found is not None
    assert found.direction == direction


def test_two_nights_are_no_series() -> None:
    assert trend("odi3", series([1, 2])) is None
    assert trends(series([1, 2, 3]))[0].index == "odi3"


def known(found: tuple[Change, ...]) -> list[Change]:
    return [one for one in found if one.cause == "treatment_step"]


def unknown(found: tuple[Change, ...]) -> list[Change]:
    return [one for one in found if one.cause == "unknown"]


def test_a_step_of_treatment_that_helps_is_found_with_its_size() -> None:
    found = changes("odi3", noisy([30.0] * 14 + [10.0] * 14), [TreatmentStep(day(14), 5.0)])
    (step,) = found
    assert (step.night, step.advancement_mm, step.changed) == (day(14), 5.0, True)
    assert (step.nights_before, step.nights_after) == (14, 14)
    assert step.low < 1 / 3 < step.high < 1.0


def test_a_step_that_does_nothing_is_shown_as_that() -> None:
    (step,) = changes("odi3", noisy([20.0] * 28, seed=2), [TreatmentStep(day(14), 6.0)])
    assert not step.changed
    assert step.low < 1.0 < step.high


@pytest.mark.parametrize(("after", "told"), [(4, 0), (5, 1)])
def test_a_step_says_nothing_before_five_nights(after: int, told: int) -> None:
    found = changes("odi3", series([30.0 + i for i in range(10)] + [8.0] * after), [TreatmentStep(day(10), 5.0)])
    assert len(known(found)) == told


def test_each_step_is_compared_with_the_nights_since_the_step_before() -> None:
    steps = [TreatmentStep(day(10), 4.0), TreatmentStep(day(20), 6.0)]
    found = known(changes("odi3", noisy([40.0] * 10 + [20.0] * 10 + [8.0] * 10, spread=0.15), steps))
    assert [(one.night, one.nights_before, one.nights_after, one.changed) for one in found] == [
        (day(10), 10, 10, True),
        (day(20), 10, 10, True),
    ]


def test_an_unknown_change_is_found_where_it_is() -> None:
    (change,) = changes("odi3", noisy([10.0] * 20 + [30.0] * 20, seed=4), [])
    assert abs((change.night - day(20)).days) <= 2
    assert (change.cause, change.changed, change.advancement_mm) == ("unknown", True, None)
    assert change.low < 3.0 < change.high


@pytest.mark.parametrize(("each", "found"), [((7, 8), 0), ((8, 8), 1)])
def test_an_unknown_change_takes_sixteen_nights(each: tuple[int, int], found: int) -> None:
    """However large it is: with fewer the best cut of chance alone reaches the same."""
    before, after = each
    assert len(changes("odi3", series([10.0] * before + [80.0] * after), [])) == found


def test_a_change_at_a_known_step_is_not_called_unknown_too() -> None:
    found = changes("odi3", noisy([30.0] * 20 + [8.0] * 20, seed=5), [TreatmentStep(day(20))])
    assert [one.cause for one in found] == ["treatment_step"]


def test_two_unknown_changes_are_both_found() -> None:
    found = unknown(changes("odi3", noisy([10.0] * 20 + [40.0] * 20 + [10.0] * 20, seed=6, spread=0.15), []))
    assert len(found) == 2
    assert [abs((one.night - day(at)).days) <= 2 for one, at in zip(found, (20, 40), strict=True)] == [True, True]


def test_steady_nights_rarely_show_a_change() -> None:
    """At a level of 1 % in all, Pettitt's bound keeps false ones rare."""
    false = sum(bool(changes("odi3", noisy([15.0] * 30, seed=seed, spread=0.4), [])) for seed in range(300))
    assert false <= 6


def test_changes_need_an_index_with_a_model() -> None:
    with pytest.raises(ValueError, match="no model"):
        changes("mean_spo2", [], [])
    assert changes("odi3", [], [TreatmentStep(NIGHT)]) == ()


def in_bed(number: int, clock: str, first: date = NIGHT, kind: str = "bed") -> PatientNight:
    night = first + timedelta(days=number)
    evening = night if clock > "12:00" else night + timedelta(days=1)
    plain = joined(number, first=first)
    return msgspec.structs.replace(
        plain, bedtime_ms=at(evening, clock), rise_ms=at(night + timedelta(days=1), "07:00"), bedtime_of=kind
    )


@pytest.mark.parametrize(
    ("clock", "minutes", "direction"),
    [("00:00", 60.0, "later"), ("23:59", 59.0, "steady"), ("00:30", 90.0, "later"), ("21:30", -90.0, "earlier")],
)
def test_two_weeks_of_another_bedtime_are_shown_from_an_hour_on(clock: str, minutes: float, direction: str) -> None:
    found = bedtime([in_bed(i, "23:00") for i in range(30)] + [in_bed(30 + i, clock) for i in range(14)])
    assert found is not None
    assert found.shift_min == pytest.approx(minutes)
    assert found.direction == direction
    assert (found.recent_nights, found.usual_nights) == (14, 30)


@pytest.mark.parametrize(("recent", "direction"), [(6, "cannot_say"), (7, "later")])
def test_a_week_of_nights_on_either_side_is_needed(recent: int, direction: str) -> None:
    usual = [in_bed(i, "23:00") for i in range(10)]
    found = bedtime([*usual, *(in_bed(40 + i, "01:00") for i in range(recent))])
    assert found is not None
    assert found.direction == direction
    assert (found.shift_min is None) == (direction == "cannot_say")


def test_bedtime_does_not_move_with_the_clocks() -> None:
    first = date(2026, 3, 5)
    found = bedtime([in_bed(i, "23:00", first) for i in range(45)])
    assert found is not None
    assert (found.bedtime_min, found.shift_min, found.bedtime_spread_min) == (660.0, 0.0, 0.0)
    assert found.rise_min == 19 * 60


def test_only_nights_told_by_the_same_kind_of_sensor_are_compared() -> None:
    nights = [in_bed(i, "23:00") for i in range(30)] + [in_bed(30 + i, "00:30", kind="wear") for i in range(14)]
    found = bedtime(nights)
    assert found is not None
    assert (found.told_by, found.nights, found.direction) == ("bed", 30, "cannot_say")


def test_regularity_is_robust_to_one_late_night() -> None:
    nights = [in_bed(i, clock) for i, clock in enumerate(["22:50", "23:00", "23:10"] * 5)] + [in_bed(15, "04:00")]
    found = bedtime(nights)
    assert found is not None
    assert found.bedtime_spread_min == pytest.approx(1.4826 * 10.0)


def test_no_bedtime_no_answer() -> None:
    assert bedtime([joined(0)]) is None
    assert bedtime([]) is None
