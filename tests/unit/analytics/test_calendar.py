"""Noon to noon on the wall clock, over both changes of the clocks; and the arithmetic of spans."""

from __future__ import annotations

from datetime import date, time, timedelta

import pytest

from analytics.calendar import at_wall_time, minutes_after_noon, night_bounds, night_of
from analytics.nights.spans import length_s, overlap_s, share_pct, union
from tests.unit.analytics.nights.records import NEXT, NIGHT, ZONE, at

HOUR_MS = 3_600_000


@pytest.mark.parametrize(
    ("day", "clock", "night"),
    [
        (NIGHT, "12:00", NIGHT),
        (NIGHT, "11:59", NIGHT - timedelta(days=1)),
        (NEXT, "00:00", NIGHT),
        (NEXT, "11:59", NIGHT),
    ],
)
def test_a_night_goes_from_noon_to_noon(day: date, clock: str, night: date) -> None:
    assert night_of(at(day, clock), ZONE) == night


@pytest.mark.parametrize(
    "zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Etc/UTC"]
)
def test_bounds_and_night_agree_on_every_day_of_a_year(zone: str) -> None:
    for number in range(366):
        night = date(2026, 1, 1) + timedelta(days=number)
        start_ms, end_ms = night_bounds(night, zone)
        assert night_of(start_ms, zone) == night == night_of(end_ms - 1, zone)
        assert end_ms == night_bounds(night + timedelta(days=1), zone)[0]
        assert 22 * HOUR_MS < end_ms - start_ms < 26 * HOUR_MS


@pytest.mark.parametrize(
    ("clock", "minutes"), [("12:00", 0), ("23:00", 660), ("00:00", 720), ("01:30", 810), ("11:59", 1439)]
)
def test_minutes_after_noon_run_on_over_midnight(clock: str, minutes: int) -> None:
    assert minutes_after_noon(at(NIGHT, clock), ZONE) == minutes


def test_the_wall_clock_that_shows_a_time_twice_means_the_first() -> None:
    autumn = date(2026, 10, 25)
    assert at_wall_time(autumn, time(3), ZONE) - at_wall_time(autumn, time(2, 30), ZONE) == 90 * 60_000


def test_union_joins_what_overlaps_or_touches_and_drops_what_is_empty() -> None:
    assert union([(5, 7), (1, 3), (3, 4), (6, 9), (8, 8)]) == [(1, 4), (5, 9)]
    assert length_s([(0, 2000), (1000, 3000)]) == 3.0


def test_overlap_counts_shared_time_once() -> None:
    assert overlap_s([(0, 4000), (2000, 6000)], [(3000, 5000), (3000, 5000)]) == 2.0
    assert overlap_s([(0, 1)], []) == 0.0
    assert share_pct([(0, 500)], [(0, 1000)]) == 50.0
    assert share_pct([(0, 500)], []) == 0.0
