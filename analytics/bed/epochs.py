"""Epochs of 10 s, on the whole tens of seconds of UTC: the rows of kind `bed`, and what else is known of each."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

from analytics.bed.breath import BREATH_LAG, breath_rate
from analytics.bed.rhythm import rhythm
from analytics.bed.ticks import TICK_HZ, TICK_MS, TICK_SLOTS, ring, select

EPOCH_MS: Final = 10_000
EPOCH_TICKS: Final = EPOCH_MS // TICK_MS
DELAY_TICKS: Final = 20 * TICK_HZ
"""An epoch is told 20 s after its end: the last breath in it must have ended."""
EPOCH_DELAY_S: Final = DELAY_TICKS // TICK_HZ

QUALITY: Final = 0.5
"""Correlation from which an interval is believed; of an empty bed's noise, one tick in twenty reaches it."""
NEEDED: Final = 20
"""Ticks with an interval that make a heart rate: 4 s."""
_FOLLOW: Final = 0.1
_UNUSUAL: Final = 0.3
_AGREE: Final = 0.6
"""Share of them that must lie near their median."""
_NEAR_MEDIAN: Final = 0.35
_BREATH_NEEDED: Final = 25.0

# The second breather: lines of the breath band over 60 s.
_LINE_TICKS: Final = 300
_LINE_BACK: Final = _LINE_TICKS - EPOCH_TICKS - DELAY_TICKS + BREATH_LAG + 2
"""The latest 60 s that are known: they end 15 s after the epoch."""
_LOW: Final = 8
_HIGH: Final = 33
"""Lines looked at, of 1/60 Hz: 8 to 33 breaths a minute."""
_APART: Final = 3
_COS: Final = np.cos(2.0 * np.pi * np.arange(_LINE_TICKS) / _LINE_TICKS)
_SIN: Final = np.sin(2.0 * np.pi * np.arange(_LINE_TICKS) / _LINE_TICKS)

EPOCH_DTYPE: Final = np.dtype(
    [
        ("start_ms", "<i8"),
        ("heart_rate", "<f4"),
        ("respiration_rate", "<f4"),
        ("movement", "<f4"),
        ("coverage", "<f4"),
        ("valid", "<f4"),
        ("second_breath", "<f4"),
        ("presence", "u1"),
    ],
    align=True,
)
"""An epoch: beats and breaths a minute (NaN where the signal does not support them); share of it in movement; share
that supports a heart rate; share of samples that are values; power of a second breather's line against the first's
(NaN where it cannot be told); 1 if somebody is in bed."""


@njit(cache=True)
def epoch_row(whole: Any, first: int, row: Any) -> None:
    """Fill `row` for the epoch that begins with tick `first`; `first` must have ended `DELAY_TICKS` ago."""
    slots = 0
    moving = 0
    inside = 0
    for tick in range(first, first + EPOCH_TICKS):
        at = ring(tick)
        slots += whole.ticks.usable[at]
        moving += whole.presence.moving[at] and whole.presence.in_bed[at]
        inside += whole.presence.in_bed[at]
    row.start_ms = first * TICK_MS
    row.movement = moving / EPOCH_TICKS
    row.valid = slots / (EPOCH_TICKS * TICK_SLOTS)
    row.presence = 1 if 2 * inside >= EPOCH_TICKS else 0
    row.heart_rate, row.coverage = _heart_rate(whole, first) if row.presence else (np.nan, 0.0)
    row.respiration_rate = breath_rate(whole.breath, first, first + EPOCH_TICKS, _BREATH_NEEDED)
    row.second_breath = _second_breath(whole.breath, first)
    if not row.presence:
        row.respiration_rate = np.nan


@njit(cache=True)
def epoch_has_samples(ticks: Any, first: int) -> bool:
    """Whether any slot of the epoch holds a value."""
    for tick in range(first, first + EPOCH_TICKS):  # noqa: SIM110 - numba compiles no generators
        if ticks.usable[ring(tick)]:
            return True
    return False


@njit(cache=True)
def _heart_rate(whole: Any, first: int) -> tuple[float, float]:
    """Rate from the intervals, else from the epoch's rhythm, and the share of the epoch it comes from."""
    heart = whole.heart
    rate, share = _mean_rate(heart, first)
    if not np.isnan(rate):
        heart.usual += (rate - heart.usual) * (_FOLLOW if heart.usual > 0.0 else 1.0)
        return rate, share
    slow, looked_at = rhythm(whole.ticks, whole.presence, first)
    # The upper band of a strong heart beats twice a beat: what differs so much from the beats told before is not it.
    if not np.isnan(slow) and (heart.usual == 0.0 or abs(slow / heart.usual - 1.0) <= _UNUSUAL):
        return slow, looked_at
    return np.nan, share


@njit(cache=True)
def _mean_rate(heart: Any, first: int) -> tuple[float, float]:
    """Mean over time of the rate that the intervals give; NaN where they are too few or at odds."""
    intervals = np.empty(EPOCH_TICKS, np.float64)
    count = 0
    for tick in range(first, first + EPOCH_TICKS):
        at = ring(tick)
        if heart.quality[at] >= QUALITY:
            intervals[count] = heart.interval_s[at]
            count += 1
    if count < NEEDED:
        return np.nan, count / EPOCH_TICKS
    middle = select(intervals.copy(), count, count // 2)
    rate = 0.0
    near = 0
    for i in range(count):
        if abs(intervals[i] / middle - 1.0) <= _NEAR_MEDIAN:
            rate += 60.0 / intervals[i]
            near += 1
    if near < NEEDED or near < _AGREE * count:
        return np.nan, near / EPOCH_TICKS
    return rate / near, near / EPOCH_TICKS


@njit(cache=True)
def _second_breath(breath: Any, first: int) -> float:
    """Power of the strongest line that is not the strongest's own, against it; NaN in an unquiet minute."""
    begin = first - _LINE_BACK
    sound = 0
    for i in range(_LINE_TICKS):
        sound += breath.sound[ring(begin + i)]
    if 10 * sound < 9 * _LINE_TICKS:
        return np.nan
    power = np.zeros(_HIGH + 1)
    for line in range(_LOW, _HIGH + 1):
        real = 0.0
        imaginary = 0.0
        for i in range(_LINE_TICKS):
            value = (0.5 - 0.5 * _COS[i]) * breath.band[ring(begin + i)]
            real += value * _COS[line * i % _LINE_TICKS]
            imaginary += value * _SIN[line * i % _LINE_TICKS]
        power[line] = real * real + imaginary * imaginary
    strongest = int(np.argmax(power))
    other = 0.0
    for line in range(_LOW, _HIGH + 1):
        own = abs(line - strongest) < _APART or abs(line - 2 * strongest) <= _APART
        if not own:
            other = max(other, power[line])
    return other / power[strongest] if power[strongest] > 0.0 else np.nan
