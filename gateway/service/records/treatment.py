"""A patient's treatment: advancement steps and side effects."""

from __future__ import annotations

import secrets
from datetime import date
from typing import Final

import sqlalchemy as sa

from gateway.errors import StoreRejectedError
from gateway.service.records.database import Database
from gateway.service.records.tables_people import PatientRow, SideEffectRow, TreatmentStepRow
from gateway.service.records.values_people import SideEffect, SideEffectKind, TreatmentStep

MOST_MM: Final = 20.0
"""No jaw goes further."""


class Treatment:
    """Treatment steps and side effects in the records."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put_step(
        self, patient: str, night: date, advancement_mm: float, *, at_ms: int, note: str = ""
    ) -> TreatmentStep:
        """Note the advancement from a night on; one a night, the last said wins.

        Raises
        ------
        StoreRejectedError
            If there is no such patient, or the advancement is not 0 to 20 mm.
        """
        if not 0 <= advancement_mm <= MOST_MM:
            raise StoreRejectedError(f"an advancement is 0 to {MOST_MM:g} mm")
        row = {
            "patient_id": patient,
            "night": night,
            "advancement_mm": advancement_mm,
            "note": note,
            "created_ms": at_ms,
        }
        with self._database.write() as session:
            if session.get(PatientRow, patient) is None:
                raise StoreRejectedError(f"no such patient: {patient}")
            self._database.upsert(session, TreatmentStepRow, [row])
        return TreatmentStep(patient, night, advancement_mm, note, at_ms)

    def remove_step(self, patient: str, night: date) -> bool:
        """Take a step back; False if there was none."""
        with self._database.write() as session:
            row = session.get(TreatmentStepRow, (patient, night))
            if row is not None:
                session.delete(row)
            return row is not None

    def steps(self, patient: str) -> list[TreatmentStep]:
        """A patient's steps, in order of date."""
        statement = (
            sa.select(TreatmentStepRow).where(TreatmentStepRow.patient_id == patient).order_by(TreatmentStepRow.night)
        )
        with self._database.read() as session:
            return [
                TreatmentStep(row.patient_id, row.night, row.advancement_mm, row.note, row.created_ms)
                for row in session.scalars(statement)
            ]

    def add_side_effect(
        self, patient: str, night: date, kind: SideEffectKind, severity: int, *, at_ms: int, note: str = ""
    ) -> SideEffect:
        """Note a side effect.

        Raises
        ------
        StoreRejectedError
            If there is no such patient, or the severity is not 1 to 3.
        """
        if not 1 <= severity <= 3:
            raise StoreRejectedError("a severity is 1 (mild) to 3 (severe)")
        one = SideEffect(f"s-{secrets.token_hex(6)}", patient, night, kind, severity, note, at_ms)
        row = SideEffectRow(
            id=one.id,
            patient_id=patient,
            night=night,
            kind=kind.value,
            severity=severity,
            note=note,
            created_ms=at_ms,
        )
        with self._database.write() as session:
            if session.get(PatientRow, patient) is None:
                raise StoreRejectedError(f"no such patient: {patient}")
            session.add(row)
        return one

    def side_effects(self, patient: str) -> list[SideEffect]:
        """A patient's side effects, in order of date."""
        statement = (
            sa.select(SideEffectRow)
            .where(SideEffectRow.patient_id == patient)
            .order_by(SideEffectRow.night, SideEffectRow.created_ms)
        )
        with self._database.read() as session:
            return [
                SideEffect(
                    row.id,
                    row.patient_id,
                    row.night,
                    SideEffectKind(row.kind),
                    row.severity,
                    row.note,
                    row.created_ms,
                )
                for row in session.scalars(statement)
            ]
