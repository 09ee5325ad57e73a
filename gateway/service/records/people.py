"""Clinics and patients: the only place that knows who somebody is."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from typing import Final

import sqlalchemy as sa

from gateway.errors import StoreRejectedError
from gateway.service.nights import zone_info
from gateway.service.records.database import Database
from gateway.service.records.tables import GatewayRow
from gateway.service.records.tables_people import ClinicRow, PatientRow
from gateway.service.records.values_people import Clinic, Patient
from gateway.wire.topics import check_clinic

SEXES: Final = ("female", "male", "other")


class People:
    """Clinics and patients in the records."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_clinic(self, clinic: str, name: str, *, at_ms: int) -> Clinic:
        """Make a clinic.

        Raises
        ------
        StoreRejectedError
            If there is one of that id.
        WireError
            If the id is none for a clinic.
        """
        row = ClinicRow(id=check_clinic(clinic), name=name, created_ms=at_ms)
        with self._database.write() as session:
            session.add(row)
        return _clinic(row)

    def clinics(self) -> list[Clinic]:
        """Every clinic, by id."""
        with self._database.read() as session:
            return [_clinic(row) for row in session.scalars(sa.select(ClinicRow).order_by(ClinicRow.id))]

    def set_gateway_clinic(self, gateway: str, clinic: str) -> None:
        """Make a gateway a clinic's: its and its unassigned devices' alerts are told there.

        Raises
        ------
        StoreRejectedError
            If there is no such gateway or clinic.
        """
        with self._database.write() as session:
            row = session.get(GatewayRow, gateway)
            if row is None or session.get(ClinicRow, clinic) is None:
                raise StoreRejectedError(f"no such gateway or clinic: {gateway}, {clinic}")
            row.clinic_id = clinic

    def gateway_clinics(self) -> dict[str, str]:
        """The clinic of each gateway."""
        with self._database.read() as session:
            return {row.id: row.clinic_id for row in session.scalars(sa.select(GatewayRow))}

    def add_patient(
        self,
        clinic: str,
        name: str,
        *,
        zone: str,
        at_ms: int,
        sex: str | None = None,
        birth_year: int | None = None,
        untreated_index: float | None = None,
    ) -> Patient:
        """Make a patient with a new, random id.

        Raises
        ------
        StoreRejectedError
            If there is no such clinic, or a value makes no sense.
        ConfigurationError
            If there is no such zone.
        """
        _check(zone, sex, birth_year, untreated_index)
        row = PatientRow(
            id=f"p-{secrets.token_hex(6)}",
            clinic_id=clinic,
            name=name,
            zone=zone,
            sex=sex,
            birth_year=birth_year,
            untreated_index=untreated_index,
            created_ms=at_ms,
        )
        with self._database.write() as session:
            if session.get(ClinicRow, clinic) is None:
                raise StoreRejectedError(f"no such clinic: {clinic}")
            session.add(row)
        return _patient(row)

    def change_patient(self, patient: Patient) -> Patient:
        """Put a patient's values in the place of those on record; id, clinic and time of making stay.

        Raises
        ------
        StoreRejectedError
            If there is no such patient, or a value makes no sense.
        ConfigurationError
            If there is no such zone.
        """
        _check(patient.zone, patient.sex, patient.birth_year, patient.untreated_index)
        with self._database.write() as session:
            row = session.get(PatientRow, patient.id)
            if row is None:
                raise StoreRejectedError(f"no such patient: {patient.id}")
            row.name = patient.name
            row.zone = patient.zone
            row.sex = patient.sex
            row.birth_year = patient.birth_year
            row.untreated_index = patient.untreated_index
            row.archived_ms = patient.archived_ms
            return _patient(row)

    def patient(self, patient: str) -> Patient | None:
        """The patient; None if there is none."""
        with self._database.read() as session:
            row = session.get(PatientRow, patient)
            return None if row is None else _patient(row)

    def patients(
        self,
        *,
        clinic: str | None = None,
        archived: bool = False,
        limit: int = 1000,
        among: Collection[str] | None = None,
    ) -> list[Patient]:
        """Patients by name; those that are archived on request; of some ids alone, if `among` says which."""
        statement = sa.select(PatientRow).order_by(PatientRow.name, PatientRow.id).limit(limit)
        if clinic is not None:
            statement = statement.where(PatientRow.clinic_id == clinic)
        if among is not None:
            statement = statement.where(PatientRow.id.in_(sorted(among)))
        if not archived:
            statement = statement.where(PatientRow.archived_ms.is_(None))
        with self._database.read() as session:
            return [_patient(row) for row in session.scalars(statement)]


def _check(zone: str, sex: str | None, birth_year: int | None, untreated_index: float | None) -> None:
    zone_info(zone)
    if sex is not None and sex not in SEXES:
        raise StoreRejectedError(f"sex is one of {', '.join(SEXES)}, or nothing")
    if birth_year is not None and not 1890 <= birth_year <= 2199:
        raise StoreRejectedError("a year of birth lies between 1890 and 2199")
    if untreated_index is not None and not 0 <= untreated_index <= 200:
        raise StoreRejectedError("an index lies between 0 and 200 per hour")


def _clinic(row: ClinicRow) -> Clinic:
    return Clinic(row.id, row.name, row.created_ms)


def _patient(row: PatientRow) -> Patient:
    return Patient(
        id=row.id,
        clinic=row.clinic_id,
        name=row.name,
        zone=row.zone,
        created_ms=row.created_ms,
        sex=row.sex,
        birth_year=row.birth_year,
        untreated_index=row.untreated_index,
        archived_ms=row.archived_ms,
    )
