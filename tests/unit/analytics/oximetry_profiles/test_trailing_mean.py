"""Profile `trailing-mean`: a moving baseline, frozen at the onset."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.oximetry.profiles.trailing_mean import detect
from tests.unit.analytics.oximetry_profiles.shapes import drawn


@pytest.mark.parametrize(("run_s", "found"), [(9, 0), (10, 1), (120, 1), (121, 0)])
def test_a_run_lasts_ten_to_120_seconds(run_s: int, found: int) -> None:
    assert len(detect(drawn((97, 300), (93, run_s), (97, 300)), 4.0)) == found


@pytest.mark.parametrize(("low", "found"), [(94, 0), (93, 1)])
def test_the_limit_is_inclusive(low: float, found: int) -> None:
    assert len(detect(drawn((97, 300), (low, 20), (97, 300)), 4.0)) == found


def test_the_baseline_is_frozen_at_the_onset() -> None:
    (event,) = detect(drawn((97, 300), (93, 60), (92, 50), (94, 300)), 4.0).tolist()
    assert event[:6] == (300, 360, 410, 97.0, 92.0, 5.0)
    assert event[6] == 60 * 4 + 50 * 5 + 3


def test_the_baseline_is_the_mean_of_the_120_seconds_before() -> None:
    mean = (60 * 98 + 60 * 96) / 120
    assert mean == 97.0
    assert len(detect(drawn((90, 200), (98, 60), (96, 60), (94, 20), (97, 300)), 3.0)) == 1
    assert len(detect(drawn((90, 200), (98, 60), (96, 61), (94, 20), (97, 300)), 3.0)) == 0


def test_close_desaturations_pull_the_baseline_down() -> None:
    alone = drawn((97, 300), (93, 30), (97, 300))
    assert len(detect(alone, 4.0)) == 1
    close = drawn((97, 300), *[(93, 30), (97, 30)] * 10, (97, 300))
    assert len(detect(close, 4.0)) < 10


@pytest.mark.parametrize(("before_s", "found"), [(9, 0), (10, 1)])
def test_a_baseline_needs_ten_seconds(before_s: int, found: int) -> None:
    assert len(detect(drawn((97, before_s), (93, 20), (97, 60)), 4.0)) == found


def test_nothing_valid_holds_nothing() -> None:
    assert len(detect(np.full(100, np.nan), 3.0)) == len(detect(np.empty(0), 3.0)) == 0
