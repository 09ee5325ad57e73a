"""The night as one step: ``step(state, chunk) -> (state, output)``, and a whole night at once by the same kernels.

Every kernel runs sequentially over samples, so any cutting of a night into chunks (and a snapshot and restore
anywhere in it) gives the same desaturations and indices, bit for bit.

Delays, from the time of a sample: masked seconds and indices `INDICES_DELAY_S` (plus one sampling interval); a
desaturation at most `EVENT_DELAY_S` after its nadir (plus the same).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from analytics.oximetry import masking, peak, pulse_stream, running, signal
from analytics.oximetry.events import EVENT_DTYPE, Desaturation, Events, from_rows
from analytics.oximetry.indices import NUMBERS, RunningIndices, indices_of
from analytics.oximetry.peak import PROFILE, PROFILE_VERSION
from analytics.oximetry.signal import OximetryChunk
from analytics.snapshot import Snapshot

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
        ("pulse", pulse_stream.PULSE_DTYPE),
        ("closed", "<i8"),
    ],
    align=True,
)


class NightState(Snapshot):
    """State of a night's analysis: an immutable value of fixed size (about 12 kB)."""

    __slots__ = ()

    label = f"{PROFILE} {PROFILE_VERSION} state 2"
    dtype = STATE_DTYPE

    @property
    def origin_ms(self) -> int:
        """Time of the first sample, ms; 0 before it came."""
        return int(np.frombuffer(self._body, STATE_DTYPE)["grid"]["origin_ms"][0])

    @property
    def last_ms(self) -> int:
        """Time of the latest sample, ms; 0 before any came."""
        grid = np.frombuffer(self._body, STATE_DTYPE)["grid"][0]
        return int(grid["origin_ms"] + grid["last_ms"])


@dataclass(frozen=True, slots=True)
class StepOutput:
    """What a step settled: desaturations that are final now, in order, and the indices of the night so far.

    The indices are kept as the kernel's numbers and spelled out when asked for: few steps' are.
    """

    desaturations: tuple[Desaturation, ...]
    _numbers: bytes

    @property
    def indices(self) -> RunningIndices:
        """The indices of the night so far."""
        return indices_of(np.frombuffer(self._numbers))


@dataclass(frozen=True, slots=True, eq=False)
class CoreResult:
    """A whole night at once: `events` is a structured array (`EVENT_DTYPE`, seconds from the first sample)."""

    events: Events
    indices: RunningIndices


@njit(cache=True)
def _begin(state: Any) -> None:
    masking.mask_start(state[0].mask)
    peak.peak_start(state[0].peak)
    state[0].running.minimum = np.inf


@njit(cache=True)
def _advance(
    state: Any,
    t0_ms: int,
    dt_ms: int,
    spo2: Any,
    pulse: Any,
    motion: Any,
    flags: Any,
    closing: bool,
    out: Any,
    numbers: Any,
) -> int:
    """Run samples through all stages; with `closing` the night ends after them.

    Returns how many desaturations became final (rows of `out`), -1 if the night had been closed.
    """
    whole = state[0]
    if whole.closed:
        return -1
    room = masking.DELAY_S + signal.grid_capacity(spo2.shape[0], dt_ms)
    second = np.empty(room, np.int32)
    value = np.empty(room, np.float32)
    why = np.empty(room, np.uint8)
    fresh = np.empty(room, np.uint8)

    last_ms = whole.grid.last_ms if whole.grid.started else -1
    held = masking.mask_resume(whole.mask, second, value, why)
    total = signal.grid_advance(whole.grid, t0_ms, dt_ms, spo2, motion, flags, held, second, value, why, fresh)
    if closing:
        total = signal.grid_close(whole.grid, total, second, value, why, fresh)
    if pulse.shape[0]:
        whole.pulse.any = 1
    beats = np.empty(total if whole.pulse.any else 0, np.float32)
    if whole.pulse.any:
        pulse_stream.pulse_resume(whole.pulse, held, beats)
        rel_ms = t0_ms - whole.grid.origin_ms
        pulse_stream.hold_advance(whole.pulse.hold, last_ms, rel_ms, dt_ms, pulse, held, total, second, beats)
    masking.mask_advance(whole.mask, held, total, second, value, why, fresh)
    if closing:
        settled = masking.mask_close(whole.mask, total, value, why)
    else:
        settled = masking.mask_suspend(whole.mask, total, second, value, why)
    running.running_advance(whole.running, settled, second, value, why)
    made = peak.peak_advance(whole.peak, settled, second, value, out)
    if closing:
        running.running_close(whole.running)
        made += peak.peak_close(whole.peak, out[made:])
        whole.closed = 1
    running.running_count(whole.running, out, made)
    if whole.pulse.any:
        pulse_stream.pulse_settle(whole.pulse, settled, total, second, why, beats, out, made)
    running.running_numbers(whole.running, whole.grid.ignored, numbers)
    pulse_stream.pulse_numbers(whole.pulse, numbers[running.NUMBERS :])
    return made


