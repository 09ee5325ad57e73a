"""Reading from the sqlite store, each reader on a connection of its own."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from gateway.errors import StoreUnavailableError
from gateway.service.store.base import Samples, Selection
from gateway.service.store.books import SessionBook
from gateway.service.store.chunks import CHUNK_MS, chunk_key, join
from gateway.service.store.resolve import SessionRows, resolve
from gateway.service.store.sqlite_schema import connect
from gateway.service.store.sqlite_writer import BOOK_COLUMNS, HOUR_MS, book_of
from gateway.wire.messages import Kind


class ReaderPool:
    """Connections that read; as many as threads read at once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._idle: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        self._closed = False

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """A connection in a read transaction: all that it sees is of one commit."""
        connection = self._borrow()
        try:
            connection.execute("BEGIN")
            yield connection
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            connection.close()
            raise StoreUnavailableError(f"the sample store {self._path} cannot be read: {error}") from error
        except BaseException:
            connection.close()
            raise
        self._give_back(connection)

    def close(self) -> None:
        """Close all idle connections, and each busy one when it is given back."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _borrow(self) -> sqlite3.Connection:
        with self._lock:
            if self._closed:
                raise StoreUnavailableError("the store is closed")
            if self._idle:
                return self._idle.pop()
        try:
            return connect(self._path, writer=False)
        except sqlite3.Error as error:
            raise StoreUnavailableError(f"the sample store {self._path} cannot be read: {error}") from error

    def _give_back(self, connection: sqlite3.Connection) -> None:
        with self._lock:
            if not self._closed:
                self._idle.append(connection)
                return
        connection.close()


def find_books(
    connection: sqlite3.Connection, device: str, kind: Kind, start_ms: int, end_ms: int
) -> list[SessionBook]:
    """Books of the sessions that hold or cover anything in the half-open interval."""
    rows = connection.execute(
        f"SELECT {BOOK_COLUMNS} FROM session WHERE device = ? AND kind = ? AND reach_h > ?",
        (device, kind, start_ms // HOUR_MS),
    )
    books = [book_of(row) for row in rows]
    return [book for book in books if book.meets(start_ms, end_ms)]


def read_samples(
    connection: sqlite3.Connection, device: str, kind: Kind, start_ms: int, end_ms: int, origin: Selection
) -> Samples:
    """Samples with start_ms <= time < end_ms, resolved."""
    found = []
    covers = []
    for book in find_books(connection, device, kind, start_ms, end_ms):
        if origin in ("resolved", book.origin):
            found.append(_read_session(connection, book, start_ms, end_ms))
            if book.origin == "stored" and origin == "resolved":
                covers += book.covers()
    return resolve(device, kind, found, covers)


def _read_session(connection: sqlite3.Connection, book: SessionBook, start_ms: int, end_ms: int) -> SessionRows:
    length = CHUNK_MS[book.kind]
    base = chunk_key(book.key, 0)
    # the session's own bounds keep the chunk numbers inside of its range of keys, whatever the caller asks for
    first, last = max(start_ms, book.start_ms) // length, (min(end_ms, book.newest_ms + 1) - 1) // length
    rows = connection.execute(
        "SELECT key - ?, data FROM chunk WHERE key BETWEEN ? AND ? ORDER BY key", (base, base + first, base + last)
    ).fetchall()
    t_ms, columns = join(book.kind, rows)
    low, high = np.searchsorted(t_ms, (start_ms, end_ms)).tolist()
    return SessionRows(
        book.session,
        book.origin,
        book.revision,
        t_ms[low:high],
        {name: column[low:high] for name, column in columns.items()},
    )
