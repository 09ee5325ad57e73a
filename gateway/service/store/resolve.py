"""What a reader sees of overlapping sessions: stored beats live, and one session at a millisecond. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.service.store.base import LIVE, STORED, Samples
from gateway.wire.messages import MISSING_MOTION, SCHEMA, Array, Kind, Origin

Interval = tuple[int, int]
"""Half-open, UTC milliseconds."""


@dataclass(frozen=True, slots=True)
class SessionRows:
    """Samples of one session in order of time, then of seq and place."""

    session: str
    origin: Origin
    revision: int
    t_ms: NDArray[np.int64]
    columns: Mapping[str, Array]


def missing_value(kind: Kind, column: str) -> float | int:
    """What stands in a column that a batch left out."""
    if SCHEMA[kind][column].kind == "f":
        return float("nan")
    return MISSING_MOTION if (kind, column) == ("oximetry", "motion") else 0


def resolve(device: str, kind: Kind, sessions: Sequence[SessionRows], covers: Sequence[Interval]) -> Samples:
    """Merge sessions into what is read.

    Parameters
    ----------
    sessions : sequence of SessionRows
        In any order.
    covers : sequence of Interval
        Where stored sessions replace live samples; empty to read one origin only.
    """
    ranked = []
    for rows in sorted(sessions, key=lambda rows: (rows.origin == "live", -rows.revision, rows.session)):
        visible = _outside(rows, covers) if rows.origin == "live" else rows
        if visible.t_ms.size:
            ranked.append(visible)
    if not ranked:
        columns: dict[str, Array] = {name: np.empty(0, dtype) for name, dtype in SCHEMA[kind].items()}
        return Samples(device, kind, np.empty(0, np.int64), columns, np.empty(0, np.uint8))
    sizes = [rows.t_ms.size for rows in ranked]
    t_ms = np.concatenate([rows.t_ms for rows in ranked])
    columns = {name: np.concatenate([rows.columns[name] for rows in ranked]) for name in SCHEMA[kind]}
    origin = np.repeat(np.array([STORED if rows.origin == "stored" else LIVE for rows in ranked], np.uint8), sizes)
    if len(ranked) > 1:
        order = _one_session_a_time(t_ms, np.repeat(np.arange(len(ranked)), sizes))
        t_ms, origin = t_ms[order], origin[order]
        columns = {name: column[order] for name, column in columns.items()}
    return Samples(device, kind, t_ms, columns, origin)


def _one_session_a_time(t_ms: NDArray[np.int64], rank: NDArray[np.int64]) -> NDArray[np.int64]:
    """Indices in order of time, of each time those of the least rank only."""
    order = np.argsort(t_ms, kind="stable")  # at equal times ranks stay ascending: the first of a time is its winner
    t_ms, rank = t_ms[order], rank[order]
    is_first = np.empty(t_ms.size, np.bool_)
    is_first[0] = True
    np.not_equal(t_ms[1:], t_ms[:-1], out=is_first[1:])
    winner = rank[is_first][np.cumsum(is_first) - 1]
    chosen: NDArray[np.int64] = order[rank == winner]
    return chosen


def _outside(rows: SessionRows, covers: Sequence[Interval]) -> SessionRows:
    if not covers or not rows.t_ms.size:
        return rows
    starts, ends = _union(covers)
    at = np.searchsorted(starts, rows.t_ms, side="right") - 1
    hidden = (at >= 0) & (rows.t_ms < ends[at])
    if not hidden.any():
        return rows
    columns = {name: column[~hidden] for name, column in rows.columns.items()}
    return SessionRows(rows.session, rows.origin, rows.revision, rows.t_ms[~hidden], columns)


def _union(intervals: Sequence[Interval]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Starts and ends of disjoint intervals in order, covering the same."""
    starts: list[int] = []
    ends: list[int] = []
    for start, end in sorted(intervals):
        if ends and start <= ends[-1]:
            ends[-1] = max(ends[-1], end)
        else:
            starts.append(start)
            ends.append(end)
    return np.array(starts, np.int64), np.array(ends, np.int64)
