"""The rows of alerts and what is done to them within a transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Session

from analytics.alerts.findings import Finding
from analytics.alerts.lifecycle import Case, Change, Event, begin, due_ms, step
from analytics.alerts.lifecycle import State as AlertState
from analytics.alerts.rules import RULES
from gateway.errors import StoreRejectedError
from gateway.service.records.feed import add_event
from gateway.service.records.tables_alerts import AlertHistoryRow, AlertRow
from gateway.service.records.values import Severity
from gateway.service.records.values_alerts import Alert, AlertEvent, Subject


def find(session: Session, subject: Subject, finding: Finding, escalate_after_ms: int | None, recorded_ms: int) -> int:
    """Take a finding: raise an alert, or have the open one take it. Returns how many events the feed got by it."""
    row = open_row(session, finding.rule, subject.id)
    if row is not None:
        return take(session, row, finding, escalate_after_ms, recorded_ms)
    if not finding.holds:
        return 0
    last = session.scalars(
        sa.select(AlertRow)
        .where(AlertRow.kind == finding.rule, AlertRow.subject == subject.id)
        .order_by(AlertRow.raised_ms.desc())
        .limit(1)
    ).first()
    snoozed_until_ms = None if last is None else last.snoozed_until_ms
    case, changes = begin(finding, escalate_after_ms, snoozed_until_ms=snoozed_until_ms)
    row = new_row(subject, case)
    _say(row, case)
    session.add(row)
    return write_changes(session, row, changes, recorded_ms)


def take(
    session: Session,
    row: AlertRow,
    event: Event,
    escalate_after_ms: int | None,
    recorded_ms: int,
    *,
    who: str | None = None,
    detail: str = "",
) -> int:
    """Have an alert take an event. Returns how many events the feed got by it."""
    case, changes = step(_case(row), event, escalate_after_ms)
    if not changes:
        return 0
    worse = case.grade > row.grade
    _put(row, case)
    if worse:
        _say(row, case)
    row.last_ms = max(row.last_ms, *(change.at_ms for change in changes))
    # Timers that were due before belong to nobody.
    return sum(
        write_changes(session, row, (change,), recorded_ms, who=(mine and who) or None, detail=detail if mine else "")
        for number, change in enumerate(changes)
        for mine in (number == len(changes) - 1,)
    )


def write_changes(
    session: Session,
    row: AlertRow,
    changes: Sequence[Change],
    recorded_ms: int,
    *,
    who: str | None = None,
    detail: str = "",
) -> int:
    """A line of history and an event of the feed for each change; returns how many."""
    for change in changes:
        record(
            session,
            row,
            change.kind,
            change.at_ms,
            recorded_ms,
            state=change.state,
            late=change.late,
            who=who,
            detail=detail,
        )
    return len(changes)


def record(
    session: Session,
    row: AlertRow,
    event: str,
    at_ms: int,
    recorded_ms: int,
    *,
    state: AlertState | None = None,
    late: bool = False,
    who: str | None = None,
    detail: str = "",
) -> None:
    """One line of history and one event of the feed."""
    session.flush()
    number = session.scalar(sa.select(sa.func.count()).where(AlertHistoryRow.alert_id == row.id)) or 0
    after = row.state if state is None else state.value
    session.add(
        AlertHistoryRow(
            alert_id=row.id,
            number=number,
            event=event,
            at_ms=at_ms,
            recorded_ms=recorded_ms,
            state=after,
            grade=row.grade,
            late=late,
            who=who,
            detail=detail,
        )
    )
    add_event(session, row, event, at_ms, recorded_ms, state=after, late=late)


def new_row(subject: Subject, case: Case) -> AlertRow:
    """The row of an alert that begins."""
    row = AlertRow(
        id=uuid4().hex,
        clinic_id=subject.clinic,
        kind=case.rule,
        subject=subject.id,
        patient_id=subject.patient,
        device_id=subject.device,
        gateway_id=subject.gateway,
        last_ms=case.raised_ms,
        evidence=dict(case.values),
        message="",
        severity=Severity.WARNING,
    )
    _put(row, case)
    return row


def _put(row: AlertRow, case: Case) -> None:
    row.state = case.state.value
    row.from_ms = case.from_ms
    row.to_ms = case.to_ms
    row.grade = case.grade
    row.count = case.count
    row.late = case.late
    row.withdrawn = case.withdrawn
    row.raised_ms = case.raised_ms
    row.acknowledged_ms = case.acknowledged_ms
    row.resolved_ms = case.resolved_ms
    row.snoozed_until_ms = case.snoozed_until_ms
    row.escalate_ms = case.escalate_ms
    row.due_ms = due_ms(case)


def _say(row: AlertRow, case: Case) -> None:
    rule = RULES[case.rule]
    describe(row, rule.words(case.values), Severity(rule.severity(case.grade)), dict(case.values))


def describe(row: AlertRow, message: str, severity: Severity, evidence: dict[str, str | float | None]) -> None:
    """Say what it is, how urgent, and by what evidence."""
    row.message = message
    row.severity = severity
    row.evidence = evidence


def _case(row: AlertRow) -> Case:
    return Case(
        rule=row.kind,
        state=AlertState(row.state),
        raised_ms=row.raised_ms,
        from_ms=row.from_ms,
        to_ms=row.to_ms,
        values={name: value for name, value in row.evidence.items() if not isinstance(value, str)},
        grade=row.grade,
        count=row.count,
        late=row.late,
        withdrawn=row.withdrawn,
        acknowledged_ms=row.acknowledged_ms,
        resolved_ms=row.resolved_ms,
        snoozed_until_ms=row.snoozed_until_ms,
        escalate_ms=row.escalate_ms,
    )


def is_due(row: AlertRow, now_ms: Callable[[str | None], int]) -> bool:
    """Whether time has something to do with an alert."""
    return row.due_ms is not None and row.due_ms <= now_ms(row.gateway_id)


def open_row(session: Session, kind: str, subject: str) -> AlertRow | None:
    """The open alert of a rule and subject."""
    statement = sa.select(AlertRow).where(
        AlertRow.kind == kind, AlertRow.subject == subject, AlertRow.resolved_ms.is_(None)
    )
    return session.scalars(statement).first()


def known_row(session: Session, alert: str) -> AlertRow:
    """The alert; `StoreRejectedError` if there is none."""
    row = session.get(AlertRow, alert)
    if row is None:
        raise StoreRejectedError(f"no such alert: {alert}")
    return row


def subject_of(row: AlertRow) -> Subject:
    """Whom it is about."""
    return Subject(row.subject, row.clinic_id, row.patient_id, row.device_id, row.gateway_id)


def alert_of(row: AlertRow) -> Alert:
    """As a value."""
    return Alert(
        id=row.id,
        clinic=row.clinic_id,
        kind=row.kind,
        subject=row.subject,
        patient=row.patient_id,
        device=row.device_id,
        gateway=row.gateway_id,
        state=AlertState(row.state),
        severity=Severity(row.severity),
        message=row.message,
        evidence=row.evidence,
        from_ms=row.from_ms,
        to_ms=row.to_ms,
        grade=row.grade,
        count=row.count,
        late=row.late,
        withdrawn=row.withdrawn,
        raised_ms=row.raised_ms,
        last_ms=row.last_ms,
        acknowledged_ms=row.acknowledged_ms,
        resolved_ms=row.resolved_ms,
        snoozed_until_ms=row.snoozed_until_ms,
        escalate_ms=row.escalate_ms,
        assigned_to=row.assigned_to,
    )


def event_of(row: AlertHistoryRow) -> AlertEvent:
    """A line of history as a value."""
    return AlertEvent(
        number=row.number,
        event=row.event,
        at_ms=row.at_ms,
        recorded_ms=row.recorded_ms,
        state=AlertState(row.state),
        grade=row.grade,
        late=row.late,
        who=row.who,
        detail=row.detail,
    )
