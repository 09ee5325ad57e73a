"""Who is in the cohort, and how one of their nights differs from the next.

Three things move a person's nights, as they do in people: what no sensor sees (a lognormal factor with a spread of
the person's own), posture (the share of the night on the back wanders), and evenings with alcohol. The spreads were
chosen to come near what B. Lechat et al. found with 67,278 people (Am. J. Respir. Crit. Care Med. 205:563, 2022): a
mean of 15 events an hour or more in 22.6 %, F1 of a single night 0.77, of fourteen 0.94. docs/nights.md tells how near.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np

from simulators.physiology.night import Night, compose
from simulators.physiology.profiles import PROFILES, Profile
from simulators.physiology.sleeper import NIGHT_S
from simulators.physiology.traits import Traits, draw_traits

_PERSON, _EVENING, _NIGHT = 0xC040, 0xC041, 0xC042
_LADDER: Final = tuple(PROFILES[name] for name in ("healthy", "mild", "moderate", "severe"))
"""Between these groups the nature of the events follows their number: more of them are longer and complete."""
_KINDS: Final = {"usual": 0.65, "shallow": 0.15, "positional": 0.12, "rem": 0.08}
_ALCOHOL_FACTOR: Final = 1.35
"""Alcohol raises the index by about a quarter to a half (Kolla et al. 2018)."""
_SUPINE_NIGHT_SD: Final = 0.13
_TAIL: Final = 4.0
"""Degrees of freedom of the nightly factor: people with many events look normal on one night in some twenty."""
_FARTHEST: Final = 3.5
_LEAST_AHI, _MOST_AHI = 0.3, 90.0


@dataclass(frozen=True, slots=True)
class Population:
    """Where people come from.

    Attributes
    ----------
    median_ahi : float
        Respiratory events an hour that the person in the middle has on a typical night.
    spread : float
        SD of its logarithm between people.
    night_spread : float
        SD of its logarithm between nights of the person in the middle, besides posture and alcohol. Nights stray
        further than a normal distribution's: Student's t of 4 degrees of freedom.
    night_spread_spread : float
        SD of the logarithm of that SD between people.
    """

    name: str
    median_ahi: float
    spread: float
    night_spread: float = 0.4
    night_spread_spread: float = 0.35


COMMUNITY: Final = Population("community", median_ahi=7.2, spread=0.95)
CLINIC: Final = Population("clinic", median_ahi=14.0, spread=0.9)
"""Those whom somebody sent to be examined: about half have 15 events an hour or more."""


@dataclass(frozen=True, slots=True)
class _Drawn:
    """What a person is made of; `evenings` is the share of theirs with alcohol."""

    group: Profile
    traits: Traits
    spread: float
    evenings: float


@dataclass(frozen=True)
class Member:
    """A person of a population; the same population, seed and number are the same person.

    Parameters
    ----------
    population : Population
    seed, number : int
        Which cohort, and which of its people; not negative.

    Raises
    ------
    ValueError
        For a negative seed or number.
    """

    population: Population
    seed: int
    number: int

    def __post_init__(self) -> None:
        """Check the arguments."""
        if self.seed < 0 or self.number < 0:
            raise ValueError(f"seed and number must not be negative: {self.seed}, {self.number}")

    @cached_property
    def _drawn(self) -> _Drawn:
        rng = np.random.default_rng([_PERSON, self.seed, self.number])
        where = self.population
        ahi = float(np.clip(where.median_ahi * np.exp(where.spread * rng.standard_normal()), _LEAST_AHI, _MOST_AHI))
        spread = where.night_spread * float(np.exp(where.night_spread_spread * rng.standard_normal()))
        kind = str(rng.choice(list(_KINDS), p=list(_KINDS.values())))
        evenings = float(rng.choice([0.0, 1.0, 3.0], p=[0.5, 0.3, 0.2])) / 7.0
        group = _on_ladder(ahi) if kind == "usual" else replace(PROFILES[kind], ahi=ahi)
        group = replace(group, name=kind, person_spread=0.0, night_spread=0.0)
        return _Drawn(group, draw_traits(rng, group), spread, evenings)

    @property
    def group(self) -> Profile:
        """Their breathing on a typical night."""
        return self._drawn.group

    @property
    def traits(self) -> Traits:
        """Their body."""
        return self._drawn.traits

    @property
    def night_spread(self) -> float:
        """SD of the logarithm of their nightly factor."""
        return self._drawn.spread

    def night(self, index: int, *, residual: float = 1.0, duration_s: int = NIGHT_S) -> Night:
        """Sleep night `index`; it begins `index` days after 1970-01-01 22:00 UTC.

        Parameters
        ----------
        residual : float
            Share of the events that a treatment leaves; 1 is without.

        Raises
        ------
        ValueError
            For a negative index, a negative residual, or less than 60 s.
        """
        if index < 0 or residual < 0 or duration_s < 60:
            raise ValueError(f"no such night: number {index}, residual {residual}, {duration_s} s")
        traits = self.traits
        evening = np.random.default_rng([_EVENING, self.seed, self.number, index])
        strayed = np.clip(evening.standard_t(_TAIL) * np.sqrt((_TAIL - 2.0) / _TAIL), -_FARTHEST, _FARTHEST)
        factor = float(np.exp(self.night_spread * strayed))
        if evening.random() < self._drawn.evenings:
            factor *= _ALCOHOL_FACTOR
        supine = float(np.clip(traits.supine_share + _SUPINE_NIGHT_SD * evening.standard_normal(), 0.0, 1.0))
        tonight = replace(traits, ahi_factor=factor * residual, supine_share=supine)
        streams = np.random.SeedSequence([_NIGHT, self.seed, self.number, index])
        start_ms = (index * 24 + 22) * 3_600_000
        return compose(streams, self.group, tonight, start_ms, duration_s, self.seed, index)


def _on_ladder(ahi: float) -> Profile:
    """The group between those of `_LADDER` that have fewer and more events."""
    at = np.log([group.ahi for group in _LADDER])

    def between(values: list[float]) -> float:
        return float(np.interp(np.log(ahi), at, values))

    return replace(
        PROFILES["moderate"],
        ahi=ahi,
        obstructive=between([group.obstructive for group in _LADDER]),
        central=between([group.central for group in _LADDER]),
        apnoea_s=between([group.apnoea_s for group in _LADDER]),
        hypopnoea_s=between([group.hypopnoea_s for group in _LADDER]),
        arousal=between([group.arousal for group in _LADDER]),
        clustering=between([group.clustering for group in _LADDER]),
        baseline_pct=between([group.baseline_pct for group in _LADDER]),
        fragmentation=between([group.fragmentation for group in _LADDER]),
    )
