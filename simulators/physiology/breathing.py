"""When breathing fails, and the ventilation that is left."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulators.physiology.hypnogram import EPOCH_S, Stage
from simulators.physiology.posture import Posture
from simulators.physiology.profiles import Profile
from simulators.physiology.series import Series, impulses, respond, smooth_noise, spans


class EventKind(StrEnum):
    """Kinds of respiratory event."""

    OBSTRUCTIVE_APNOEA = "obstructive_apnoea"
    CENTRAL_APNOEA = "central_apnoea"
    HYPOPNOEA = "hypopnoea"


@dataclass(frozen=True, slots=True)
class RespiratoryEvent:
    """A respiratory event as a scorer with every signal would note it.

    Attributes
    ----------
    start_s, duration_s : float
        Seconds from the night's start; 10 s at least.
    flow : float
        Flow that is left, as a share of normal: 0 in an apnoea.
    arousal : bool
        Whether it ends in one.
    causes_desaturation : bool
        Whether the oxygen saturation at the finger falls by 3 % or more for it.
    """

    kind: EventKind
    start_s: float
    duration_s: float
    stage: Stage
    posture: Posture
    flow: float
    arousal: bool
    causes_desaturation: bool

    @property
    def end_s(self) -> float:
        """Seconds from the night's start at which breathing opens again."""
        return self.start_s + self.duration_s


@dataclass(frozen=True, slots=True, eq=False)
class Events:
    """All events of a night as columns, in order of time and without overlap, each of shape (k,).

    `limitation`, of shape (seconds,), is the share of the flow lost besides: airways that are narrow, but less than a
    scorer calls an event. Its shallow desaturations belong to no event.
    """

    start_s: Series
    duration_s: Series
    kind: NDArray[np.int64]
    flow: Series
    stage: NDArray[np.uint8]
    posture: NDArray[np.uint8]
    arousal: NDArray[np.bool_]
    limitation: Series

    @property
    def end_s(self) -> Series:
        """When each ends."""
        return self.start_s + self.duration_s


KINDS: Final = (EventKind.OBSTRUCTIVE_APNOEA, EventKind.CENTRAL_APNOEA, EventKind.HYPOPNOEA)
_HYPOPNOEA: Final = KINDS.index(EventKind.HYPOPNOEA)

SHORTEST_S: Final = 10.0
"""An event lasts 10 s at least (AASM scoring manual)."""
_LONGEST_S: Final = 90.0
_RECOVERY_S: Final = 11.0
"""Two breaths or three come between events, even in a run of them."""
_REM_LENGTHENS: Final = 1.3
"""Apnoeas of REM sleep last about a third longer (Findley et al. 1985)."""
_DEAD_SPACE: Final = 0.3
"""Share of a breath that never reaches the alveoli: half the flow is less than half of the exchange."""
_LIMITED_PER_EVENT: Final = 0.5
_LIMITED: Final = (0.1, 0.29)
"""Share of the flow that a narrow airway takes; from 0.3 on it is a hypopnoea (AASM rule 1)."""
# A typical night's mix of stages and of postures off the back, over which the group's rate is meant.
_TYPICAL_STAGES: Final = {Stage.N1: 0.09, Stage.N2: 0.53, Stage.N3: 0.17, Stage.REM: 0.21}
_TYPICAL_SIDES: Final = {Posture.LEFT: 0.48, Posture.RIGHT: 0.42, Posture.PRONE: 0.10}
_TYPICAL_SUPINE: Final = 0.42


def _rate_per_s(
    rng: np.random.Generator, profile: Profile, ahi: float, stages: NDArray[np.uint8], posture: NDArray[np.uint8]
) -> Series:
    """Rate of events in each second, by stage, posture and a slow waxing and waning of unstable breathing."""
    by_stage, by_posture = np.zeros(max(Stage) + 1), np.zeros(max(Posture) + 1)
    for stage, factor in profile.stage_factor.items():
        by_stage[stage] = factor
    for position, factor in profile.posture_factor.items():
        by_posture[position] = factor
    mean = sum(share * by_stage[stage] for stage, share in _TYPICAL_STAGES.items())
    sides = sum(share * by_posture[position] for position, share in _TYPICAL_SIDES.items())
    mean *= _TYPICAL_SUPINE * by_posture[Posture.SUPINE] + (1.0 - _TYPICAL_SUPINE) * sides
    waxing = np.exp(profile.clustering * smooth_noise(rng, posture.size, 400.0) - profile.clustering**2 / 2)
    each_s = by_stage[np.repeat(stages, EPOCH_S)[: posture.size]] * by_posture[posture]
    rate: Series = ahi / 3600.0 * each_s / mean * waxing
    return rate


