"""Signals drawn by hand, 1 Hz, %."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Signal = NDArray[np.float64]


def drawn(*parts: tuple[float, int] | Sequence[float]) -> Signal:
    """A signal of parts: ``(value, seconds)`` held flat, or a list of values of one second each."""
    pieces = [np.full(part[1], float(part[0])) if isinstance(part, tuple) else np.array(part, float) for part in parts]
    return np.concatenate(pieces)


def ramp(low: float, fall_s: int, hold_s: int, rise_s: int, *, high: float = 97.0, rest_s: int = 120) -> Signal:
    """`rest_s` at `high`, a straight fall to `low`, a hold, a straight rise and `rest_s` again; rounded to 1 %."""
    fall = high - (high - low) * np.arange(1, fall_s + 1) / fall_s
    rise = low + (high - low) * np.arange(1, rise_s + 1) / rise_s
    return np.rint(np.concatenate([np.full(rest_s, high), fall, np.full(hold_s, low), rise, np.full(rest_s, high)]))


def night(events: int, *, rest_s: int = 200, low: float = 92.0, seed: int | None = None) -> Signal:
    """`events` ramps of 97 to `low` in 25 s, 5 s hold, 10 s rise, `rest_s` apart; with a seed, of varied depth and
    length."""
    rng = np.random.default_rng(seed)
    parts = []
    for _ in range(events):
        fall, depth = (25, 97.0 - low) if seed is None else (int(rng.integers(12, 50)), float(rng.integers(2, 12)))
        parts.append(ramp(97.0 - depth, fall, 5, 10, rest_s=rest_s // 2))
    return np.concatenate(parts)
