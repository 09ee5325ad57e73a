"""Wear as one step: ``step(state, chunk) -> (state, output)``, and a whole log at once by the same kernels.

The kernels run sequentially over readings, so any cutting of a log into chunks (and a snapshot and restore anywhere in
it) gives the same intervals, bit for bit. Late readings are ignored and counted: run the log again from the store.

Delay: an interval is final at most `DELAY_S` and one reading after its removal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.adherence.results import Missing, WearInterval, interval_of
from analytics.adherence.rules import COOLING_MS, DRINK_MS
from analytics.adherence.samples import WearChunk
from analytics.adherence.wear import (
    FALLEN,
    GAP_DTYPE,
    INTERVAL_DTYPE,
    WEAR_DTYPE,
    WORN,
    wear_advance,
    wear_stop,
)
from analytics.snapshot import Snapshot

VERSION: Final = "1"
DELAY_S: Final = (COOLING_MS + DRINK_MS) // 1000


class WearState(Snapshot):
    """State of a device's wear: an immutable value of fixed size (about 3 kB)."""

    __slots__ = ()

    label = f"wear {VERSION} state 1"
    dtype = WEAR_DTYPE

    @property
    def last_ms(self) -> int | None:
        """UTC ms of the latest reading, None before any came."""
        record = np.frombuffer(self._body, WEAR_DTYPE)[0]
        return int(record["last_ms"]) if record["seen"] else None


@dataclass(frozen=True, slots=True)
class WearOutput:
    """What a step settled.

    Attributes
    ----------
    intervals : tuple of WearInterval
        Final now, in order.
    missing : tuple of Missing
        Times without data that ended in this step.
    warm_since_ms : int or None
        Since when the device seems to be in the mouth now (provisional until its warm-up is dated); None: it is not.
    ignored : int
        Readings so far at or before the time of the latest one.
    """

    intervals: tuple[WearInterval, ...]
    missing: tuple[Missing, ...]
    warm_since_ms: int | None
    ignored: int


def start() -> WearState:
    """State of a device of which nothing has arrived."""
    return WearState(np.zeros(1, WEAR_DTYPE).tobytes())


def step(state: WearState, chunk: WearChunk) -> tuple[WearState, WearOutput]:
    """Take a chunk of readings; `state` is not changed.

    Raises
    ------
    ValueError
        If the state has been closed.
    """
    record, body = _open(state)
    # An interval needs a warm reading and one that ends it, a gap one reading more than there are.
    rows = np.zeros(len(chunk.t_ms) + 2, INTERVAL_DTYPE)
    gaps = np.zeros(len(chunk.t_ms) + 1, GAP_DTYPE)
    # Copies, so that the kernel is compiled once: to numba a view that is read-only or strided is another type.
    columns = (
        np.array(chunk.t_ms, np.int64, order="C"),
        np.array(chunk.temperature, np.float32, order="C"),
        np.array(chunk.accel, np.int16, order="C"),
        np.array(chunk.motion, np.uint16, order="C"),
        np.array(chunk.flags, np.uint16, order="C"),
    )
    made, missed = wear_advance(record[0], *columns, rows, gaps)
    return WearState(bytes(body)), _output(record, rows[:made], gaps[:missed])


def close(state: WearState) -> tuple[WearState, WearOutput]:
    """End the log: a wear that is under way ends with the last reading.

    Raises
    ------
    ValueError
        If the state has been closed already.
    """
    record, body = _open(state)
    rows = np.zeros(1, INTERVAL_DTYPE)
    made = wear_stop(record[0], rows)
    record["closed"] = 1
    return WearState(bytes(body)), _output(record, rows[:made], np.zeros(0, GAP_DTYPE))


def find_wear(chunk: WearChunk) -> WearOutput:
    """Analyse a whole log at once: equal, bit for bit, to feeding it in pieces."""
    state, output = step(start(), chunk)
    _, last = close(state)
    return WearOutput(output.intervals + last.intervals, output.missing, None, last.ignored)


def _open(state: WearState) -> tuple[NDArray[np.void], bytearray]:
    body = bytearray(state._body)
    record = np.frombuffer(body, WEAR_DTYPE)
    if record[0]["closed"]:
        raise ValueError("the log is closed: start another")
    return record, body


def _output(record: NDArray[np.void], rows: NDArray[np.void], gaps: NDArray[np.void]) -> WearOutput:
    now = record[0]
    return WearOutput(
        intervals=tuple(interval_of(row) for row in rows),
        missing=tuple(Missing(int(gap["start_ms"]), int(gap["end_ms"])) for gap in gaps),
        warm_since_ms=int(now["start_ms"]) if now["phase"] in (WORN, FALLEN) else None,
        ignored=int(now["ignored"]),
    )