def draw_events(
    rng: np.random.Generator, profile: Profile, ahi: float, stages: NDArray[np.uint8], posture: NDArray[np.uint8]
) -> Events:
    """Draw the events of a night.

    They come as a renewal process in the time of the accumulated rate, more regular than chance (gamma of shape 2):
    obstruction, arousal and the next obstruction follow on each other. Durations are lognormal by kind and stage.

    Parameters
    ----------
    ahi : float
        Events an hour of sleep to expect on a night of typical stages and postures.
    stages : array of uint8, shape (epochs,)
    posture : array of uint8, shape (seconds,)
    """
    size = posture.size
    hazard = np.concatenate([[0.0], np.cumsum(_rate_per_s(rng, profile, ahi, stages, posture))])
    arrivals = np.cumsum(rng.gamma(2.0, 0.5, size=int(hazard[-1] * 1.5) + 30))
    arrivals = arrivals[arrivals < hazard[-1]]
    start_s = np.interp(arrivals, hazard, np.arange(size + 1.0))
    count = start_s.size
    shares = [profile.obstructive, profile.central, 1.0 - profile.obstructive - profile.central]
    kind = rng.choice(len(KINDS), size=count, p=shares)
    second = np.minimum(start_s.astype(np.int64), size - 1)
    stage = np.repeat(stages, EPOCH_S)[second]
    median = np.where(kind == _HYPOPNOEA, profile.hypopnoea_s, profile.apnoea_s)
    median = median * np.where(stage == Stage.REM, _REM_LENGTHENS, 1.0)
    duration_s = np.clip(median * np.exp(0.35 * rng.standard_normal(count)), SHORTEST_S, _LONGEST_S)
    flow = np.where(kind == _HYPOPNOEA, rng.uniform(*profile.flow, size=count), 0.0)
    arousal = rng.random(count) < profile.arousal
    start_s = _in_turn(start_s, duration_s)
    ends = np.minimum((start_s + duration_s).astype(np.int64), size - 1)
    asleep = np.repeat(stages, EPOCH_S)[ends] != Stage.WAKE
    second = np.minimum(start_s.astype(np.int64), size - 1)
    stage = np.repeat(stages, EPOCH_S)[second]
    kept = asleep & (stage != Stage.WAKE) & (start_s + duration_s + _RECOVERY_S < size)
    return Events(
        start_s[kept],
        duration_s[kept],
        kind[kept],
        flow[kept],
        stage[kept],
        posture[second][kept],
        arousal[kept],
        _limitation(rng, hazard),
    )


def _in_turn(start_s: Series, duration_s: Series) -> Series:
    """Starts such that what was drawn into one another comes after one another."""
    if start_s.size == 0:
        return start_s
    taken = np.concatenate([[0.0], np.cumsum(duration_s + _RECOVERY_S)[:-1]])
    return np.asarray(np.maximum.accumulate(start_s - taken) + taken)


def _limitation(rng: np.random.Generator, hazard: Series) -> Series:
    """Share of the flow lost to narrow airways in each second; they come where events do."""
    count = rng.poisson(_LIMITED_PER_EVENT * hazard[-1])
    at_s = np.interp(np.sort(rng.uniform(0.0, hazard[-1], count)), hazard, np.arange(hazard.size, dtype=np.float64))
    duration_s = np.clip(25.0 * np.exp(0.5 * rng.standard_normal(count)), SHORTEST_S, _LONGEST_S)
    return spans(_in_turn(at_s, duration_s), duration_s, rng.uniform(*_LIMITED, count), hazard.size - 1)


def flow_of(rng: np.random.Generator, events: Events, stages: NDArray[np.uint8], size: int) -> Series:
    """Air flow in each second as a share of the sleeper's usual, shape (size,): what a bed or a nose would see.

    It falls with the depth of sleep, wavers (most in REM), stops or shrinks in an event, and opens with a few large
    breaths that fade within half a minute. Narrow airways take a little of it.
    """
    stage = np.repeat(stages, EPOCH_S)[:size]
    usual = np.interp(stage, [Stage.WAKE, Stage.N1, Stage.N2, Stage.N3, Stage.REM], [1.03, 1.0, 0.99, 0.98, 0.97])
    waver = np.where(stage == Stage.REM, 0.07, 0.03) * smooth_noise(rng, size, 15.0)
    strength = (1.0 - events.flow) * np.where(events.arousal, 1.3, 0.8) * np.minimum(events.duration_s / 25.0, 1.5)
    overshoot = respond(impulses(events.end_s, strength, size), np.exp(-np.arange(60) / 8.0))
    left = 1.0 - spans(events.start_s, events.duration_s, 1.0 - events.flow, size)
    left *= 1.0 - events.limitation
    return np.maximum(usual + waver, 0.3) * (1.0 + np.minimum(overshoot, 2.0)) * left


def alveolar(flow: Series) -> Series:
    """Alveolar ventilation for a flow, both as shares of the usual: the dead space is served first."""
    return np.maximum(flow - _DEAD_SPACE, 0.0) / (1.0 - _DEAD_SPACE)
