"""Messages that could not be stored: kept, with their reason, for a person to look at."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import sqlalchemy as sa

from gateway.service.records.database import Database, Row
from gateway.service.records.tables import SetAsideRow
from gateway.service.records.values import MAX_PAYLOAD, Rejected, SetAside


class SetAsides:
    """Set-aside messages in the records."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, messages: Sequence[Rejected]) -> None:
        """Keep messages in one transaction; when this returns they are on disk. Once more is the same as once."""
        if not messages:
            return
        rows: list[Row] = [
            {
                "id": _id(one),
                "received_ms": one.received_ms,
                "gateway": _printable(one.gateway),
                "topic": _printable(one.topic),
                "reason": _printable(one.reason),
                "detail": _printable(one.detail),
                "payload": one.payload[:MAX_PAYLOAD],
                "size": len(one.payload),
            }
            for one in messages
        ]
        with self._database.write() as session:
            self._database.upsert(session, SetAsideRow, list({row["id"]: row for row in rows}.values()))

    def list(self, *, reason: str | None = None, limit: int = 100) -> list[SetAside]:
        """Messages that were set aside, the newest first."""
        statement = sa.select(SetAsideRow).order_by(SetAsideRow.received_ms.desc(), SetAsideRow.id).limit(limit)
        if reason is not None:
            statement = statement.where(SetAsideRow.reason == reason)
        with self._database.read() as session:
            return [_set_aside(row) for row in session.scalars(statement)]

    def of_device(self, device: str, *, after: str = "", limit: int = 100) -> Sequence[SetAside]:
        """Messages that name a device in their topic, in order of id behind `after`."""
        statement = (
            sa.select(SetAsideRow)
            .where(SetAsideRow.topic.contains(f"/up/{device}/", autoescape=True), SetAsideRow.id > after)
            .order_by(SetAsideRow.id)
            .limit(limit)
        )
        with self._database.read() as session:
            return [_set_aside(row) for row in session.scalars(statement)]

    def remove(self, ids: Sequence[str]) -> None:
        """Forget messages."""
        with self._database.write() as session:
            session.execute(sa.delete(SetAsideRow).where(SetAsideRow.id.in_(ids)))

    def counts(self) -> dict[str, int]:
        """How many messages were set aside, by reason."""
        statement = sa.select(SetAsideRow.reason, sa.func.count()).group_by(SetAsideRow.reason)
        with self._database.read() as session:
            return dict(session.execute(statement.order_by(SetAsideRow.reason)).all())

    def prune(self, before_ms: int) -> int:
        """Forget messages received before a time; returns how many went."""
        with self._database.write() as session:
            gone = session.execute(
                sa.delete(SetAsideRow).where(SetAsideRow.received_ms < before_ms).returning(SetAsideRow.id)
            )
            return len(gone.all())


def _id(message: Rejected) -> str:
    """Named by what it is: a gateway that sends it again, because the answer was lost, adds nothing."""
    digest = hashlib.blake2b(digest_size=16)
    for part in (message.gateway, message.topic, message.reason, message.detail):
        digest.update(part.encode("utf-8", "replace") + b"\0")
    digest.update(message.payload)
    return digest.hexdigest()


def _printable(text: str) -> str:
    """Without NUL and lone surrogates, which PostgreSQL and UTF-8 do not take: hostile input must not block here."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()[:1000]


def _set_aside(row: SetAsideRow) -> SetAside:
    return SetAside(
        id=row.id,
        received_ms=row.received_ms,
        gateway=row.gateway,
        topic=row.topic,
        reason=row.reason,
        detail=row.detail,
        payload=row.payload,
        size=row.size,
    )
