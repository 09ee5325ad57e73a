"""Results of many nights of some devices, with the deepest nadir of each: what rules on nights look at."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Final

import sqlalchemy as sa

from gateway.service.records.database import Database
from gateway.service.records.results import Results
from gateway.service.records.tables import DesaturationRow
from gateway.service.records.values import NightResult

BELIEVED: Final = 0.5
"""Confidence from which on a desaturation's nadir counts."""


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
