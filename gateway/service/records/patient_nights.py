"""Results of many nights of some devices, with the deepest nadir of each: what rules on nights look at."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import date
from typing import Any, Final

import sqlalchemy as sa

from gateway.service.records.database import Database
from gateway.service.records.results import Results
from gateway.service.records.tables import DesaturationRow, NightRow, StaleNightRow
from gateway.service.records.tables_people import AssignmentRow
from gateway.service.records.values import NightResult, State

BELIEVED: Final = 0.5
"""Confidence from which on a desaturation's nadir counts."""

# Made once: putting a statement together takes longer than running it, and pages ask these at every look.
_DEVICES: Final[sa.BindParameter[str]] = sa.bindparam("devices", expanding=True)
_FIELDS: Final = tuple(one.name for one in fields(NightResult))
_AROUND: Final = (
    sa.select(*(getattr(NightRow, "device_id" if name == "device" else name) for name in _FIELDS))
    .where(
        NightRow.device_id.in_(_DEVICES),
        NightRow.night >= sa.bindparam("first", type_=sa.Date),
        NightRow.night <= sa.bindparam("last", type_=sa.Date),
    )
    # The one that was made last comes last, by the same order as in `Results.nights`.
    .order_by(NightRow.device_id, NightRow.night, NightRow.updated_ms, NightRow.version, NightRow.profile.desc())
)
_MEETING: Final = (
    sa.select(NightRow.device_id, NightRow.night, NightRow.zone, NightRow.start_ms, NightRow.end_ms)
    .join(
        AssignmentRow,
        sa.and_(
            AssignmentRow.device_id == NightRow.device_id,
            NightRow.end_ms >= AssignmentRow.from_ms,
            sa.or_(AssignmentRow.to_ms.is_(None), NightRow.start_ms < AssignmentRow.to_ms),
        ),
    )
    .where(AssignmentRow.patient_id == sa.bindparam("patient"))
    .limit(sa.bindparam("most", type_=sa.Integer))
)
_LATER: Final = _MEETING.where(NightRow.night > sa.bindparam("night", type_=sa.Date)).order_by(NightRow.night)
_EARLIER: Final = _MEETING.where(NightRow.night < sa.bindparam("night", type_=sa.Date)).order_by(NightRow.night.desc())
_STALE: Final = sa.select(StaleNightRow.device_id, StaleNightRow.night, StaleNightRow.kind).where(
    StaleNightRow.device_id.in_(_DEVICES)
)


@dataclass(frozen=True, slots=True)
class NightSpan:
    """That there is a result of a night of a device, and where its data begin and end; UTC ms."""

    device: str
    night: date
    zone: str
    start_ms: int
    end_ms: int


class PatientNights:
    """Nights of devices in the records."""

    def __init__(self, database: Database, results: Results) -> None:
        self._database = database
        self._results = results

    def of(self, devices: Collection[str], first: date, last: date) -> list[tuple[NightResult, float | None]]:
        """Each device's nights between two dates, both included, and the deepest nadir that can be believed (%)."""
        nights = [night for device in devices for night in self._results.nights(device=device, first=first, last=last)]
        row = DesaturationRow
        statement = (
            sa.select(row.device_id, row.night, row.profile, row.version, sa.func.min(row.nadir))
            .where(row.device_id.in_(sorted(devices)), row.night >= first, row.night <= last)
            .where(row.confidence >= BELIEVED)
            .group_by(row.device_id, row.night, row.profile, row.version)
        )
        with self._database.read() as session:
            nadirs = {tuple(found[:4]): float(found[4]) for found in session.execute(statement)}
        return [(night, nadirs.get(night.key)) for night in nights]

    def around(self, devices: Collection[str], first: date, last: date) -> list[NightResult]:
        """Nights of devices between two dates, both included, by device and date: of each the result made last."""
        given = {"devices": sorted(devices), "first": first, "last": last}
        with self._database.read() as session:
            found = [_result(row) for row in session.execute(_AROUND, given)]
        return list({(one.device, one.night): one for one in found}.values())

    def beside(self, patient: str, night: date, *, later: bool, limit: int) -> list[NightSpan]:
        """Nights nearest to a night, on one side of it, that meet an assignment of a patient; the nearest first.

        Those that only touch an assignment are among them: whose a night is, its middle decides.
        """
        given = {"patient": patient, "night": night, "most": limit}
        with self._database.read() as session:
            return [NightSpan(*found) for found in session.execute(_LATER if later else _EARLIER, given)]

    def stale(self, devices: Collection[str]) -> set[tuple[str, date, str]]:
        """(device, night, kind) of those of some devices' nights that are to be analysed again."""
        with self._database.read() as session:
            found = session.execute(_STALE, {"devices": sorted(devices)})
            return {(device, night, kind) for device, night, kind in found}


def _result(row: sa.Row[Any]) -> NightResult:
    named = dict(zip(_FIELDS, row, strict=True))
    return NightResult(**{**named, "state": State(named["state"])})
