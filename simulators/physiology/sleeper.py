"""Who sleeps: a person drawn from a seed, whose every night can be asked for again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from simulators.physiology.night import Night, compose
from simulators.physiology.profiles import PROFILES, Profile
from simulators.physiology.traits import Traits, draw_traits

_PERSON, _NIGHT = 0x5EED, 0x417E
NIGHT_S: Final = 8 * 3600


@dataclass(frozen=True, slots=True)
class Sleeper:
    """A person with traits of their own.

    Parameters
    ----------
    seed : int
        Non-negative; the same seed and profile are the same person.
    profile : str
        A name in `PROFILES`.

    Raises
    ------
    ValueError
        For a negative seed or an unknown profile.
    """

    seed: int
    profile: str = "moderate"

    def __post_init__(self) -> None:
        """Check the arguments."""
        if self.seed < 0:
            raise ValueError(f"seed must not be negative: {self.seed}")
        if self.profile not in PROFILES:
            raise ValueError(f"unknown sleeper profile {self.profile!r}: one of {', '.join(PROFILES)}")

    @property
    def group(self) -> Profile:
        """What this person shares with others."""
        return PROFILES[self.profile]

    @property
    def traits(self) -> Traits:
        """What is this person's own."""
        return draw_traits(np.random.default_rng([_PERSON, self.seed]), self.group)

    def night(self, start_utc_ms: int, duration_s: int = NIGHT_S, *, index: int = 0) -> Night:
        """Sleep a night.

        Parameters
        ----------
        start_utc_ms : int
            UTC milliseconds of the first second. It moves the night in time and changes nothing else.
        duration_s : int
            Seconds from lights out to the end of the recording, at least 60.
        index : int
            Which of this person's nights: another index is another night, the same index the same one.

        Raises
        ------
        ValueError
            For a duration or an index out of range.
        """
        if duration_s < 60 or index < 0:
            raise ValueError(f"a night lasts at least 60 s and counts from 0: {duration_s} s, number {index}")
        streams = np.random.SeedSequence([_NIGHT, self.seed, index])
        return compose(streams, self.group, self.traits, start_utc_ms, duration_s, self.seed, index)
