"""A night belongs to the local date on which its evening began: noon to noon, by the wall clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import ConfigurationError
from gateway.service.nights import moment_ms, night_bounds, night_of

BERLIN = "Europe/Berlin"
HOUR_MS = 3_600_000
ZONES = sorted(available_timezones() - {"localtime", "Factory"})


def local_ms(zone: str, *parts: int) -> int:
    return int(datetime(*parts, tzinfo=ZoneInfo(zone)).timestamp() * 1000)  # type: ignore[misc,arg-type]  # y m d h m s


def test_noon_begins_the_night_and_the_moment_before_ends_the_last() -> None:
    noon = local_ms(BERLIN, 2026, 3, 10, 12)
    assert night_of(noon, BERLIN) == date(2026, 3, 10)
    assert night_of(noon - 1, BERLIN) == date(2026, 3, 9)


def test_after_midnight_it_is_still_the_evenings_night() -> None:
    assert night_of(local_ms(BERLIN, 2026, 3, 11, 2, 30), BERLIN) == date(2026, 3, 10)


def test_one_moment_is_two_nights_in_two_zones() -> None:
    moment = int(datetime(2026, 3, 10, 11, 30, tzinfo=UTC).timestamp() * 1000)
    assert night_of(moment, BERLIN) == date(2026, 3, 10)
    assert night_of(moment, "America/New_York") == date(2026, 3, 9)


@pytest.mark.parametrize(
    ("night", "hours"), [(date(2026, 3, 28), 23), (date(2026, 10, 24), 25), (date(2026, 6, 1), 24)]
)
def test_a_night_in_which_the_clocks_change_is_an_hour_short_or_long(night: date, hours: int) -> None:
    start, end = night_bounds(night, BERLIN)
    assert end - start == hours * HOUR_MS


def test_both_passes_of_the_folded_hour_are_of_one_night() -> None:
    first = int(datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo(BERLIN), fold=0).timestamp() * 1000)
    assert night_of(first, BERLIN) == night_of(first + HOUR_MS, BERLIN) == date(2026, 10, 24)


@given(
    moment=st.integers(int(datetime(2015, 1, 1, tzinfo=UTC).timestamp()) * 1000, 2_500_000_000_000),
    zone=st.sampled_from(ZONES),
)
def test_every_moment_lies_within_the_bounds_of_its_night(moment: int, zone: str) -> None:
    start, end = night_bounds(night_of(moment, zone), zone)
    assert start <= moment < end


@given(night=st.dates(date(2015, 1, 2), date(2049, 1, 1)), zone=st.sampled_from(ZONES))
def test_nights_follow_each_other_without_gap(night: date, zone: str) -> None:
    assert night_bounds(night, zone)[1] == night_bounds(night + timedelta(days=1), zone)[0]


@pytest.mark.parametrize("zone", ["Europe/Atlantis", "", "../../etc/passwd", "a\0b"])
def test_an_unknown_zone_is_one_clear_line(zone: str) -> None:
    with pytest.raises(ConfigurationError, match="unknown time zone"):
        night_of(0, zone)


MIDNIGHT_MS = local_ms(BERLIN, 2026, 3, 11)


@pytest.mark.parametrize(
    ("start_ms", "end_ms", "moment"),
    [
        (-HOUR_MS, HOUR_MS, 0),
        (-HOUR_MS, 1, 0),
        (-HOUR_MS, 0, -1),
        (-HOUR_MS, -5, -6),
        (0, HOUR_MS, 0),
        (5, HOUR_MS, 5),
        (5, 5, 5),
        (-5, -5, -5),
    ],
    ids=[
        "over it",
        "just over it",
        "to it",
        "before it",
        "from it",
        "after it",
        "nothing after it",
        "nothing before it",
    ],
)
def test_a_night_is_whose_its_midnight_is_or_its_moment_nearest_to_that(
    start_ms: int, end_ms: int, moment: int
) -> None:
    told = moment_ms(date(2026, 3, 10), BERLIN, MIDNIGHT_MS + start_ms, MIDNIGHT_MS + end_ms)
    assert told - MIDNIGHT_MS == moment
