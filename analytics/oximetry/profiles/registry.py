"""All profiles by name."""

from __future__ import annotations

from typing import Final

from analytics.oximetry import peak
from analytics.oximetry.profiles.oscar import OSCAR
from analytics.oximetry.profiles.pobm import POBM
from analytics.oximetry.profiles.profile import Profile
from analytics.oximetry.profiles.trailing_mean import TRAILING_MEAN
from analytics.oximetry.profiles.wellue import WELLUE

PEAK: Final = Profile(
    name=peak.PROFILE,
    version=peak.PROFILE_VERSION,
    rule="fall from a local maximum to the nadir on the artefact-masked signal, ended by its recovery",
    source="this project; see analytics.oximetry.peak",
    bridge="missing",
    detect=None,
)

PROFILES: Final[dict[str, Profile]] = {profile.name: profile for profile in (PEAK, POBM, WELLUE, OSCAR, TRAILING_MEAN)}
"""The default first."""


def get_profile(name: str) -> Profile:
    """The profile called `name`.

    Raises
    ------
    ValueError
        If there is none; the message names those there are.
    """
    try:
        return PROFILES[name]
    except KeyError:
        raise ValueError(f"no profile {name!r}: there are {', '.join(PROFILES)}") from None
