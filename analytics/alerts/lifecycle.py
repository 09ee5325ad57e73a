"""The life of an alert: a state machine that takes findings, what people do, and time.

::

    (none) --raised--> open --acknowledge--> acknowledged
                        |  \\--time--> escalated --acknowledge--> acknowledged
                        |---snooze--> snoozed --time--> open        (also from acknowledged and escalated)
    open, acknowledged, snoozed, escalated --data say that it is over--> resolved

- One alert a rule and subject. What holds already is not raised again; only a higher grade is: it opens an acknowledged
  alert again, is noted on an open or escalated one, and leaves a snoozed one snoozed.
- Snoozed stays snoozed: also when the condition ends and comes back before its time.
- An alert resolves by data alone. One that nobody acknowledged can still be acknowledged, to say that it was seen.
- At one instant data come first, then people, then timers.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

from analytics.alerts.findings import Finding


class State(StrEnum):
    """Where an alert is in its life."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    ESCALATED = "escalated"
    RESOLVED = "resolved"


class Case(msgspec.Struct, frozen=True):
    """One alert.

    Attributes
    ----------
    raised_ms : int
        When the data completed the rule.
    from_ms, to_ms, values
        The evidence.
    grade : int
        The highest so far.
    count : int
        How often it was raised: once, and once with each higher grade.
    late, withdrawn : bool
        It was raised by late data; it was taken back by late data.
    acknowledged_ms, resolved_ms : int or None
    snoozed_until_ms : int or None
        Kept after the alert has ended, for the next of its rule and subject.
    escalate_ms : int or None
        When it escalates, unless somebody acknowledges it; None: not any more, or never.
    """

    rule: str
    state: State
    raised_ms: int
    from_ms: int
    to_ms: int
    values: dict[str, float | None]
    grade: int = 1
    count: int = 1
    late: bool = False
    withdrawn: bool = False
    acknowledged_ms: int | None = None
    resolved_ms: int | None = None
    snoozed_until_ms: int | None = None
    escalate_ms: int | None = None


class Acknowledge(msgspec.Struct, frozen=True):
    """Somebody has seen it and takes care."""

    at_ms: int


class Snooze(msgspec.Struct, frozen=True):
    """Somebody wants to hear of it again at a time, not before."""

    at_ms: int
    until_ms: int


class Tick(msgspec.Struct, frozen=True):
    """Time has come to `at_ms`, and all data and deeds up to then are told."""

    at_ms: int


Event = Finding | Acknowledge | Snooze | Tick


class Change(msgspec.Struct, frozen=True):
    """What happened to an alert: `kind` is one of `CHANGES`."""

    kind: str
    at_ms: int
    state: State
    late: bool = False


CHANGES: Final = ("raised", "changed", "acknowledged", "snoozed", "snooze_ended", "escalated", "resolved")

LONGEST_SNOOZE_MS: Final = 90 * 86_400_000
"""A longer snooze is a threshold that ought to be changed."""


def begin(
    finding: Finding, escalate_after_ms: int | None, *, snoozed_until_ms: int | None = None
) -> tuple[Case, tuple[Change, ...]]:
    """Raise an alert.

    Parameters
    ----------
    snoozed_until_ms : int or None
        That of the last alert of this rule and subject.

    Raises
    ------
    ValueError
        If the finding says that nothing is the matter.
    """
    if not finding.holds:
        raise ValueError("an alert begins with a finding that holds")
    f = finding
    snoozed = snoozed_until_ms is not None and snoozed_until_ms > f.at_ms
    case = Case(
        f.rule,
        State.SNOOZED if snoozed else State.OPEN,
        f.at_ms,
        f.from_ms,
        f.to_ms,
        f.values,
        f.grade,
        late=f.late,
        snoozed_until_ms=snoozed_until_ms if snoozed else None,
        escalate_ms=None if snoozed or escalate_after_ms is None else f.at_ms + escalate_after_ms,
    )
    return case, (Change("raised", f.at_ms, case.state, f.late),)


def due_ms(case: Case) -> int | None:
    """When time will next change the alert; None if it will not."""
    if case.state is State.SNOOZED:
        return case.snoozed_until_ms
    return case.escalate_ms if case.state is State.OPEN else None


