"""The night rule of `analytics.calendar` for zones that people and settings give: a wrong one is a settings error."""

from __future__ import annotations

from datetime import date, datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from analytics import calendar
from gateway.errors import ConfigurationError

_HALF_DAY_MS: Final = 43_200_000


def zone_info(name: str) -> ZoneInfo:
    """The time zone of an IANA name such as ``Europe/Berlin``.

    Raises
    ------
    ConfigurationError
        If there is no such zone.
    """
    try:
        return calendar.zone_of(name)
    except ValueError as error:
        raise ConfigurationError(str(error)) from error


def night_of(utc_ms: int, zone: str) -> date:
    """The night that a moment belongs to, as `analytics.calendar.night_of`.

    Raises
    ------
    ConfigurationError
        If there is no such zone.
    """
    return calendar.night_of(utc_ms, zone_info(zone))


def night_bounds(night: date, zone: str) -> tuple[int, int]:
    """The night's first millisecond and the one after its last, UTC: the inverse of `night_of`.

    Raises
    ------
    ConfigurationError
        If there is no such zone.
    """
    return calendar.night_bounds(night, zone_info(zone))


def local_date(utc_ms: int, zone: str) -> date:
    """The date on the wall of a zone.

    Raises
    ------
    ConfigurationError
        If there is no such zone.
    """
    return datetime.fromtimestamp(utc_ms // 1000, zone_info(zone)).date()


def moment_ms(night: date, zone: str, start_ms: int, end_ms: int) -> int:
    """The moment that decides whose a night is: local midnight, or what of its data is nearest to it; UTC ms.

    It lies within the data: a night that ends before midnight is whose its last millisecond is, not whose the device
    became when it ended.
    """
    return max(min(_midnight_ms(night, zone), end_ms - 1), start_ms)


@lru_cache(maxsize=4096)
def _midnight_ms(night: date, zone: str) -> int:
    return night_bounds(night, zone)[0] + _HALF_DAY_MS
