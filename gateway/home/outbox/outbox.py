"""The outbox: batches wait here until the service has them on its disk."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.clock import Clock
from gateway.errors import OutboxFullError
from gateway.home.outbox.journal import Journal
from gateway.home.outbox.ledger import Ledger
from gateway.home.outbox.policy import OVERHEAD_BYTES, Limits, count, make_room
from gateway.home.outbox.records import RecordBook
from gateway.home.outbox.set_aside import SetAside
from gateway.wire.codec import decode_batch, encode_batch
from gateway.wire.messages import Ack, Batch, Kind, Origin

_INSERT: Final = (
    "INSERT OR IGNORE INTO batch (device, session, revision, seq, kind, origin, payload) VALUES (?, ?, ?, ?, ?, ?, ?)"
)

Along = Callable[[sqlite3.Connection], object]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A batch on its way: `row` orders it, `payload` is what travels."""

    row: int
    device: str
    kind: Kind
    session: str
    revision: int
    seq: int
    payload: bytes

    @property
    def name(self) -> tuple[str, str, int, int]:
        """The batch's name on the wire."""
        return self.device, self.session, self.revision, self.seq


@dataclass(frozen=True, slots=True)
class OutboxUse:
    """How full the outbox is and what gave way since it was made.

    Attributes
    ----------
    oldest_ms : int or None
        UTC milliseconds of the first sample of the batch that has waited for longest; None: nothing waits.
    """

    batches: int
    used_bytes: int
    max_bytes: int
    accepts_stored: bool
    counters: dict[str, int]
    oldest_ms: int | None = None


