"""The bed as one step: ``step(state, chunk) -> (state, output)``, and a whole recording at once by the same kernels.

Every kernel runs sequentially over slots, so any cutting of a recording into chunks (and a snapshot and restore
anywhere in it) gives the same epochs and disturbances, bit for bit.

Delays: an epoch is final `EPOCH_DELAY_S` after its end, a disturbance at most `EVENT_DELAY_S` after its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from analytics.bed import breath, disturbance, epochs, heart, presence, signal, ticks
from analytics.bed.disturbance import EVENT_DTYPE
from analytics.bed.epochs import EPOCH_DELAY_S, EPOCH_DTYPE
from analytics.bed.signal import WaveformChunk
from analytics.snapshot import Snapshot

__all__ = [
    "EPOCH_DELAY_S",
    "EPOCH_DTYPE",
    "EVENT_DELAY_S",
    "EVENT_DTYPE",
    "METHOD_VERSION",
    "BedOutput",
    "BedState",
    "analyze",
    "close",
    "start",
    "step",
]

METHOD_VERSION: Final = "1.0.0"
EVENT_DELAY_S: Final = disturbance.DELAY_S + disturbance.RECOVERY_S

STATE_DTYPE: Final = np.dtype(
    [
        ("slots", signal.SLOTS_DTYPE),
        ("ticks", ticks.TICKS_DTYPE),
        ("presence", presence.PRESENCE_DTYPE),
        ("heart", heart.HEART_DTYPE),
        ("breath", breath.BREATH_DTYPE),
        ("disturbance", disturbance.DISTURBANCE_DTYPE),
        ("closed", "<i8"),
    ],
    align=True,
)

Epochs = NDArray[np.void]
"""Structured array of `EPOCH_DTYPE`."""
Disturbances = NDArray[np.void]
"""Structured array of `EVENT_DTYPE`."""


class BedState(Snapshot):
    """State of a bed's analysis: an immutable value of fixed size (about 37 kB)."""

    __slots__ = ()

    label = f"bed {METHOD_VERSION} state 1"
    dtype = STATE_DTYPE

    @property
    def next_ms(self) -> int:
        """UTC milliseconds of the first slot that is not filled; 0 before any sample came."""
        return int(np.frombuffer(self._body, STATE_DTYPE)["slots"]["next"][0]) * signal.SLOT_MS

    @property
    def ignored(self) -> int:
        """Samples that came at or before what had been taken."""
        return int(np.frombuffer(self._body, STATE_DTYPE)["slots"]["ignored"][0])


@dataclass(frozen=True, slots=True, eq=False)
class BedOutput:
    """What a step settled, in order of time.

    Attributes
    ----------
    epochs : structured array of `EPOCH_DTYPE`, shape (n,)
        Those that hold any sample; a hole in the data has no rows.
    disturbances : structured array of `EVENT_DTYPE`, shape (m,)
    """

    epochs: Epochs
    disturbances: Disturbances


@njit(cache=True)
def _advance(
    state: Any, count: int, slot: Any, value: Any, held: Any, step: Any, size: float, rows: Any, events: Any, made: Any
) -> None:
    """Take `count` slots; with the last of each tick all is worked out that can be known then."""
    whole = state[0]
    for i in range(count):
        ticks.put(whole.ticks, slot[i], value[i], held[i], size * step[i])
        if (slot[i] + 1) % ticks.TICK_SLOTS:
            continue
        tick = slot[i] // ticks.TICK_SLOTS
        ticks.tick_features(whole.ticks, tick)
        presence.presence_tick(whole.presence, whole.ticks, tick)
        heart.heart_tick(whole.heart, whole.ticks, whole.presence, tick)
        breath.breath_tick(whole.breath, whole.ticks, whole.presence, tick)
        made[1] = disturbance.disturbance_tick(whole.disturbance, whole.breath, tick, events, made[1])
        first = tick + 1 - epochs.DELAY_TICKS - epochs.EPOCH_TICKS
        if first % epochs.EPOCH_TICKS == 0 and epochs.epoch_has_samples(whole.ticks, first):
            epochs.epoch_row(whole, first, rows[made[0]])
            made[0] += 1


def _start_body() -> bytes:
    record = np.zeros(1, STATE_DTYPE)
    record["ticks"]["last_bad"] = record["ticks"]["last_clipped"] = -(2**62)
    record["ticks"]["following"] = -1
    record["slots"]["scale"] = 1.0
    record["disturbance"]["amplitude"] = -1.0
    return record.tobytes()


_START: Final = _start_body()
_NONE: Final = np.empty(0, np.float64)


def start() -> BedState:
    """State of a bed of which nothing has arrived."""
    return BedState(_START)


def step(state: BedState, chunk: WaveformChunk) -> tuple[BedState, BedOutput]:
    """Take a chunk of samples; `state` is not changed.

    Raises
    ------
    ValueError
        If the recording has been closed.
    """
    body = bytearray(state._body)
    output = _run(body, chunk, False)
    return BedState(bytes(body)), output


def close(state: BedState) -> tuple[BedState, BedOutput]:
    """End the recording: what was waiting for later samples becomes final.

    Raises
    ------
    ValueError
        If the recording has been closed already.
    """
    body = bytearray(state._body)
    output = _run(body, WaveformChunk(0.0, signal.SLOT_MS, _NONE), True)
    return BedState(bytes(body)), output


def analyze(chunk: WaveformChunk) -> BedOutput:
    """Analyse a whole recording at once: equal, bit for bit, to feeding it in pieces."""
    return _run(bytearray(_START), chunk, True)


def _run(body: bytearray, chunk: WaveformChunk, closing: bool) -> BedOutput:
    record = np.frombuffer(body, STATE_DTYPE)
    if record["closed"][0]:
        raise ValueError("the recording is closed: start another")
    room = signal.slots_capacity(chunk.pressure.size)
    slot, value = np.empty(room, np.int64), np.empty(room)
    held, step_size = np.empty(room, np.uint8), np.empty(room)
    given = (chunk.t0_ms, chunk.dt_ms, chunk.pressure, chunk.gain, chunk.flags, chunk.gain_ratio)
    count = signal.slots_advance(record["slots"][0], *given, closing, slot, value, held, step_size)
    seconds = count // signal.RATE_HZ
    rows = np.zeros(seconds // 10 + 2, EPOCH_DTYPE)
    events = np.zeros(seconds // disturbance.SHORTEST_S + 2, EVENT_DTYPE)
    made = np.zeros(2, np.int64)
    _advance(record, count, slot, value, held, step_size, chunk.count, rows, events, made)
    if closing:
        record["closed"] = 1
    return BedOutput(rows[: made[0]], events[: made[1]])
