"""Why a patient needs attention, and how soon, on both sides of each limit."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest

from analytics.adherence.follow_up import FollowUp, Kind
from gateway.service.records import Alert, AlertState, Severity
from gateway.service.views.urgency import (
    NO_DATA_MS,
    OVERDUE,
    Reason,
    Urgency,
    in_order,
    of_alert,
    of_devices,
    of_follow_ups,
)

ZONE = ZoneInfo("Europe/Berlin")
DUE = date(2026, 3, 29)
ALERT = Alert(
    id="0" * 32,
    clinic="clinic",
    kind="wear_short",
    subject="p",
    patient="p",
    device=None,
    gateway=None,
    state=AlertState.OPEN,
    severity=Severity.WARNING,
    message="short",
    evidence={},
    from_ms=0,
    to_ms=0,
    grade=1,
    count=1,
    late=False,
    withdrawn=False,
    raised_ms=5,
    last_ms=5,
    acknowledged_ms=None,
    resolved_ms=None,
    snoozed_until_ms=None,
    escalate_ms=None,
    assigned_to=None,
)


@pytest.mark.parametrize(
    ("state", "severity", "urgency"),
    [
        (AlertState.OPEN, Severity.URGENT, Urgency.NOW),
        (AlertState.OPEN, Severity.WARNING, Urgency.SOON),
        (AlertState.OPEN, Severity.INFO, Urgency.WATCH),
        (AlertState.ESCALATED, Severity.WARNING, Urgency.NOW),
        (AlertState.ACKNOWLEDGED, Severity.URGENT, Urgency.WATCH),
        (AlertState.SNOOZED, Severity.URGENT, Urgency.NONE),
    ],
)
def test_of_alert(state: AlertState, severity: Severity, urgency: Urgency) -> None:
    found = of_alert(replace(ALERT, state=state, severity=severity))
    assert (found.urgency, found.kind, found.text, found.since_ms) == (urgency, "wear_short", "short", 5)


@pytest.mark.parametrize(("late", "urgency"), [(OVERDUE, Urgency.WATCH), (OVERDUE + timedelta(1), Urgency.SOON)])
def test_a_follow_up_long_overdue_is_more_than_noted(late: timedelta, urgency: Urgency) -> None:
    found = of_follow_ups([FollowUp(Kind.STUDY, "due", DUE)], DUE + late, ZONE)
    assert [one.urgency for one in found] == [urgency]
    # Since the day's begin where the patient is; the clocks go forward on it.
    assert found[0].since_ms == 1_774_738_800_000


@pytest.mark.parametrize("state", ["not_yet", "coming", "soon", "done"])
def test_a_follow_up_that_is_not_due_is_no_reason(state: str) -> None:
    assert of_follow_ups([FollowUp(Kind.STUDY, state, DUE)], DUE, ZONE) == []  # type: ignore[arg-type]


def test_without_a_device_and_without_a_night() -> None:
    assert [one.kind for one in of_devices([], 7, 100, has_nights=True)] == ["no_device"]
    assert of_devices([5], 0, 100, has_nights=True) == []
    for age_ms, urgency in ((NO_DATA_MS - 1, Urgency.WATCH), (NO_DATA_MS, Urgency.SOON)):
        found = of_devices([5, 9], 0, 5 + age_ms, has_nights=False)
        assert [(one.kind, one.urgency, one.since_ms) for one in found] == [("no_data", urgency, 5)]


def test_the_order_is_urgency_then_escalated_then_age() -> None:
    soon = Reason("a", Urgency.SOON, "", 1)
    late = Reason("b", Urgency.NOW, "", 9)
    early = Reason("c", Urgency.NOW, "", 3)
    escalated = Reason("d", Urgency.NOW, "", 50, state=AlertState.ESCALATED)
    assert in_order([soon, late, early, escalated]) == (escalated, early, late, soon)
