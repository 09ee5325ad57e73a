"""Breathing as a mattress feels it: the chest's rise and fall, its rate, and what is left of it in an event."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulators.physiology.breathing import EventKind, RespiratoryEvent
from simulators.physiology.hypnogram import EPOCH_S, Stage
from simulators.physiology.series import Series, smooth_noise

# Breaths a minute vary little in slow-wave sleep and much in REM (Gutierrez et al. 2016; Rostig et al. 2005): SD of
# the rate and of the depth as shares of their means.
_RATE_SD: Final = {Stage.WAKE: 0.08, Stage.N1: 0.06, Stage.N2: 0.035, Stage.N3: 0.025, Stage.REM: 0.08}
_DEPTH_SD: Final = {Stage.WAKE: 0.2, Stage.N1: 0.12, Stage.N2: 0.08, Stage.N3: 0.05, Stage.REM: 0.2}
_PARADOX: Final = (0.06, 0.18)
"""In an obstructive apnoea chest and belly move against each other; under both little of it is left, but it grows."""


def each_stage(stages: NDArray[np.uint8], values: dict[Stage, float], size: int) -> Series:
    """A value by stage for each second, shape (size,); the last epoch's beyond the stages' end."""
    table = np.zeros(max(Stage) + 1)
    for stage, value in values.items():
        table[stage] = value
    epoch = np.minimum(np.arange(size) // EPOCH_S, stages.size - 1)
    return np.asarray(table[stages[epoch]])


def breathing_rate(rng: np.random.Generator, stages: NDArray[np.uint8], usual_per_min: float, size: int) -> Series:
    """Breaths a minute in each second, shape (size,): slow changes, and some from breath to breath."""
    spread = each_stage(stages, _RATE_SD, size)
    waver = 0.8 * smooth_noise(rng, size, 25.0) + 0.6 * smooth_noise(rng, size, 4.0)
    slow = 0.03 * smooth_noise(rng, size, 900.0)
    return np.asarray(usual_per_min * np.clip(1.0 + slow + spread * waver, 0.6, 1.6))


def breathing_depth(
    rng: np.random.Generator,
    flow: Series,
    events: tuple[RespiratoryEvent, ...],
    stages: NDArray[np.uint8],
) -> Series:
    """Movement of chest and belly in each second as a share of the usual, shape as `flow`."""
    spread = each_stage(stages, _DEPTH_SD, flow.size)
    depth = flow * np.clip(1.0 + spread * smooth_noise(rng, flow.size, 4.0), 0.4, 1.8)
    for event in events:
        if event.kind is EventKind.OBSTRUCTIVE_APNOEA:
            first, after = int(event.start_s), min(int(event.end_s), flow.size)
            struggle = np.linspace(*_PARADOX, max(after - first, 0))
            depth[first:after] = np.maximum(depth[first:after], struggle)
    return np.asarray(depth)


def chest(phase: Series) -> Series:
    """Height of the chest, -1 to 1 or so, at `phase` breaths: in faster than out."""
    turn = 2.0 * np.pi * phase
    return np.asarray(np.sin(turn) + 0.22 * np.sin(2.0 * turn + 0.6) + 0.05 * np.sin(3.0 * turn))
