"""Slots gathered into ticks of 0.2 s: heart band, its envelope, breath input and the sensor's own noise.

All later steps work on rings of ticks. A value belongs to the tick in which it lies, not in which it is known: filters
are symmetric and wait for what comes after, `HEART_LAG` ticks for the heart band. Where a slot is missing or clipped,
all its filter touches is marked and goes into no result.

`peak` and `power` of a tick are the largest and the mean square of the heart band, 2..10 Hz: the waves I to L of the
ballistocardiogram have their energy at 4..8 Hz. `envelope` is the root of its absolute value, smoothed over 0.2 s
at 25 Hz, and `flat` that less its mean over 1.5 s: where beats differ in shape, their envelopes still agree, and by the
root a weak beat among strong ones is one. `upper` is the envelope
of 10..20 Hz, where the breath does not reach.

The noise floor is read where no body moves a bed: the fourth difference of the samples weighs 15..25 Hz, and its least
0.2 s of each 2 s lies between two beats.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from analytics.bed.signal import FILLED, RATE_HZ, SATURATED

TICK_SLOTS: Final = 10
TICK_HZ: Final = RATE_HZ // TICK_SLOTS
TICK_MS: Final = 200
RING: Final = 512
"""Ticks kept: 102 s."""
_MASK: Final = RING - 1
_RAW: Final = 128
ENVELOPE_HZ: Final = 25
ENVELOPES: Final = ENVELOPE_HZ // TICK_HZ
ENVELOPE_RING: Final = 1024
"""Values of an envelope kept: 41 s."""

HEART_TAPS_N: Final = 61
HEART_LAG: Final = 3
"""Ticks by which the heart band comes late: half its filter."""
_ENVELOPE_LAG: Final = 4
FLAT_LAG: Final = 8
"""Ticks by which the envelope less its mean comes late."""
_FLAT_HALF: Final = 18
_MIN_SLOTS: Final = 5
"""Slots of a tick that must hold values for its mean to be one."""

NOISE_BLOCK: Final = 10
_NOISE_GAIN: Final = 8.37
"""Fourth difference of white noise of SD 1: root of 1 + 16 + 36 + 16 + 1."""
_LEAST_SHARE: Final = 0.62
"""Least of ten such RMS values of 10 samples against the RMS of all: by simulation, 0.617 to 0.623."""
_NOISE_RATE: Final = 1.0 / 30.0
"""Of the floor's running mean, a 2 s block: it follows within a minute."""
_QUANTISED: Final = 0.29
"""SD of rounding to a count: no sensor is quieter than its converter."""


def bandpass(taps: int, low_hz: float, high_hz: float, rate_hz: float) -> NDArray[np.float64]:
    """Symmetric filter (Hamming-windowed) that passes `low_hz` .. `high_hz`, and nothing of a constant.

    Returns
    -------
    array, shape (taps,)
        Gain 1 in the middle of the band.
    """
    t = np.arange(taps) - (taps - 1) / 2
    high, low = 2 * high_hz / rate_hz, 2 * low_hz / rate_hz
    window = np.hamming(taps)
    shape = (high * np.sinc(high * t) - low * np.sinc(low * t)) * window
    shape -= window * shape.sum() / window.sum()
    middle = np.pi * (low + high) / 2
    return np.asarray(shape / abs(np.sum(shape * np.exp(-1j * middle * t))))


HEART_TAPS: Final = bandpass(HEART_TAPS_N, 2.0, 10.0, RATE_HZ)
HEART_NOISE: Final = float(np.sqrt(np.sum(HEART_TAPS**2)))
"""SD of white noise of SD 1 in the heart band."""
_UPPER_TAPS: Final = bandpass(HEART_TAPS_N, 10.0, 20.0, RATE_HZ)
_SMOOTH: Final = np.hanning(13)[1:-1] / np.hanning(13).sum()
_SMOOTH_HALF: Final = 5

TICKS_DTYPE: Final = np.dtype(
    [
        ("raw", "<f8", (_RAW,)),
        ("good", "u1", (_RAW,)),
        ("last", "<f8"),
        ("last_bad", "<i8"),
        ("last_clipped", "<i8"),
        ("following", "<i8"),
        ("count", "<f8"),
        ("band", "<f8", (_RAW,)),
        ("envelope", "<f4", (ENVELOPE_RING,)),
        ("flat", "<f4", (ENVELOPE_RING,)),
        ("high", "<f8", (_RAW,)),
        ("upper", "<f4", (ENVELOPE_RING,)),
        ("usable", "u1", (RING,)),
        ("clean", "u1", (RING,)),
        ("mean", "<f4", (RING,)),
        ("peak", "<f4", (RING,)),
        ("power", "<f4", (RING,)),
        ("rough", "<f4", (RING,)),
        ("noise", "<f8"),
        ("noise_known", "<i8"),
    ],
    align=True,
)
"""Rings by slot or tick. `usable`: slots of the tick that hold values; `clean`: its heart band touches none without;
`mean`: of its values, the one before where there are too few; `rough`: RMS of the fourth difference, -1 where unknown;
`count`: size of a count now; `following`: the slot that comes next; `noise`: the floor (SD of white noise), after
`noise_known` blocks of 2 s."""


@njit(cache=True)
def ring(tick: int) -> int:
    """Place of a tick in the rings."""
    return tick & _MASK


