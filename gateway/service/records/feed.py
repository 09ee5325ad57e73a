"""The feed: what happened to alerts, in the order in which it was committed, kept until it is old.

Whoever was away asks for what came after the last event that he saw. A way out (MQTT, each webhook) keeps its own
place.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from gateway.service.records.database import Database
from gateway.service.records.tables_alerts import AlertRow, FeedCursorRow, FeedRow
from gateway.wire.feed import Evidence, FeedEvent, decode_event, encode_event


class Feed:
    """The feed in the records."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def after(self, seq: int, *, clinic: str | None = None, limit: int = 500) -> list[FeedEvent]:
        """Events with a greater id, in order."""
        statement = sa.select(FeedRow).where(FeedRow.seq > seq).order_by(FeedRow.seq).limit(limit)
        if clinic is not None:
            statement = statement.where(FeedRow.clinic_id == clinic)
        with self._database.read() as session:
            return [decode_event(row.document) for row in session.scalars(statement)]

    def last(self) -> int:
        """Id of the latest event; 0 before the first."""
        with self._database.read() as session:
            return last_seq(session)

    def cursor(self, name: str) -> int:
        """The last event that a way out has taken; 0 before the first."""
        with self._database.read() as session:
            row = session.get(FeedCursorRow, name)
            return 0 if row is None else row.seq

    def set_cursor(self, name: str, seq: int) -> None:
        """Note the last event that a way out has taken; it never goes back."""
        with self._database.write() as session:
            note_cursor(session, name, seq)

    def prune(self, before_ms: int) -> int:
        """Forget events recorded before a time; the latest stays, so that ids go on. Returns how many went."""
        latest = sa.select(sa.func.max(FeedRow.seq)).scalar_subquery()
        statement = sa.delete(FeedRow).where(FeedRow.recorded_ms < before_ms, FeedRow.seq < latest)
        with self._database.write() as session:
            before = session.scalar(sa.select(sa.func.count()).select_from(FeedRow)) or 0
            session.execute(statement)
            after = session.scalar(sa.select(sa.func.count()).select_from(FeedRow)) or 0
            return before - after


def last_seq(session: Session) -> int:
    """Id of the latest event, also of one that was erased since: an id is never given twice."""
    held = session.scalar(sa.select(sa.func.max(FeedRow.seq))) or 0
    return max(held, session.scalar(sa.select(sa.func.max(FeedCursorRow.seq))) or 0)


def note_cursor(session: Session, name: str, seq: int) -> None:
    """Note, within a transaction, how far a way out has got."""
    row = session.get(FeedCursorRow, name)
    if row is None:
        session.add(FeedCursorRow(name=name, seq=seq))
    else:
        row.seq = max(row.seq, seq)


def add_event(
    session: Session, row: AlertRow, event: str, at_ms: int, recorded_ms: int, *, state: str, late: bool
) -> None:
    """Write one event, within the transaction that it tells of. Writers take turns, so the next number is free."""
    session.flush()
    seq = last_seq(session) + 1
    told = FeedEvent(
        id=seq,
        clinic=row.clinic_id,
        event=event,
        alert=row.id,
        rule=row.kind,
        state=state,
        severity=row.severity,
        grade=row.grade,
        patient=row.patient_id,
        device=row.device_id,
        gateway=row.gateway_id,
        at_ms=at_ms,
        recorded_ms=recorded_ms,
        late=late,
        withdrawn=row.withdrawn,
        message=row.message,
        evidence=Evidence(row.from_ms, row.to_ms, dict(row.evidence)),
        link=f"/api/v1/alerts/{row.id}",
    )
    session.add(
        FeedRow(seq=seq, clinic_id=row.clinic_id, recorded_ms=recorded_ms, document=encode_event(told).decode())
    )
