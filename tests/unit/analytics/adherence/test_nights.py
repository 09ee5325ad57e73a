"""Wear by night: noon to noon in the patient's zone, DST nights, missing data."""

from __future__ import annotations

import math
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from analytics.adherence.nights import NightStatus, WearNight, wear_nights
from analytics.adherence.results import EdgeBy, Missing, PostureMinutes, Suspicion, WearInterval
from analytics.calendar import night_bounds, night_of

PARIS = ZoneInfo("Europe/Paris")
HOUR_MS = 3_600_000


def at(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=PARIS).timestamp() * 1000)


def worn(start: str, end: str, *, supine: float = 0.0, left: float = 0.0, suspect: bool = False) -> WearInterval:
    return WearInterval(
        at(start),
        at(end),
        EdgeBy.CURVE,
        EdgeBy.CURVE,
        20.0,
        20.0,
        PostureMinutes(supine, left, 0.0, 0.0, 0.0, 0.0),
        30.0,
        0.03,
        36.5,
        (Suspicion.NO_MOTION,) if suspect else (),
    )


def one(intervals: list[WearInterval], missing: list[Missing] | None = None) -> WearNight:
    (night,) = wear_nights(intervals, missing or [], at("2026-03-03T12:00"), at("2026-03-04T12:00") - 1, PARIS)
    return night


def test_a_night_begins_at_noon() -> None:
    assert night_of(at("2026-03-03T11:59:59"), PARIS) == date(2026, 3, 2)
    assert night_of(at("2026-03-03T12:00"), PARIS) == date(2026, 3, 3)
    assert night_of(at("2026-03-04T03:00"), PARIS) == date(2026, 3, 3)


@pytest.mark.parametrize(("night", "hours"), [("2026-03-28", 23), ("2026-10-24", 25), ("2026-03-03", 24)])
def test_nights_in_which_the_clocks_change(night: str, hours: int) -> None:
    begin, end = night_bounds(date.fromisoformat(night), PARIS)
    assert end - begin == hours * HOUR_MS
    assert night_of(begin, PARIS) == night_of(end - 1, PARIS) == date.fromisoformat(night)
    assert night_of(end, PARIS) != date.fromisoformat(night)


def test_wear_over_the_end_of_summer_time_is_counted_by_real_hours() -> None:
    interval = worn("2026-10-24T23:00", "2026-10-25T07:00")
    found = wear_nights([interval], [], at("2026-10-24T20:00"), at("2026-10-25T08:00"), PARIS)
    assert [(night.night, night.worn_min) for night in found] == [(date(2026, 10, 24), 9 * 60.0)]


def test_wear_of_one_night_is_summed_and_wear_over_noon_is_cut() -> None:
    intervals = [
        worn("2026-03-03T22:00", "2026-03-04T02:00"),
        worn("2026-03-04T03:00", "2026-03-04T07:00"),
        worn("2026-03-04T11:00", "2026-03-04T13:00", supine=60.0, left=60.0),
    ]
    first, second = wear_nights(intervals, [], at("2026-03-03T12:00"), at("2026-03-05T11:00"), PARIS)
    assert (first.worn_min, second.worn_min) == (9 * 60.0, 60.0)
    assert len(first.insertions_ms) == 3
    assert first.removals_ms[-1] == second.insertions_ms[0] == at("2026-03-04T12:00")
    assert second.supine_pct == 50.0


def test_suspect_wear_is_shown_and_not_counted() -> None:
    found = one([worn("2026-03-03T22:00", "2026-03-04T06:00", suspect=True)])
    assert (found.worn_min, found.suspect_min) == (0.0, 480.0)
    assert (found.status, found.hours) == (NightStatus.NOT_USED, 0.0)


def test_a_night_without_data_is_missing_and_not_unused() -> None:
    gap = Missing(at("2026-03-03T21:00"), at("2026-03-04T01:00"))
    missing, short = one([], [gap]), one([], [Missing(gap.start_ms, gap.end_ms - 60_000)])
    assert (missing.status, missing.hours, missing.missing_min) == (NightStatus.MISSING, None, 240.0 + 1 / 60_000)
    assert (short.status, short.hours) == (NightStatus.NOT_USED, 0.0)


def test_data_that_lack_by_day_leave_a_night_unused() -> None:
    (night,) = wear_nights([], [], at("2026-03-03T22:00"), at("2026-03-04T11:00"), PARIS)
    assert (night.missing_min, night.missing_in_bed_min) == (11 * 60.0, 120.0)
    assert night.status is NightStatus.NOT_USED


def test_a_used_night_with_much_missing_data_is_incomplete() -> None:
    gap = Missing(at("2026-03-03T21:00"), at("2026-03-04T02:00"))
    found = one([worn("2026-03-04T02:00", "2026-03-04T06:00")], [gap])
    assert (found.status, found.incomplete, found.hours) == (NightStatus.USED, True, 4.0)
    assert not one([worn("2026-03-04T02:00", "2026-03-04T06:00")]).incomplete


def test_what_lies_before_the_first_and_after_the_last_reading_is_missing() -> None:
    first, second = wear_nights([], [], at("2026-03-04T10:00"), at("2026-03-04T22:00"), PARIS)
    assert (first.missing_min, second.missing_min) == (22 * 60.0, 14 * 60.0)
    assert first.status is second.status is NightStatus.MISSING


def test_supine_share_is_of_the_time_lying() -> None:
    assert one([worn("2026-03-03T22:00", "2026-03-04T06:00", supine=100.0, left=300.0)]).supine_pct == 25.0
    assert math.isnan(one([worn("2026-03-03T22:00", "2026-03-04T06:00")]).supine_pct)


def test_readings_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(ValueError, match="before the first"):
        wear_nights([], [], 10, 5, PARIS)