class Outbox:
    """Durable queue of batches with the ledger of stored items beside it, in one SQLite file.

    Parameters
    ----------
    path : Path
        The file; made if it is not there. One process at a time.
    clock : Clock
        Commits hold simulated time still.
    limits : Limits
        The bound on its size.

    Raises
    ------
    OutboxError
        The file cannot be opened or is in use.
    """

    def __init__(self, path: Path, clock: Clock, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._journal = Journal(path, clock)
        self.ledger = Ledger(self._journal, clock)
        self.set_aside = SetAside(self._journal, clock)
        self.records = RecordBook(self._journal)
        self._used: int | None = None
        # After a restart nothing counts as sent: that a batch was is known to the service, if at all.
        self._sent_up_to = 0
        self._journal.on_undone = self._measure_again
        self.on_put: Callable[[int], None] = lambda _: None
        """Called with their number after each commit of batches."""

    async def put(self, batches: Sequence[Batch], along: Along | None = None) -> None:
        """Take batches, all or none; when this returns they are on disk and the device may free them.

        Parameters
        ----------
        along : callable or None
            A change of the books beside the queue, in the same commit.

        Raises
        ------
        OutboxFullError
            There is no room, and the policy gives none to these.
        OutboxError
            The disk refused.
        """
        await self._take(encode_rows(batches), along)

    async def finish(self, device: str, item: str, batches: Sequence[Batch]) -> None:
        """Take the batches of a stored item and mark it as done in the ledger, in one commit.

        Raises
        ------
        OutboxFullError
            There is no room: the item stays where it is, to be pulled again.
        OutboxError
            The disk refused.
        """
        end_ms = max((batch.end_ms for batch in batches), default=None)
        await self._take(encode_rows(batches), lambda database: self.ledger.mark_done(database, device, item, end_ms))

    async def _take(self, rows: Sequence[_Row], along: Along | None) -> None:
        def job(database: sqlite3.Connection) -> OutboxFullError | None:
            refusal = self._insert(database, rows)
            if refusal is None and along is not None:
                along(database)
            return refusal

        refusal = await self._journal.run(job)
        if refusal is not None:
            raise refusal
        self.on_put(len(rows))

    def _insert(self, database: sqlite3.Connection, rows: Sequence[_Row]) -> OutboxFullError | None:
        """Insert all, or say (as a value: its count is to be committed) why none was."""
        limit = self._limits.max_bytes
        need = sum(len(row[6]) + OVERHEAD_BYTES for row in rows)
        used = self._measure(database)
        if used + need > limit:
            used = make_room(database, need, used, self._limits, self._sent_up_to)
            self._used = used
        if used + need > limit and any(row[4] != "wear" for row in rows):
            origin, kind = rows[0][5], rows[0][4]
            count(database, f"refused_{origin}_{kind}", len(rows))
            return OutboxFullError(f"outbox is full ({used} of {limit} bytes): no room for {origin} {kind}")
        for row in rows:
            if database.execute(_INSERT, row).rowcount:
                used += len(row[6]) + OVERHEAD_BYTES
        self._used = used
        return None

    def _measure_again(self) -> None:
        self._used = None

    def _measure(self, database: sqlite3.Connection) -> int:
        """Bytes in use: counted once, kept up to date, counted again after anything unusual."""
        if self._used is None:
            total, rows = database.execute("SELECT coalesce(sum(length(payload)), 0), count(*) FROM batch").fetchone()
            self._used = int(total) + OVERHEAD_BYTES * int(rows)
        return self._used

    async def next(self, after_row: int, limit: int) -> list[Waiting]:
        """Return up to `limit` batches in the order they came, behind `after_row`; they count as sent from now on."""

        def job(database: sqlite3.Connection) -> list[Waiting]:
            rows = database.execute(
                "SELECT id, device, kind, session, revision, seq, payload FROM batch WHERE id > ? ORDER BY id LIMIT ?",
                (after_row, limit),
            ).fetchall()
            if rows:
                self._sent_up_to = max(self._sent_up_to, rows[-1][0])
            return [Waiting(*row) for row in rows]

        return await self._journal.run(job)

    async def confirm(self, acks: Sequence[Ack]) -> int:
        """Drop what the service says is on its disk; returns how many batches that were."""

        def job(database: sqlite3.Connection) -> int:
            dropped = 0
            freed = 0
            for ack in acks:
                session = (ack.device, ack.session, ack.revision)
                where = "device = ? AND session = ? AND revision = ? AND seq"
                wanted = [(f"{where} = ?", (*session, seq)) for seq in ack.seqs]
                if ack.up_to is not None:
                    wanted.append((f"{where} <= ?", (*session, ack.up_to)))
                gone = 0
                for condition, values in wanted:
                    query = f"DELETE FROM batch WHERE {condition} RETURNING length(payload)"
                    sizes = [size for (size,) in database.execute(query, values)]
                    gone += len(sizes)
                    freed += sum(sizes) + OVERHEAD_BYTES * len(sizes)
                if gone and ack.result == "set_aside":
                    count(database, "set_aside_by_service", gone)
                dropped += gone
            if self._used is not None:
                self._used -= freed
            return dropped

        return await self._journal.run(job, hold=False)

    async def use(self) -> OutboxUse:
        """Return how full the outbox is."""

        def job(database: sqlite3.Connection) -> OutboxUse:
            (batches,) = database.execute("SELECT count(*) FROM batch").fetchone()
            counters = dict(database.execute("SELECT name, value FROM counter").fetchall())
            used = self._measure(database)
            first = database.execute("SELECT payload FROM batch ORDER BY id LIMIT 1").fetchone()
            oldest_ms = None if first is None else decode_batch(first[0]).t0_ms
            return OutboxUse(
                batches, used, self._limits.max_bytes, self._limits.accepts_stored(used), counters, oldest_ms
            )

        return await self._journal.run(job)

    async def accepts_stored(self) -> bool:
        """Whether a stored file may be pulled now; a refusal is counted."""

        def job(database: sqlite3.Connection) -> bool:
            if self._limits.accepts_stored(self._measure(database)):
                return True
            count(database, "refused_pulls", 1)
            return False

        return await self._journal.run(job)

    def close(self) -> None:
        """Finish what waits and close the file."""
        self._journal.close()


_Row = tuple[str, str, int, int, Kind, Origin, bytes]


def encode_rows(batches: Sequence[Batch]) -> list[_Row]:
    """Encode batches as rows of the queue."""
    return [(b.device, b.session, b.revision, b.seq, b.kind, b.origin, encode_batch(b)) for b in batches]
