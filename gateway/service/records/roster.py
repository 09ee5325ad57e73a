"""Whole clinics at once, in narrow rows and few queries: who there is, what they have, how they are treated."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa

from gateway.service.records.database import Database
from gateway.service.records.tables import DeviceRow
from gateway.service.records.tables_accounts import TeamPatientRow, TeamRow, TeamUserRow
from gateway.service.records.tables_people import AssignmentRow, PatientRow, TreatmentStepRow


@dataclass(frozen=True, slots=True)
class Listed:
    """A patient who is followed."""

    id: str
    clinic: str
    name: str
    zone: str
    created_ms: int


@dataclass(frozen=True, slots=True)
class Held:
    """A device and when a patient had it (`to_ms` None: still has), with what is known of the device."""

    patient: str
    device: str
    from_ms: int
    to_ms: int | None
    family: str
    gateway: str
    battery_pct: float | None
    last_contact_ms: int


class Roster:
    """Lists over all patients of a clinic (None: of all clinics) who are followed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def patients(self, clinic: str | None) -> list[Listed]:
        """Who is followed, by name."""
        row = PatientRow
        statement = sa.select(row.id, row.clinic_id, row.name, row.zone, row.created_ms).where(*_followed(clinic))
        with self._database.read() as session:
            return [Listed(*one) for one in session.execute(statement.order_by(row.name, row.id))]

    def held(self, clinic: str | None) -> list[Held]:
        """Which devices each had when, the oldest first."""
        given, device = AssignmentRow, DeviceRow
        statement = (
            sa.select(
                given.patient_id,
                given.device_id,
                given.from_ms,
                given.to_ms,
                device.family,
                device.gateway_id,
                device.battery_pct,
                device.last_contact_ms,
            )
            .join(device, device.id == given.device_id)
            .join(PatientRow, PatientRow.id == given.patient_id)
            .where(*_followed(clinic))
            .order_by(given.from_ms, given.id)
        )
        with self._database.read() as session:
            return [Held(*one) for one in session.execute(statement)]

    def steps(self, clinic: str | None) -> dict[str, list[tuple[date, float]]]:
        """Treatment steps by patient, in order of date: the night from which on, and the advancement in mm."""
        row = TreatmentStepRow
        statement = (
            sa.select(row.patient_id, row.night, row.advancement_mm)
            .join(PatientRow, PatientRow.id == row.patient_id)
            .where(*_followed(clinic))
            .order_by(row.night)
        )
        found: dict[str, list[tuple[date, float]]] = {}
        with self._database.read() as session:
            for patient, night, advancement_mm in session.execute(statement):
                found.setdefault(patient, []).append((night, advancement_mm))
        return found

    def teams(self, user: str | None) -> list[tuple[str, str, frozenset[str]]]:
        """Care teams that a user is in (None: all there are), by name: id, name, ids of their patients."""
        statement = (
            sa.select(TeamRow.id, TeamRow.name, TeamPatientRow.patient_id)
            .outerjoin(TeamPatientRow, TeamPatientRow.team_id == TeamRow.id)
            .order_by(TeamRow.name, TeamRow.id)
        )
        if user is not None:
            statement = statement.join(TeamUserRow, TeamUserRow.team_id == TeamRow.id).where(
                TeamUserRow.account_id == user
            )
        found: dict[tuple[str, str], set[str]] = {}
        with self._database.read() as session:
            for team, name, patient in session.execute(statement):
                found.setdefault((team, name), set()).update(() if patient is None else (patient,))
        return [(team, name, frozenset(patients)) for (team, name), patients in found.items()]


def _followed(clinic: str | None) -> tuple[sa.ColumnElement[bool], ...]:
    followed = PatientRow.archived_ms.is_(None)
    return (followed,) if clinic is None else (followed, PatientRow.clinic_id == clinic)