@njit(cache=True)
def put(state: Any, slot: int, value: float, held: int, count: float) -> None:
    """Take a slot; where it holds no value, the filters see the one before, and what they say is marked."""
    at = slot & (_RAW - 1)
    if slot != state.following:
        state.last_bad = slot - 1
        if state.following < 0:
            state.raw[:] = value
            state.last = value
    state.following = slot + 1
    if held == FILLED:
        state.last = value
        state.count = count
        state.raw[at] = value
        state.good[at] = 1
        return
    state.raw[at] = state.last
    state.good[at] = 0
    state.last_bad = slot
    if held == SATURATED:
        state.last_clipped = slot


@njit(cache=True)
def tick_features(state: Any, tick: int) -> None:
    """Work out what is known once the last slot of `tick` is in."""
    raw = state.raw
    first = tick * TICK_SLOTS
    _mean_and_noise(state, tick, first)
    band = state.band
    high = state.high
    peak = 0.0
    power = 0.0
    for slot in range(first, first + TICK_SLOTS):
        total = 0.0
        above = 0.0
        for j in range(HEART_TAPS_N):
            value = raw[(slot - j) & (_RAW - 1)]
            total += HEART_TAPS[j] * value
            above += _UPPER_TAPS[j] * value
        at = (slot - HEART_LAG * TICK_SLOTS) & (_RAW - 1)
        band[at] = total
        high[at] = above
        peak = max(peak, abs(total))
        power += total * total
    at = ring(tick - HEART_LAG)
    state.peak[at] = peak
    state.power[at] = power / TICK_SLOTS
    state.clean[at] = 1 if first - state.last_bad >= HEART_TAPS_N else 0
    _envelope(state, tick)


@njit(cache=True)
def _mean_and_noise(state: Any, tick: int, first: int) -> None:
    raw = state.raw
    good = state.good
    at = ring(tick)
    number = 0
    total = 0.0
    for slot in range(first, first + TICK_SLOTS):
        if good[slot & (_RAW - 1)]:
            number += 1
            total += raw[slot & (_RAW - 1)]
    state.usable[at] = number
    state.mean[at] = total / number if number >= _MIN_SLOTS else state.mean[ring(tick - 1)]
    rough = -1.0
    if first - state.last_bad >= 5:
        rough = 0.0
        for slot in range(first, first + TICK_SLOTS):
            fourth = (
                raw[slot & (_RAW - 1)]
                - 4.0 * raw[(slot - 1) & (_RAW - 1)]
                + 6.0 * raw[(slot - 2) & (_RAW - 1)]
                - 4.0 * raw[(slot - 3) & (_RAW - 1)]
                + raw[(slot - 4) & (_RAW - 1)]
            )
            rough += fourth * fourth
        rough = np.sqrt(rough / TICK_SLOTS)
    state.rough[at] = rough
    if tick % NOISE_BLOCK == NOISE_BLOCK - 1:
        least = np.inf
        for back in range(NOISE_BLOCK):
            value = state.rough[ring(tick - back)]
            if value < 0.0:
                return
            least = min(least, value)
        least /= _NOISE_GAIN * _LEAST_SHARE
        # The mean of the first half minute, then a running one; a burst lifts it no more than a quarter at a time.
        state.noise_known += 1
        rate = max(_NOISE_RATE, 1.0 / state.noise_known)
        if state.noise_known > 1:
            least = min(least, max(1.25 * state.noise, _QUANTISED * state.count))
        state.noise += rate * (least - state.noise)


@njit(cache=True)
def noise_floor(state: Any) -> float:
    """SD of the sensor's white noise, in counts of gain step 0; never below its converter's."""
    return float(max(state.noise, _QUANTISED * state.count))


@njit(cache=True)
def _envelope(state: Any, tick: int) -> None:
    band = state.band
    high = state.high
    smooth_first = (tick - _ENVELOPE_LAG) * TICK_SLOTS
    for i in range(ENVELOPES):
        slot = smooth_first + 2 * i
        total = 0.0
        above = 0.0
        for j in range(-_SMOOTH_HALF, _SMOOTH_HALF + 1):
            weight = _SMOOTH[j + _SMOOTH_HALF]
            total += weight * abs(band[(slot + j) & (_RAW - 1)])
            above += weight * abs(high[(slot + j) & (_RAW - 1)])
        at = ((tick - _ENVELOPE_LAG) * ENVELOPES + i) & (ENVELOPE_RING - 1)
        state.envelope[at] = np.sqrt(total)
        state.upper[at] = above
    for i in range(ENVELOPES):
        place = (tick - FLAT_LAG) * ENVELOPES + i
        total = 0.0
        for j in range(-_FLAT_HALF, _FLAT_HALF + 1):
            total += state.envelope[(place + j) & (ENVELOPE_RING - 1)]
        at = place & (ENVELOPE_RING - 1)
        state.flat[at] = state.envelope[at] - total / (2 * _FLAT_HALF + 1)


@njit(cache=True)
def select(values: Any, count: int, rank: int) -> float:
    """Value of `rank` (0 the least) among the first `count` of `values`, whose order changes (Hoare's selection)."""
    low = 0
    high = count - 1
    while low < high:
        pivot = values[(low + high) // 2]
        i = low
        j = high
        while i <= j:
            while values[i] < pivot:
                i += 1
            while values[j] > pivot:
                j -= 1
            if i <= j:
                swapped = values[i]
                values[i] = values[j]
                values[j] = swapped
                i += 1
                j -= 1
        if rank <= j:
            high = j
        elif rank >= i:
            low = i
        else:
            break
    return float(values[rank])
