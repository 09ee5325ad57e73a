"""Heart rate of an epoch whose beats cannot be told one by one: the rhythm of the upper band as a whole.

Breath makes some beats of a weak signal large and its neighbours vanish, so that lines of two or of one and a half
beats stand out. The band 10..20 Hz is least touched by it; its envelope, brought to the same height all along, is
compared with itself at every lag up to 3.3 s, and a rate is judged by what it does to all multiples of its interval at
once: high there, and low half-way (else it is twice too slow) and at thirds (else three times).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

from analytics.bed.ticks import ENVELOPE_HZ, ENVELOPE_RING, ENVELOPES, TICK_HZ, ring

_SPAN: Final = 10 * ENVELOPE_HZ
_LAGS: Final = 83
_REACH_S: Final = 3.2
_LEVEL_HALF: Final = 16
_LEVEL: Final = np.hanning(2 * _LEVEL_HALF + 3)[1:-1]
"""Weights over which height is levelled, 1.3 s: longer than an interval, shorter than a breath."""
_SLOWEST: Final = 40
_FASTEST: Final = 150
"""Rates looked at, a minute."""
SURE: Final = 0.25
"""Contrast from which a rhythm is believed; noise reaches 0.2 in one epoch of a hundred."""
_ENOUGH: Final = 6 * ENVELOPE_HZ


@njit(cache=True)
def rhythm(ticks: Any, presence: Any, first: int) -> tuple[float, float]:
    """Beats a minute over the epoch that begins with tick `first` (NaN: no rhythm), and its share looked at."""
    upper = np.zeros(_SPAN)
    good = np.zeros(_SPAN)
    for i in range(_SPAN):
        at = ring(first + i // ENVELOPES)
        if ticks.clean[at] and not presence.moving[at]:
            upper[i] = ticks.upper[(first * ENVELOPES + i) & (ENVELOPE_RING - 1)]
            good[i] = 1.0
    if good.sum() < _ENOUGH:
        return np.nan, 0.0
    level = _levelled(upper, good)
    agreement = _agreement(level, good)
    best = 0.0
    found = 0
    scores = np.zeros(_FASTEST + 2)
    for rate in range(_SLOWEST - 1, _FASTEST + 2):
        scores[rate] = _contrast(agreement, 60.0 * ENVELOPE_HZ / rate)
    for rate in range(_SLOWEST, _FASTEST + 1):
        if scores[rate] > best and scores[rate] >= scores[rate - 1] and scores[rate] >= scores[rate + 1]:
            best = scores[rate]
            found = rate
    if best < SURE:
        return np.nan, 0.0
    left, top, right = scores[found - 1], scores[found], scores[found + 1]
    bend = left - 2.0 * top + right
    shift = 0.5 * (left - right) / bend if bend < 0.0 else 0.0
    return found + shift, good.sum() / (10 * TICK_HZ * ENVELOPES)


@njit(cache=True)
def _levelled(upper: Any, good: Any) -> Any:
    """Less its local mean, then over its local height; 0 where it is not good."""
    flat = np.zeros(_SPAN)
    level = np.zeros(_SPAN)
    for i in range(_SPAN):
        flat[i] = (upper[i] - _around(upper, good, i)) * good[i]
    squares = flat * flat
    for i in range(_SPAN):
        height = np.sqrt(_around(squares, good, i))
        level[i] = flat[i] / height if height > 0.0 else 0.0
    return level


@njit(cache=True)
def _around(values: Any, good: Any, i: int) -> float:
    total = 0.0
    weight = 0.0
    for j in range(-_LEVEL_HALF, _LEVEL_HALF + 1):
        if 0 <= i + j < _SPAN:
            total += _LEVEL[j + _LEVEL_HALF] * good[i + j] * values[i + j]
            weight += _LEVEL[j + _LEVEL_HALF] * good[i + j]
    return total / weight if weight > 0.0 else 0.0


@njit(cache=True)
def _agreement(level: Any, good: Any) -> Any:
    """Mean product with itself at each lag, against that at none."""
    agreement = np.zeros(_LAGS)
    for lag in range(_LAGS):
        total = 0.0
        pairs = 0.0
        for i in range(_SPAN - lag):
            total += level[i] * level[i + lag]
            pairs += good[i] * good[i + lag]
        agreement[lag] = total / pairs if pairs > 0.0 else 0.0
    if agreement[0] > 0.0:
        agreement /= agreement[0]
    return agreement


@njit(cache=True)
def _contrast(agreement: Any, interval: float) -> float:
    """Agreement at the multiples of `interval` less that half-way between them, or at thirds, whichever is more."""
    multiples = max(int(min(_REACH_S * ENVELOPE_HZ, _LAGS - 2.0) / interval), 1)
    on = 0.0
    half = 0.0
    thirds = 0.0
    for k in range(1, multiples + 1):
        on += _at(agreement, k * interval)
        half += _at(agreement, (k - 0.5) * interval)
        thirds += 0.5 * (_at(agreement, (k - 1.0 / 3.0) * interval) + _at(agreement, (k - 2.0 / 3.0) * interval))
    return (on - max(half, thirds)) / multiples


@njit(cache=True)
def _at(agreement: Any, lag: float) -> float:
    below = int(lag)
    part = lag - below
    return float((1.0 - part) * agreement[below] + part * agreement[below + 1])
