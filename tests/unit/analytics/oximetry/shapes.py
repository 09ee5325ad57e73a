"""Signals of exact shape, one value a second, to say what a rule does on both sides of each of its limits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Signal = NDArray[np.float32]


def flat(level: float, seconds: int) -> Signal:
    return np.full(seconds, level, np.float32)


def dip(base: float, depth: float, fall_s: int, hold_s: int = 1, rise_s: int = 10) -> Signal:
    """From `base` (not included) down in `fall_s`, low for `hold_s`, up to `base` in `rise_s`."""
    fall = base - depth * np.arange(1, fall_s + 1) / fall_s
    hold = np.full(hold_s - 1, base - depth)
    rise = base - depth + depth * np.arange(1, rise_s + 1) / rise_s
    return np.concatenate([fall, hold, rise]).astype(np.float32)


QUIET_S = 600
LEAD_S = QUIET_S + 10
"""Seconds of a `night` before its first part."""


def night(*parts: Signal) -> Signal:
    """Parts between two quiet stretches of ten minutes at 96 %, from a sensor that soon shows that it reads tenths."""
    tenths = np.array([96, 96, 96, 96, 95.9, 96, 95.9, 96, 95.9, 96], np.float32)
    return np.concatenate([tenths, flat(96, QUIET_S), *parts, flat(96, QUIET_S)]).astype(np.float32)
