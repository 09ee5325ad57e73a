"""The finger and the sensor on it: motion, perfusion, a sensor that slips, and what it then reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulators.physiology.breathing import Events
from simulators.physiology.hypnogram import EPOCH_S, Stage
from simulators.physiology.series import Mask, Series, impulses, mask_of, respond, smooth_noise
from simulators.physiology.traits import Traits

_SLIPS_PER_H: Final = 0.25
_COLD_SPELLS_PER_H: Final = 0.25
_SETTLING_S: Final = 8.0
"""A sensor needs some seconds of pulses before it reads well."""


@dataclass(frozen=True, slots=True, eq=False)
class Hand:
    """What the hand does, each of shape (seconds,).

    Attributes
    ----------
    motion : array
        0..255 in whole numbers, arbitrary unit as finger sensors report it.
    perfusion_pct : array
        Perfusion index: pulsatile share of the light.
    finger_off : array of bool
        No finger in the sensor.
    poor_signal : array of bool
        A reading is made, but movement, cold or settling spoils it.
    """

    motion: Series
    perfusion_pct: Series
    finger_off: Mask
    poor_signal: Mask


def hand(
    rng: np.random.Generator,
    traits: Traits,
    events: Events,
    stages: NDArray[np.uint8],
    turns_s: Series,
    size: int,
) -> Hand:
    """Move, cool and lose the sensor through a night of `size` seconds."""
    hours = size / 3600.0
    jerks_s = events.end_s[events.arousal & (rng.random(events.arousal.size) < 0.35)]
    awake_s = np.flatnonzero((np.repeat(stages, EPOCH_S)[:size] == Stage.WAKE) & (rng.random(size) < 1 / 40.0))
    twitches_s = rng.uniform(0, size, rng.poisson(2.0 * hours))
    at_s = np.concatenate([turns_s, jerks_s, awake_s.astype(np.float64), twitches_s])
    strength = np.concatenate(
        [
            rng.uniform(90, 250, turns_s.size),
            rng.uniform(15, 70, jerks_s.size),
            rng.uniform(20, 160, awake_s.size),
            rng.uniform(5, 40, twitches_s.size),
        ]
    )
    shaken = respond(impulses(at_s, strength, size), np.exp(-np.arange(30) / 5.0))
    idle = np.maximum(rng.normal(0.0, 1.5, size), 0.0)
    motion = np.clip(shaken * rng.uniform(0.5, 1.0, size) + idle, 0, 255).round()

    slips = rng.poisson(_SLIPS_PER_H * hours)
    off_s = np.concatenate([[0.0], rng.uniform(0, size, slips), [size - rng.uniform(3, 15)]])
    off_for_s = np.concatenate([[rng.uniform(3, 20)], np.exp(rng.normal(3.0, 0.7, slips)), [20.0]])
    finger_off = mask_of(off_s, off_for_s, size)
    spells = rng.poisson(_COLD_SPELLS_PER_H * hours)
    cold = mask_of(rng.uniform(0, size, spells), np.exp(rng.normal(4.6, 0.6, spells)), size)
    settling = mask_of(off_s + off_for_s, np.full(off_s.size, _SETTLING_S), size)
    poor_signal = (cold | settling | (shaken > 90.0)) & ~finger_off

    # Arousals narrow the finger's vessels for some ten seconds (Schnall et al. 1999).
    narrowing = respond(
        impulses(events.end_s + 3.0, np.where(events.arousal, 0.35, 0.12), size), np.exp(-np.arange(60) / 10.0)
    )
    wander = np.exp(0.2 * smooth_noise(rng, size, 300.0) + 0.05 * smooth_noise(rng, size, 5.0))
    perfusion = traits.perfusion_pct * wander * np.maximum(1.0 - narrowing, 0.25) * np.where(cold, 0.1, 1.0)
    return Hand(motion, np.clip(perfusion, 0.05, 20.0), finger_off, poor_signal)


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What the sensor would say had it endless digits: NaN without a finger, each of shape (seconds,)."""

    spo2_pct: Series
    pulse_bpm: Series


def read(rng: np.random.Generator, held: Hand, saturation_pct: Series, pulse_bpm: Series) -> Reading:
    """Read saturation and pulse through the finger: some noise always, and errors, mostly downward, in a poor signal.

    A moving or cold finger reads low because the sensor sees venous blood move too (Petterson et al. 2007).
    """
    size = saturation_pct.size
    gate = respond(held.poor_signal.astype(np.float64), np.full(5, 0.2))
    error = gate * np.abs(smooth_noise(rng, size, 4.0)) * 1.5
    spo2 = saturation_pct + 0.2 * smooth_noise(rng, size, 3.0) - error
    rate = pulse_bpm + 0.5 * rng.standard_normal(size) + gate * 6.0 * smooth_noise(rng, size, 5.0)
    return Reading(
        np.where(held.finger_off, np.nan, np.clip(spo2, 50.0, 100.0)),
        np.where(held.finger_off, np.nan, np.clip(rate, 30.0, 200.0)),
    )
