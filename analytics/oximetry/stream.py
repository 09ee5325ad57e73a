"""The night as one step: ``step(state, chunk) -> (state, output)``, and a whole night at once by the same kernels.

Every kernel runs sequentially over samples, so any cutting of a night into chunks (and a snapshot and restore
anywhere in it) gives the same desaturations and indices, bit for bit.

Delays, from the time of a sample: masked seconds and indices `INDICES_DELAY_S` (plus one sampling interval); a
desaturation at most `EVENT_DELAY_S` after its nadir (plus the same).
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from analytics.oximetry import masking, peak, running, signal
from analytics.oximetry.events import EVENT_DTYPE, Desaturation, Events, from_rows
from analytics.oximetry.indices import RunningIndices, indices_of
from analytics.oximetry.peak import PROFILE, PROFILE_VERSION
from analytics.oximetry.signal import OximetryChunk

__all__ = [
    "EVENT_DELAY_S",
    "INDICES_DELAY_S",
    "PROFILE",
    "PROFILE_VERSION",
    "CoreResult",
    "NightState",
    "StepOutput",
    "analyze_core",
    "close",
    "detect",
    "start",
    "step",
]

INDICES_DELAY_S: Final = masking.DELAY_S
EVENT_DELAY_S: Final = masking.DELAY_S + peak.DELAY_S

STATE_DTYPE: Final = np.dtype(
    [
        ("grid", signal.GRID_DTYPE),
        ("mask", masking.MASK_DTYPE),
        ("running", running.RUNNING_DTYPE),
        ("peak", peak.PEAK_DTYPE),
        ("closed", "<i8"),
    ],
    align=True,
)

_HEADER: Final = f"somnolink {PROFILE} {PROFILE_VERSION} state 1 {STATE_DTYPE.itemsize} ".encode()
_SHORTEST_FALL_S: Final = peak.FALL_MIN_S
"""Nadirs lie further apart than this: bounds the rows that a step can make."""


class NightState:
    """State of a night's analysis: a value of fixed size (about 4 kB); no function here changes one."""

    __slots__ = ("_record",)

    def __init__(self, record: NDArray[Any]) -> None:
        self._record = record

    def to_bytes(self) -> bytes:
        """Snapshot, to be read by `from_bytes` of the same profile version."""
        body = self._record.tobytes()
        return _HEADER + zlib.crc32(body).to_bytes(4, "little") + body

    @classmethod
    def from_bytes(cls, data: bytes) -> NightState:
        """Restore a snapshot.

        Raises
        ------
        ValueError
            If the snapshot is another version's, or damaged: rebuild the night from its samples.
        """
        if not data.startswith(_HEADER):
            raise ValueError(f"not a state of profile {PROFILE} {PROFILE_VERSION}")
        body = data[len(_HEADER) + 4 :]
        check = int.from_bytes(data[len(_HEADER) : len(_HEADER) + 4], "little")
        if len(body) != STATE_DTYPE.itemsize or zlib.crc32(body) != check:
            raise ValueError("the state's snapshot is damaged")
        return cls(np.frombuffer(body, STATE_DTYPE).copy())

    @property
    def origin_ms(self) -> int:
        """Time of the first sample, ms; 0 before it came."""
        return int(self._record["grid"]["origin_ms"][0])

    @property
    def last_ms(self) -> int:
        """Time of the latest sample, ms; `origin_ms` - 1 before any came."""
        return self.origin_ms + int(self._record["grid"]["last_ms"][0])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NightState) and self._record.tobytes() == other._record.tobytes()

    def __hash__(self) -> int:
        return hash(self._record.tobytes())


@dataclass(frozen=True, slots=True)
class StepOutput:
    """What a step settled: desaturations that are final now, in order, and the indices of the night so far."""

    desaturations: tuple[Desaturation, ...]
    indices: RunningIndices


@dataclass(frozen=True, slots=True, eq=False)
class CoreResult:
    """A whole night at once: `events` is a structured array (`EVENT_DTYPE`, seconds from the first sample)."""

    events: Events
    indices: RunningIndices


@njit(cache=True)
def _count(state: Any, out: Any, made: int) -> None:
    """Count the desaturations by depth."""
    for i in range(made):
        depth = out[i].depth_pct
        state.odi[0] += depth >= 2.0
        state.odi[1] += depth >= 3.0
        state.odi[2] += depth >= 4.0


@njit(cache=True)
def _begin(state: Any) -> None:
    masking.mask_start(state[0].mask)
    peak.peak_start(state[0].peak)
    state[0].running.minimum = np.nan


