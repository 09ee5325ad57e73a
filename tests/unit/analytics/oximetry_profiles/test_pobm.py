"""Profile `pobm`: the toolbox's rule, both sides of every limit."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.oximetry.profiles.pobm import detect
from tests.unit.analytics.oximetry_profiles.shapes import Signal, drawn

REST = (97.0, 20)


def spans(signal: Signal, depth: float = 3.0) -> list[tuple[int, int, int]]:
    return [(int(e["start_s"]), int(e["nadir_s"]), int(e["end_s"])) for e in detect(signal, depth)]


def test_the_event_runs_from_the_first_step_down_to_the_recovery_within_one_percent() -> None:
    signal = drawn(REST, (96, 3), (95, 3), (94, 3), (93, 3), (96, 60))
    assert spans(signal) == [(20, 29, 32)]
    (event,) = detect(signal, 3.0)
    assert (event["baseline_pct"], event["nadir_pct"], event["depth_pct"]) == (96.0, 93.0, 3.0)
    assert event["area_pct_s"] == 3 * 1 + 3 * 2 + 3 * 3


@pytest.mark.parametrize(("step", "found"), [(0, 0), (1, 1), (3, 1), (4, 0)])
def test_the_first_step_is_one_to_threshold_percent(step: int, found: int) -> None:
    top = 96 + step
    signal = drawn((top, 20), (96, 3), (94, 3), (93, 6), (96, 60))
    if step == 0:  # then the next step down, of 2, is the first; from 94 it is only 1 to the nadir
        assert spans(signal) == []
    else:
        assert len(spans(signal)) == found


@pytest.mark.parametrize(("depth", "found"), [(2.0, 1), (3.0, 1), (4.0, 0)])
def test_the_fall_is_counted_from_the_second_after_the_first_step(depth: float, found: int) -> None:
    assert len(spans(drawn(REST, (96, 5), (95, 5), (94, 5), (93, 5), (97, 60)), depth)) == found


def test_a_rise_before_the_threshold_gives_the_next_second_its_try() -> None:
    assert spans(drawn(REST, (96, 3), (95, 3), (96, 3), (97, 40))) == []
    assert spans(drawn(REST, (96, 3), (97, 3), (96, 3), (95, 3), (94, 3), (93, 3), (97, 40))) == [(26, 35, 38)]


@pytest.mark.parametrize(("low_s", "end"), [(6, 30), (7, 30), (8, 31)])
def test_no_recovery_counts_before_ten_seconds(low_s: int, end: int) -> None:
    assert spans(drawn(REST, [96, 95, 94], (93, low_s), (97, 60))) == [(20, 23, end)]


@pytest.mark.parametrize(("low_s", "found"), [(87, 1), (88, 0)])
def test_a_recovery_after_ninety_seconds_is_no_event(low_s: int, found: int) -> None:
    signal = drawn(REST, [96, 95, 94], (93, low_s), (97, 60))
    assert len(spans(signal)) == found


def test_a_rise_by_the_threshold_ends_the_search_and_the_event_lasts_until_within_one_percent() -> None:
    signal = drawn(REST, [96, 94, 92, 90, 88], (87, 6), (90, 20), (95, 60))
    assert spans(signal) == [(20, 25, 51)]


def test_without_a_recovery_the_event_lasts_ninety_seconds() -> None:
    assert spans(drawn(REST, [96, 94, 92, 90, 88], (87, 6), (90, 200))) == [(20, 25, 110)]


def test_events_that_touch_are_one() -> None:
    signal = drawn(
        REST, [96, 95, 94, 93, 92, 91, 90, 89, 88, 88, 88, 91, 91, 90, 89, 88, 87, 86, 85, 85, 85, 96], (97, 61)
    )
    assert spans(signal) == [(20, 38, 43)]  # the toolbox finds a at 20 and 33, and one group


def test_a_search_that_meets_the_recordings_end_finds_nothing() -> None:
    assert spans(drawn(REST, (96, 3), (94, 3), (92, 30))) == []


def test_samples_of_25_percent_and_less_start_nothing() -> None:
    assert spans(drawn((27, 20), (26, 3), (25, 3), (24, 3), (23, 3), (26, 40))) == [(20, 29, 32)]
    assert spans(drawn((26, 20), (25, 3), (24, 3), (23, 3), (22, 3), (25, 40))) == []


@pytest.mark.parametrize(("events", "toolbox"), [(128, 128), (129, 128), (200, 144), (300, 256)])
def test_no_event_is_lost_above_128_a_night(events: int, toolbox: int) -> None:
    """The toolbox (1.2.0, measured) numbers its groups in eight bits; here all are found."""
    one = drawn((97, 30), *((value, 4) for value in (96, 95, 94, 93, 92)), (97, 20))
    found = spans(np.concatenate([np.tile(one, events), np.full(100, 97.0)]))
    assert len(found) == events >= toolbox
    assert found == [(30 + 70 * i, 46 + 70 * i, 50 + 70 * i) for i in range(events)]


def test_short_and_empty_signals_hold_nothing() -> None:
    for size in (0, 1, 9, 10, 11):
        assert spans(np.full(size, 97.0)) == []