def _start_body() -> bytes:
    record = np.zeros(1, STATE_DTYPE)
    _begin(record)
    return record.tobytes()


_START: Final = _start_body()
_NO_F4: Final = np.empty(0, np.float32)
_NO_U1: Final = np.empty(0, np.uint8)
_NO_U2: Final = np.empty(0, np.uint16)
_NOTHING: Final = OximetryChunk(0, 1000, _NO_F4)


def start() -> NightState:
    """State of a night of which nothing has arrived."""
    return NightState(_START)


def step(state: NightState, chunk: OximetryChunk) -> tuple[NightState, StepOutput]:
    """Take a chunk of samples; `state` is not changed.

    Raises
    ------
    ValueError
        If the night has been closed.
    """
    return _step(state, chunk, False)


def close(state: NightState) -> tuple[NightState, StepOutput]:
    """End the night: what was waiting for later samples becomes final.

    Raises
    ------
    ValueError
        If the night has been closed already.
    """
    return _step(state, _NOTHING, True)


def _step(state: NightState, chunk: OximetryChunk, closing: bool) -> tuple[NightState, StepOutput]:
    body = bytearray(state._body)
    out = np.empty(_room(len(chunk.spo2), chunk.dt_ms), EVENT_DTYPE)
    numbers = np.empty(NUMBERS)
    record = np.frombuffer(body, STATE_DTYPE)
    made = _advance(
        record, chunk.t0_ms, chunk.dt_ms, chunk.spo2, chunk.pulse, chunk.motion, chunk.flags, closing, out, numbers
    )
    if made < 0:
        raise ValueError("the night is closed: start another")
    following = NightState(bytes(body))
    found = from_rows(out[:made].tolist(), following.origin_ms) if made else ()
    return following, StepOutput(found, numbers.tobytes())


@lru_cache(maxsize=1024)
def _room(samples: int, dt_ms: int) -> int:
    """Rows that a step can need at most: what it brings, and what has been waiting."""
    return 64 + signal.grid_capacity.py_func(samples, dt_ms) // peak.FALL_MIN_S


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
        pulse=_NO_F4 if pulse is None else np.ascontiguousarray(pulse, np.float32),
        motion=_NO_U1 if motion is None else np.ascontiguousarray(motion, np.uint8),
        flags=_NO_U2 if flags is None else np.ascontiguousarray(flags, np.uint16),
    )
    return _whole(chunk)


def analyze_core(spo2_1hz: NDArray[np.float32] | NDArray[np.float64]) -> CoreResult:
    """Events, ODI, T90, mean and the other causal indices of a night at 1 Hz: the quickest way in."""
    return _whole(OximetryChunk(0, 1000, np.ascontiguousarray(spo2_1hz, np.float32)))


def _whole(chunk: OximetryChunk) -> CoreResult:
    record = np.frombuffer(bytearray(_START), STATE_DTYPE)
    out = np.empty(_room(len(chunk.spo2), chunk.dt_ms), EVENT_DTYPE)
    numbers = np.empty(NUMBERS)
    made = _advance(record, 0, chunk.dt_ms, chunk.spo2, chunk.pulse, chunk.motion, chunk.flags, True, out, numbers)
    return CoreResult(out[:made], indices_of(numbers))
