"""Where an index is going: a robust slope over the nights of one regimen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import msgspec
import numpy as np

from analytics.nights.model import POPULATIONS
from analytics.nights.ranks import slope
from analytics.nights.records import PatientNight
from analytics.nights.summary import counting

Direction = Literal["rising", "falling", "level", "cannot_say"]

LEAST_NIGHTS: Final = 8
MONTH_DAYS: Final = 30.0
SURE_P: Final = 0.01
"""A trend is asked for anew with every night that comes, so a chance of one in twenty would be met often."""


class Trend(msgspec.Struct, frozen=True):
    """The slope of an index, in its unit by 30 days.

    Attributes
    ----------
    nights, days
        How many nights count, and from the first to the last.
    per_month, low, high
        Theil and Sen's slope and its 95 % interval.
    p
        Of no trend (Kendall).
    direction
        ``rising`` or ``falling`` below `SURE_P`; ``cannot_say`` under `LEAST_NIGHTS` nights.
    """

    index: str
    nights: int
    days: int
    per_month: float
    low: float
    high: float
    p: float
    direction: Direction


def trend(index: str, nights: Sequence[PatientNight]) -> Trend | None:
    """Trend of an index; None with fewer than three nights that count."""
    used = sorted(counting(nights, index), key=lambda night: night.night)
    if len(used) < 3:
        return None
    day = np.array([night.night.toordinal() for night in used], np.float64)
    values = np.array([night.index(index) for night in used])
    by_day, low, high, p = slope(day, values)
    direction: Direction = "level"
    if len(used) < LEAST_NIGHTS:
        direction = "cannot_say"
    elif p < SURE_P:
        direction = "rising" if by_day > 0 else "falling"
    return Trend(
        index=index,
        nights=len(used),
        days=int(day[-1] - day[0]),
        per_month=MONTH_DAYS * by_day,
        low=MONTH_DAYS * low,
        high=MONTH_DAYS * high,
        p=p,
        direction=direction,
    )


def trends(nights: Sequence[PatientNight]) -> tuple[Trend, ...]:
    """Of every index of `POPULATIONS` that enough nights tell."""
    return tuple(found for index in POPULATIONS if (found := trend(index, nights)) is not None)
