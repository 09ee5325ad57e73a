"""Consents in the records: what a patient agreed to, when, on which text; the latest word counts, all are kept."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import sqlalchemy as sa

from gateway.errors import StoreRejectedError
from gateway.service.records.assignments import Assignments
from gateway.service.records.database import Database
from gateway.service.records.tables_consent import ConsentRow
from gateway.service.records.tables_people import AssignmentRow, PatientRow
from gateway.service.records.values_consent import Consent, Purpose


@dataclass(frozen=True, slots=True)
class Said:
    """What a patient said: on which purpose, yes or no, when, and on which version of the text."""

    purpose: Purpose
    given: bool
    said_ms: int
    text_version: str
    note: str = ""


class Consents:
    """Consents in the records."""

    def __init__(self, database: Database, assignments: Assignments) -> None:
        self._database = database
        self._assignments = assignments

    def record(self, patient: str, said: Said, *, by: str, at_ms: int) -> Consent:
        """Write down what a patient said.

        Care that is withdrawn ends the patient's assignments now and archives the patient: devices go on measuring for
        nobody, and nobody is told of alerts. What is on record until then stays; to erase it is another wish.

        Raises
        ------
        StoreRejectedError
            If there is no such patient, or it was said in a time to come.
        """
        if said.said_ms > at_ms:
            raise StoreRejectedError("a consent is given or withdrawn in the past")
        with self._database.write() as session:
            person = session.get(PatientRow, patient)
            if person is None:
                raise StoreRejectedError(f"no such patient: {patient}")
            number = session.scalar(sa.select(sa.func.max(ConsentRow.number)).where(ConsentRow.patient_id == patient))
            row = ConsentRow(
                id=f"c-{secrets.token_hex(6)}",
                patient_id=patient,
                number=0 if number is None else number + 1,
                purpose=said.purpose,
                given=said.given,
                said_ms=said.said_ms,
                recorded_ms=at_ms,
                recorded_by=by,
                text_version=said.text_version,
                note=said.note,
            )
            session.add(row)
            if said.purpose is Purpose.CARE and not said.given:
                person.archived_ms = person.archived_ms or at_ms
                held = sa.select(AssignmentRow).where(
                    AssignmentRow.patient_id == patient,
                    sa.or_(AssignmentRow.to_ms.is_(None), AssignmentRow.to_ms > at_ms),
                )
                for one in session.scalars(held):
                    if one.from_ms < at_ms:
                        one.to_ms = at_ms
                    else:
                        session.delete(one)
        self._assignments.version += 1
        return _consent(row)

    def history(self, patient: str) -> list[Consent]:
        """All that a patient said, in the order in which it was written down."""
        statement = sa.select(ConsentRow).where(ConsentRow.patient_id == patient).order_by(ConsentRow.number)
        with self._database.read() as session:
            return [_consent(row) for row in session.scalars(statement)]

    def standing(self, patient: str) -> dict[Purpose, Consent]:
        """The latest word on each purpose; what is not there was never asked, and counts as not given."""
        return {one.purpose: one for one in self.history(patient)}

    def withdrawn(self, patient: str, purpose: Purpose) -> bool:
        """Whether the latest word on a purpose is no."""
        found = self.standing(patient).get(purpose)
        return found is not None and not found.given


def _consent(row: ConsentRow) -> Consent:
    return Consent(
        id=row.id,
        patient=row.patient_id,
        purpose=Purpose(row.purpose),
        given=row.given,
        said_ms=row.said_ms,
        recorded_ms=row.recorded_ms,
        recorded_by=row.recorded_by,
        text_version=row.text_version,
        note=row.note,
    )
