"""Sessions: found by the hash of the token that a browser holds."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from gateway.service.records.database import Database
from gateway.service.records.tables_accounts import UserRow
from gateway.service.records.tables_sign_in import SecondFactorRow, SessionRow
from gateway.service.records.users import to_user
from gateway.service.records.values_accounts import User
from gateway.service.records.values_sign_in import SignInSession, SignInWay


@dataclass(frozen=True, slots=True)
class FoundSession:
    """A session, its user, and whether the user has a second factor in force."""

    session: SignInSession
    user: User
    has_factor: bool


class Sessions:
    """Sessions in the records."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, sha256: str, begun: SignInSession) -> None:
        """Keep a session, and forget those that are over."""
        with self._database.write() as session:
            session.execute(sa.delete(SessionRow).where(SessionRow.ends_ms <= begun.created_ms))
            session.add(
                SessionRow(
                    sha256=sha256,
                    id=begun.id,
                    account_id=begun.user,
                    way=begun.way,
                    second_factor=begun.second_factor,
                    created_ms=begun.created_ms,
                    used_ms=begun.used_ms,
                    ends_ms=begun.ends_ms,
                    address=begun.address[:255],
                    agent=begun.agent[:255],
                )
            )

    def find(self, sha256: str) -> FoundSession | None:
        """The session with that hash, over or not, and whose it is; None if there is none."""
        statement = (
            sa.select(SessionRow, UserRow, SecondFactorRow.confirmed_ms)
            .join(UserRow, UserRow.id == SessionRow.account_id)
            .outerjoin(SecondFactorRow, SecondFactorRow.account_id == SessionRow.account_id)
            .where(SessionRow.sha256 == sha256)
        )
        with self._database.read() as session:
            found = session.execute(statement).first()
            if found is None:
                return None
            return FoundSession(_session(found[0]), to_user(found[1]), has_factor=found[2] is not None)

    def of_user(self, user: str) -> list[SignInSession]:
        """A user's sessions, the last used first."""
        statement = sa.select(SessionRow).where(SessionRow.account_id == user)
        with self._database.read() as session:
            rows = session.scalars(statement.order_by(SessionRow.used_ms.desc(), SessionRow.id))
            return [_session(row) for row in rows]

    def touch(self, sha256: str, used_ms: int) -> None:
        """Note that a session was used."""
        with self._database.write() as session:
            session.execute(sa.update(SessionRow).where(SessionRow.sha256 == sha256).values(used_ms=used_ms))

    def set_second_factor(self, one: str) -> None:
        """Note that the second factor was given in a session."""
        with self._database.write() as session:
            session.execute(sa.update(SessionRow).where(SessionRow.id == one).values(second_factor=True))

    def end(self, user: str, one: str) -> bool:
        """End a session of a user; False if the user has none of that id."""
        with self._database.write() as session:
            row = session.scalars(
                sa.select(SessionRow).where(SessionRow.account_id == user, SessionRow.id == one)
            ).first()
            if row is not None:
                session.delete(row)
            return row is not None

    def end_all(self, user: str, *, but: str | None = None) -> None:
        """End every session of a user, but perhaps one."""
        statement = sa.delete(SessionRow).where(SessionRow.account_id == user)
        with self._database.write() as session:
            session.execute(statement if but is None else statement.where(SessionRow.id != but))


def _session(row: SessionRow) -> SignInSession:
    return SignInSession(
        row.id,
        row.account_id,
        SignInWay(row.way),
        row.second_factor,
        row.created_ms,
        row.used_ms,
        row.ends_ms,
        row.address,
        row.agent,
    )