def step(case: Case, event: Event, escalate_after_ms: int | None) -> tuple[Case, tuple[Change, ...]]:
    """Take an event.

    Timers that were due before it are seen to first, those that are due at the same instant after it.

    Raises
    ------
    ValueError
        If a snooze does not end after it begins, or too long after; a snooze of an alert that is over; a finding of
        another rule.
    """
    before = event.at_ms if isinstance(event, Tick) else event.at_ms - 1
    case, changes = _pass(case, before, escalate_after_ms)
    if isinstance(event, Finding):
        if event.rule != case.rule:
            raise ValueError(f"a finding of {event.rule} for an alert of {case.rule}")
        case, more = _find(case, event, escalate_after_ms)
    elif isinstance(event, Acknowledge):
        case, more = _acknowledge(case, event)
    elif isinstance(event, Snooze):
        case, more = _snooze(case, event)
    else:
        more = ()
    return case, changes + more


def _pass(case: Case, now_ms: int, escalate_after_ms: int | None) -> tuple[Case, tuple[Change, ...]]:
    """Let time pass up to and with `now_ms`."""
    changes = []
    while (due := due_ms(case)) is not None and due <= now_ms:
        if case.state is State.SNOOZED:
            escalate = None if escalate_after_ms is None else due + escalate_after_ms
            case = msgspec.structs.replace(case, state=State.OPEN, snoozed_until_ms=None, escalate_ms=escalate)
            changes.append(Change("snooze_ended", due, case.state))
        else:
            case = msgspec.structs.replace(case, state=State.ESCALATED, escalate_ms=None)
            changes.append(Change("escalated", due, case.state))
    return case, tuple(changes)


def _find(case: Case, f: Finding, escalate_after_ms: int | None) -> tuple[Case, tuple[Change, ...]]:
    if case.state is State.RESOLVED:
        return case, ()
    if not f.holds:
        # Late data may date the end before what they had not known of.
        at_ms = max(f.at_ms, case.raised_ms)
        case = msgspec.structs.replace(
            case, state=State.RESOLVED, resolved_ms=at_ms, escalate_ms=None, withdrawn=f.withdrawn
        )
        return case, (Change("resolved", at_ms, case.state, f.late),)
    if f.grade <= case.grade:
        return case, ()
    worse = msgspec.structs.replace(
        case, grade=f.grade, count=case.count + 1, from_ms=f.from_ms, to_ms=f.to_ms, values=f.values
    )
    if case.state is State.ACKNOWLEDGED:
        escalate = None if escalate_after_ms is None else f.at_ms + escalate_after_ms
        worse = msgspec.structs.replace(worse, state=State.OPEN, acknowledged_ms=None, escalate_ms=escalate)
    return worse, (Change("changed", f.at_ms, worse.state, f.late),)


def _acknowledge(case: Case, event: Acknowledge) -> tuple[Case, tuple[Change, ...]]:
    if case.acknowledged_ms is not None:
        return case, ()
    state = case.state if case.state is State.RESOLVED else State.ACKNOWLEDGED
    case = msgspec.structs.replace(
        case,
        state=state,
        acknowledged_ms=event.at_ms,
        escalate_ms=None,
        snoozed_until_ms=case.snoozed_until_ms if case.state is State.RESOLVED else None,
    )
    return case, (Change("acknowledged", event.at_ms, state),)


def _snooze(case: Case, event: Snooze) -> tuple[Case, tuple[Change, ...]]:
    if case.state is State.RESOLVED:
        raise ValueError("the alert is over: there is nothing to snooze")
    if not event.at_ms < event.until_ms <= event.at_ms + LONGEST_SNOOZE_MS:
        raise ValueError(f"a snooze ends after it begins, within {LONGEST_SNOOZE_MS // 86_400_000} days")
    # Opened again, it is to be acknowledged again.
    case = msgspec.structs.replace(
        case, state=State.SNOOZED, snoozed_until_ms=event.until_ms, escalate_ms=None, acknowledged_ms=None
    )
    return case, (Change("snoozed", event.at_ms, case.state),)
