"""The default store: one SQLite file, typed blobs, group commit.

A commit is in the write-ahead log and synced (`synchronous=FULL`) before any of its futures resolves.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path

from gateway.errors import StoreError, StoreUnavailableError
from gateway.service.store.base import Samples, SampleStore, Selection, SessionCover, StoreHealth
from gateway.service.store.group import MAX_PENDING, GroupWriter, Outcome, Submission
from gateway.service.store.sqlite_delete import delete_before, delete_between, delete_device
from gateway.service.store.sqlite_reader import ReaderPool, find_books, read_samples
from gateway.service.store.sqlite_schema import open_writer
from gateway.service.store.sqlite_writer import Books, commit
from gateway.wire.messages import Batch, Kind


class SqliteStore(SampleStore):
    """Samples in one file, which other processes may read while this one writes.

    Parameters
    ----------
    path : Path
        Made where it does not exist, its folder too.
    max_bytes : int or None
        Bound of the file's size; beyond it, appending raises `StoreUnavailableError` as on a full disk.
    max_pending : int
        Batches that may wait for a commit before `submit` blocks.

    Raises
    ------
    ConfigurationError
        The file is no sample store, or its folder cannot be used.
    StoreUnavailableError
        It is locked, or the disk is full.
    """

    def __init__(self, path: Path, *, max_bytes: int | None = None, max_pending: int = MAX_PENDING) -> None:
        self.path = path
        self._connection = open_writer(path, max_bytes)
        self._lock = threading.Lock()  # the writing connection is one thread's at a time
        self._books = Books(self._connection)
        self._readers = ReaderPool(path)
        self._writer = GroupWriter("sample-store", self._commit, max_pending=max_pending)
        self._closed = False

    def submit(self, batches: Sequence[Batch], *, timeout_s: float | None = None) -> Future[int]:
        """Queue batches for the next group commit; see `SampleStore.submit`."""
        return self._writer.submit(batches, timeout_s)

    def read(self, device: str, kind: Kind, start_ms: int, end_ms: int, *, origin: Selection = "resolved") -> Samples:
        """Samples with start_ms <= time < end_ms."""
        with self._readers.snapshot() as connection:
            return read_samples(connection, device, kind, start_ms, end_ms, origin)

    def sessions(self, device: str, kind: Kind, start_ms: int, end_ms: int) -> list[SessionCover]:
        """Sessions that meet the half-open interval, in order of start, then of id."""
        with self._readers.snapshot() as connection:
            covers = [book.cover() for book in find_books(connection, device, kind, start_ms, end_ms)]
        return sorted(covers, key=lambda cover: (cover.start_ms, cover.session))

    def devices(self) -> list[str]:
        """Ids of the devices of which something is held, sorted."""
        with self._readers.snapshot() as connection:
            return [device for (device,) in connection.execute("SELECT DISTINCT device FROM session ORDER BY device")]

    def span(self, device: str, kind: Kind) -> tuple[int, int] | None:
        """UTC milliseconds of the oldest and the newest sample, hidden ones included; None where there is none."""
        with self._readers.snapshot() as connection:
            books = find_books(connection, device, kind, 0, 1 << 62)
        return (min(book.start_ms for book in books), max(book.newest_ms for book in books)) if books else None

    def delete_before(self, utc_ms: int, *, kind: Kind | None = None, device: str | None = None) -> int:
        """Delete samples older than `utc_ms`; see `SampleStore.delete_before`."""
        return self._delete(lambda connection: delete_before(connection, utc_ms, kind, device))

    def delete_between(self, device: str, start_ms: int, end_ms: int, *, kind: Kind | None = None) -> int:
        """Erase a device's samples of a time: what they took on disk is overwritten with zeros."""
        return self._delete(lambda connection: delete_between(connection, device, start_ms, end_ms, kind))

    def delete_device(self, device: str) -> int:
        """Erase all that is held of a device: what it took on disk is overwritten with zeros, the log is emptied."""
        deleted = self._delete(lambda connection: delete_device(connection, device))
        self.scrub()
        return deleted

    def scrub(self) -> bool:
        """Empty the log, which may hold pages as they were; the file itself has zeros in the place of what is gone."""
        with self._lock:
            if self._closed:
                raise StoreUnavailableError("the store is closed")
            try:
                (busy, *_) = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            except sqlite3.Error as error:
                raise StoreUnavailableError(f"the sample store {self.path}: {error}") from error
        return not busy

    def health(self) -> StoreHealth:
        """How the store is doing."""
        error = self._writer.last_error
        size = None
        try:
            with self._readers.snapshot() as connection:
                (pages,) = connection.execute("PRAGMA page_count").fetchone()
                (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
                size = pages * page_bytes
        except StoreError as unreadable:
            error = unreadable
        return StoreHealth(
            backend="sqlite",
            ok=error is None,
            detail=str(error) if error else f"{self.path.name} answers",
            pending=self._writer.pending,
            limit=self._writer.max_pending,
            batches=self._writer.batches,
            commits=self._writer.commits,
            size_bytes=size,
        )

    def close(self) -> None:
        """Commit what is queued, then close the file."""
        self._writer.close()
        self._readers.close()
        with self._lock:
            self._closed = True
            self._connection.close()

    def _commit(self, group: Sequence[Submission]) -> list[Outcome]:
        with self._lock:
            try:
                return commit(self._connection, self._books, group)
            except sqlite3.Error as error:
                raise StoreUnavailableError(f"the sample store {self.path} takes nothing now: {error}") from error

    def _delete(self, delete: Callable[[sqlite3.Connection], int]) -> int:
        with self._lock:
            self._execute("BEGIN IMMEDIATE")
            try:
                deleted = delete(self._connection)
                self._execute("COMMIT")
            except BaseException as error:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                if isinstance(error, sqlite3.Error):
                    raise StoreUnavailableError(f"the sample store {self.path} deletes nothing now: {error}") from error
                raise
            finally:
                self._books.clear()
        return deleted

    def _execute(self, statement: str) -> None:
        if self._closed:
            raise StoreUnavailableError("the store is closed")
        try:
            self._connection.execute(statement)
        except sqlite3.Error as error:
            raise StoreUnavailableError(f"the sample store {self.path}: {error}") from error
