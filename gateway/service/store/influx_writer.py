"""One commit of the influx store: samples first, then the books that make them count."""

from __future__ import annotations

import logging
import secrets
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

import numpy as np

from gateway.errors import StoreError, StoreRejectedError
from gateway.service.store.books import Verdict, check_submission
from gateway.service.store.group import Outcome, Submission
from gateway.service.store.influx_http import QueryClient, SampleSeries, Series, Writer
from gateway.service.store.influx_lines import (
    BOOK_FIELDS,
    SESSION,
    InfluxBook,
    book_line,
    books_of,
    repeats,
    sample_lines,
)
from gateway.wire.messages import Batch

log = logging.getLogger(__name__)

MAX_LINES: Final = 5000
"""Lines in one request: what InfluxData advises, some 700 kB here."""

MAX_BOOKS: Final = 8192
"""Sessions whose books stay in memory between commits."""


ANCHOR_SPREAD_MS: Final = 1 << 20
"""A book's point lies up to 17 minutes after its session's start."""


def new_anchor(start_ms: int) -> int:
    """Time for a book's point, anew after each failure and start.

    So a write that timed out, and which the server may yet apply, cannot undo what is written from then on: points of
    one session are read as one.
    """
    return start_ms + secrets.randbelow(ANCHOR_SPREAD_MS)


def find_books(queries: QueryClient, condition: str) -> list[InfluxBook]:
    """The books that meet a condition on tags."""
    fields = ", ".join(f'"{name}"' for name in BOOK_FIELDS)
    statement = f'SELECT {fields} FROM "{SESSION}" WHERE {condition} GROUP BY "device", "kind", "origin", "session"'
    return books_of(queries.query(statement, Series))


class InfluxCommitter:
    """Makes groups of submissions durable. For the writer's thread alone."""

    def __init__(self, writer: Writer, queries: QueryClient) -> None:
        self._writer = writer
        self._queries = queries
        self._books: OrderedDict[tuple[str, str], InfluxBook] = OrderedDict()

    def commit(self, group: Sequence[Submission]) -> list[Outcome]:
        """Commit a group; where the server refuses some of it for good, each submission by itself."""
        try:
            return self._commit(group)
        except StoreRejectedError as error:
            if len(group) == 1:
                return [error]
            return [outcome for submission in group for outcome in self.commit([submission])]

    def forget(self) -> None:
        """Read books anew from the server: a commit failed, or data were deleted."""
        self._books.clear()

    def _commit(self, group: Sequence[Submission]) -> list[Outcome]:
        plan = _Plan(self._queries)
        try:
            outcomes = [self._take(plan, batches) for batches in group]
            self._write(plan.lines)
            self._write([book_line(book) for book in plan.changed.values()])
        except BaseException:
            self.forget()  # they say more than the server has
            raise
        self._drop_superseded(plan.superseded)
        while len(self._books) > MAX_BOOKS:
            self._books.popitem(last=False)
        return outcomes

    def _take(self, plan: _Plan, batches: Submission) -> Outcome:
        try:
            check_submission(batches, self._find)
        except StoreRejectedError as error:
            return error
        new = 0
        for batch in batches:
            book = self._find(batch.device, batch.session) or self._create(batch)
            new += plan.take(book, batch)
        return new

    def _find(self, device: str, session: str) -> InfluxBook | None:
        name = (device, session)
        if name not in self._books:
            found = find_books(self._queries, f"\"device\" = '{device}' AND \"session\" = '{session}'")
            if not found:
                return None
            book = self._books[name] = found[0]
            book.anchor_ms = new_anchor(book.start_ms)
        self._books.move_to_end(name)
        return self._books[name]

    def _create(self, batch: Batch) -> InfluxBook:
        anchor_ms = new_anchor(batch.first_ms)
        book = InfluxBook(
            batch.device, batch.kind, batch.origin, batch.session, revision=batch.revision, anchor_ms=anchor_ms
        )
        self._books[batch.device, batch.session] = book
        return book

    def _write(self, lines: Sequence[str]) -> None:
        for start in range(0, len(lines), MAX_LINES):
            self._writer.write("\n".join(lines[start : start + MAX_LINES]).encode())

    def _drop_superseded(self, superseded: Sequence[tuple[InfluxBook, int]]) -> None:
        for book, revision in superseded:
            try:
                self._queries.query(
                    f'DELETE FROM "{book.kind}" WHERE "device" = \'{book.device}\' AND "session" = \'{book.session}\''
                    f" AND \"revision\" = '{revision}'",
                    Series,
                )
            except StoreError as error:  # they stay hidden; 3 Core cannot delete
                log.info("superseded samples of %s/%s stay in InfluxDB: %s", book.device, book.session, error)


class _Plan:
    """What a group commit is going to write."""

    def __init__(self, queries: QueryClient) -> None:
        self._queries = queries
        self.lines: list[str] = []
        self.changed: dict[tuple[str, str], InfluxBook] = {}
        self.superseded: list[tuple[InfluxBook, int]] = []
        self._written: dict[tuple[str, str, int], list[tuple[int, int, int, int]]] = {}
        """(first time, last time, first lap, laps) of what this group adds, by device, session and revision."""

    def take(self, book: InfluxBook, batch: Batch) -> int:
        """Add a batch; 1 if it is new."""
        verdict = book.judge(batch)
        if verdict in (Verdict.REPEAT, Verdict.SUPERSEDED):
            return 0
        if verdict is Verdict.ANEW:
            self.superseded.append((book, book.revision))
            book.restart(batch.revision)
        times = batch.times_ms()
        first_ms, last_ms = batch.first_ms, batch.last_ms
        repeat = repeats(times)
        laps = 1 if repeat is None else int(repeat.max()) + 1
        lap = self._free_lap(book, first_ms, last_ms, laps)
        if (lap, laps) != (0, 1):
            book.laps[batch.seq] = (lap, laps)
        self.lines += sample_lines(batch, times, lap)
        self._written.setdefault((book.device, book.session, book.revision), []).append((first_ms, last_ms, lap, laps))
        book.add(batch)
        self.changed[book.device, book.session] = book
        return 1

    def _free_lap(self, book: InfluxBook, first_ms: int, last_ms: int, laps: int) -> int:
        """The first of `laps` laps on which the session has no sample between these times."""
        if not book.runs or first_ms > book.newest_ms or last_ms < book.start_ms:
            return 0  # nearly always: time goes on
        taken = self._laps_on_server(book, first_ms, last_ms)
        for start, end, lap, count in self._written.get((book.device, book.session, book.revision), ()):
            if start <= last_ms and end >= first_ms:
                taken.update(range(lap, lap + count))
        lap = 0
        while any(lap + number in taken for number in range(laps)):
            lap += 1
        return lap

    def _laps_on_server(self, book: InfluxBook, first_ms: int, last_ms: int) -> set[int]:
        series = self._queries.query(
            f'SELECT "seq" FROM "{book.kind}" WHERE "device" = \'{book.device}\' AND "session" = \'{book.session}\''
            f' AND "revision" = \'{book.revision}\' AND time >= {first_ms}ms AND time <= {last_ms}ms GROUP BY "lap"',
            SampleSeries,
        )
        taken = set()
        for one in series:
            seqs = np.array([row[1] for row in one.values], np.float64).astype(np.int64)
            # a leftover of a write that was not acknowledged holds no lap
            if book.holds(seqs, int(one.tags["lap"])).any():
                taken.add(int(one.tags["lap"]))
        return taken
