"""What all profiles share: names, versions, and the signal they read."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.oximetry import peak
from analytics.oximetry.profiles import PROFILES, get_profile
from analytics.oximetry.profiles.profile import bridged


def test_every_profile_has_a_name_a_version_a_rule_and_a_source() -> None:
    assert list(PROFILES) == ["peak", "pobm", "wellue", "oscar", "trailing-mean"]
    for name, profile in PROFILES.items():
        assert profile.name == name
        assert profile.version
        assert profile.rule
        assert profile.source
    assert PROFILES["peak"].version == peak.PROFILE_VERSION


def test_an_unknown_profile_is_named_with_those_there_are() -> None:
    with pytest.raises(ValueError, match="no profile 'odi': there are peak, pobm, wellue, oscar, trailing-mean"):
        get_profile("odi")


def test_gaps_and_fillers_are_bridged_on_the_straight_line() -> None:
    raw = np.array([0, 96, np.nan, 127, 255, 92, 49.9, 100.1, 511, 65535], np.float32)
    assert bridged(raw, "linear").tolist() == [96, 96, 95, 94, 93, 92, 92, 92, 92, 92]


def test_gaps_may_stay_missing() -> None:
    raw = np.array([96, np.nan, 0, 92.6, 50, 100], np.float32)
    np.testing.assert_array_equal(bridged(raw, "missing"), [96, np.nan, np.nan, 93, 50, 100])


def test_values_are_rounded_to_one_percent_halves_to_even() -> None:
    assert bridged(np.array([94.5, 95.5, 95.4, 95.6]), "linear").tolist() == [94, 96, 95, 96]


def test_nothing_valid_stays_missing() -> None:
    assert np.isnan(bridged(np.full(5, 255.0), "linear")).all()
    assert bridged(np.empty(0), "linear").size == 0
