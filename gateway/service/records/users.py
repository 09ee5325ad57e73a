"""Users: who may sign in, in which clinic, as what."""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from sqlalchemy.orm import Session

from gateway.errors import StoreRejectedError
from gateway.service.records.database import Database
from gateway.service.records.tables_accounts import UserRow
from gateway.service.records.tables_people import ClinicRow, PatientRow
from gateway.service.records.tables_sign_in import OneTimeCodeRow, SessionRow
from gateway.service.records.values_accounts import Role, User


class Users:
    """Users in the records."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, clinic: str, name: str, role: Role, *, at_ms: int, patient: str | None = None) -> User:
        """Make a user, who cannot sign in yet.

        Parameters
        ----------
        name : str
            To sign in with; upper and lower case are the same.
        patient : str or None
            Who it is, where the role is patient's; else None.

        Raises
        ------
        StoreRejectedError
            If there is one of that name or for that patient, no such clinic, or role and patient do not go together.
        """
        plain = name.strip().lower()
        if not plain:
            raise StoreRejectedError("a user has a name")
        if (role is Role.PATIENT) != (patient is not None):
            raise StoreRejectedError("a user of the role patient is one of the clinic's patients, and no other user is")
        row = UserRow(
            id=f"u-{secrets.token_hex(6)}",
            clinic_id=clinic,
            name=plain,
            role=role,
            patient_id=patient,
            created_ms=at_ms,
        )
        with self._database.write() as session:
            if session.get(ClinicRow, clinic) is None:
                raise StoreRejectedError(f"no such clinic: {clinic}")
            if patient is not None:
                known = session.get(PatientRow, patient)
                if known is None or known.clinic_id != clinic:
                    raise StoreRejectedError(f"no such patient of clinic {clinic}: {patient}")
            taken = sa.or_(
                UserRow.name == plain, sa.and_(UserRow.patient_id.is_not(None), UserRow.patient_id == patient)
            )
            if session.scalars(sa.select(UserRow.id).where(taken)).first() is not None:
                raise StoreRejectedError("there is a user of that name or for that patient already")
            session.add(row)
        return to_user(row)

    def get(self, user: str) -> User | None:
        """The user of an id; None if there is none."""
        with self._database.read() as session:
            row = session.get(UserRow, user)
            return None if row is None else to_user(row)

    def named(self, name: str) -> User | None:
        """The user who signs in with a name; None if there is none."""
        with self._database.read() as session:
            row = session.scalars(sa.select(UserRow).where(UserRow.name == name.strip().lower())).first()
            return None if row is None else to_user(row)

    def list(self, *, clinic: str | None = None, role: Role | None = None) -> list[User]:
        """Users by name."""
        statement = sa.select(UserRow).order_by(UserRow.name)
        if clinic is not None:
            statement = statement.where(UserRow.clinic_id == clinic)
        if role is not None:
            statement = statement.where(UserRow.role == role)
        with self._database.read() as session:
            return [to_user(row) for row in session.scalars(statement)]

    def set_disabled(self, user: str, disabled_ms: int | None) -> User:
        """Let a user in no more, from the next request on, and end every session; None: let in again.

        Raises
        ------
        StoreRejectedError
            If there is no such user.
        """
        with self._database.write() as session:
            row = session.get(UserRow, user)
            if row is None:
                raise StoreRejectedError(f"no such user: {user}")
            row.disabled_ms = disabled_ms
            if disabled_ms is not None:
                sign_out(session, user)
            return to_user(row)

    def set_role(self, user: str, role: Role) -> User:
        """Give a user of the staff another role of the staff, from the next request on; every session ends.

        Raises
        ------
        StoreRejectedError
            If there is no such user, or a patient would become staff or the other way round.
        """
        with self._database.write() as session:
            row = session.get(UserRow, user)
            if row is None:
                raise StoreRejectedError(f"no such user: {user}")
            if Role.PATIENT in (role, row.role):
                raise StoreRejectedError("nobody becomes a patient, and no patient anything else")
            row.role = role
            sign_out(session, user)
            return to_user(row)


def sign_out(session: Session, user: str) -> None:
    """End a user's every session, invitation and link, within a transaction."""
    session.execute(sa.delete(SessionRow).where(SessionRow.account_id == user))
    session.execute(sa.delete(OneTimeCodeRow).where(OneTimeCodeRow.account_id == user))


def to_user(row: UserRow) -> User:
    """The value of a row."""
    return User(row.id, row.clinic_id, row.name, Role(row.role), row.created_ms, row.patient_id, row.disabled_ms)
