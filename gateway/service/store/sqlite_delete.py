"""Retention and erasure in the sqlite store. Each function runs inside of the caller's transaction."""

from __future__ import annotations

import sqlite3

from gateway.service.store.books import SessionBook, encode_runs
from gateway.service.store.chunks import CHUNK_MS, chunk_key, drop_before, drop_between, pack, unpack
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


def delete_between(connection: sqlite3.Connection, device: str, start_ms: int, end_ms: int, kind: Kind | None) -> int:
    """Delete a device's samples of a half-open interval and the books of sessions within it; return how many."""
    rows = connection.execute(
        f"SELECT {BOOK_COLUMNS} FROM session WHERE device = ? AND (? IS NULL OR kind = ?)", (device, kind, kind)
    )
    deleted = 0
    for book in [book_of(row) for row in rows]:
        if book.meets(start_ms, end_ms):
            within = book.lies_within(start_ms, end_ms)
            deleted += _drop(connection, book) if within else _cut_out(connection, book, start_ms, end_ms)
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
    _save(connection, book)
    return deleted


def _cut_out(connection: sqlite3.Connection, book: SessionBook, start_ms: int, end_ms: int) -> int:
    length = CHUNK_MS[book.kind]
    base = chunk_key(book.key, 0)
    # The session's own bounds keep the chunk numbers inside of its range of keys.
    low = base + max(start_ms, book.start_ms) // length
    high = base + (min(end_ms, book.reach_ms) - 1) // length
    deleted = 0
    for (key,) in connection.execute("SELECT key FROM chunk WHERE key >= ? AND key <= ?", (low, high)).fetchall():
        directory, data = connection.execute("SELECT parts, data FROM chunk WHERE key = ?", (key,)).fetchone()
        parts = unpack(directory, data, book.kind)
        begin_ms = (key - base) * length
        kept = drop_between(parts, book.kind, start_ms - begin_ms, end_ms - begin_ms)
        gone = sum(part.size for part in parts) - sum(part.size for part in kept)
        deleted += gone
        if gone and kept:
            connection.execute("UPDATE chunk SET parts = ?, data = ? WHERE key = ?", (*pack(kept), key))
        elif gone:
            connection.execute("DELETE FROM chunk WHERE key = ?", (key,))
    book.cut_out(start_ms, end_ms, deleted)
    _save(connection, book)
    return deleted


def _save(connection: sqlite3.Connection, book: SessionBook) -> None:
    connection.execute(
        "UPDATE session SET runs = ?, newest_ms = ?, samples = ?, reach_h = ? WHERE id = ?",
        (encode_runs(book.runs), book.newest_ms, book.samples, reach_h(book), book.key),
    )
