"""Hours a night, over all nights and over those used; the four-hour rule; the regular user."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Final

GOAL_H: Final = 4.0
"""Hours that make a night count, inclusive (N. B. Kribbs et al., Am. Rev. Respir. Dis. 147:887, 1993, for CPAP)."""
REGULAR_NIGHTS: Final = 5
"""Nights a week with `GOAL_H` that make a regular user of a mandibular device: the rule borrowed from CPAP
(M. Dieltjens and O. M. Vanderveken, Healthcare 7:141, 2019, on oral appliances)."""
_WEEK: Final = 7

Hours = Sequence[float | None]
"""Hours worn on consecutive nights; None for a night without data, which is not a night without wear."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Use over a period; hours are NaN where there is no night to average.

    Attributes
    ----------
    nights, with_data, used, missing : int
        Nights of the period; of these with data, with any wear, without data.
    mean_h, median_h : float
        Hours a night over the nights with data.
    mean_used_h, median_used_h : float
        Hours a night over the nights used.
    goal_nights : int
        Nights of `GOAL_H` or more.
    goal_pct, used_pct : float
        Share of the nights with data that reach the goal, and that are used, %.
    regular : bool or None
        Whether a regular user: `REGULAR_NIGHTS` of seven reach the goal; None under a week of data.
    """

    nights: int
    with_data: int
    used: int
    missing: int
    mean_h: float
    median_h: float
    mean_used_h: float
    median_used_h: float
    goal_nights: int
    goal_pct: float
    used_pct: float
    regular: bool | None


def usage(hours: Hours) -> Usage:
    """Count and average the use of consecutive nights.

    Raises
    ------
    ValueError
        For hours outside of 0..25 (the longest day is one of 25 h).
    """
    check_hours(hours)
    known = [night for night in hours if night is not None]
    used = [night for night in known if night > 0]
    goal = sum(night >= GOAL_H for night in known)
    nan = float("nan")
    return Usage(
        nights=len(hours),
        with_data=len(known),
        used=len(used),
        missing=len(hours) - len(known),
        mean_h=fmean(known) if known else nan,
        median_h=median(known) if known else nan,
        mean_used_h=fmean(used) if used else nan,
        median_used_h=median(used) if used else nan,
        goal_nights=goal,
        goal_pct=100.0 * goal / len(known) if known else nan,
        used_pct=100.0 * len(used) / len(known) if known else nan,
        regular=goal * _WEEK >= REGULAR_NIGHTS * len(known) if len(known) >= _WEEK else None,
    )


def check_hours(hours: Hours) -> None:
    """Raise ValueError for hours outside of 0..25."""
    if not all(night is None or 0.0 <= night <= 25.0 for night in hours):
        raise ValueError("hours a night lie between 0 and 25")
