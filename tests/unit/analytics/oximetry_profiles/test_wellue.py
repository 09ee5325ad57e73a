"""Profile `wellue`: the vendor's rule, its four vectors and both sides of every limit."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.oximetry.profiles.wellue import detect
from tests.unit.analytics.oximetry_profiles.shapes import Signal, drawn, ramp

REST = (97.0, 120)


def counts(signal: Signal) -> list[int]:
    return [len(detect(signal, depth)) for depth in (2.0, 3.0, 4.0)]


def test_a_fall_of_five_percent_in_thirty_seconds_counts_at_every_threshold() -> None:
    assert counts(ramp(92, 30, 5, 8)) == [1, 1, 1]


def test_in_twelve_seconds_only_the_four_percent_fall_is_slow_enough() -> None:
    assert counts(ramp(92, 12, 5, 8)) == [0, 0, 1]


def test_a_rise_of_forty_seconds_is_no_four_percent_event() -> None:
    assert counts(ramp(92, 30, 5, 40))[2] == 0


def test_a_missing_value_at_the_nadir_is_no_four_percent_event() -> None:
    signal = ramp(92, 30, 5, 8)
    signal[120 + 30 + 2] = np.nan
    assert counts(signal)[2] == 0


def test_the_event_runs_from_the_baseline_to_its_return() -> None:
    (event,) = detect(drawn(REST, (96, 7), (95, 10), (97, 60)), 2.0).tolist()
    assert event[:6] == (119, 127, 137, 97.0, 95.0, 2.0)
    assert event[6] == 7 * 1 + 10 * 2


@pytest.mark.parametrize(("middle_s", "found"), [(6, 0), (7, 1), (19, 1), (20, 0)])
def test_the_fall_takes_eight_seconds_or_more_and_two_percent_no_more_than_twenty(middle_s: int, found: int) -> None:
    """Baseline to threshold takes `middle_s` + 1 s; 2 % in 21 s is slower than 0.1 %/s."""
    assert counts(drawn(REST, (96, middle_s), (95, 5), (97, 60)))[0] == found


@pytest.mark.parametrize(("nadir_s", "found"), [(20, 1), (21, 0)])
def test_back_at_the_baseline_within_twenty_seconds_of_the_nadir(nadir_s: int, found: int) -> None:
    assert counts(drawn(REST, (96, 8), (95, nadir_s), (97, 60)))[0] == found


@pytest.mark.parametrize(("middle_s", "found"), [(111, 1), (112, 0)])
def test_the_nadir_comes_at_most_120_seconds_after_the_baseline(middle_s: int, found: int) -> None:
    assert counts(drawn(REST, (96, 8), (95, middle_s), (94, 5), (97, 60)))[0] == found


def test_back_to_less_than_the_baseline_is_no_recovery() -> None:
    assert counts(drawn(REST, (96, 8), (95, 10), (96, 100)))[0] == 0


def test_the_way_back_to_the_baseline_is_over_valid_seconds_that_all_lie_higher() -> None:
    signal = drawn(REST, (96, 8), (95, 5), (97, 60))
    assert counts(signal)[0] == 1
    signal[123] = np.nan
    assert counts(signal)[0] == 0
    dipped = drawn(REST, (96, 3), [95], (96, 4), (95, 5), (97, 60))
    assert counts(dipped)[0] == 0


def test_events_of_one_threshold_do_not_overlap() -> None:
    one = drawn((97, 10), (96, 8), (95, 5))
    assert counts(np.concatenate([one, one, one, drawn(REST)]))[0] == 3
    assert counts(drawn(REST, (96, 8), (95, 8), (94, 8), (93, 5), (97, 60)))[0] == 1
