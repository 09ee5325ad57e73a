"""Where a mandibular device lies when: in the mouth, in its case, or where it only seems to be worn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from simulators.physiology.night import Night

_HABITS = 0x3EA7


class Place(StrEnum):
    """Where the device lies."""

    MOUTH = "mouth"
    CASE = "case"
    BEDSIDE = "bedside"
    WARM_WATER = "warm_water"
    MUG = "mug"
    RADIATOR = "radiator"


@dataclass(frozen=True, slots=True)
class Stay:
    """The device lies in a place from an instant to another; `temperature_c` None: as that place usually is."""

    place: Place
    start_utc_ms: int
    end_utc_ms: int
    temperature_c: float | None = None


@dataclass(frozen=True, slots=True)
class Habits:
    """How a person wears the device. Times in minutes, chances a night.

    Attributes
    ----------
    before_min, after_min : tuple of float
        Range of the time from the insertion to lights out, and from the end of the night to the removal.
    removal, early_removal : float
        Chance that it is taken out for a while in the night, or for the rest of it.
    removed_min : tuple of float
        Range of how long it is out.
    rinse : float
        Chance that it is rinsed in cold water when it comes out.
    drinks, hot_drinks : float
        Drinks a night in the mean, and the share of them that is hot.
    mouth_breathing : float
        Spells of mouth breathing a night, in the mean.
    """

    before_min: tuple[float, float] = (2.0, 25.0)
    after_min: tuple[float, float] = (1.0, 20.0)
    removal: float = 0.1
    early_removal: float = 0.08
    removed_min: tuple[float, float] = (12.0, 90.0)
    rinse: float = 0.4
    drinks: float = 0.5
    hot_drinks: float = 0.3
    mouth_breathing: float = 1.0


def stays_of(nights: Sequence[Night], worn: Sequence[bool], seed: int, habits: Habits) -> list[Stay]:
    """Stays in the mouth, a night's insertion and removal drawn by `habits`, and beside the bed while it is out.

    Raises
    ------
    ValueError
        If `worn` has not one value a night.
    """
    if len(worn) != len(nights):
        raise ValueError(f"{len(worn)} values of worn for {len(nights)} nights")
    stays: list[Stay] = []
    for number, (night, is_worn) in enumerate(zip(nights, worn, strict=True)):
        if is_worn:
            stays += _of_night(np.random.default_rng([_HABITS, seed, number]), night, habits)
    return stays


def _of_night(rng: np.random.Generator, night: Night, habits: Habits) -> list[Stay]:
    start = night.start_utc_ms - _ms(rng.uniform(*habits.before_min))
    end = night.end_utc_ms + _ms(rng.uniform(*habits.after_min))
    out = night.start_utc_ms + int(rng.uniform(0.25, 0.75) * night.duration_s) * 1000
    back = out + _ms(rng.uniform(*habits.removed_min))
    chance = rng.random()
    if chance < habits.early_removal:
        return [Stay(Place.MOUTH, start, out), Stay(Place.BEDSIDE, out, end)]
    if chance < habits.early_removal + habits.removal and back < night.end_utc_ms:
        return [Stay(Place.MOUTH, start, out), Stay(Place.BEDSIDE, out, back), Stay(Place.MOUTH, back, end)]
    return [Stay(Place.MOUTH, start, end)]


def _ms(minutes: float) -> int:
    return round(minutes * 60_000)
