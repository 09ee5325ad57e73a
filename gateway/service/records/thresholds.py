"""Thresholds that a clinic or a patient has of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import sqlalchemy as sa

from analytics.alerts.thresholds import check, in_force
from gateway.errors import StoreRejectedError
from gateway.service.records.database import Database, Row
from gateway.service.records.tables_alerts import ThresholdRow
from gateway.service.records.tables_people import ClinicRow, PatientRow

Owner = Literal["clinic", "patient"]


class Thresholds:
    """Thresholds in the records.

    Attributes
    ----------
    version : int
        Grows with each change made through this object.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.version = 0

    def own(self, owner: Owner, owner_id: str) -> dict[tuple[str, str], float]:
        """What a clinic or patient has of its own: (rule, parameter) -> value."""
        statement = sa.select(ThresholdRow).where(ThresholdRow.owner == owner, ThresholdRow.owner_id == owner_id)
        with self._database.read() as session:
            return {(row.rule, row.parameter): row.value for row in session.scalars(statement)}

    def all(self) -> dict[tuple[str, str], dict[tuple[str, str], float]]:
        """Everything that anybody has of its own: (owner, id) -> (rule, parameter) -> value."""
        found: dict[tuple[str, str], dict[tuple[str, str], float]] = {}
        with self._database.read() as session:
            for row in session.scalars(sa.select(ThresholdRow)):
                found.setdefault((row.owner, row.owner_id), {})[row.rule, row.parameter] = row.value
        return found

    def change(self, owner: Owner, owner_id: str, changes: Mapping[tuple[str, str], float | None]) -> None:
        """Set thresholds; None takes one back to what is in force without it. All or nothing.

        Raises
        ------
        StoreRejectedError
            If there is no such clinic or patient, rule or threshold, or a value is out of its range.
        """
        rows: list[Row] = []
        for (rule, parameter), value in changes.items():
            if value is None:
                continue
            try:
                check(rule, parameter, value)
            except ValueError as error:
                raise StoreRejectedError(str(error)) from None
            rows.append(
                {"owner": owner, "owner_id": owner_id, "rule": rule, "parameter": parameter, "value": float(value)}
            )
        with self._database.write() as session:
            if session.get(ClinicRow if owner == "clinic" else PatientRow, owner_id) is None:
                raise StoreRejectedError(f"no such {owner}: {owner_id}")
            for (rule, parameter), value in changes.items():
                known = session.get(ThresholdRow, (owner, owner_id, rule, parameter)) if value is None else None
                if known is not None:
                    session.delete(known)
            self._database.upsert(session, ThresholdRow, rows)
        self.version += 1

    def in_force(self, clinic: str, patient: str | None = None) -> dict[str, dict[str, float]]:
        """rule -> parameter -> value, for a clinic's patient, or what belongs to no patient."""
        layers = [self.own("clinic", clinic)]
        if patient is not None:
            layers.append(self.own("patient", patient))
        return in_force(*layers)
