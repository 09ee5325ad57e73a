"""What users sign in with: passwords, second factors, one-time codes, identities at a provider."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.orm import Session

from gateway.errors import StoreRejectedError
from gateway.service.records.database import Database
from gateway.service.records.tables_sign_in import (
    IdentityRow,
    OneTimeCodeRow,
    PasswordRow,
    RecoveryCodeRow,
    SecondFactorRow,
    SessionRow,
)
from gateway.service.records.users import sign_out
from gateway.service.records.values_sign_in import CodeKind, SecondFactor


class Credentials:
    """What users sign in with, in the records. Of codes only hashes are given to it and kept."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def password(self, user: str) -> str | None:
        """A user's password as argon2 wrote its hash; None if there is none."""
        with self._database.read() as session:
            row = session.get(PasswordRow, user)
            return None if row is None else row.hash

    def set_password(self, user: str, hashed: str, *, at_ms: int) -> None:
        """Set a user's password, which ends every session, invitation and link that the user has."""
        with self._database.write() as session:
            _set_password(session, user, hashed, at_ms)

    def rehash(self, user: str, before: str, hashed: str) -> None:
        """Put a hash of the same password in place of another, if that still stands."""
        with self._database.write() as session:
            session.execute(
                sa.update(PasswordRow)
                .where(PasswordRow.account_id == user, PasswordRow.hash == before)
                .values(hash=hashed)
            )

    def add_code(self, user: str, kind: CodeKind, sha256: str, *, at_ms: int, ends_ms: int) -> None:
        """Keep a one-time code; of the same kind the user then has no other, and what is over goes.

        Raises
        ------
        StoreRejectedError
            If there is no such user.
        """
        old = sa.and_(OneTimeCodeRow.account_id == user, OneTimeCodeRow.kind == kind)
        with self._database.write() as session:
            session.execute(sa.delete(OneTimeCodeRow).where(sa.or_(old, OneTimeCodeRow.ends_ms <= at_ms)))
            session.add(OneTimeCodeRow(sha256=sha256, account_id=user, kind=kind, ends_ms=ends_ms))

    def code(self, kind: CodeKind, sha256: str, *, at_ms: int) -> str | None:
        """Id of the user whom a code that still can be used is for; else None."""
        with self._database.read() as session:
            row = session.get(OneTimeCodeRow, sha256)
            return None if row is None or row.kind != kind or row.ends_ms <= at_ms else row.account_id

    def use_link(self, sha256: str, *, at_ms: int) -> str | None:
        """Use a link up; id of the user whom it is for, None if it cannot be used."""
        with self._database.write() as session:
            return _use(session, CodeKind.LINK, sha256, at_ms)

    def use_invitation(self, sha256: str, hashed: str, *, at_ms: int) -> str | None:
        """Use an invitation up by setting the password; id of the user, None if it cannot be used."""
        with self._database.write() as session:
            user = _use(session, CodeKind.INVITATION, sha256, at_ms)
            if user is not None:
                _set_password(session, user, hashed, at_ms)
            return user

    def second_factor(self, user: str) -> SecondFactor | None:
        """A user's second factor, confirmed or not; None if there is none."""
        with self._database.read() as session:
            row = session.get(SecondFactorRow, user)
            return None if row is None else SecondFactor(row.secret, row.confirmed_ms, row.last_step)

    def begin_second_factor(self, user: str, secret: str) -> bool:
        """Keep a secret that no code was given of yet, in place of another such; False if one is in force."""
        with self._database.write() as session:
            row = session.get(SecondFactorRow, user)
            if row is not None and row.confirmed_ms is not None:
                return False
            session.merge(SecondFactorRow(account_id=user, secret=secret, confirmed_ms=None, last_step=-1))
            return True

    def confirm_second_factor(self, user: str, secret: str, step: int, codes: Collection[str], *, at_ms: int) -> bool:
        """Put the secret in force, with its recovery codes; False if it is not the one that was begun."""
        with self._database.write() as session:
            row = session.get(SecondFactorRow, user)
            if row is None or row.confirmed_ms is not None or row.secret != secret:
                return False
            row.confirmed_ms, row.last_step = at_ms, step
            session.execute(sa.delete(RecoveryCodeRow).where(RecoveryCodeRow.account_id == user))
            session.add_all(RecoveryCodeRow(sha256=one, account_id=user) for one in codes)
            return True

    def take_step(self, user: str, step: int) -> bool:
        """Use up a code's time step; False if it, or a later one, was used before."""
        with self._database.write() as session:
            row = session.get(SecondFactorRow, user)
            if row is None or row.last_step >= step:
                return False
            row.last_step = step
            return True

    def use_recovery_code(self, user: str, sha256: str) -> bool:
        """Use a recovery code up; False if the user has none such."""
        with self._database.write() as session:
            row = session.get(RecoveryCodeRow, sha256)
            if row is None or row.account_id != user:
                return False
            session.delete(row)
            return True

    def recovery_codes(self, user: str) -> int:
        """How many recovery codes a user has left."""
        statement = sa.select(sa.func.count()).select_from(RecoveryCodeRow).where(RecoveryCodeRow.account_id == user)
        with self._database.read() as session:
            return session.scalars(statement).one()

    def remove_second_factor(self, user: str) -> bool:
        """Remove a user's second factor and recovery codes; False if there was none. No session has it any more."""
        with self._database.write() as session:
            of_user = sa.update(SessionRow).where(SessionRow.account_id == user)
            session.execute(of_user.values(second_factor=False))
            session.execute(sa.delete(RecoveryCodeRow).where(RecoveryCodeRow.account_id == user))
            row = session.get(SecondFactorRow, user)
            if row is not None:
                session.delete(row)
            return row is not None

    def identity(self, issuer: str, subject: str) -> str | None:
        """Id of the user whom a provider means by a subject; None if nobody was bound to it."""
        with self._database.read() as session:
            row = session.get(IdentityRow, (issuer, subject))
            return None if row is None else row.account_id

    def bind(self, issuer: str, subject: str, user: str, *, at_ms: int) -> None:
        """Bind a user to a subject, for ever.

        Raises
        ------
        StoreRejectedError
            If the user is bound to another subject of that provider, or the subject to another user.
        """
        taken = sa.and_(
            IdentityRow.issuer == issuer, sa.or_(IdentityRow.account_id == user, IdentityRow.subject == subject)
        )
        with self._database.write() as session:
            if session.scalars(sa.select(IdentityRow.subject).where(taken)).first() is not None:
                raise StoreRejectedError("the user or the subject is bound already")
            session.add(IdentityRow(issuer=issuer, subject=subject, account_id=user, bound_ms=at_ms))


def _set_password(session: Session, user: str, hashed: str, at_ms: int) -> None:
    session.merge(PasswordRow(account_id=user, hash=hashed, set_ms=at_ms))
    sign_out(session, user)


def _use(session: Session, kind: CodeKind, sha256: str, at_ms: int) -> str | None:
    row = session.get(OneTimeCodeRow, sha256)
    if row is None or row.kind != kind or row.ends_ms <= at_ms:
        return None
    session.delete(row)
    return row.account_id
