"""The documents of follow-ups."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Self

from pydantic import BaseModel

from analytics.adherence.follow_up import FollowUp, Kind, MarkKind, State
from gateway.service.api.models_people import Given, Night, Text
from gateway.service.records import FollowUpMark


class FollowUpMarkIn(Given):
    """That a follow-up was done on a day, or is postponed until one."""

    kind: Kind
    mark: MarkKind
    day: Night
    note: Text = ""


class FollowUpMarkOut(BaseModel):
    """What was noted of a follow-up."""

    id: str
    kind: Kind
    mark: MarkKind
    day: date
    who: str
    note: str
    created_ms: int

    @classmethod
    def of(cls, one: FollowUpMark) -> Self:
        """From the records' value."""
        return cls(
            id=one.id,
            kind=one.kind,
            mark=one.mark,
            day=one.day,
            who=one.who,
            note=one.note,
            created_ms=one.created_ms,
        )


class FollowUpOut(BaseModel):
    """One follow-up: its state, when it is due, when it was last done."""

    kind: Kind
    state: State
    due: date | None
    done: date | None
    postponed: bool
    marks: list[FollowUpMarkOut]

    @classmethod
    def of(cls, one: FollowUp, marks: Sequence[FollowUpMark]) -> Self:
        """From the rule's word, and what was noted."""
        return cls(
            kind=one.kind,
            state=one.state,
            due=one.due,
            done=one.done,
            postponed=one.postponed,
            marks=[FollowUpMarkOut.of(mark) for mark in marks],
        )
