"""Erasures in the records: asked for, carried out row by row, remembered by an opaque id.

`ask` puts it on disk. `cut` takes away, in one transaction, all that knows the patient by name or id, and notes the
times of their devices. `results` takes away what was found in such a time. Each may be done again after a kill, and
then finds less or nothing left.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from gateway.errors import StoreRejectedError
from gateway.service.records.assignments import Assignments
from gateway.service.records.database import Database
from gateway.service.records.feed import last_seq, note_cursor
from gateway.service.records.results import night_of_row
from gateway.service.records.tables import (
    DesaturationRow,
    DeviceRow,
    GatewayRow,
    NightDigestRow,
    NightRow,
    StaleNightRow,
    StretchRow,
)
from gateway.service.records.tables_accounts import UserRow
from gateway.service.records.tables_alerts import AlertRow, DataTimeRow, FeedRow, ThresholdRow
from gateway.service.records.tables_erasure import ErasedTimeRow, ErasureRow
from gateway.service.records.tables_homes import JoinCodeRow
from gateway.service.records.tables_people import AssignmentRow, PatientRow, SideEffectRow, TreatmentStepRow
from gateway.service.records.values import NightResult
from gateway.service.records.values_erasure import ErasedTime, Erasure, ErasureState
from gateway.wire.feed import decode_event

FILES: Final = "files"
"""Owner of the devices that exist in a patient's files alone."""

EVER_MS: Final = 1 << 43
"""Beyond every time that the wire knows."""


