"""Wear against sleep: the goal of dental sleep medicine, with the bed sensor's sleep time as the denominator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from analytics.adherence.usage import Hours, check_hours

SHARE: Final = 0.8
"""Share of the sleep time that a night needs, inclusive (American Academy of Dental Sleep Medicine, 2021)."""
NIGHTS_A_WEEK: Final = 5
"""Nights a week that need it (the same)."""
_WEEK: Final = 7
_ROUNDING_H: Final = 1e-6
"""A few milliseconds: 0.8 times seven hours are no exact number."""


class SleepGoal(StrEnum):
    """Where a patient stands against the goal."""

    COMPLIANT = "compliant"
    IMPROVING = "improving"
    NON_COMPLIANT = "non-compliant"


@dataclass(frozen=True, slots=True)
class SleepShare:
    """Wear as a share of sleep over a period.

    Attributes
    ----------
    judged : int
        Nights with wear data and a sleep time.
    reached : int
        Of these, nights worn for at least `SHARE` of the sleep.
    reached_pct : float
        Their share, %; NaN without a night.
    goal : SleepGoal or None
        None under a week of judged nights.
    """

    judged: int
    reached: int
    reached_pct: float
    goal: SleepGoal | None


def sleep_share(worn_h: Hours, sleep_h: Hours) -> SleepShare:
    """Judge consecutive nights.

    Compliant: five of seven judged nights reach the share of sleep. Improving, which the academy names without a
    number: not compliant, and the later half of the judged nights reaches it at least one night a week more often than
    the earlier half; two weeks of judged nights at least.

    Parameters
    ----------
    worn_h, sleep_h
        Hours of each night, None where unknown; a night with no sleep is not judged.

    Raises
    ------
    ValueError
        For columns of unequal length, or hours outside of 0..25.
    """
    if len(worn_h) != len(sleep_h):
        raise ValueError(f"{len(worn_h)} nights of wear, {len(sleep_h)} of sleep")
    check_hours(worn_h)
    check_hours(sleep_h)
    reached = [
        worn >= SHARE * sleep - _ROUNDING_H
        for worn, sleep in zip(worn_h, sleep_h, strict=True)
        if worn is not None and sleep is not None and sleep > 0
    ]
    judged, count = len(reached), sum(reached)
    return SleepShare(judged, count, 100.0 * count / judged if judged else float("nan"), _goal(reached))


def _goal(reached: Sequence[bool]) -> SleepGoal | None:
    judged = len(reached)
    if judged < _WEEK:
        return None
    if _WEEK * sum(reached) >= NIGHTS_A_WEEK * judged:
        return SleepGoal.COMPLIANT
    half = judged // 2
    earlier, later = sum(reached[:half]) / half, sum(reached[judged - half :]) / half
    better = judged >= 2 * _WEEK and _WEEK * (later - earlier) >= 1.0
    return SleepGoal.IMPROVING if better else SleepGoal.NON_COMPLIANT
