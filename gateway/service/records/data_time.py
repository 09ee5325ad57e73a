"""How far the data of each home and device have come, so that timers survive a restart."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from gateway.service.records.database import Database, Row
from gateway.service.records.tables_alerts import DataTimeRow


class DataTimes:
    """Data times in the records."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, times: Mapping[str, tuple[int, int]]) -> None:
        """Write name -> (data time, the wall clock then), UTC ms."""
        rows: list[Row] = [
            {"name": name, "data_ms": data_ms, "wall_ms": wall_ms} for name, (data_ms, wall_ms) in times.items()
        ]
        if rows:
            with self._database.write() as session:
                self._database.upsert(session, DataTimeRow, rows)

    def all(self) -> dict[str, tuple[int, int]]:
        """name -> (data time, the wall clock then), UTC ms."""
        with self._database.read() as session:
            return {row.name: (row.data_ms, row.wall_ms) for row in session.scalars(sa.select(DataTimeRow))}
