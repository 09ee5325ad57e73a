"""What makes one sleeper of a group differ from another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulators.physiology.profiles import Profile


@dataclass(frozen=True, slots=True)
class Traits:
    """A person's constants.

    Attributes
    ----------
    ahi_factor : float
        How their rate of events differs from the group's.
    supine_share : float
        Share of the night on the back.
    baseline_pct : float
        SpO2 between events.
    stores_l : float
        Litres of gas in the lung when an event begins.
    circulation_s : float
        Time from the end of an event to the nadir at the finger.
    pulse_bpm, perfusion_pct : float
        At rest.
    slowing_bpm, surge_bpm : float
        The pulse's fall within an apnoea and its rise after it, both for a typical event.
    """

    ahi_factor: float
    supine_share: float
    baseline_pct: float
    stores_l: float
    circulation_s: float
    pulse_bpm: float
    perfusion_pct: float
    slowing_bpm: float
    surge_bpm: float


def draw_traits(rng: np.random.Generator, profile: Profile) -> Traits:
    """Draw a person of the group `profile`."""
    return Traits(
        ahi_factor=float(np.exp(profile.person_spread * rng.standard_normal())),
        supine_share=float(np.clip(rng.normal(0.42, 0.1), 0.15, 0.75)),
        baseline_pct=float(np.clip(rng.normal(profile.baseline_pct, 0.7), 91.5, 98.0)),
        # Functional residual capacity, supine, to a breath above it: the speed of the fall follows it
        # (Findley et al. 1983).
        stores_l=float(np.clip(rng.normal(2.5, 0.25), 1.9, 3.2)),
        # Kwon et al. 2014 measured it in sleep studies from the end of an apnoea to the nadir: mean 17.6 s.
        circulation_s=float(np.clip(rng.normal(17.6, 3.0), 10.0, 25.0)),
        pulse_bpm=float(np.clip(rng.normal(62.0, 7.0), 45.0, 85.0)),
        perfusion_pct=float(np.clip(np.exp(rng.normal(1.2, 0.4)), 1.2, 10.0)),
        slowing_bpm=float(np.clip(rng.normal(4.0, 1.5), 1.0, 9.0)),
        # Azarbarzin et al. 2021 found event-related rises of about 6 to 10 bpm around the median.
        surge_bpm=float(np.clip(rng.normal(9.0, 2.5), 3.0, 18.0)),
    )
