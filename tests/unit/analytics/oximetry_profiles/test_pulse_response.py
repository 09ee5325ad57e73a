"""Pulse rise index and event-related pulse response, both sides of every limit."""

from __future__ import annotations

import math

import numpy as np
import pytest

from analytics.oximetry.events import EVENT_DTYPE, Events
from analytics.oximetry.pulse_response import pulse_summary
from analytics.oximetry.results import PulseSummary
from tests.unit.analytics.oximetry_profiles.shapes import Signal


def event(start: int = 300, nadir: int = 330, end: int = 350) -> Events:
    rows = np.zeros(1, EVENT_DTYPE)
    rows["start_s"], rows["nadir_s"], rows["end_s"] = start, nadir, end
    return rows


def beats(n: int = 3600, bpm: float = 60.0) -> Signal:
    return np.full(n, bpm)


def summary(pulse: Signal, events: Events) -> PulseSummary:
    found = pulse_summary(pulse, events)
    assert found is not None
    return found


def test_the_response_is_the_highest_after_the_nadir_minus_the_lowest_before() -> None:
    pulse = beats()
    pulse[310], pulse[345] = 54, 70
    found = summary(pulse, event())
    assert (found.response_bpm, found.response_sd_bpm, found.response_events) == (16, 0, 1)


@pytest.mark.parametrize(("at", "seen"), [(329, False), (330, True), (360, True), (361, False)])
def test_the_response_is_looked_for_in_thirty_seconds_from_the_nadir(at: int, seen: bool) -> None:
    pulse = beats()
    pulse[at] = 70
    assert summary(pulse, event()).response_bpm == (10 if seen else 0)


@pytest.mark.parametrize(("bpm", "rises"), [(65.9, 0), (66.0, 1)])
def test_a_rise_is_six_beats_above_the_trailing_baseline(bpm: float, rises: int) -> None:
    pulse = beats()
    pulse[340] = bpm
    assert summary(pulse, event()).rise_index == rises


@pytest.mark.parametrize(("at", "rises"), [(329, 0), (330, 1), (365, 1), (366, 0)])
def test_a_rise_comes_from_the_nadir_to_fifteen_seconds_after_the_end(at: int, rises: int) -> None:
    pulse = beats()
    pulse[at] = 70
    assert summary(pulse, event()).rise_index == rises


def test_the_baseline_is_the_mean_of_the_sixty_seconds_before_the_onset() -> None:
    pulse = beats()
    pulse[240:300] = np.where(np.arange(60) < 30, 54, 66)  # mean 60
    pulse[239] = 200
    pulse[340] = 66
    assert summary(pulse, event()).rise_index == 1
    pulse[240] += 1
    assert summary(pulse, event()).rise_index == 0


@pytest.mark.parametrize(("missing", "judged"), [(15, 1), (16, 0)])
def test_an_event_is_judged_where_half_of_each_window_is_valid(missing: int, judged: int) -> None:
    pulse = beats()
    pulse[331 : 331 + missing] = np.nan  # of the 31 seconds from the nadir
    assert summary(pulse, event()).response_events == judged


def test_rates_are_by_hour_of_valid_pulse() -> None:
    pulse = beats(7200)
    pulse[340] = 70
    assert summary(pulse, event()).rise_index == pytest.approx(0.5)
    pulse[3600:] = 255
    found = summary(pulse, event())
    assert found.valid_h == 1
    assert found.rise_index == 1
    assert found.max == 70, "255 is a filler, no beat"


def test_limits_of_a_pulse() -> None:
    found = summary(np.array([24.9, 25, 250, 250.1, 0, np.nan]), event())
    assert (found.min, found.max, found.mean) == (25, 250, 137.5)


def test_without_a_pulse_nothing_is_said() -> None:
    assert pulse_summary(np.full(100, np.nan), event()) is None
    assert pulse_summary(np.empty(0), event()) is None
    without_events = summary(beats(), np.zeros(0, EVENT_DTYPE))
    assert without_events.rise_index == 0
    assert math.isnan(without_events.response_bpm)