@njit(cache=True)
def _advance(
    state: Any, t0_ms: int, dt_ms: int, spo2: Any, pulse: Any, motion: Any, flags: Any, out: Any, closing: bool
) -> int:
    """Run samples through all stages; with `closing` the night ends after them. Returns the desaturations made
    final."""
    whole = state[0]
    room = signal.grid_capacity(spo2.shape[0], dt_ms) + masking.DELAY_S
    second = np.empty(room, np.int32)
    value = np.empty(room, np.float32)
    beat = np.empty(room, np.float32)
    reason = np.empty(room, np.uint8)
    fresh = np.empty(room, np.uint8)
    settled_second = np.empty(room, np.int32)
    settled = np.empty(room, np.float32)
    settled_beat = np.empty(room, np.float32)
    settled_reason = np.empty(room, np.uint8)

    count = signal.grid_advance(
        whole.grid, t0_ms, dt_ms, spo2, pulse, motion, flags, second, value, beat, reason, fresh
    )
    if closing:
        count += signal.grid_close(
            whole.grid, second[count:], value[count:], beat[count:], reason[count:], fresh[count:]
        )
    done = masking.mask_advance(
        whole.mask, count, second, value, beat, reason, fresh, settled_second, settled, settled_beat, settled_reason
    )
    if closing:
        done += masking.mask_close(
            whole.mask, settled_second[done:], settled[done:], settled_beat[done:], settled_reason[done:]
        )
    running.running_advance(whole.running, done, settled_second, settled, settled_reason)
    made = peak.peak_advance(whole.peak, done, settled_second, settled, out)
    if closing:
        running.running_close(whole.running)
        made += peak.peak_close(whole.peak, out[made:])
        whole.closed = 1
    _count(whole.running, out, made)
    return made


def _fresh_record() -> NDArray[Any]:
    record = np.zeros(1, STATE_DTYPE)
    _begin(record)
    return record


_START: Final = _fresh_record()
_NO_F4: Final = np.empty(0, np.float32)
_NO_U1: Final = np.empty(0, np.uint8)
_NO_U2: Final = np.empty(0, np.uint16)


def start() -> NightState:
    """State of a night of which nothing has arrived."""
    return NightState(_START.copy())


def step(state: NightState, chunk: OximetryChunk) -> tuple[NightState, StepOutput]:
    """Take a chunk of samples; `state` is not changed.

    Raises
    ------
    ValueError
        If the night has been closed.
    """
    record = state._record.copy()
    if record[0]["closed"]:
        raise ValueError("the night is closed: start another")
    room = _room(len(chunk.spo2), chunk.dt_ms)
    out = np.empty(room, EVENT_DTYPE)
    made = _advance(record, chunk.t0_ms, chunk.dt_ms, chunk.spo2, chunk.pulse, chunk.motion, chunk.flags, out, False)
    return NightState(record), _output(record, out[:made])


def close(state: NightState) -> tuple[NightState, StepOutput]:
    """End the night: what was waiting for later samples becomes final.

    Raises
    ------
    ValueError
        If the night has been closed already.
    """
    record = state._record.copy()
    if record[0]["closed"]:
        raise ValueError("the night is closed: start another")
    out = np.empty(_room(0, 1000), EVENT_DTYPE)
    made = _advance(record, 0, 1000, _NO_F4, _NO_F4, _NO_U1, _NO_U2, out, True)
    return NightState(record), _output(record, out[:made])


def _room(samples: int, dt_ms: int) -> int:
    seconds = samples * (min(dt_ms // 1000, 26) + 2) + 64
    return seconds // _SHORTEST_FALL_S + 70


def _output(record: NDArray[Any], events: Events) -> StepOutput:
    found = from_rows(events.tolist(), int(record["grid"]["origin_ms"][0])) if len(events) else ()
    return StepOutput(found, _indices(record))


def _indices(record: NDArray[Any]) -> RunningIndices:
    whole = record[0]
    return indices_of(whole["running"], int(whole["grid"]["ignored"]))


def detect(
    spo2: ArrayLike,
    interval_s: float = 1.0,
    *,
    pulse: ArrayLike | None = None,
    motion: ArrayLike | None = None,
    flags: ArrayLike | None = None,
) -> CoreResult:
    """Analyse a whole night at once: equal, bit for bit, to feeding it in pieces.

    Parameters
    ----------
    spo2
        Shape (n,), %; NaN missing.
    interval_s
        Sampling interval, a whole number of ms.
    pulse, motion, flags
        As in `OximetryChunk`; optional.

    Raises
    ------
    ValueError
        As `OximetryChunk` does.
    """
    chunk = OximetryChunk(
        0,
        round(interval_s * 1000),
        np.ascontiguousarray(spo2, np.float32),
        _NO_F4 if pulse is None else np.ascontiguousarray(pulse, np.float32),
        _NO_U1 if motion is None else np.ascontiguousarray(motion, np.uint8),
        _NO_U2 if flags is None else np.ascontiguousarray(flags, np.uint16),
    )
    return _whole(chunk)


def analyze_core(spo2_1hz: NDArray[np.float32] | NDArray[np.float64]) -> CoreResult:
    """Events, ODI, T90, mean and the other causal indices of a night at 1 Hz: the quickest way in."""
    return _whole(OximetryChunk(0, 1000, np.ascontiguousarray(spo2_1hz, np.float32)))


def _whole(chunk: OximetryChunk) -> CoreResult:
    record = _START.copy()
    out = np.empty(_room(len(chunk.spo2), chunk.dt_ms), EVENT_DTYPE)
    made = _advance(record, 0, chunk.dt_ms, chunk.spo2, chunk.pulse, chunk.motion, chunk.flags, out, True)
    return CoreResult(out[:made], _indices(record))
