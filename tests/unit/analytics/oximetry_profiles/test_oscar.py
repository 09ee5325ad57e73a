"""Profile `oscar`: a fixed baseline and runs below it."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.oximetry.profiles.oscar import detect, pulse_changes
from tests.unit.analytics.oximetry_profiles.shapes import drawn


@pytest.mark.parametrize(("run_s", "found"), [(7, 0), (8, 1), (9, 1), (3000, 1)])
def test_a_run_of_eight_seconds_and_any_length_counts(run_s: int, found: int) -> None:
    assert len(detect(drawn((97, 4000), (94, run_s), (97, 100)), 3.0)) == found


@pytest.mark.parametrize(("low", "found"), [(95, 0), (94, 1), (93, 1)])
def test_the_limit_is_inclusive(low: float, found: int) -> None:
    assert len(detect(drawn((97, 4000), (low, 20), (97, 100)), 3.0)) == found


def test_the_event_ends_with_the_first_second_above() -> None:
    (event,) = detect(drawn((97, 4000), (94, 10), (93, 5), (94, 5), (95, 100)), 3.0).tolist()
    assert event[:6] == (4000, 4010, 4020, 97.0, 93.0, 4.0)
    assert event[6] == 10 * 3 + 5 * 4 + 5 * 3 + 2  # the first second above lies 2 % below the baseline


def test_the_baseline_is_the_first_hours_ninetieth_percentile_all_night() -> None:
    high_first = drawn((99, 400), (95, 3200), (95, 3600))
    assert len(detect(high_first, 3.0)) == 1, (
        "99 % in more than a tenth of the first hour: the rest of the night is one event"
    )
    seldom_high = drawn((99, 350), (95, 3250), (95, 3600))
    assert len(detect(seldom_high, 3.0)) == 0


def test_a_run_at_the_recordings_end_counts() -> None:
    (event,) = detect(drawn((97, 1000), (94, 8)), 3.0)
    assert event["end_s"] == 1007


def test_nothing_valid_holds_nothing() -> None:
    assert len(detect(np.full(100, np.nan), 3.0)) == len(detect(np.empty(0), 3.0)) == 0


@pytest.mark.parametrize(("change", "within_s", "found"), [(5, 1, 0), (6, 1, 1), (6, 8, 1), (6, 9, 0), (-6, 4, 1)])
def test_a_pulse_change_is_more_than_five_within_eight_seconds(change: int, within_s: int, found: int) -> None:
    halfway = 60 + 3 * np.sign(change)
    steps = drawn((60, 20), (halfway, within_s - 1), (60 + change, 20))
    assert pulse_changes(steps) == found


def test_one_swing_of_the_pulse_counts_once() -> None:
    assert pulse_changes(drawn((60, 30), (72, 30), (60, 30))) == 2
    assert pulse_changes(np.array([60.0, np.nan, 61.0, np.nan])) == 0
