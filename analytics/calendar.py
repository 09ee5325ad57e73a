"""Which night a moment belongs to: noon to noon on the clock of the patient's wall.

A night bears the local date on which its evening began. The wall clock's noon counts, so a night in which the clocks
change lasts 23 or 25 hours, and a time of day is read from the wall too: bedtime does not jump by an hour in March.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

NOON: Final = time(12)


@lru_cache(maxsize=1024)
def zone_of(name: str) -> ZoneInfo:
    """The zone of an IANA name such as ``Europe/Berlin``.

    Raises
    ------
    ValueError
        If there is no such zone.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"unknown time zone {name!r}: give an IANA name such as Europe/Berlin") from error


def night_of(utc_ms: int, zone: str | tzinfo) -> date:
    """The night of a moment in UTC milliseconds: today's from local noon on, else yesterday's."""
    local = datetime.fromtimestamp(utc_ms // 1000, _zone(zone))
    return local.date() if local.time() >= NOON else local.date() - timedelta(days=1)


def night_bounds(night: date, zone: str | tzinfo) -> tuple[int, int]:
    """First millisecond of a night and the one after its last, UTC."""
    return at_wall_time(night, NOON, zone), at_wall_time(night + timedelta(days=1), NOON, zone)


def at_wall_time(day: date, clock: time, zone: str | tzinfo) -> int:
    """UTC milliseconds at which the wall clock shows `clock` on `day`; the first time where it shows it twice."""
    local = datetime.combine(day, clock, tzinfo=_zone(zone))
    return int(local.astimezone(UTC).timestamp() * 1000)


def minutes_after_noon(utc_ms: int, zone: str | tzinfo) -> float:
    """Wall-clock minutes from the noon before, 0 to 1440: 23:00 is 660 and 01:30 is 810, whatever the clocks did."""
    local = datetime.fromtimestamp(utc_ms / 1000, _zone(zone))
    since_midnight = local.hour * 60 + local.minute + (local.second + local.microsecond / 1e6) / 60
    return (since_midnight - 720.0) % 1440.0


def _zone(zone: str | tzinfo) -> tzinfo:
    return zone_of(zone) if isinstance(zone, str) else zone
