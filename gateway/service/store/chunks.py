"""How sqlite keeps samples: rows of a session, cut at multiples of a chunk's length, as typed blobs. Pure.

A chunk's `data` holds rows of `ROWS[kind]`, in order of seq and place; `parts` says which seqs they are of, so that a
batch that comes late is put in its place.
"""

from __future__ import annotations

import struct
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, pairwise
from operator import attrgetter
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gateway.service.store.resolve import missing_value
from gateway.wire.messages import KINDS, SCHEMA, Array, Batch, Kind

_MINUTE: Final = 60_000

CHUNK_MS: Final[Mapping[Kind, int]] = {
    "oximetry": 5 * _MINUTE,
    "wear": 720 * _MINUTE,
    "waveform": _MINUTE,
    "bed": 60 * _MINUTE,
    "blood_pressure": 1440 * _MINUTE,
    "device": 720 * _MINUTE,
}
"""Whole minutes, so that a chunk holds some 100 to 400 samples at the kind's usual rate (waveform: 3,000).

It balances what a 2 s live flush rewrites against the rows that a night's read fetches.
"""

CHUNK_BITS: Final = 28
"""Bits of a chunk's number in its key: minutes since 1970 until the year 2480."""

ROWS: Final[Mapping[Kind, np.dtype[Any]]] = {
    kind: np.dtype([("t", "<u4"), *((name, dtype) for name, dtype in SCHEMA[kind].items())]) for kind in KINDS
}
"""One sample: milliseconds since its chunk's start, then the columns."""

_MISSING: Final = {kind: tuple((name, missing_value(kind, name)) for name in SCHEMA[kind]) for kind in KINDS}
_PART: Final = struct.Struct("<3I")


class Part(NamedTuple):
    """`size` rows of the batches lo..hi, every seq of which has arrived."""

    lo: int
    hi: int
    size: int
    rows: bytes


def chunk_key(session: int, chunk: int) -> int:
    """The rowid of a chunk: a session's chunks lie side by side, in order of time."""
    return session << CHUNK_BITS | chunk


def chunks_of(batches: Iterable[Batch]) -> dict[int, list[Part]]:
    """New batches of one session as parts, by chunk number."""
    chunks: dict[int, list[Part]] = {}
    for run in runs(batches):
        for chunk, part in cut(run):
            chunks.setdefault(chunk, []).append(part)
    return chunks


def runs(batches: Iterable[Batch]) -> list[list[Batch]]:
    """Batches in order of seq, those together that can be cut as one: of seqs without a gap, with the same columns."""
    found: list[list[Batch]] = []
    for batch in sorted(batches, key=attrgetter("seq")):
        before = found[-1][-1] if found else None
        if before is not None and batch.seq == before.seq + 1 and batch.columns.keys() == before.columns.keys():
            found[-1].append(batch)
        else:
            found.append([batch])
    return found


def cut(run: Sequence[Batch]) -> Iterator[tuple[int, Part]]:
    """(chunk number, its rows) of one of the `runs`."""
    kind, seq, length = run[0].kind, run[0].seq, CHUNK_MS[run[0].kind]
    ends = list(accumulate([batch.size for batch in run]))
    times = _times_ms(run)
    chunks = times // length
    rows = np.empty(ends[-1], ROWS[kind])
    rows["t"] = times - chunks * length
    for name, missing in _MISSING[kind]:
        if name in run[0].columns:
            rows[name] = np.frombuffer(b"".join([batch.columns[name].tobytes() for batch in run]), SCHEMA[kind][name])
        else:
            rows[name] = missing
    bounds = [0, *((chunks[1:] != chunks[:-1]).nonzero()[0] + 1).tolist(), ends[-1]]
    for start, end in pairwise(bounds):
        lo, hi = seq + bisect_right(ends, start), seq + bisect_left(ends, end)
        yield int(chunks[start]), Part(lo, hi, end - start, rows[start:end].tobytes())


def _times_ms(run: Sequence[Batch]) -> NDArray[np.int64]:
    first, last = run[0], run[-1]
    if first.dt_ms is not None and all(batch.continues(before) for before, batch in pairwise(run)):
        return np.arange(first.t0_ms, last.end_ms, first.dt_ms, dtype=np.int64)
    return np.concatenate([batch.times_ms() for batch in run])


def unpack(parts: bytes, data: bytes, kind: Kind) -> list[Part]:
    """The parts of a chunk as `pack` wrote it."""
    width = ROWS[kind].itemsize
    found = []
    at = 0
    for lo, hi, count in _PART.iter_unpack(parts):
        end = at + count * width
        found.append(Part(lo, hi, count, data[at:end]))
        at = end
    return found


def pack(parts: Sequence[Part]) -> tuple[bytes, bytes]:
    """(directory, rows) of a chunk from parts in any order; those of adjoining seqs become one."""
    ordered = sorted(parts)
    directory: list[list[int]] = []
    for part in ordered:
        if directory and directory[-1][1] + 1 == part.lo:
            directory[-1][1] = part.hi
            directory[-1][2] += part.size
        else:
            directory.append([part.lo, part.hi, part.size])
    return b"".join(_PART.pack(*entry) for entry in directory), b"".join(part.rows for part in ordered)


def drop_before(parts: Sequence[Part], kind: Kind, offset_ms: int) -> list[Part]:
    """Parts without the rows that lie before `offset_ms` in their chunk."""
    return drop_between(parts, kind, 0, offset_ms)


def drop_between(parts: Sequence[Part], kind: Kind, start_ms: int, end_ms: int) -> list[Part]:
    """Parts without the rows from `start_ms` until before `end_ms` in their chunk; the others bit for bit."""
    kept = []
    for part in parts:
        rows = np.frombuffer(part.rows, ROWS[kind])
        offsets = rows["t"].astype(np.int64)
        rows = rows[(offsets < start_ms) | (offsets >= end_ms)]
        if rows.size:
            kept.append(Part(part.lo, part.hi, rows.size, rows.tobytes()))
    return kept


def join(kind: Kind, chunks: Sequence[tuple[int, bytes]]) -> tuple[NDArray[np.int64], dict[str, Array]]:
    """Times and columns of a session's chunks, given as (number, data) in order: sorted by time, then seq and place."""
    if not chunks:
        return np.empty(0, np.int64), {name: np.empty(0, dtype) for name, dtype in SCHEMA[kind].items()}
    width = ROWS[kind].itemsize
    rows = np.frombuffer(b"".join(data for _, data in chunks), ROWS[kind])
    starts = np.array([number for number, _ in chunks], np.int64) * CHUNK_MS[kind]
    t_ms = np.repeat(starts, [len(data) // width for _, data in chunks]) + rows["t"]
    if (t_ms[1:] < t_ms[:-1]).any():
        order = np.argsort(t_ms, kind="stable")
        t_ms, rows = t_ms[order], rows[order]
    return t_ms, {name: rows[name] for name in SCHEMA[kind]}