class Erasures:
    """Erasures in the records.

    Attributes
    ----------
    version : int
        Grows with each change made through this object: who keeps a copy of the times knows when to read again.
    """

    def __init__(self, database: Database, assignments: Assignments) -> None:
        self._database = database
        self._assignments = assignments
        self.version = 0

    def ask(self, patient: str, *, by: str, at_ms: int) -> Erasure:
        """Put on disk that a patient is to be erased; asked again, it is the same erasure.

        Raises
        ------
        StoreRejectedError
            If there is no such patient, and no erasure of one.
        """
        with self._database.write() as session:
            known = session.scalars(
                sa.select(ErasureRow).where(ErasureRow.patient_id == patient).order_by(ErasureRow.asked_ms.desc())
            ).first()
            if known is not None:
                return _erasure(known)
            person = session.get(PatientRow, patient)
            if person is None:
                raise StoreRejectedError(f"no such patient: {patient}")
            row = ErasureRow(
                id=f"e-{secrets.token_hex(6)}",
                patient_id=patient,
                clinic_id=person.clinic_id,
                asked_by=by,
                asked_ms=at_ms,
                state=ErasureState.ASKED,
                counts={},
                problem="",
            )
            session.add(row)
        self.version += 1
        return _erasure(row)

    def get(self, erasure: str) -> Erasure | None:
        """The erasure; None if there is none."""
        with self._database.read() as session:
            row = session.get(ErasureRow, erasure)
            return None if row is None else _erasure(row)

    def list(self, *, clinic: str | None = None, unfinished: bool = False) -> list[Erasure]:
        """Erasures, the oldest first."""
        statement = sa.select(ErasureRow).order_by(ErasureRow.asked_ms, ErasureRow.id)
        if clinic is not None:
            statement = statement.where(ErasureRow.clinic_id == clinic)
        if unfinished:
            statement = statement.where(ErasureRow.state != ErasureState.DONE)
        with self._database.read() as session:
            return [_erasure(row) for row in session.scalars(statement)]

    def times(self, erasure: str | None = None) -> Sequence[ErasedTime]:
        """Times of devices whose data are erased, of one erasure or of all."""
        statement = sa.select(ErasedTimeRow).order_by(ErasedTimeRow.device_id, ErasedTimeRow.from_ms)
        if erasure is not None:
            statement = statement.where(ErasedTimeRow.erasure_id == erasure)
        with self._database.read() as session:
            return [_time(row) for row in session.scalars(statement)]

    def cut(self, erasure: Erasure, *, at_ms: int) -> Erasure:
        """Take away all that knows the patient, and note the times of their devices, in one transaction.

        An assignment without an end ends now: what the device measures from now on is nobody's.
        """
        with self._database.write() as session:
            row = session.get_one(ErasureRow, erasure.id)
            if row.state == ErasureState.ASKED:
                _note_times(session, row, at_ms)
                row.counts = {**_counted(session, row.patient_id), "events": _erase_events(session, row.patient_id)}
                session.execute(
                    sa.delete(ThresholdRow).where(
                        ThresholdRow.owner == "patient", ThresholdRow.owner_id == row.patient_id
                    )
                )
                _forget_homes_names(session, row.patient_id)
                # What refers to the patient goes with them: the database itself sees to it.
                session.execute(sa.delete(PatientRow).where(PatientRow.id == row.patient_id))
                row.state = ErasureState.CUT
            found = _erasure(row)
        self.version += 1
        self._assignments.version += 1
        return found

    def results(self, time: ErasedTime) -> tuple[int, Sequence[NightResult]]:
        """Take away what was found in an erased time.

        Returns
        -------
        Nights that went, and nights that reach beyond the time: of these what was found within is gone, their indices
        still tell of all, and they are marked as stale, to be run again from what the store holds.
        """
        meets = sa.or_(
            sa.and_(NightRow.start_ms < time.to_ms, NightRow.end_ms > time.from_ms),
            sa.and_(NightRow.start_ms >= time.from_ms, NightRow.start_ms < time.to_ms),
        )
        with self._database.write() as session:
            session.execute(sa.delete(NightDigestRow).where(NightDigestRow.device_id == time.device))
            nights = [
                night_of_row(row)
                for row in session.scalars(sa.select(NightRow).where(NightRow.device_id == time.device, meets))
            ]
            inside = [one for one in nights if time.holds(one.start_ms, one.end_ms)]
            shared = [one for one in nights if not time.holds(one.start_ms, one.end_ms)]
            for night in inside:
                remove_night(session, night)
            for night in shared:
                for row in (DesaturationRow, StretchRow):
                    session.execute(
                        sa.delete(row).where(
                            row.device_id == night.device,
                            row.night == night.night,
                            row.profile == night.profile,
                            row.version == night.version,
                            row.start_ms < time.to_ms,
                            row.end_ms > time.from_ms,
                        )
                    )
                stale = {
                    "device_id": night.device,
                    "night": night.night,
                    "kind": night.kind,
                    "since_ms": night.updated_ms,
                }
                self._database.upsert(session, StaleNightRow, [stale])
        return len(inside), shared

    def remove_result(self, night: NightResult) -> None:
        """Take a night's result away of which nothing is left."""
        with self._database.write() as session:
            remove_night(session, night)

    def remove_device(self, device: str) -> None:
        """Take a device away that existed in an erased patient's files alone."""
        with self._database.write() as session:
            for row in (StaleNightRow, NightRow):
                session.execute(sa.delete(row).where(row.device_id == device))
            session.execute(sa.delete(DataTimeRow).where(DataTimeRow.name.in_((device, f"device/{device}"))))
            session.execute(sa.delete(DeviceRow).where(DeviceRow.id == device))

    def note(self, erasure: str, counts: Mapping[str, int], *, problem: str = "") -> None:
        """Add to what went; say why it does not go on, if it does not."""
        with self._database.write() as session:
            row = session.get_one(ErasureRow, erasure)
            row.counts = {name: row.counts.get(name, 0) + counts.get(name, 0) for name in {*row.counts, *counts}}
            row.problem = problem

    def finish(self, erasure: str, *, at_ms: int) -> Erasure:
        """Note that nothing is left."""
        with self._database.write() as session:
            row = session.get_one(ErasureRow, erasure)
            row.state, row.done_ms, row.problem = ErasureState.DONE, at_ms, ""
            return _erasure(row)

    def scrub(self) -> bool:
        """Have the database write itself anew without what was deleted; False if readers keep its log: call again."""
        return self._database.scrub()


