"""What was noted about follow-ups: done, postponed. What is due is the rule's word, `analytics.adherence.follow_up`."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import date

import sqlalchemy as sa

from analytics.adherence.follow_up import Kind, MarkKind
from gateway.errors import StoreRejectedError
from gateway.service.records.database import Database
from gateway.service.records.tables_people import FollowUpMarkRow, PatientRow
from gateway.service.records.values_people import FollowUpMark


class FollowUps:
    """Marks of follow-ups in the records."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self, patient: str, kind: Kind, mark: MarkKind, day: date, *, who: str, at_ms: int, note: str = ""
    ) -> FollowUpMark:
        """Note that something was done on a day, or is postponed until one.

        Raises
        ------
        StoreRejectedError
            If there is no such patient.
        """
        one = FollowUpMark(f"f-{secrets.token_hex(6)}", patient, kind, mark, day, who, note, at_ms)
        with self._database.write() as session:
            if session.get(PatientRow, patient) is None:
                raise StoreRejectedError(f"no such patient: {patient}")
            session.add(
                FollowUpMarkRow(
                    id=one.id,
                    patient_id=patient,
                    kind=kind.value,
                    mark=mark,
                    day=day,
                    who=who,
                    note=note,
                    created_ms=at_ms,
                )
            )
        return one

    def remove(self, patient: str, mark: str) -> bool:
        """Take a patient's mark back; False if there was none of that id."""
        with self._database.write() as session:
            row = session.get(FollowUpMarkRow, mark)
            if row is None or row.patient_id != patient:
                return False
            session.delete(row)
            return True

    def of(self, patients: Collection[str] | None) -> dict[str, list[FollowUpMark]]:
        """Marks of some patients (None: of all), by patient, in the order in which they were noted."""
        row = FollowUpMarkRow
        columns = (row.id, row.patient_id, row.kind, row.mark, row.day, row.who, row.note, row.created_ms)
        statement = sa.select(*columns).order_by(row.created_ms, row.id)
        if patients is not None:
            statement = statement.where(row.patient_id.in_(sorted(patients)))
        found: dict[str, list[FollowUpMark]] = {}
        with self._database.read() as session:
            for key, patient, kind, mark, day, who, note, at_ms in session.execute(statement):
                found.setdefault(patient, []).append(
                    FollowUpMark(key, patient, Kind(kind), _mark(mark), day, who, note, at_ms)
                )
        return found


def _mark(text: str) -> MarkKind:
    return "postponed" if text == "postponed" else "done"
