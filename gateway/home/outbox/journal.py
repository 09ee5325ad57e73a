"""One SQLite file, one thread, group commit: what was awaited is on disk."""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Final, TypeVar

from gateway.clock import Clock
from gateway.errors import OutboxError, OutboxFullError

T = TypeVar("T")

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS batch (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    device TEXT NOT NULL, session TEXT NOT NULL, revision INTEGER NOT NULL, seq INTEGER NOT NULL,
    kind TEXT NOT NULL, origin TEXT NOT NULL, payload BLOB NOT NULL,
    UNIQUE (device, session, revision, seq)
);
CREATE INDEX IF NOT EXISTS batch_thinning ON batch (kind, origin, id);
CREATE TABLE IF NOT EXISTS ledger (
    device TEXT NOT NULL, item TEXT NOT NULL, session TEXT NOT NULL, size INTEGER NOT NULL, received BLOB NOT NULL,
    done INTEGER NOT NULL DEFAULT 0, updated_ms INTEGER NOT NULL,
    PRIMARY KEY (device, item)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS listing (device TEXT PRIMARY KEY, utc_ms INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS listed (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    device TEXT NOT NULL, item TEXT NOT NULL, absent_ms INTEGER, seen_ms INTEGER NOT NULL, end_ms INTEGER,
    UNIQUE (device, item)
);
CREATE TABLE IF NOT EXISTS anchor (
    device TEXT NOT NULL, epoch INTEGER NOT NULL, tick INTEGER NOT NULL, utc_ms INTEGER NOT NULL,
    uncertainty_ms INTEGER NOT NULL,
    PRIMARY KEY (device, epoch, tick)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS binding (
    family TEXT NOT NULL, address TEXT NOT NULL, device TEXT NOT NULL,
    PRIMARY KEY (family, address)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS log_position (
    device TEXT NOT NULL, log INTEGER NOT NULL, next INTEGER NOT NULL,
    PRIMARY KEY (device, log)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS log_record (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    device TEXT NOT NULL, layout INTEGER NOT NULL, count INTEGER NOT NULL, data BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS log_dated (
    device TEXT PRIMARY KEY, last_ms INTEGER NOT NULL, end_ms INTEGER NOT NULL, uncertainty_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS set_aside (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    device TEXT NOT NULL, at_ms INTEGER NOT NULL, reason TEXT NOT NULL, data BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
"""

GROUP: Final = 512
"""At most this many jobs share a commit: a bound on what a caller waits for."""


class Journal:
    """Runs jobs on the one thread that owns the file.

    Jobs that wait together are committed together. A job that fails is undone alone; the others are kept. A commit
    that fails fails every job in it.

    Raises
    ------
    OutboxError
        The file cannot be opened, or is no outbox.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self.on_undone: Callable[[], None] = lambda: None
        """Called on the journal's thread, before any other job runs, when a job's changes were undone."""
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        database: sqlite3.Connection | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database = database = sqlite3.connect(
                path, isolation_level=None, check_same_thread=False, timeout=5.0
            )
            self._database.execute("PRAGMA journal_mode=WAL")
            self._database.execute("PRAGMA synchronous=FULL")
            # One program owns an outbox: a second one is told so at once, instead of sending everything twice.
            self._database.execute("PRAGMA locking_mode=EXCLUSIVE")
            self._database.executescript(SCHEMA)
        except (OSError, sqlite3.Error) as error:
            if database is not None:
                database.close()
            raise OutboxError(f"outbox {path}: {error}") from None
        self._thread = threading.Thread(target=self._work, name="outbox", daemon=True)
        self._thread.start()

    async def run(self, job: Callable[[sqlite3.Connection], T], *, hold: bool = True) -> T:
        """Run `job` in a transaction; returns when it is committed.

        Parameters
        ----------
        hold : bool
            Simulated time waits for it. Not needed where nobody waits for the commit: it then shares the next one.

        Raises
        ------
        OutboxError
            The disk refused (full, read-only, broken); nothing of the job is kept.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def settle(result: T | None, error: BaseException | None) -> None:
            if future.cancelled():
                return
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(result)  # type: ignore[arg-type]  # the result of a job that did not fail

        with self._clock.busy() if hold else nullcontext():
            self._jobs.put(_Job(job, lambda result, error: loop.call_soon_threadsafe(settle, result, error)))
            return await asyncio.shield(future)

    def close(self) -> None:
        """Finish what waits and close the file."""
        self._jobs.put(None)
        self._thread.join()
        self._database.close()

    def _work(self) -> None:
        open_ = True
        while open_:
            group: list[_Job] = []
            job = self._jobs.get()
            while True:
                if job is None:
                    open_ = False
                    break
                group.append(job)
                if len(group) == GROUP or self._jobs.empty():
                    break
                job = self._jobs.get()
            if group:
                self._commit(group)

    def _commit(self, group: list[_Job]) -> None:
        outcomes: list[tuple[_Job, object, BaseException | None]] = []
        database = self._database
        try:
            database.execute("BEGIN IMMEDIATE")
            for job in group:
                database.execute("SAVEPOINT job")
                try:
                    outcomes.append((job, job.work(database), None))
                except Exception as error:  # whoever asked is told, whatever it is: this thread serves all
                    if not database.in_transaction:
                        raise  # a full or broken disk: the whole transaction is gone
                    outcomes.append((job, None, self._explain(error)))
                    database.execute("ROLLBACK TO job")
                    self.on_undone()
                database.execute("RELEASE job")
            database.execute("COMMIT")
        except sqlite3.Error as error:
            if database.in_transaction:
                database.execute("ROLLBACK")
            self.on_undone()
            failure = self._explain(error)
            outcomes = [(job, None, failure) for job in group]
        for job, result, failed in outcomes:
            try:
                job.settle(result, failed)
            except RuntimeError:  # the event loop that asked is closed: nobody waits for this answer
                continue

    def _explain(self, error: BaseException) -> BaseException:
        if not isinstance(error, sqlite3.Error):
            return error
        if "full" in str(error):
            return OutboxFullError(f"outbox {self._path}: {error}")
        return OutboxError(f"outbox {self._path}: {error}")


class _Job:
    __slots__ = ("settle", "work")

    def __init__(
        self,
        work: Callable[[sqlite3.Connection], object],
        settle: Callable[..., object],
    ) -> None:
        self.work = work
        self.settle = settle