def _note_times(session: Session, erasure: ErasureRow, at_ms: int) -> None:
    statement = sa.select(AssignmentRow, DeviceRow.gateway_id).join(DeviceRow, DeviceRow.id == AssignmentRow.device_id)
    for one, gateway in session.execute(statement.where(AssignmentRow.patient_id == erasure.patient_id)).all():
        whole = gateway == FILES
        end_ms = EVER_MS if whole else min(at_ms, EVER_MS if one.to_ms is None else one.to_ms)
        if one.from_ms < end_ms:
            session.add(
                ErasedTimeRow(
                    erasure_id=erasure.id,
                    device_id=one.device_id,
                    from_ms=one.from_ms,
                    to_ms=end_ms,
                    whole_device=whole,
                )
            )


def _forget_homes_names(session: Session, patient: str) -> None:
    """Call the homes by their ids again in which the patient had devices and nobody else has any: people name homes."""
    theirs = sa.select(AssignmentRow.device_id).where(AssignmentRow.patient_id == patient)
    others = sa.select(DeviceRow.gateway_id).join(AssignmentRow, AssignmentRow.device_id == DeviceRow.id)
    homes = session.scalars(
        sa.select(DeviceRow.gateway_id)
        .distinct()
        .where(
            DeviceRow.id.in_(theirs),
            DeviceRow.gateway_id.not_in(
                others.where(AssignmentRow.patient_id != patient, AssignmentRow.to_ms.is_(None))
            ),
        )
    ).all()
    session.execute(sa.update(GatewayRow).where(GatewayRow.id.in_(homes)).values(name=GatewayRow.id))
    session.execute(sa.update(JoinCodeRow).where(JoinCodeRow.gateway_id.in_(homes)).values(name=JoinCodeRow.gateway_id))


def _counted(session: Session, patient: str) -> dict[str, int]:
    """What of the patient is about to go."""
    tables = {
        "alerts": AlertRow.patient_id,
        "treatment_steps": TreatmentStepRow.patient_id,
        "side_effects": SideEffectRow.patient_id,
        "assignments": AssignmentRow.patient_id,
        "accounts": UserRow.patient_id,
    }
    return {
        name: session.scalar(sa.select(sa.func.count()).where(column == patient)) or 0
        for name, column in tables.items()
    }


def _erase_events(session: Session, patient: str) -> int:
    """Take the patient's events out of the feed, which webhooks that lag behind read too; ids go on counting."""
    note_cursor(session, "erased", last_seq(session))
    about = [
        row.seq
        for row in session.scalars(sa.select(FeedRow).where(FeedRow.document.contains(patient)))
        if decode_event(row.document).patient == patient
    ]
    for first in range(0, len(about), 500):
        session.execute(sa.delete(FeedRow).where(FeedRow.seq.in_(about[first : first + 500])))
    return len(about)


def remove_night(session: Session, night: NightResult) -> None:
    """Take a night's result away, with all that it found."""
    session.execute(
        sa.delete(NightRow).where(
            NightRow.device_id == night.device,
            NightRow.night == night.night,
            NightRow.profile == night.profile,
            NightRow.version == night.version,
        )
    )


def _erasure(row: ErasureRow) -> Erasure:
    return Erasure(
        id=row.id,
        patient=row.patient_id,
        clinic=row.clinic_id,
        asked_by=row.asked_by,
        asked_ms=row.asked_ms,
        state=ErasureState(row.state),
        done_ms=row.done_ms,
        counts=dict(row.counts),
        problem=row.problem,
    )


def _time(row: ErasedTimeRow) -> ErasedTime:
    return ErasedTime(row.erasure_id, row.device_id, row.from_ms, row.to_ms, row.whole_device)
