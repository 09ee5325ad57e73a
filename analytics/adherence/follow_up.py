"""What is due after a MAD was fitted: a sleep study that confirms it, a yearly visit to dentist and sleep physician.

The order is the academies': a study with the device in place once its setting stays, and both visits every year
(K. Ramar et al., J. Clin. Sleep Med. 11:773, 2015). They give no number of days until the study: `SETTLED` is ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final, Literal

SETTLED: Final = timedelta(days=28)
"""A setting that stood for four weeks stays; then the study is due."""
SOON: Final = timedelta(days=30)
"""A month is what an appointment takes."""


class Kind(StrEnum):
    """What is to be done."""

    STUDY = "confirming_study"
    DENTIST = "dentist_visit"
    PHYSICIAN = "physician_visit"


State = Literal["not_yet", "coming", "soon", "due", "done"]
"""``not_yet``: no treatment has begun. ``done``: the study is, for the present setting."""

MarkKind = Literal["done", "postponed"]


@dataclass(frozen=True, slots=True)
class Mark:
    """What somebody noted: done on a day, or postponed until one."""

    kind: Kind
    mark: MarkKind
    day: date


@dataclass(frozen=True, slots=True)
class FollowUp:
    """One thing that is due, or will be.

    Attributes
    ----------
    due : date or None
        None before the treatment, and where the study is done.
    done : date or None
        When it last was.
    postponed : bool
        Somebody put it off until `due`.
    """

    kind: Kind
    state: State
    due: date | None
    done: date | None = None
    postponed: bool = False


def follow_ups(
    steps: Sequence[tuple[date, float]], marks: Sequence[Mark], today: date
) -> tuple[FollowUp, FollowUp, FollowUp]:
    """The study, then the two visits.

    Parameters
    ----------
    steps
        Of treatment: the night from which on, and the advancement in mm; in any order. Those to come do not count.
    marks
        In the order in which they were noted. What was done later than `today` does not count.
    today
        The patient's local date.
    """
    begun = sorted(step for step in steps if step[0] <= today)
    if not begun:
        study, dentist, physician = (FollowUp(kind, "not_yet", None) for kind in Kind)
        return study, dentist, physician
    start = begun[0][0]
    return (
        _study(_present_since(begun), marks, today),
        _visit(Kind.DENTIST, start, marks, today),
        _visit(Kind.PHYSICIAN, start, marks, today),
    )


def a_year_after(day: date) -> date:
    """The same day of the next year; of 29 February it is 1 March."""
    try:
        return day.replace(year=day.year + 1)
    except ValueError:
        return date(day.year + 1, 3, 1)


def _present_since(begun: Sequence[tuple[date, float]]) -> date:
    """Since when the present advancement stands: a note of the same once more is no new setting."""
    since, present = begun[-1]
    for night, advancement_mm in reversed(begun):
        if advancement_mm != present:
            break
        since = night
    return since


def _study(since: date, marks: Sequence[Mark], today: date) -> FollowUp:
    done, put_off = _noted(Kind.STUDY, marks, today)
    if done is not None and done >= since:
        return FollowUp(Kind.STUDY, "done", None, done)
    return _due(Kind.STUDY, since + SETTLED, done, put_off, today)


def _visit(kind: Kind, start: date, marks: Sequence[Mark], today: date) -> FollowUp:
    done, put_off = _noted(kind, marks, today)
    return _due(kind, a_year_after(max(start, done or start)), done, put_off, today)


def _noted(kind: Kind, marks: Sequence[Mark], today: date) -> tuple[date | None, date | None]:
    """When it was last done, and until when it has been put off since that was noted."""
    done: date | None = None
    put_off: date | None = None
    for one in marks:
        if one.kind != kind:
            continue
        if one.mark == "postponed":
            put_off = one.day
        elif one.day <= today:
            done, put_off = max(one.day, done or one.day), None
    return done, put_off


def _due(kind: Kind, due: date, done: date | None, put_off: date | None, today: date) -> FollowUp:
    postponed = put_off is not None and put_off > due
    if put_off is not None and postponed:
        due = put_off
    state: State = "due" if today >= due else "soon" if today >= due - SOON else "coming"
    return FollowUp(kind, state, due, done, postponed)
