"""The store in InfluxDB, for the clinic that has one: any generation, two write dialects, one way to read.

What is chosen, and why:

- A measurement is a kind; tags are device and origin, which dashboards group by, and session, revision and lap: of
  equal tags and time InfluxDB keeps one point, so without a session tag sessions would eat each other's samples.
- `lap` is "0" but for samples of one session at one millisecond (a clock that was set back), put on further laps.
- **Cardinality**: one series a session, and one more for its book. A device with a stored session and some five live
  ones a night makes about 4,000 series a year: 1.x wants `index-version = "tsi1"`; later ones have no limit.
- A session's book is a point (after failures several, read as one) of the measurement `somnolink_session`,
  overwritten in place *after* its samples are acknowledged. A sample counts only if the book has its batch: so a call
  that broke off, or was refused in part (a type conflict answers 400 and stores the rest), leaves nothing that can be
  seen, and a retry ends the same as an undisturbed call. A field's type is for ever: integers are always written as
  integers, the rest always as floats.
- Superseded revisions are hidden by the book, then deleted where the server can (not in 3 Core).

One process at a time may write: it keeps the books in memory between commits.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Final

import numpy as np

from gateway.errors import StoreError, StoreUnavailableError
from gateway.service.store.base import Samples, SampleStore, Selection, SessionCover, StoreHealth
from gateway.service.store.books import NAME
from gateway.service.store.group import MAX_PENDING, GroupWriter, Outcome, Submission
from gateway.service.store.influx_http import QueryClient, SampleSeries, Series, Writer
from gateway.service.store.influx_lines import SESSION, InfluxBook, book_line, columns_of
from gateway.service.store.influx_writer import InfluxCommitter, find_books, new_anchor
from gateway.service.store.resolve import SessionRows, resolve
from gateway.wire.messages import KINDS, SCHEMA, Batch, Kind

COUNTED_MS: Final = 3_600_000
"""Samples that are to be deleted are counted in pieces of this length: a night of a waveform is a million rows."""


class InfluxStore(SampleStore):
    """Samples in InfluxDB.

    Parameters
    ----------
    writer : Writer
        Of the dialect that the server speaks.
    queries : QueryClient
        On the same server and database.
    max_pending : int
        Batches that may wait for a commit before `submit` blocks.
    """

    def __init__(self, writer: Writer, queries: QueryClient, *, max_pending: int = MAX_PENDING) -> None:
        self._http_writer = writer
        self._queries = queries
        self._committer = InfluxCommitter(writer, queries)
        self._lock = threading.Lock()  # writes and deletes take turns
        self._closed = False
        self._writer = GroupWriter("sample-store", self._commit, max_pending=max_pending)

    def submit(self, batches: Sequence[Batch], *, timeout_s: float | None = None) -> Future[int]:
        """Queue batches for the next group commit; see `SampleStore.submit`."""
        return self._writer.submit(batches, timeout_s)

    def read(self, device: str, kind: Kind, start_ms: int, end_ms: int, *, origin: Selection = "resolved") -> Samples:
        """Samples with start_ms <= time < end_ms."""
        books = {
            book.session: book
            for book in self._books(device, kind)
            if origin in ("resolved", book.origin) and book.meets(start_ms, end_ms)
        }
        rows = self._read_rows(books, device, kind, start_ms, end_ms) if books else []
        covers = []
        if origin == "resolved":
            covers = [cover for book in books.values() if book.origin == "stored" for cover in book.covers()]
        return resolve(device, kind, rows, covers)

    def sessions(self, device: str, kind: Kind, start_ms: int, end_ms: int) -> list[SessionCover]:
        """Sessions that meet the half-open interval, in order of start, then of id."""
        covers = [book.cover() for book in self._books(device, kind) if book.meets(start_ms, end_ms)]
        return sorted(covers, key=lambda cover: (cover.start_ms, cover.session))

    def devices(self) -> list[str]:
        """Ids of the devices of which something is held, sorted."""
        self._check_open()
        series = self._queries.query(f'SELECT last("samples") FROM "{SESSION}" GROUP BY "device"', Series)
        return sorted(one.tags["device"] for one in series)

    def span(self, device: str, kind: Kind) -> tuple[int, int] | None:
        """UTC milliseconds of the oldest and the newest sample, hidden ones included; None where there is none."""
        books = self._books(device, kind)
        return (min(book.start_ms for book in books), max(book.newest_ms for book in books)) if books else None

    def delete_before(self, utc_ms: int, *, kind: Kind | None = None, device: str | None = None) -> int:
        """Delete samples older than `utc_ms`; see `SampleStore.delete_before`. InfluxDB 3 Core cannot."""
        self._check_open()
        deleted = 0
        with self._lock:
            for one in [device] if device else self.devices():
                for each in [kind] if kind else KINDS:
                    deleted += self._delete_before(utc_ms, each, one)
            self._committer.forget()
        return deleted

    def delete_between(self, device: str, start_ms: int, end_ms: int, *, kind: Kind | None = None) -> int:
        """Erase a device's samples of a time. InfluxDB 3 Core cannot."""
        self._check_open()
        with self._lock:
            deleted = sum(self._cut_out(device, each, start_ms, end_ms) for each in ([kind] if kind else KINDS))
            self._committer.forget()
        return deleted

    def delete_device(self, device: str) -> int:
        """Erase all that is held of a device. InfluxDB 3 Core cannot."""
        self._check_open()
        with self._lock:
            deleted = sum(book.samples for kind in KINDS for book in self._books(device, kind))
            for measurement in (*KINDS, SESSION):
                self._queries.query(f'DELETE FROM "{measurement}" WHERE "device" = \'{_quoted(device)}\'', Series)
            self._committer.forget()
        return deleted

    def health(self) -> StoreHealth:
        """How the store is doing; asks the server."""
        error = self._writer.last_error
        try:
            self._check_open()
            self._queries.ping()
        except StoreError as away:
            error = away
        return StoreHealth(
            backend="influx",
            ok=error is None,
            detail=str(error) if error else "InfluxDB answers",
            pending=self._writer.pending,
            limit=self._writer.max_pending,
            batches=self._writer.batches,
            commits=self._writer.commits,
        )

    def close(self) -> None:
        """Commit what is queued, then let go of connections."""
        self._writer.close()
        self._closed = True
        self._http_writer.close()
        self._queries.close()

    def _commit(self, group: Sequence[Submission]) -> list[Outcome]:
        with self._lock:
            return self._committer.commit(group)

    def _check_open(self) -> None:
        if self._closed:
            raise StoreUnavailableError("the store is closed")

    def _books(self, device: str, kind: Kind) -> list[InfluxBook]:
        self._check_open()
        found = find_books(self._queries, f"\"device\" = '{_quoted(device)}' AND \"kind\" = '{kind}'")
        return [book for book in found if book.runs]

    def _read_rows(
        self, books: dict[str, InfluxBook], device: str, kind: Kind, start_ms: int, end_ms: int
    ) -> list[SessionRows]:
        """Of each session its samples in the interval that count, in order of time, seq and place."""
        first_ms = max(start_ms, min(book.start_ms for book in books.values()))
        end_ms = min(end_ms, max(book.newest_ms for book in books.values()) + 1)
        fields = ", ".join(f'"{name}"' for name in ("seq", "absent", *SCHEMA[kind]))
        series = self._queries.query(
            f'SELECT {fields} FROM "{kind}" WHERE "device" = \'{_quoted(device)}\''
            f' AND time >= {first_ms}ms AND time < {end_ms}ms GROUP BY "session", "revision", "lap"',
            SampleSeries,
        )
        by_session: dict[str, list[tuple[int, SampleSeries]]] = {}
        for one in series:
            book = books.get(one.tags["session"])
            if book is not None and int(one.tags["revision"]) == book.revision:
                by_session.setdefault(book.session, []).append((int(one.tags["lap"]), one))
        return [_rows_of(books[session], laps) for session, laps in by_session.items()]

    def _delete_before(self, utc_ms: int, kind: Kind, device: str) -> int:
        books = {book.session: book for book in self._books(device, kind) if book.start_ms < utc_ms}
        if not books:
            return 0
        rows = self._read_rows(books, device, kind, 0, utc_ms)
        deleted = {one.session: one.t_ms.size for one in rows}
        where = f"WHERE \"device\" = '{_quoted(device)}'"
        self._queries.query(f'DELETE FROM "{kind}" {where} AND time < {utc_ms}ms', Series)
        for book in books.values():
            kept = book.reach_ms > utc_ms
            if kept:
                book.clip(utc_ms, deleted.get(book.session, 0))
            self._put_book(book, kept=kept)
        return sum(deleted.values())

    def _cut_out(self, device: str, kind: Kind, start_ms: int, end_ms: int) -> int:
        books = {book.session: book for book in self._books(device, kind) if book.meets(start_ms, end_ms)}
        if not books:
            return 0
        first_ms = max(start_ms, min(book.start_ms for book in books.values()))
        last_ms = min(end_ms, max(book.reach_ms for book in books.values()))
        deleted = dict.fromkeys(books, 0)
        for at_ms in range(first_ms, last_ms, COUNTED_MS):
            for one in self._read_rows(books, device, kind, at_ms, min(at_ms + COUNTED_MS, last_ms)):
                deleted[one.session] += one.t_ms.size
        within = f"\"device\" = '{_quoted(device)}' AND time >= {first_ms}ms AND time < {last_ms}ms"
        self._queries.query(f'DELETE FROM "{kind}" WHERE {within}', Series)
        for book in books.values():
            kept = not book.lies_within(start_ms, end_ms)
            if kept:
                book.cut_out(start_ms, end_ms, deleted[book.session])
            self._put_book(book, kept=kept)
        return sum(deleted.values())

    def _put_book(self, book: InfluxBook, *, kept: bool) -> None:
        """Write a book in the place of all points of its session, or only take those away."""
        others = [""]
        if kept:
            book.anchor_ms = new_anchor(book.start_ms)
            self._http_writer.write(book_line(book).encode())
            others = [f" AND time < {book.anchor_ms}ms", f" AND time > {book.anchor_ms}ms"]
        for other in others:
            this = f"\"device\" = '{book.device}' AND \"session\" = '{book.session}'{other}"
            self._queries.query(f'DELETE FROM "{SESSION}" WHERE {this}', Series)


def _rows_of(book: InfluxBook, laps: Sequence[tuple[int, SampleSeries]]) -> SessionRows:
    tables = []
    for lap, series in sorted(laps, key=lambda one: one[0]):
        t_ms, seq, columns = columns_of(series, book.kind)
        held = book.holds(seq, lap)
        tables.append((t_ms[held], seq[held], {name: column[held] for name, column in columns.items()}))
    t_ms = np.concatenate([table[0] for table in tables])
    order = np.lexsort((np.concatenate([table[1] for table in tables]), t_ms))  # stable: laps of a batch stay in order
    columns = {name: np.concatenate([table[2][name] for table in tables])[order] for name in SCHEMA[book.kind]}
    return SessionRows(book.session, book.origin, book.revision, t_ms[order], columns)


def _quoted(name: str) -> str:
    """A caller's name inside of quotes; one that no store can hold matches nothing."""
    return name if NAME.fullmatch(name) else ""
