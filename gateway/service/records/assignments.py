"""Who had which device when. A device has one wearer at a time; what it measured unassigned waits."""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from sqlalchemy.orm import Session

from gateway.errors import StoreRejectedError
from gateway.service.records.database import Database
from gateway.service.records.tables import DeviceRow, NightRow
from gateway.service.records.tables_consent import ConsentRow
from gateway.service.records.tables_erasure import ErasedTimeRow
from gateway.service.records.tables_people import AssignmentRow, PatientRow
from gateway.service.records.values_consent import Purpose
from gateway.service.records.values_people import Assignment


class Assignments:
    """Assignments of devices to patients in the records.

    Attributes
    ----------
    version : int
        Grows with each change made through this object: who keeps a copy knows when to read again.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.version = 0

    def assign(self, device: str, patient: str, *, from_ms: int, to_ms: int | None = None) -> Assignment:
        """Give a device to a patient, for data from `from_ms` until before `to_ms`.

        Raises
        ------
        StoreRejectedError
            If there is no such device or patient, it ends before it begins, the device is another's in that time, its
            data of that time were erased, or the patient has withdrawn from care.
        """
        if to_ms is not None and to_ms <= from_ms:
            raise StoreRejectedError("an assignment ends after it begins")
        row = AssignmentRow(
            id=f"a-{secrets.token_hex(6)}", device_id=device, patient_id=patient, from_ms=from_ms, to_ms=to_ms
        )
        with self._database.write() as session:
            if session.get(DeviceRow, device) is None:
                raise StoreRejectedError(f"no such device: {device}")
            if session.get(PatientRow, patient) is None:
                raise StoreRejectedError(f"no such patient: {patient}")
            _refuse_without_care(session, patient)
            _refuse_overlap(session, row)
            session.add(row)
        self.version += 1
        return _assignment(row)

    def end(self, assignment: str, *, to_ms: int | None) -> Assignment:
        """Let an assignment end at another time, or (None) not at all.

        Raises
        ------
        StoreRejectedError
            If there is no such assignment, it would end before it begins, or meet another's time.
        """
        with self._database.write() as session:
            row = session.get(AssignmentRow, assignment)
            if row is None:
                raise StoreRejectedError(f"no such assignment: {assignment}")
            if to_ms is not None and to_ms <= row.from_ms:
                raise StoreRejectedError("an assignment ends after it begins")
            row.to_ms = to_ms
            _refuse_overlap(session, row)
            found = _assignment(row)
        self.version += 1
        return found

    def get(self, assignment: str) -> Assignment | None:
        """The assignment; None if there is none."""
        with self._database.read() as session:
            row = session.get(AssignmentRow, assignment)
            return None if row is None else _assignment(row)

    def list(self, *, device: str | None = None, patient: str | None = None) -> list[Assignment]:
        """Assignments, the oldest first."""
        statement = sa.select(AssignmentRow).order_by(AssignmentRow.from_ms, AssignmentRow.id)
        if device is not None:
            statement = statement.where(AssignmentRow.device_id == device)
        if patient is not None:
            statement = statement.where(AssignmentRow.patient_id == patient)
        with self._database.read() as session:
            return [_assignment(row) for row in session.scalars(statement)]

    def unassigned(self) -> tuple[int, int]:
        """How many devices have nights with results in which nobody had them, and how many nights those are."""
        had = sa.exists().where(
            AssignmentRow.device_id == NightRow.device_id,
            AssignmentRow.from_ms < NightRow.end_ms,
            sa.or_(AssignmentRow.to_ms.is_(None), AssignmentRow.to_ms > NightRow.start_ms),
        )
        nights = sa.select(NightRow.device_id, NightRow.night).where(~had).distinct().subquery()
        with self._database.read() as session:
            devices, count = session.execute(
                sa.select(sa.func.count(nights.c.device_id.distinct()), sa.func.count()).select_from(nights)
            ).one()
            return devices, count

    def wearer(self, device: str, utc_ms: int) -> str | None:
        """The patient that had the device then; None if nobody."""
        return next((one.patient for one in self.list(device=device) if one.holds_at(utc_ms)), None)


def _refuse_without_care(session: Session, patient: str) -> None:
    """Who has withdrawn from care is given no device until they agree again; who was never asked may have one."""
    latest = session.scalars(
        sa.select(ConsentRow.given)
        .where(ConsentRow.patient_id == patient, ConsentRow.purpose == Purpose.CARE)
        .order_by(ConsentRow.number.desc())
    ).first()
    if latest is False:
        raise StoreRejectedError("the patient has withdrawn the consent to care")


def _refuse_overlap(session: Session, row: AssignmentRow) -> None:
    """Writers take turns, so what is free here is still free at the commit."""
    statement = sa.select(AssignmentRow.id).where(
        AssignmentRow.device_id == row.device_id,
        AssignmentRow.id != row.id,
        sa.or_(AssignmentRow.to_ms.is_(None), AssignmentRow.to_ms > row.from_ms),
    )
    if row.to_ms is not None:
        statement = statement.where(AssignmentRow.from_ms < row.to_ms)
    with session.no_autoflush:
        if session.scalars(statement).first() is not None:
            raise StoreRejectedError(f"device {row.device_id} is assigned in that time already")
        erased = sa.select(sa.func.max(ErasedTimeRow.to_ms)).where(
            ErasedTimeRow.device_id == row.device_id, ErasedTimeRow.to_ms > row.from_ms
        )
        if row.to_ms is not None:
            erased = erased.where(ErasedTimeRow.from_ms < row.to_ms)
        until_ms = session.scalar(erased)
        if until_ms is not None:
            raise StoreRejectedError(f"data of {row.device_id} in that time are erased; it is free from {until_ms} on")


def _assignment(row: AssignmentRow) -> Assignment:
    return Assignment(row.id, row.device_id, row.patient_id, row.from_ms, row.to_ms)
