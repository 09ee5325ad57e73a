"""Attempts to sign in that were in vain, counted so that a restart forgets none; and from where users sign in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from gateway.service.records.database import Database
from gateway.service.records.tables_sign_in import AttemptRow, KnownPlaceRow


@dataclass(frozen=True, slots=True)
class Tally:
    """How often of late, and when last (UTC)."""

    level: float
    last_ms: int


class Attempts:
    """Attempts in the records. What they lead to is `gateway.service.sign_in.back_off`'s business."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def change(self, keys: Sequence[str], decide: Callable[[Mapping[str, Tally]], Mapping[str, Tally | None]]) -> None:
        """Read some tallies, and write what `decide` makes of them, in one turn; None removes one."""
        with self._database.write() as session:
            rows = {row.key: row for row in session.scalars(sa.select(AttemptRow).where(AttemptRow.key.in_(keys)))}
            known = {key: Tally(row.level, row.last_ms) for key, row in rows.items()}
            for key, tally in decide(known).items():
                if tally is not None:
                    session.merge(AttemptRow(key=key, level=tally.level, last_ms=tally.last_ms))
                elif key in rows:
                    session.delete(rows[key])

    def forget(self, *, before_ms: int) -> None:
        """Forget what was last tried before then."""
        with self._database.write() as session:
            session.execute(sa.delete(AttemptRow).where(AttemptRow.last_ms < before_ms))

    def is_known(self, user: str, place: str, *, since_ms: int) -> bool:
        """Whether a user has signed in from a place since then."""
        with self._database.read() as session:
            row = session.get(KnownPlaceRow, (user, place))
            return row is not None and row.seen_ms >= since_ms

    def note_place(self, user: str, place: str, *, at_ms: int, since_ms: int) -> None:
        """Note from where a user signed in; forget the user's places not seen since then."""
        with self._database.write() as session:
            session.merge(KnownPlaceRow(account_id=user, place=place, seen_ms=at_ms))
            session.execute(
                sa.delete(KnownPlaceRow).where(KnownPlaceRow.account_id == user, KnownPlaceRow.seen_ms < since_ms)
            )
