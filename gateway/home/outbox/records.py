"""Records of devices with a log: how far each log is on our disk, and the raw records that wait for their dates."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.home.outbox.journal import Journal


@dataclass(frozen=True, slots=True)
class Kept:
    """Raw records of one layout whose sequences follow each other. `row` orders them as they were recorded."""

    row: int
    layout: int
    count: int
    data: bytes


@dataclass(frozen=True, slots=True)
class DatedUpTo:
    """Up to where the records of a device have been handed on.

    Attributes
    ----------
    last_ms, end_ms : int
        UTC milliseconds of the last sample, and of the end of its interval.
    uncertainty_ms : int
        Of those.
    """

    last_ms: int
    end_ms: int
    uncertainty_ms: int


class RecordBook:
    """Lives in the outbox's file, so that batches, what they were made of, and the position are one commit."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    async def position(self, device: str, log: int) -> int:
        """First sequence of a log that is not on this disk; 0 in a log never seen."""

        def job(database: sqlite3.Connection) -> int:
            row = database.execute(
                "SELECT next FROM log_position WHERE device = ? AND log = ?", (device, log)
            ).fetchone()
            return 0 if row is None else int(row[0])

        return await self._journal.run(job)

    async def keep(self, device: str, log: int, records: Sequence[tuple[int, int, bytes]], end: int) -> None:
        """Keep raw records as (layout, count, data), and that everything before sequence `end` is on this disk.

        Raises
        ------
        OutboxError
            The disk refuses; nothing of it is kept.
        """

        def job(database: sqlite3.Connection) -> None:
            database.executemany(
                "INSERT INTO log_record (device, layout, count, data) VALUES (?, ?, ?, ?)",
                [(device, *one) for one in records],
            )
            self.advance(database, device, log, end)

        await self._journal.run(job)

    async def kept(self, device: str) -> list[Kept]:
        """All raw records that wait, in the order in which they were recorded."""

        def job(database: sqlite3.Connection) -> list[Kept]:
            rows = database.execute(
                "SELECT id, layout, count, data FROM log_record WHERE device = ? ORDER BY id", (device,)
            )
            return [Kept(*row) for row in rows]

        return await self._journal.run(job)

    async def dated_up_to(self, device: str) -> DatedUpTo | None:
        """Up to where a device's records have been handed on; None before the first."""

        def job(database: sqlite3.Connection) -> DatedUpTo | None:
            row = database.execute(
                "SELECT last_ms, end_ms, uncertainty_ms FROM log_dated WHERE device = ?", (device,)
            ).fetchone()
            return None if row is None else DatedUpTo(*row)

        return await self._journal.run(job)

    def advance(self, database: sqlite3.Connection, device: str, log: int, end: int) -> None:
        """Note a position, within a transaction of the outbox."""
        database.execute("INSERT OR REPLACE INTO log_position VALUES (?, ?, ?)", (device, log, end))

    def replace(self, database: sqlite3.Connection, device: str, rows: Sequence[int], rest: Kept | None) -> None:
        """Let go of rows that were handed on, within a transaction of the outbox; of the last of them `rest` stays."""
        database.executemany("DELETE FROM log_record WHERE id = ?", [(row,) for row in rows])
        if rest is not None:
            database.execute(
                "INSERT INTO log_record VALUES (?, ?, ?, ?, ?)", (rest.row, device, rest.layout, rest.count, rest.data)
            )

    def note_dated(self, database: sqlite3.Connection, device: str, dated: DatedUpTo) -> None:
        """Note up to where a device's records have been handed on, within a transaction of the outbox."""
        database.execute(
            "INSERT OR REPLACE INTO log_dated VALUES (?, ?, ?, ?)",
            (device, dated.last_ms, dated.end_ms, dated.uncertainty_ms),
        )
