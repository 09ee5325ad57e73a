"""Retention and erasure in the sqlite store. Each function runs inside of the caller's transaction."""

from __future__ import annotations

import sqlite3

from gateway.service.store.books import SessionBook, encode_runs
from gateway.service.store.chunks import CHUNK_MS, chunk_key, drop_before, pack, unpack
from gateway.service.store.sqlite_writer import BOOK_COLUMNS, book_of, reach_h
from gateway.wire.messages import Kind


def delete_before(connection: sqlite3.Connection, utc_ms: int, kind: Kind | None, device: str | None) -> int:
    """Delete samples older than `utc_ms` and the books of sessions that ended before; return the number of samples."""
    rows = connection.execute(
        f"SELECT {BOOK_COLUMNS} FROM session WHERE (? IS NULL OR kind = ?) AND (? IS NULL OR device = ?)",
        (kind, kind, device, device),
    )
    deleted = 0
    for book in [book_of(row) for row in rows]:
        if book.runs and book.start_ms < utc_ms:
            deleted += _clip(connection, book, utc_ms) if book.reach_ms > utc_ms else _drop(connection, book)
    return deleted


def delete_device(connection: sqlite3.Connection, device: str) -> int:
    """Delete all that is held of a device; return the number of samples."""
    rows = connection.execute(f"SELECT {BOOK_COLUMNS} FROM session WHERE device = ?", (device,))
    return sum(_drop(connection, book) for book in [book_of(row) for row in rows])


def _drop(connection: sqlite3.Connection, book: SessionBook) -> int:
    low, high = chunk_key(book.key, 0), chunk_key(book.key + 1, 0)
    connection.execute("DELETE FROM chunk WHERE key >= ? AND key < ?", (low, high))
    connection.execute("DELETE FROM session WHERE id = ?", (book.key,))
    return book.samples


def _clip(connection: sqlite3.Connection, book: SessionBook, utc_ms: int) -> int:
    length = CHUNK_MS[book.kind]
    low, cut = chunk_key(book.key, 0), chunk_key(book.key, utc_ms // length)
    deleted = 0
    for key, directory, data in connection.execute(
        "SELECT key, parts, data FROM chunk WHERE key >= ? AND key <= ?", (low, cut)
    ).fetchall():
        parts = unpack(directory, data, book.kind)
        kept = drop_before(parts, book.kind, utc_ms % length) if key == cut else []
        deleted += sum(part.size for part in parts) - sum(part.size for part in kept)
        if kept:
            connection.execute("UPDATE chunk SET parts = ?, data = ? WHERE key = ?", (*pack(kept), key))
        else:
            connection.execute("DELETE FROM chunk WHERE key = ?", (key,))
    book.clip(utc_ms, deleted)
    connection.execute(
        "UPDATE session SET runs = ?, samples = ?, reach_h = ? WHERE id = ?",
        (encode_runs(book.runs), book.samples, reach_h(book), book.key),
    )
    return deleted
