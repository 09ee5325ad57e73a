"""The night rule: a night belongs to the local date on which its evening began, noon to noon in the patient's zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gateway.errors import ConfigurationError

NOON: Final = time(12)
_HALF_DAY_MS: Final = 43_200_000


@lru_cache(maxsize=1024)
def zone_info(name: str) -> ZoneInfo:
    """The time zone of an IANA name such as ``Europe/Berlin``.

    Raises
    ------
    ConfigurationError
        If there is no such zone.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ConfigurationError(f"unknown time zone {name!r}: give an IANA name such as Europe/Berlin") from error


def night_of(utc_ms: int, zone: str) -> date:
    """The night that a moment belongs to.

    Parameters
    ----------
    utc_ms : int
        Milliseconds since 1970-01-01 UTC.
    zone : str
        IANA name of the patient's zone.

    Returns
    -------
    date
        The local date on which the night's evening began: today's from local noon on, else yesterday's. Wall-clock
        noon counts, so a night in which the clocks change lasts 23 or 25 hours.

    Raises
    ------
    ConfigurationError
        If there is no such zone.
    """
    local = datetime.fromtimestamp(utc_ms // 1000, zone_info(zone))
    return local.date() if local.time() >= NOON else local.date() - timedelta(days=1)


def night_bounds(night: date, zone: str) -> tuple[int, int]:
    """The night's first millisecond and the one after its last, UTC: the inverse of `night_of`.

    Raises
    ------
    ConfigurationError
        If there is no such zone.
    """
    info = zone_info(zone)
    return _noon_ms(night, info), _noon_ms(night + timedelta(days=1), info)


def local_date(utc_ms: int, zone: str) -> date:
    """The date on the wall of a zone.

    Raises
    ------
    ConfigurationError
        If there is no such zone.
    """
    return datetime.fromtimestamp(utc_ms // 1000, zone_info(zone)).date()


def moment_ms(night: date, zone: str, start_ms: int, end_ms: int) -> int:
    """The moment that decides whose a night is: local midnight, or what of its data is nearest to it; UTC ms."""
    return min(max(night_bounds(night, zone)[0] + _HALF_DAY_MS, start_ms), end_ms)


def _noon_ms(day: date, zone: ZoneInfo) -> int:
    return int(datetime.combine(day, NOON, tzinfo=zone).astimezone(UTC).timestamp()) * 1000
