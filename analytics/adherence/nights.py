"""Wear by night: from noon to noon in the patient's zone, with missing data kept apart from not worn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta, tzinfo
from enum import StrEnum
from typing import Final

from analytics.adherence.results import Missing, WearInterval
from analytics.calendar import at_wall_time, night_bounds, night_of

UNKNOWN_MIN: Final = 240.0
"""A night in which so many minutes lack data may hide a night's use of four hours: it is not called unused."""
BED_HOURS: Final = (time(20), time(10))
"""Local hours whose data decide that: a recorder handed out in the evening has seen its first night."""


class NightStatus(StrEnum):
    """What can be said of a night."""

    USED = "used"
    NOT_USED = "not used"
    MISSING = "missing"
    """No wear was seen, but so little was recorded that there may have been."""


@dataclass(frozen=True, slots=True)
class WearNight:
    """One night's wear.

    Attributes
    ----------
    night : datetime.date
        The local date on which its evening began.
    worn_min : float
        Minutes worn; a suspect wear does not count.
    suspect_min : float
        Minutes of suspect wear.
    missing_min, missing_in_bed_min : float
        Minutes without data, before the first and after the last reading as well; and of these within `BED_HOURS`.
    supine_pct : float
        Share of the time worn lying that was spent on the back, %; NaN where no posture is known.
    insertions_ms, removals_ms : tuple of int
        UTC ms of each counted wear of the night, cut at noon.
    """

    night: date
    worn_min: float
    suspect_min: float
    missing_min: float
    missing_in_bed_min: float
    supine_pct: float
    insertions_ms: tuple[int, ...]
    removals_ms: tuple[int, ...]

    @property
    def status(self) -> NightStatus:
        """Used if any wear counts; missing if none does and data lack for `UNKNOWN_MIN` of the `BED_HOURS`."""
        if self.worn_min > 0:
            return NightStatus.USED
        return NightStatus.MISSING if self.incomplete else NightStatus.NOT_USED

    @property
    def incomplete(self) -> bool:
        """It may have been worn for longer than was seen."""
        return self.missing_in_bed_min >= UNKNOWN_MIN

    @property
    def hours(self) -> float | None:
        """Hours worn, None for a missing night: as the definitions take it."""
        return None if self.status is NightStatus.MISSING else self.worn_min / 60.0


def wear_nights(
    intervals: Sequence[WearInterval], missing: Sequence[Missing], first_ms: int, last_ms: int, zone: tzinfo
) -> tuple[WearNight, ...]:
    """Lay wear into nights.

    Parameters
    ----------
    intervals, missing
        Of one patient's device, each in order of time.
    first_ms, last_ms : int
        First and last reading: what lies before and after them in their nights is missing.
    zone : datetime.tzinfo
        The patient's.

    Returns
    -------
    tuple of WearNight
        Every night from the first reading's to the last one's.

    Raises
    ------
    ValueError
        If `last_ms` lies before `first_ms`.
    """
    if last_ms < first_ms:
        raise ValueError("the last reading lies before the first")
    first, last = night_of(first_ms, zone), night_of(last_ms, zone)
    unseen = [
        Missing(night_bounds(first, zone)[0], first_ms),
        *missing,
        Missing(last_ms, night_bounds(last, zone)[1]),
    ]
    return tuple(_night(night, intervals, unseen, zone) for night in _dates(first, last))


def _night(night: date, intervals: Sequence[WearInterval], unseen: Sequence[Missing], zone: tzinfo) -> WearNight:
    begin, end = night_bounds(night, zone)
    in_bed = at_wall_time(night, BED_HOURS[0], zone), at_wall_time(night + timedelta(days=1), BED_HOURS[1], zone)
    parts = [
        (interval, max(interval.start_ms, begin), min(interval.end_ms, end))
        for interval in intervals
        if interval.start_ms < end and interval.end_ms > begin
    ]
    counted = [(interval, start, stop) for interval, start, stop in parts if not interval.suspect]
    suspect_ms = sum(stop - start for interval, start, stop in parts if interval.suspect)
    # An interval cut at noon gives its postures by the share of it that lies in this night.
    shares = [(interval, (stop - start) / (interval.end_ms - interval.start_ms)) for interval, start, stop in counted]
    supine = sum(interval.posture.supine * share for interval, share in shares)
    lying = sum(
        (interval.posture.supine + interval.posture.left + interval.posture.right + interval.posture.prone) * share
        for interval, share in shares
    )
    return WearNight(
        night=night,
        worn_min=sum(stop - start for _, start, stop in counted) / 60_000.0,
        suspect_min=suspect_ms / 60_000.0,
        missing_min=_overlap_min(unseen, begin, end),
        missing_in_bed_min=_overlap_min(unseen, *in_bed),
        supine_pct=100.0 * supine / lying if lying else float("nan"),
        insertions_ms=tuple(start for _, start, _ in counted),
        removals_ms=tuple(stop for _, _, stop in counted),
    )


def _overlap_min(gaps: Sequence[Missing], begin: int, end: int) -> float:
    return sum(max(min(gap.end_ms, end) - max(gap.start_ms, begin), 0) for gap in gaps) / 60_000.0


def _dates(first: date, last: date) -> Iterator[date]:
    for days in range((last - first).days + 1):
        yield first + timedelta(days=days)
