"""Sleep stages in 30 s epochs, in cycles of about 90 minutes."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

EPOCH_S: Final = 30
"""Length of an epoch in seconds (AASM scoring manual)."""


class Stage(IntEnum):
    """A stage of sleep; the numbers are those that scored recordings use."""

    WAKE = 0
    N1 = 1
    N2 = 2
    N3 = 3
    REM = 5


# Minutes of slow-wave and of REM sleep in successive cycles: the first falls, the second grows
# (Carskadon and Dement, Principles and Practice of Sleep Medicine; Ohayon et al. 2004 for the totals).
_N3_MIN: Final = (32.0, 22.0, 10.0, 4.0, 0.0)
_REM_MIN: Final = (10.0, 20.0, 26.0, 32.0, 32.0)
_CYCLE_MIN: Final = 95.0


def _minutes(rng: np.random.Generator, median: float, spread: float = 0.3) -> float:
    return float(median * np.exp(spread * rng.standard_normal()))


def _cycle(rng: np.random.Generator, number: int) -> list[tuple[Stage, float]]:
    """One cycle as (stage, minutes): light, deep, light, REM, and sometimes a short awakening."""
    deep = _minutes(rng, _N3_MIN[min(number, 4)]) if number < 4 else 0.0
    rem = _minutes(rng, _REM_MIN[min(number, 4)])
    light = max(_minutes(rng, _CYCLE_MIN, 0.12) - deep - rem, 15.0)
    before = light * rng.uniform(0.3, 0.5)
    parts = [
        (Stage.N1, _minutes(rng, 2.5)),
        (Stage.N2, before),
        (Stage.N3, deep),
        (Stage.N2, light - before),
        (Stage.REM, rem),
    ]
    if rng.random() < 0.5:
        parts.append((Stage.WAKE, _minutes(rng, 2.0, 0.5)))
    return parts


def hypnogram(rng: np.random.Generator, epochs: int, fragmentation: float) -> NDArray[np.uint8]:
    """Stages of a night.

    Parameters
    ----------
    epochs : int
        Epochs wanted, at least 1.
    fragmentation : float
        Short awakenings an hour.

    Returns
    -------
    array of uint8, shape (epochs,)
        Values of `Stage`.
    """
    parts: list[tuple[Stage, float]] = [(Stage.WAKE, _minutes(rng, 10.0, 0.5))]
    cycle = 0
    while sum(minutes for _, minutes in parts) * 60 < epochs * EPOCH_S:
        parts += _cycle(rng, cycle)
        cycle += 1
    counts = [round(minutes * 60 / EPOCH_S) for _, minutes in parts]
    stages = np.repeat(np.array([stage for stage, _ in parts], dtype=np.uint8), counts)
    if stages.size < epochs:
        stages = np.concatenate([stages, np.full(epochs - stages.size, Stage.WAKE, dtype=np.uint8)])
    stages = stages[:epochs].copy()
    _awaken(rng, stages, fragmentation)
    if epochs >= 120:
        stages[epochs - max(2, round(_minutes(rng, 4.0, 0.4) * 60 / EPOCH_S)) :] = Stage.WAKE
    return stages


def _awaken(rng: np.random.Generator, stages: NDArray[np.uint8], fragmentation: float) -> None:
    """Break sleep with awakenings of an epoch or two, each followed by light sleep; slow-wave sleep resists."""
    chance = (2.0 + fragmentation) * EPOCH_S / 3600.0
    wakes = np.flatnonzero((rng.random(stages.size) < chance) & (stages != Stage.WAKE) & (stages != Stage.N3))
    awake = wakes[:, None] + np.arange(2)
    awake = awake[np.arange(2) < rng.integers(1, 3, wakes.size)[:, None]]
    light = awake[:, None] + np.arange(1, 1 + 2)
    light = light[(light < stages.size) & (stages[np.minimum(light, stages.size - 1)] == Stage.N2)]
    stages[light] = Stage.N1
    stages[awake[awake < stages.size]] = Stage.WAKE
