"""Kinds of sleeper: how often, when and how breathing fails."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from simulators.physiology.hypnogram import Stage
from simulators.physiology.posture import Posture


@dataclass(frozen=True, slots=True)
class Profile:
    """What a group of sleepers has in common.

    Attributes
    ----------
    ahi : float
        Respiratory events an hour of sleep that the group's typical member has on a typical night.
    person_spread, night_spread : float
        SD of the logarithm of that, between members and between nights of one.
    obstructive, central : float
        Shares of the events that are obstructive and central apnoeas; the rest are hypopnoeas.
    stage_factor, posture_factor : mapping
        How the rate of events is multiplied there.
    apnoea_s, hypopnoea_s : float
        Median durations in seconds (non-REM sleep).
    flow : tuple of float
        Range of the flow that a hypopnoea leaves, as a share of normal.
    arousal : float
        Share of events that end in an arousal, whatever the oxygen does.
    clustering : float
        SD of the logarithm of the slow waxing and waning of the rate.
    baseline_pct : float
        Typical SpO2 asleep between events.
    fragmentation : float
        Short awakenings an hour besides those that everybody has.
    """

    name: str
    ahi: float
    person_spread: float
    night_spread: float
    obstructive: float
    central: float
    stage_factor: Mapping[Stage, float]
    posture_factor: Mapping[Posture, float]
    apnoea_s: float
    hypopnoea_s: float
    flow: tuple[float, float]
    arousal: float
    clustering: float
    baseline_pct: float
    fragmentation: float


# Apnoea is rarer in slow-wave sleep, more frequent and longer in REM (Findley et al. 1985; Ratnavadivel et al. 2009).
_STAGES: Final = MappingProxyType({Stage.WAKE: 0.0, Stage.N1: 1.3, Stage.N2: 1.0, Stage.N3: 0.45, Stage.REM: 1.4})
_REM_ONLY: Final = MappingProxyType({Stage.WAKE: 0.0, Stage.N1: 0.35, Stage.N2: 0.3, Stage.N3: 0.1, Stage.REM: 4.0})
# Supine twice as many events as on the side is the usual definition of positional apnoea (Cartwright 1984).
_POSTURES: Final = MappingProxyType(
    {Posture.SUPINE: 1.4, Posture.LEFT: 0.8, Posture.RIGHT: 0.75, Posture.PRONE: 0.7, Posture.UPRIGHT: 0.0}
)
_SUPINE_ONLY: Final = MappingProxyType(
    {Posture.SUPINE: 2.3, Posture.LEFT: 0.2, Posture.RIGHT: 0.2, Posture.PRONE: 0.2, Posture.UPRIGHT: 0.0}
)

_MODERATE: Final = Profile(
    name="moderate",
    ahi=21.5,
    person_spread=0.08,
    night_spread=0.10,
    obstructive=0.42,
    central=0.05,
    stage_factor=_STAGES,
    posture_factor=_POSTURES,
    apnoea_s=19.0,
    hypopnoea_s=22.0,
    flow=(0.15, 0.5),
    arousal=0.6,
    clustering=0.5,
    baseline_pct=95.5,
    fragmentation=4.0,
)

PROFILES: Final[Mapping[str, Profile]] = MappingProxyType(
    {
        profile.name: profile
        for profile in (
            replace(
                _MODERATE,
                name="healthy",
                ahi=2.0,
                person_spread=0.25,
                night_spread=0.2,
                obstructive=0.1,
                central=0.15,
                apnoea_s=13.0,
                hypopnoea_s=17.0,
                baseline_pct=96.8,
                fragmentation=1.0,
            ),
            replace(
                _MODERATE,
                name="mild",
                ahi=9.5,
                person_spread=0.12,
                night_spread=0.13,
                obstructive=0.25,
                apnoea_s=16.0,
                hypopnoea_s=20.0,
                baseline_pct=96.2,
                fragmentation=2.0,
            ),
            _MODERATE,
            replace(
                _MODERATE,
                name="severe",
                ahi=50.0,
                obstructive=0.6,
                apnoea_s=24.0,
                hypopnoea_s=25.0,
                clustering=0.35,
                arousal=0.75,
                baseline_pct=94.2,
                fragmentation=8.0,
            ),
            # Women's events are shorter, more often partial, and end in arousal before the oxygen falls far
            # (Ware et al. 2000; Won et al. 2020).
            replace(
                _MODERATE,
                name="shallow",
                ahi=20.0,
                obstructive=0.1,
                central=0.03,
                apnoea_s=14.0,
                hypopnoea_s=20.0,
                flow=(0.2, 0.5),
                arousal=0.85,
                baseline_pct=95.8,
            ),
            replace(_MODERATE, name="rem", ahi=14.0, stage_factor=_REM_ONLY, clustering=0.7, obstructive=0.3),
            replace(_MODERATE, name="positional", ahi=18.0, posture_factor=_SUPINE_ONLY),
        )
    }
)
"""The groups by name; `moderate` is the default."""
