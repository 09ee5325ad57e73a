"""Alerts: raised, changed and resolved by findings, handled by people, moved by time; each step with history and feed.

What happens to an alert, the line in its history and the event in the feed are one transaction: none is without the
others, and after a crash none of them is there twice.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

import sqlalchemy as sa

from analytics.alerts.findings import Finding
from analytics.alerts.lifecycle import Acknowledge, Event, Snooze, Tick, begin
from analytics.alerts.lifecycle import State as AlertState
from analytics.alerts.reconcile import Known
from gateway.errors import StoreRejectedError
from gateway.service.records.alert_rows import (
    alert_of,
    describe,
    event_of,
    find,
    is_due,
    known_row,
    new_row,
    open_row,
    record,
    subject_of,
    take,
    write_changes,
)
from gateway.service.records.database import Database
from gateway.service.records.tables import FIRST_CLINIC, GatewayRow
from gateway.service.records.tables_alerts import AlertHistoryRow, AlertRow
from gateway.service.records.values import Severity
from gateway.service.records.values_alerts import Alert, AlertEvent, Subject

EscalateAfter = Callable[[str, Subject], int | None]
"""(rule, subject) -> how long after it was raised an alert escalates, ms; None: never."""


class Alerts:
    """Alerts in the records."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._listeners: list[Callable[[], None]] = []

    def listen(self, listener: Callable[[], None]) -> None:
        """Have `listener` called after each commit that added to the feed.

        It is called from the thread that wrote, and must neither raise nor wait.
        """
        self._listeners.append(listener)

    def unlisten(self, listener: Callable[[], None]) -> None:
        """Call it no more."""
        self._listeners = [one for one in self._listeners if one is not listener]

    def tell(
        self,
        findings: Sequence[tuple[Subject, Finding, int | None]],
        *,
        recorded_ms: int,
    ) -> int:
        """Take findings, in order, in one transaction; each with how long after it an alert of it escalates (ms).

        Returns
        -------
        int
            How many events the feed got by it. Finding again what is known already gives none.
        """
        if not findings:
            return 0
        with self._database.write() as session:
            told = sum(find(session, *one, recorded_ms) for one in findings)
        self._notify(told)
        return told

    def acknowledge(
        self, alert: str, *, who: str, at_ms: int, recorded_ms: int, escalate_after_ms: int | None = None
    ) -> Alert:
        """Note that somebody has seen it; once more is the same as once.

        Raises
        ------
        StoreRejectedError
            If there is no such alert.
        """
        return self._deed(alert, Acknowledge(at_ms), who, "", recorded_ms, escalate_after_ms)

    def snooze(
        self,
        alert: str,
        until_ms: int,
        *,
        who: str,
        at_ms: int,
        recorded_ms: int,
        escalate_after_ms: int | None = None,
    ) -> Alert:
        """Let it rest until a time (of the data).

        Raises
        ------
        StoreRejectedError
            If there is no such alert, it is over, or the time is past or too far away.
        """
        return self._deed(alert, Snooze(at_ms, until_ms), who, str(until_ms), recorded_ms, escalate_after_ms)

    def assign(self, alert: str, to: str | None, *, who: str, at_ms: int, recorded_ms: int) -> Alert:
        """Say who takes care of it; None: nobody.

        Raises
        ------
        StoreRejectedError
            If there is no such alert.
        """
        with self._database.write() as session:
            row = known_row(session, alert)
            row.assigned_to = to
            record(session, row, "assigned", at_ms, recorded_ms, who=who, detail=to or "")
            found = alert_of(row)
        self._notify(1)
        return found

    def comment(self, alert: str, text: str, *, who: str, at_ms: int, recorded_ms: int) -> Alert:
        """Add a comment. Its text is in the history alone: the feed tells that there is one.

        Raises
        ------
        StoreRejectedError
            If there is no such alert.
        """
        with self._database.write() as session:
            row = known_row(session, alert)
            record(session, row, "commented", at_ms, recorded_ms, who=who, detail=text)
            found = alert_of(row)
        self._notify(1)
        return found

    def tick(
        self, now_ms: Callable[[str | None], int], escalate_after: EscalateAfter, *, latest_ms: int, recorded_ms: int
    ) -> int:
        """Let time pass: alerts escalate, snoozes end.

        Parameters
        ----------
        now_ms : callable
            Data time of a gateway's home (None: of what has none).
        escalate_after : callable
            For alerts whose snooze ends.
        latest_ms : int
            The latest that `now_ms` will say.

        Returns
        -------
        int
            How many events the feed got by it.
        """
        due = sa.and_(AlertRow.due_ms.is_not(None), AlertRow.due_ms <= latest_ms)
        with self._database.read() as session:
            ids = [row.id for row in session.scalars(sa.select(AlertRow).where(due)) if is_due(row, now_ms)]
        if not ids:
            return 0
        told = 0
        with self._database.write() as session:
            for alert in ids:
                row = session.get(AlertRow, alert)
                if row is not None and is_due(row, now_ms):
                    after_ms = escalate_after(row.kind, subject_of(row))
                    event = Tick(now_ms(row.gateway_id))
                    told += take(session, row, event, after_ms, recorded_ms)
        self._notify(told)
        return told

    def known(self, kind: str, subject: str, *, since_ms: int, device: str | None = None) -> list[Known]:
        """Alerts of a rule and subject (by one device's data) that are open or ended at `since_ms` or later."""
        statement = (
            sa.select(AlertRow)
            .where(
                AlertRow.kind == kind,
                AlertRow.subject == subject,
                sa.or_(AlertRow.resolved_ms.is_(None), AlertRow.resolved_ms >= since_ms),
            )
            .order_by(AlertRow.raised_ms)
        )
        if device is not None:
            statement = statement.where(AlertRow.device_id == device)
        with self._database.read() as session:
            return [Known(row.from_ms, row.raised_ms, row.resolved_ms, row.grade) for row in session.scalars(statement)]

    def open_of(self, kinds: Sequence[str]) -> dict[tuple[str, str], Alert]:
        """Open alerts of some rules, by rule and subject: what a restarted service takes up again."""
        statement = sa.select(AlertRow).where(AlertRow.resolved_ms.is_(None), AlertRow.kind.in_(kinds))
        with self._database.read() as session:
            return {(row.kind, row.subject): alert_of(row) for row in session.scalars(statement)}

    def raise_alert(
        self,
        kind: str,
        subject: str,
        message: str,
        *,
        at_ms: int,
        severity: Severity = Severity.WARNING,
        evidence: Mapping[str, str | float | None] | None = None,
    ) -> Alert:
        """Open an alert that no rule's data stand behind, or count one more on the open alert of this kind and subject.

        A gateway's notices come this way: they are its own word.
        """
        with self._database.write() as session:
            row = open_row(session, kind, subject)
            if row is None:
                gateway = session.get(GatewayRow, subject)
                about = Subject(subject, FIRST_CLINIC if gateway is None else gateway.clinic_id, gateway=subject)
                case, changes = begin(Finding(kind, True, at_ms, at_ms, at_ms, {}), None)
                row = new_row(about, case)
                describe(row, message, severity, dict(evidence or {}))
                session.add(row)
                write_changes(session, row, changes, at_ms)
            else:
                describe(row, message, severity, dict(evidence or {}))
                row.count += 1
                row.last_ms = max(row.last_ms, at_ms)
            found = alert_of(row)
        self._notify(1)
        return found

    def resolve(self, kind: str, subject: str, *, at_ms: int) -> Alert | None:
        """Close the open alert of this kind and subject; None if there is none."""
        with self._database.write() as session:
            row = open_row(session, kind, subject)
            if row is None:
                return None
            take(session, row, Finding(kind, False, at_ms, at_ms, at_ms, {}), None, at_ms)
            found = alert_of(row)
        self._notify(1)
        return found

    def get(self, alert: str) -> Alert | None:
        """One alert; None if there is none."""
        with self._database.read() as session:
            row = session.get(AlertRow, alert)
            return None if row is None else alert_of(row)

    def history(self, alert: str) -> list[AlertEvent]:
        """All that happened to an alert, in order."""
        statement = sa.select(AlertHistoryRow).where(AlertHistoryRow.alert_id == alert).order_by(AlertHistoryRow.number)
        with self._database.read() as session:
            return [event_of(row) for row in session.scalars(statement)]

    def list(
        self,
        *,
        open_only: bool = False,
        unseen: bool = False,
        clinic: str | None = None,
        patient: str | None = None,
        subject: str | None = None,
        kind: str | None = None,
        state: AlertState | None = None,
        limit: int = 200,
        among: Collection[str] | None = None,
        devices_of: str | None = None,
    ) -> list[Alert]:
        """Alerts, the newest first.

        Parameters
        ----------
        unseen : bool
            Those that nobody has acknowledged, over or not: also what was over by the morning.
        among : collection of str or None
            Ids of the patients whom they are about; with `devices_of` also those about no patient, of that clinic.
        """
        statement = sa.select(AlertRow).order_by(AlertRow.raised_ms.desc(), AlertRow.id).limit(limit)
        if open_only:
            statement = statement.where(AlertRow.resolved_ms.is_(None))
        if unseen:
            statement = statement.where(AlertRow.acknowledged_ms.is_(None))
        if among is not None:
            nobodys = sa.and_(AlertRow.patient_id.is_(None), AlertRow.clinic_id == devices_of)
            statement = statement.where(sa.or_(AlertRow.patient_id.in_(sorted(among)), nobodys))
        for column, wanted in (
            (AlertRow.clinic_id, clinic),
            (AlertRow.patient_id, patient),
            (AlertRow.subject, subject),
            (AlertRow.kind, kind),
            (AlertRow.state, None if state is None else state.value),
        ):
            if wanted is not None:
                statement = statement.where(column == wanted)
        with self._database.read() as session:
            return [alert_of(row) for row in session.scalars(statement)]

    def open_count(self) -> int:
        """How many alerts are open."""
        with self._database.read() as session:
            return session.scalar(sa.select(sa.func.count()).where(AlertRow.resolved_ms.is_(None))) or 0

    def _deed(
        self, alert: str, event: Event, who: str, detail: str, recorded_ms: int, escalate_after_ms: int | None
    ) -> Alert:
        with self._database.write() as session:
            row = known_row(session, alert)
            try:
                told = take(session, row, event, escalate_after_ms, recorded_ms, who=who, detail=detail)
            except ValueError as error:
                raise StoreRejectedError(str(error)) from None
            found = alert_of(row)
        self._notify(told)
        return found

    def _notify(self, told: int) -> None:
        if told:
            for listener in self._listeners:
                listener()
