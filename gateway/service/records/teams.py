"""Care teams: which users care for which patients, within one clinic."""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from sqlalchemy.orm import Session

from gateway.errors import StoreRejectedError
from gateway.service.records.database import Database
from gateway.service.records.tables_accounts import TeamPatientRow, TeamRow, TeamUserRow, UserRow
from gateway.service.records.tables_people import ClinicRow, PatientRow
from gateway.service.records.values_accounts import Role, Team


class Teams:
    """Care teams in the records."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, clinic: str, name: str) -> Team:
        """Make a team, with nobody in it.

        Raises
        ------
        StoreRejectedError
            If the clinic has one of that name, or there is no such clinic.
        """
        row = TeamRow(id=f"t-{secrets.token_hex(6)}", clinic_id=clinic, name=name)
        with self._database.write() as session:
            if session.get(ClinicRow, clinic) is None:
                raise StoreRejectedError(f"no such clinic: {clinic}")
            same = sa.select(TeamRow.id).where(TeamRow.clinic_id == clinic, TeamRow.name == name)
            if session.scalars(same).first() is not None:
                raise StoreRejectedError(f"there is a team {name} already")
            session.add(row)
        return Team(row.id, clinic, name, frozenset(), frozenset())

    def get(self, team: str) -> Team | None:
        """The team; None if there is none."""
        with self._database.read() as session:
            row = session.get(TeamRow, team)
            return None if row is None else _team(session, row)

    def list(self, clinic: str) -> list[Team]:
        """A clinic's teams, by name."""
        with self._database.read() as session:
            rows = session.scalars(sa.select(TeamRow).where(TeamRow.clinic_id == clinic).order_by(TeamRow.name))
            return [_team(session, row) for row in rows.all()]

    def put_user(self, team: str, user: str, *, belongs: bool) -> Team:
        """Put a user into a team, or take one out; counts from the next request on.

        Raises
        ------
        StoreRejectedError
            If there is no such team, the user is not of its clinic, or is a patient.
        """
        with self._database.write() as session:
            row = _known(session, team)
            known = session.get(UserRow, user)
            if known is None or known.clinic_id != row.clinic_id or known.role == Role.PATIENT:
                raise StoreRejectedError(f"no such user in the team's clinic who could care for patients: {user}")
            _put(session, TeamUserRow(team_id=team, account_id=user), (team, user), belongs=belongs)
            return _team(session, row)

    def put_patient(self, team: str, patient: str, *, belongs: bool) -> Team:
        """Give a patient into a team's care, or take one out; counts from the next request on.

        Raises
        ------
        StoreRejectedError
            If there is no such team, or the patient is not of its clinic.
        """
        with self._database.write() as session:
            row = _known(session, team)
            known = session.get(PatientRow, patient)
            if known is None or known.clinic_id != row.clinic_id:
                raise StoreRejectedError(f"no such patient in the team's clinic: {patient}")
            _put(session, TeamPatientRow(team_id=team, patient_id=patient), (team, patient), belongs=belongs)
            return _team(session, row)

    def of_user(self, user: str) -> tuple[str, ...]:
        """Ids of the teams that a user is in."""
        statement = sa.select(TeamUserRow.team_id).where(TeamUserRow.account_id == user).order_by(TeamUserRow.team_id)
        with self._database.read() as session:
            return tuple(session.scalars(statement))

    def patients_of(self, user: str) -> frozenset[str]:
        """Patients in the care of any team that a user is in."""
        statement = (
            sa.select(TeamPatientRow.patient_id)
            .join(TeamUserRow, TeamUserRow.team_id == TeamPatientRow.team_id)
            .where(TeamUserRow.account_id == user)
        )
        with self._database.read() as session:
            return frozenset(session.scalars(statement))

    def cares(self, user: str, patient: str) -> bool:
        """Whether a user is in a team that cares for a patient."""
        statement = (
            sa.select(TeamPatientRow.team_id)
            .join(TeamUserRow, TeamUserRow.team_id == TeamPatientRow.team_id)
            .where(TeamUserRow.account_id == user, TeamPatientRow.patient_id == patient)
            .limit(1)
        )
        with self._database.read() as session:
            return session.scalars(statement).first() is not None

    def without_team(self, clinic: str) -> tuple[str, ...]:
        """Ids of a clinic's patients whom no team cares for: nobody sees them."""
        cared = sa.select(TeamPatientRow.patient_id)
        statement = (
            sa.select(PatientRow.id)
            .where(PatientRow.clinic_id == clinic, PatientRow.archived_ms.is_(None), PatientRow.id.not_in(cared))
            .order_by(PatientRow.id)
        )
        with self._database.read() as session:
            return tuple(session.scalars(statement))


def _known(session: Session, team: str) -> TeamRow:
    row = session.get(TeamRow, team)
    if row is None:
        raise StoreRejectedError(f"no such team: {team}")
    return row


def _put(session: Session, row: TeamUserRow | TeamPatientRow, key: tuple[str, str], *, belongs: bool) -> None:
    there = session.get(type(row), key)
    if belongs and there is None:
        session.add(row)
    elif not belongs and there is not None:
        session.delete(there)
    session.flush()


def _team(session: Session, row: TeamRow) -> Team:
    users = session.scalars(sa.select(TeamUserRow.account_id).where(TeamUserRow.team_id == row.id))
    patients = session.scalars(sa.select(TeamPatientRow.patient_id).where(TeamPatientRow.team_id == row.id))
    return Team(row.id, row.clinic_id, row.name, frozenset(users), frozenset(patients))
