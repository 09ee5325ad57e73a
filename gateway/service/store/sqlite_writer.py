"""One commit of the sqlite store: many submissions in one transaction, each hot chunk rewritten once."""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from gateway.errors import StoreRejectedError
from gateway.service.store.books import SessionBook, Verdict, check_submission, decode_runs, encode_runs
from gateway.service.store.chunks import chunk_key, chunks_of, pack, unpack
from gateway.service.store.group import Outcome, Submission
from gateway.wire.messages import Batch, Kind

HOUR_MS: Final = 3_600_000

MAX_BOOKS: Final = 8192
"""Sessions whose books stay in memory between commits, some 1 kB each."""

BOOK_COLUMNS: Final = "id, device, kind, origin, session, revision, runs, last_seq, newest_ms, samples"

BookRow = tuple[int, str, Kind, str, str, int, str, int, int, int]


def book_of(row: BookRow) -> SessionBook:
    """The book that a row of `BOOK_COLUMNS` keeps."""
    key, device, kind, origin, session, revision, runs, last_seq, newest_ms, samples = row
    return SessionBook(
        device,
        kind,
        "stored" if origin == "stored" else "live",
        session,
        key,
        revision,
        decode_runs(runs),
        last_seq,
        newest_ms,
        samples,
    )


def reach_h(book: SessionBook) -> int:
    """The end of what a session holds or covers, in whole hours rounded up."""
    return -(-book.reach_ms // HOUR_MS)


class Books:
    """Books of the sessions written last; the transaction's own while one is open. For the writer's thread alone."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._books: OrderedDict[tuple[str, str], SessionBook] = OrderedDict()
        self._version = -1

    def refresh(self) -> None:
        """At the start of a transaction: forget all if another connection has written meanwhile."""
        (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        if version != self._version:
            self._books.clear()
            self._version = version

    def clear(self) -> None:
        """Forget all: a transaction failed, or rows were deleted."""
        self._books.clear()

    def find(self, device: str, session: str) -> SessionBook | None:
        """The book of a session, from memory or disk."""
        name = (device, session)
        book = self._books.get(name)
        if book is None:
            statement = f"SELECT {BOOK_COLUMNS} FROM session WHERE device = ? AND session = ?"
            row = self._connection.execute(statement, name).fetchone()
            if row is None:
                return None
            book = self._books[name] = book_of(row)
        self._books.move_to_end(name)
        return book

    def create(self, batch: Batch) -> SessionBook:
        """A new session's book, with its row."""
        book = SessionBook(batch.device, batch.kind, batch.origin, batch.session, revision=batch.revision)
        cursor = self._connection.execute(
            "INSERT INTO session (device, kind, origin, session, revision, runs, last_seq, newest_ms, samples, reach_h)"
            " VALUES (?, ?, ?, ?, ?, '', -1, -1, 0, 0)",
            (book.device, book.kind, book.origin, book.session, book.revision),
        )
        book.key = cursor.lastrowid or 0
        self._books[book.device, book.session] = book
        return book

    def save(self, books: Sequence[SessionBook]) -> None:
        """Write changed books."""
        self._connection.executemany(
            "UPDATE session SET revision = ?, runs = ?, last_seq = ?, newest_ms = ?, samples = ?, reach_h = ?"
            " WHERE id = ?",
            [
                (
                    book.revision,
                    encode_runs(book.runs),
                    book.last_seq,
                    book.newest_ms,
                    book.samples,
                    reach_h(book),
                    book.key,
                )
                for book in books
            ],
        )

    def trim(self) -> None:
        """After a transaction: keep memory bounded."""
        while len(self._books) > MAX_BOOKS:
            self._books.popitem(last=False)


class Transaction:
    """Gathers the batches of one group commit, then writes them."""

    def __init__(self, connection: sqlite3.Connection, books: Books) -> None:
        self._connection = connection
        self._books = books
        self._changed: dict[int, SessionBook] = {}
        self._emptied: set[int] = set()
        self._new: dict[int, list[Batch]] = {}  # by session key

    def take(self, batches: Submission) -> Outcome:
        """Gather one submission, all or nothing; the number of batches that are new, or why it is refused."""
        try:
            check_submission(batches, self._books.find)
        except StoreRejectedError as error:
            return error
        return sum([self._take(batch) for batch in batches])

    def write(self) -> None:
        """Write what was gathered."""
        for key in self._emptied:
            low, high = chunk_key(key, 0), chunk_key(key + 1, 0)
            self._connection.execute("DELETE FROM chunk WHERE key >= ? AND key < ?", (low, high))
        rows = []
        for key in sorted(self._new):
            kind = self._changed[key].kind
            for chunk, parts in sorted(chunks_of(self._new[key]).items()):
                row_key = chunk_key(key, chunk)
                held = self._connection.execute("SELECT parts, data FROM chunk WHERE key = ?", (row_key,)).fetchone()
                merged = parts if held is None else unpack(held[0], held[1], kind) + parts
                rows.append((row_key, *pack(merged)))
        self._connection.executemany("INSERT OR REPLACE INTO chunk (key, parts, data) VALUES (?, ?, ?)", rows)
        self._books.save(list(self._changed.values()))

    def _take(self, batch: Batch) -> int:
        book = self._books.find(batch.device, batch.session) or self._books.create(batch)
        verdict = book.judge(batch)
        if verdict in (Verdict.REPEAT, Verdict.SUPERSEDED):
            return 0
        if verdict is Verdict.ANEW:
            book.restart(batch.revision)
            self._emptied.add(book.key)
            self._new.pop(book.key, None)
        book.add(batch)
        self._changed[book.key] = book
        self._new.setdefault(book.key, []).append(batch)
        return 1


def commit(connection: sqlite3.Connection, books: Books, group: Sequence[Submission]) -> list[Outcome]:
    """Commit a group in one transaction; `sqlite3.Error` means that nothing of it is known to be stored."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        books.refresh()
        transaction = Transaction(connection, books)
        outcomes = [transaction.take(batches) for batches in group]
        transaction.write()
        connection.execute("COMMIT")
    except BaseException:
        books.clear()
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    books.trim()
    return outcomes
