"""The life of an alert: every state, every way between them, and the order of what happens at one instant."""

from __future__ import annotations

import pytest

from analytics.alerts.findings import Finding
from analytics.alerts.lifecycle import (
    LONGEST_SNOOZE_MS,
    Acknowledge,
    Case,
    Event,
    Snooze,
    State,
    Tick,
    begin,
    due_ms,
    step,
)

RAISED = 1_000_000
ESCALATE = 30_000


def finding(at_ms: int, holds: bool = True, grade: int = 1, **more: bool) -> Finding:
    return Finding("spo2_low", holds, at_ms, at_ms - 300, at_ms, {"lowest_pct": 90.0 - grade}, grade, **more)


def live(*events: Event, escalate_after_ms: int | None = ESCALATE) -> tuple[Case, list[tuple[str, int]]]:
    """An alert raised at `RAISED`, through events; with what happened after that."""
    case, _ = begin(finding(RAISED), escalate_after_ms)
    told = []
    for event in events:
        case, changes = step(case, event, escalate_after_ms)
        told += [(change.kind, change.at_ms - RAISED) for change in changes]
    return case, told


def test_it_begins_open_with_its_evidence() -> None:
    case, changes = begin(finding(RAISED), ESCALATE)
    assert (case.state, case.raised_ms, case.from_ms, case.to_ms) == (State.OPEN, RAISED, RAISED - 300, RAISED)
    assert case.values == {"lowest_pct": 89.0}
    assert [(change.kind, change.at_ms, change.late) for change in changes] == [("raised", RAISED, False)]
    with pytest.raises(ValueError):
        begin(finding(RAISED, holds=False), ESCALATE)


def test_what_holds_already_is_not_raised_again() -> None:
    case, told = live(finding(RAISED + 10), finding(RAISED + 20))
    assert (told, case.count) == ([], 1)


def test_worse_is_noted_and_opens_an_acknowledged_one_again() -> None:
    case, told = live(finding(RAISED + 10, grade=2))
    assert (told, case.state, case.count, case.grade) == ([("changed", 10)], State.OPEN, 2, 2)
    assert case.values == {"lowest_pct": 88.0}
    assert due_ms(case) == RAISED + ESCALATE, "an open one does not win time by getting worse"
    case, told = live(Acknowledge(RAISED + 5), finding(RAISED + 10, grade=2))
    assert (told, case.state) == ([("acknowledged", 5), ("changed", 10)], State.OPEN)
    assert due_ms(case) == RAISED + 10 + ESCALATE
    assert case.acknowledged_ms is None
    assert live(Acknowledge(RAISED + 5), finding(RAISED + 10, grade=1))[0].state is State.ACKNOWLEDGED


def test_it_escalates_when_nobody_acknowledges_it_in_time() -> None:
    assert live(Tick(RAISED + ESCALATE - 1))[1] == []
    case, told = live(Tick(RAISED + ESCALATE), Tick(RAISED + 10 * ESCALATE))
    assert (told, case.state) == ([("escalated", ESCALATE)], State.ESCALATED)
    case, told = live(Tick(RAISED + ESCALATE), Acknowledge(RAISED + ESCALATE + 1))
    assert case.state is State.ACKNOWLEDGED
    assert live(Tick(1 << 42), escalate_after_ms=None)[1] == []


def test_acknowledged_at_the_very_instant_it_does_not_escalate() -> None:
    due = RAISED + ESCALATE
    assert live(Acknowledge(due), Tick(due))[1] == [("acknowledged", ESCALATE)]
    assert live(Acknowledge(due + 1))[1] == [("escalated", ESCALATE), ("acknowledged", ESCALATE + 1)]


def test_data_and_timer_at_the_same_instant_data_first() -> None:
    due = RAISED + ESCALATE
    case, told = live(finding(due, holds=False), Tick(due))
    assert (told, case.state) == ([("resolved", ESCALATE)], State.RESOLVED)
    assert live(finding(due + 1, holds=False))[1] == [("escalated", ESCALATE), ("resolved", ESCALATE + 1)]


def test_snoozed_stays_snoozed_whatever_comes() -> None:
    until = RAISED + 5000
    case, told = live(Snooze(RAISED + 1, until), finding(RAISED + 10, grade=3), Tick(until - 1))
    assert (told, case.state, case.grade) == ([("snoozed", 1), ("changed", 10)], State.SNOOZED, 3)
    case, told = live(Snooze(RAISED + 1, until), Tick(until))
    assert (told[1:], case.state) == ([("snooze_ended", 5000)], State.OPEN)
    assert due_ms(case) == until + ESCALATE


def test_snoozed_it_resolves_and_the_next_one_is_snoozed_too() -> None:
    until = RAISED + 5000
    case, told = live(Snooze(RAISED + 1, until), finding(RAISED + 100, holds=False))
    assert (told[-1], case.state, due_ms(case)) == (("resolved", 100), State.RESOLVED, None)
    following, _ = begin(finding(RAISED + 200), ESCALATE, snoozed_until_ms=case.snoozed_until_ms)
    assert (following.state, due_ms(following)) == (State.SNOOZED, until)
    following, _ = begin(finding(until), ESCALATE, snoozed_until_ms=case.snoozed_until_ms)
    assert (following.state, following.snoozed_until_ms) == (State.OPEN, None)


def test_a_snooze_has_its_limits() -> None:
    now = RAISED + 10
    for until in (now, now - 1, now + LONGEST_SNOOZE_MS + 1):
        with pytest.raises(ValueError, match="snooze"):
            live(Snooze(now, until))
    assert live(Snooze(now, now + LONGEST_SNOOZE_MS))[0].state is State.SNOOZED
    with pytest.raises(ValueError, match="over"):
        live(finding(now, holds=False), Snooze(now + 1, now + 2))


def test_a_snooze_takes_an_acknowledgement_back() -> None:
    case, _ = live(Acknowledge(RAISED + 1), Snooze(RAISED + 2, RAISED + 9), Tick(RAISED + 9))
    assert (case.state, case.acknowledged_ms) == (State.OPEN, None)
    case, _ = step(case, Acknowledge(RAISED + 10), ESCALATE)
    assert case.state is State.ACKNOWLEDGED


def test_acknowledging_twice_or_a_resolved_one() -> None:
    assert live(Acknowledge(RAISED + 1), Acknowledge(RAISED + 2))[1] == [("acknowledged", 1)]
    case, told = live(finding(RAISED + 1, holds=False), Acknowledge(RAISED + 2))
    assert (case.state, case.acknowledged_ms, told[-1]) == (State.RESOLVED, RAISED + 2, ("acknowledged", 2))


def test_resolved_is_the_end() -> None:
    case, told = live(finding(RAISED + 1, holds=False), finding(RAISED + 2, grade=3), Tick(1 << 42))
    assert (case.state, told) == (State.RESOLVED, [("resolved", 1)])


def test_late_data_say_so() -> None:
    case, changes = begin(finding(RAISED, late=True), ESCALATE)
    assert (case.late, changes[0].late) == (True, True)
    case, changes = step(case, finding(RAISED - 500, holds=False, late=True, withdrawn=True), ESCALATE)
    assert (case.withdrawn, changes[0].late) == (True, True)
    assert case.resolved_ms == RAISED, "never before it was raised"


def test_a_finding_of_another_rule_is_refused() -> None:
    with pytest.raises(ValueError, match="deep_nadir"):
        live(Finding("deep_nadir", True, RAISED, RAISED, RAISED, {}))
