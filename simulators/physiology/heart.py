"""The pulse: rest, stage, variability, and its answer to events and movement."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulators.physiology.breathing import Events
from simulators.physiology.hypnogram import EPOCH_S, Stage
from simulators.physiology.series import Series, impulses, respond, smooth_noise, spans
from simulators.physiology.traits import Traits

# Change against N2 in bpm (Zemaityte et al. 1984; Boudreau et al. 2013).
_BY_STAGE: Final = {Stage.WAKE: 8.0, Stage.N1: 2.0, Stage.N2: 0.0, Stage.N3: -1.0, Stage.REM: 3.0}
_SURGE_PEAK_S: Final = 6.0
"""The pulse peaks within seconds of the obstruction's opening, and is back in half a minute (Guilleminault 1984)."""
_TREND_BPM: Final = 5.0
"""Fall over the first hours of the night."""


def _surge_kernel() -> Series:
    t = np.arange(60.0)
    shape = (t / _SURGE_PEAK_S) ** 2 * np.exp(2.0 * (1.0 - t / _SURGE_PEAK_S))
    return np.asarray(shape)


def pulse(
    rng: np.random.Generator, traits: Traits, events: Events, stages: NDArray[np.uint8], turns_s: Series, size: int
) -> Series:
    """Pulse rate in bpm, smooth as an oximeter averages it, shape (size,).

    It slows while breathing is stopped (the vagus, more the longer) and surges when it opens, more after longer events
    and with an arousal: cyclical variation (Guilleminault et al. 1984).
    """
    stage = np.repeat(stages, EPOCH_S)[:size]
    order = sorted(_BY_STAGE)
    by_stage = np.interp(stage, order, [_BY_STAGE[stage] for stage in order])
    by_stage = respond(np.concatenate([np.full(120, by_stage[0]), by_stage]), np.full(120, 1 / 120.0))[120:]
    trend = _TREND_BPM * np.exp(-np.arange(size) / 7200.0)
    waver = 1.2 * smooth_noise(rng, size, 8.0) + 1.8 * smooth_noise(rng, size, 60.0)
    waver *= np.where(stage == Stage.REM, 1.5, np.where(stage == Stage.N3, 0.7, 1.0))

    effort = 1.0 - events.flow
    length = np.minimum(events.duration_s / 25.0, 2.0)
    slowing = respond(
        spans(events.start_s, events.duration_s, traits.slowing_bpm * effort * length, size), _ramp_kernel()
    )
    strength = traits.surge_bpm * (0.5 + 0.5 * effort) * np.sqrt(length) * np.where(events.arousal, 1.2, 0.6)
    strength *= np.exp(0.25 * rng.standard_normal(strength.size))
    surges = respond(impulses(events.end_s, strength, size), _surge_kernel())
    moved = respond(impulses(turns_s, np.full(turns_s.size, 10.0), size), _surge_kernel())
    return np.clip(traits.pulse_bpm + by_stage + trend + waver - slowing + surges + moved, 32.0, 170.0)


def _ramp_kernel() -> Series:
    """Gather slowly, so that the slowing deepens through the event and is gone soon after."""
    kernel = np.exp(-np.arange(40) / 7.0)
    return np.asarray(kernel / kernel.sum())
