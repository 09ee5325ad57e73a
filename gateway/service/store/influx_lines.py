"""Batches and books as InfluxDB points, and back. Pure.

A sample is a point of the measurement of its kind with tags device, origin, session, revision and lap, a field for each
column (integers as integers, f4 as the float64 of the same value), `seq`, and `absent`: a bit for each column that is
missing, so that no value of an earlier point at the same place shows through. A NaN is a field left out, and comes back
as NaN.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gateway.service.store.books import SessionBook, decode_runs, encode_runs, union_of_runs
from gateway.service.store.influx_http import SampleSeries, Series
from gateway.service.store.resolve import missing_value
from gateway.wire.messages import SCHEMA, Array, Batch, Kind

SESSION: Final = "somnolink_session"
"""The measurement of the books: one point a session."""


@dataclass(slots=True)
class InfluxBook(SessionBook):
    """A session's book, with what InfluxDB needs beside it.

    Attributes
    ----------
    anchor_ms : int
        Time of its point, which is overwritten in place while this program goes on without a failure.
    laps : dict of int to (int, int)
        Of seqs that are not on lap 0 alone: their first lap and how many laps they take.
    """

    anchor_ms: int = 0
    laps: dict[int, tuple[int, int]] = field(default_factory=dict)

    def restart(self, revision: int) -> None:
        """Forget all batches: the session is dated anew."""
        SessionBook.restart(self, revision)
        self.laps = {}

    def holds(self, seq: NDArray[np.int64], lap: int) -> NDArray[np.bool_]:
        """Which points of a lap are of batches received there, not left over from a write never acknowledged."""
        held = np.zeros(seq.size, np.bool_)
        for run in self.runs:
            held |= (seq >= run.lo) & (seq <= run.hi)
        if lap:
            on_lap = [number for number, (first, count) in self.laps.items() if first <= lap < first + count]
            held &= np.isin(seq, on_lap)
        else:
            held &= ~np.isin(seq, [number for number, (first, _) in self.laps.items() if first > 0])
        return held


def repeats(times: NDArray[np.int64]) -> NDArray[np.int64] | None:
    """Of each sample how many of the batch's samples before it have its time; None where no two share one."""
    if times.size == 1 or (times[1:] > times[:-1]).all():
        return None
    first_of_each = np.searchsorted(times, times)
    return np.arange(times.size) - first_of_each


def sample_lines(batch: Batch, times: NDArray[np.int64], lap: int) -> list[str]:
    """One line a sample; samples of equal times are put on laps `lap`, `lap` + 1, ..."""
    absent = np.zeros(batch.size, np.int64)
    parts: list[Sequence[str]] = []
    for bit, (name, dtype) in enumerate(SCHEMA[batch.kind].items()):
        column = batch.columns.get(name)
        if dtype.kind == "f":
            if column is None:
                absent |= 1 << bit
                continue
            absent |= np.isnan(column).astype(np.int64) << bit
            # repr of the float64 is exact: the f4 comes back bit for bit
            parts.append(
                [f"{name}={value!r}," if value == value else "" for value in column.astype(np.float64).tolist()]
            )
        elif column is None:
            parts.append([f"{name}={missing_value(batch.kind, name)}i,"] * batch.size)
        else:
            parts.append([f"{name}={value}i," for value in column.tolist()])
    repeat = repeats(times)
    heads = [_tags(batch, lap)] * batch.size if repeat is None else [_tags(batch, lap + n) for n in repeat.tolist()]
    rows = zip(heads, zip(*parts, strict=True), absent.tolist(), times.tolist(), strict=True)
    return [f"{head} {''.join(values)}absent={gone}i,seq={batch.seq}i {time}" for head, values, gone, time in rows]


def _tags(batch: Batch, lap: int) -> str:
    return (
        f"{batch.kind},device={batch.device},lap={lap},origin={batch.origin},"
        f"revision={batch.revision},session={batch.session}"
    )


def book_line(book: InfluxBook) -> str:
    """The point of a session's book."""
    laps = ",".join(f"{seq}:{first}:{count}" for seq, (first, count) in sorted(book.laps.items()))
    return (
        f"{SESSION},device={book.device},kind={book.kind},origin={book.origin},session={book.session}"
        f' revision={book.revision}i,runs="{encode_runs(book.runs)}",laps="{laps}",last_seq={book.last_seq}i,'
        f"newest_ms={book.newest_ms}i,samples={book.samples}i {book.anchor_ms}"
    )


BOOK_FIELDS: Final = ("revision", "runs", "laps", "last_seq", "newest_ms", "samples")


def books_of(series: Sequence[Series]) -> list[InfluxBook]:
    """The books in an answer with `BOOK_FIELDS`, grouped by all tags: one a session."""
    return [_merged(points) for one in series if (points := _points_of(one))]


def _merged(points: Sequence[InfluxBook]) -> InfluxBook:
    """What the points of one session say together: batches only ever come to a revision."""
    greatest = max(points, key=lambda book: book.revision)
    for book in points:
        if book.revision == greatest.revision:
            greatest.runs = union_of_runs([*greatest.runs, *book.runs])
            greatest.laps |= book.laps
            greatest.last_seq = max(greatest.last_seq, book.last_seq)
            greatest.newest_ms = max(greatest.newest_ms, book.newest_ms)
            greatest.samples = max(greatest.samples, book.samples)
    return greatest


def _points_of(one: Series) -> list[InfluxBook]:
    books = []
    for time, revision, runs, laps, last_seq, newest_ms, samples in one.values:
        book = InfluxBook(
            one.tags["device"],
            _kind(one.tags["kind"]),
            "stored" if one.tags["origin"] == "stored" else "live",
            one.tags["session"],
            revision=int(revision or 0),
            runs=decode_runs(str(runs)),
            last_seq=int(-1 if last_seq is None else last_seq),
            newest_ms=int(-1 if newest_ms is None else newest_ms),
            samples=int(samples or 0),
            anchor_ms=int(time or 0),
        )
        for entry in str(laps).split(",") if laps else ():
            seq, first, count = map(int, entry.split(":"))
            book.laps[seq] = (first, count)
        books.append(book)
    return books


def _kind(name: str) -> Kind:
    return next(kind for kind in SCHEMA if kind == name)


def columns_of(series: SampleSeries, kind: Kind) -> tuple[NDArray[np.int64], NDArray[np.int64], dict[str, Array]]:
    """Times, seqs and columns of a series selected as time, seq, absent, then the columns of `SCHEMA[kind]`."""
    table = np.array(series.values, np.float64)
    absent = table[:, 2].astype(np.int64)
    columns: dict[str, Array] = {}
    for bit, (name, dtype) in enumerate(SCHEMA[kind].items()):
        values = table[:, 3 + bit]
        if dtype.kind == "f":
            values = np.where(absent >> bit & 1, np.nan, values)
        columns[name] = values.astype(dtype)
    return table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), columns
