"""Alerts, first cut: raised and resolved, one open at a time for a kind and subject."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Session

from gateway.service.records.database import Database
from gateway.service.records.tables import AlertRow
from gateway.service.records.values import Alert, Severity


class Alerts:
    """Alerts in the records."""

    def __init__(self, database: Database) -> None:
        self._database = database

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
        """Open an alert, or count one more on the open alert of this kind and subject."""
        with self._database.write() as session:
            row = _open(session, kind, subject)
            if row is None:
                row = AlertRow(id=uuid4().hex, kind=kind, subject=subject, count=0, raised_ms=at_ms, last_ms=at_ms)
                session.add(row)
            row.message = message
            row.severity = severity
            row.evidence = dict(evidence or {})
            row.count += 1
            row.last_ms = max(row.last_ms, at_ms)
            return _alert(row)

    def resolve(self, kind: str, subject: str, *, at_ms: int) -> Alert | None:
        """Close the open alert of this kind and subject; None if there is none."""
        with self._database.write() as session:
            row = _open(session, kind, subject)
            if row is None:
                return None
            row.resolved_ms = at_ms
            return _alert(row)

    def list(self, *, open_only: bool = False, limit: int = 200) -> list[Alert]:
        """Alerts, the newest first."""
        statement = sa.select(AlertRow).order_by(AlertRow.raised_ms.desc(), AlertRow.id).limit(limit)
        if open_only:
            statement = statement.where(AlertRow.resolved_ms.is_(None))
        with self._database.read() as session:
            return [_alert(row) for row in session.scalars(statement)]

    def open_count(self) -> int:
        """How many alerts are open."""
        with self._database.read() as session:
            return session.scalar(sa.select(sa.func.count()).where(AlertRow.resolved_ms.is_(None))) or 0


def _open(session: Session, kind: str, subject: str) -> AlertRow | None:
    statement = sa.select(AlertRow).where(
        AlertRow.kind == kind, AlertRow.subject == subject, AlertRow.resolved_ms.is_(None)
    )
    return session.scalars(statement).first()


def _alert(row: AlertRow) -> Alert:
    return Alert(
        id=row.id,
        kind=row.kind,
        subject=row.subject,
        severity=Severity(row.severity),
        message=row.message,
        evidence=row.evidence,
        count=row.count,
        raised_ms=row.raised_ms,
        last_ms=row.last_ms,
        resolved_ms=row.resolved_ms,
    )
