"""Movements in bed: turns, jerks, fidgeting, getting in and out, each a burst and a new load on the strip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from simulators.physiology.series import Series

RATE_HZ: Final = 50
_SETTLING_S: Final = 3.2
"""Time constant of the strip's amplifier (0.05 Hz): after a new load it comes back to the middle so fast."""
_TAIL_S: Final = 8 * _SETTLING_S
_JERK: Final = 45.0
"""Rise of the hand's motion (0..255) in a second from which the body moves with it."""


@dataclass(frozen=True, slots=True, eq=False)
class Movement:
    """One movement.

    Attributes
    ----------
    start_s, duration_s : float
        Of the burst, without the settling after it.
    samples : array, shape (k,)
        At `RATE_HZ` from the first sample at or after `start_s`: burst and settling, a supine J wave being 1.
    """

    start_s: float
    duration_s: float
    samples: Series

    @property
    def end_s(self) -> float:
        """When the body lies still again."""
        return self.start_s + self.duration_s


def movements(rng: np.random.Generator, turns_s: Series, motion: Series, edges_s: Series) -> tuple[Movement, ...]:
    """Movements of a night in order of time.

    Parameters
    ----------
    turns_s : array, shape (k,)
        When the sleeper turns: large ones.
    motion : array, shape (seconds,)
        The hand's motion; the body goes with its stronger jerks.
    edges_s : array, shape (m,)
        When they get in or out of bed: the largest.
    """
    rises = np.diff(motion, prepend=0.0)
    jerks_s = np.flatnonzero(rises > _JERK).astype(np.float64)
    known = np.concatenate([turns_s, edges_s])
    if known.size:
        jerks_s = jerks_s[np.abs(jerks_s[:, None] - known[None]).min(axis=1) > 3.0]
    drawn = [
        _movement(rng, at, rng.uniform(3.0, 8.0), rng.uniform(25.0, 90.0), rng.normal(0.0, 120.0)) for at in turns_s
    ]
    drawn += [
        _movement(rng, at, rng.uniform(4.0, 9.0), rng.uniform(60.0, 150.0), rng.normal(0.0, 250.0)) for at in edges_s
    ]
    for at in jerks_s:
        size = rises[int(at)] / 255.0
        length = rng.uniform(0.8, 1.5) + 3.0 * size
        drawn.append(_movement(rng, at, length, rng.uniform(8.0, 20.0) + 40.0 * size, rng.normal(0.0, 15.0)))
    return tuple(sorted(drawn, key=lambda movement: movement.start_s))


def _movement(rng: np.random.Generator, start_s: float, duration_s: float, size: float, shift: float) -> Movement:
    burst_n, total_n = int(duration_s * RATE_HZ), int((duration_s + _TAIL_S) * RATE_HZ)
    t = np.arange(total_n) / RATE_HZ
    # Limbs and trunk move at 0.3 to 6 Hz: white noise once smoothed, less its slow part.
    white = rng.standard_normal(burst_n + 60)
    quick = np.convolve(white, np.hanning(9) / np.sqrt(np.sum(np.hanning(9) ** 2)), mode="same")
    slow = np.convolve(white, np.ones(51) / 51.0, mode="same")
    envelope = np.sin(np.pi * np.arange(burst_n) / max(burst_n, 1)) ** 0.7
    samples = np.zeros(total_n)
    samples[:burst_n] = size * envelope * (quick - slow)[30 : 30 + burst_n]
    # The new load comes in the middle of the burst, within half a second.
    since = t - duration_s / 2.0
    samples += (
        shift * np.where(since > 0, np.exp(-np.maximum(since, 0.0) / _SETTLING_S), 0.0) * np.clip(since / 0.5, 0, 1)
    )
    return Movement(float(start_s), float(duration_s), samples)
