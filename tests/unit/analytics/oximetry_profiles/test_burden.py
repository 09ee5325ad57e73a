"""Hypoxic burden: the public reference's own night, a night drawn by hand, and every limit."""

from __future__ import annotations

import math
from pathlib import Path

import h5py
import numpy as np
import pytest

from analytics.oximetry.burden import LAG_S, hypoxic_burden, own_events
from analytics.oximetry.events import EVENT_DTYPE
from tests.unit.analytics.oximetry_profiles.shapes import Signal, night, ramp


def read_reference(path: Path) -> tuple[Signal, Signal, Signal, Signal]:
    """SpO2, event starts and durations, stages, of a file in the reference's layout."""
    with h5py.File(path) as file:
        names = ("SpO2/Sig", "RespEvents/Start", "RespEvents/Duration", "SleepStage/Annotation")
        spo2, start, duration, stages = (np.asarray(file[name]).ravel() for name in names)
    return spo2, start, duration, stages


def test_the_reference_night_gives_the_reference_value(recordings: Path) -> None:
    spo2, start, duration, stages = read_reference(recordings / "oximetry" / "hypoxic_burden_example.mat")
    found = hypoxic_burden(spo2, start, duration, events="scored", stages=stages)
    assert found.value == pytest.approx(19.433, abs=0.0005)
    assert (found.mean_duration_s, found.mean_gap_s) == (23, 275)
    assert (found.window_start_s, found.window_end_s, found.window_is_default) == (-10, 37, False)
    assert found.area_pct_min == pytest.approx(121.597, abs=0.0005)
    assert found.hours == pytest.approx(6.25722, abs=0.000005)
    assert (found.events, found.hours_of, found.event_count) == ("scored", "sleep", 85)


def test_a_night_of_equal_events_in_the_reference_layout(tmp_path: Path) -> None:
    """20 falls of 5 % (25 s down, 5 s held, 10 s up), each at the end of a scored event, half an hour awake."""
    spo2 = night(20)
    one = ramp(92, 25, 5, 10, rest_s=100)
    start = 240.0 * np.arange(20) + 100 - 5
    path = tmp_path / "night.mat"
    with h5py.File(path, "w") as file:
        file["SpO2/Sig"] = spo2[None, :]
        file["RespEvents/Start"] = start[:, None]
        file["RespEvents/Duration"] = np.full((20, 1), 25.0)
        file["SleepStage/Annotation"] = np.where(np.arange(spo2.size) < 1800, 0.0, 2.0)[:, None]
    found = hypoxic_burden(*read_reference(path)[:3], events="scored", stages=read_reference(path)[3])
    assert found.hours == pytest.approx((spo2.size - 1800) / 3600)
    assert not found.window_is_default
    first, last = 100 - 5 + 25 + found.window_start_s, 100 - 5 + 25 + found.window_end_s
    area = np.clip(97 - one, 0, None)[first : last + 1].sum() / 60
    counted = 19  # the first event has no 120 s before its end for the average, but its 100 s for the area; see below
    assert found.area_pct_min == pytest.approx(area * (counted + 1))
    assert area == pytest.approx(np.clip(97 - one, 0, None).sum() / 60, rel=0.05), "the window spans the whole dip"


def steady(n: int = 1200, low: float = 90.0, at: tuple[int, int] = (600, 620)) -> Signal:
    signal = np.full(n, 96.0)
    signal[at[0] : at[1]] = low
    return signal


def test_a_flat_average_falls_back_on_the_populations_window() -> None:
    found = hypoxic_burden(np.full(1200, 96.0), [500.0], [20.0], events="scored")
    assert (found.window_start_s, found.window_end_s, found.window_is_default) == (-5, 45, True)
    assert found.value == 0.0
    assert math.isnan(found.mean_gap_s)


def test_the_area_is_under_the_highest_of_the_hundred_seconds_to_the_end() -> None:
    """One event too near the edge for the average (so the default window), yet with its 100 s and its window."""
    for highest_s, baseline in ((19, 96.0), (20, 99.0), (120, 99.0), (121, 96.0)):
        spo2 = np.full(170, 96.0)
        spo2[highest_s] = 99.0
        spo2[121:131] = 90.0
        found = hypoxic_burden(spo2, [100.0], [20.0], events="scored")
        assert found.window_is_default
        end = 120  # index of second round(120.5) counted from one
        expected = np.clip(baseline - spo2[end - 5 : end + 46], 0, None).sum() / 60
        assert found.area_pct_min == pytest.approx(expected), highest_s


@pytest.mark.parametrize(
    ("end_s", "n", "counts"), [(100, 400, True), (99, 400, False), (120, 167, True), (120, 166, False)]
)
def test_an_event_needs_a_hundred_seconds_before_and_its_window_after(end_s: int, n: int, counts: bool) -> None:
    spo2 = np.full(n, 96.0)
    spo2[end_s : end_s + 5] = 90.0
    found = hypoxic_burden(spo2, [end_s - 20.0], [20.0], events="scored")
    assert (found.area_pct_min > 0) is counts
    assert found.event_count == 1


def test_no_second_is_counted_twice_but_the_one_where_windows_touch() -> None:
    spo2 = steady(n=170, at=(110, 160))
    twice = hypoxic_burden(spo2, [90.0, 90.0], [20.0, 20.0], events="scored")
    once = hypoxic_burden(spo2, [90.0], [20.0], events="scored")
    assert once.window_is_default
    assert twice.window_is_default
    touching = (96.0 - spo2[110 + once.window_end_s]) / 60
    assert touching == 6 / 60
    assert twice.area_pct_min == pytest.approx(once.area_pct_min + touching)


def test_the_order_of_events_does_not_matter() -> None:
    spo2 = night(12, seed=5)
    starts = 100 + np.flatnonzero(np.diff(spo2) < 0)[::7][:15].astype(float)
    durations = np.linspace(10, 30, starts.size)
    forward = hypoxic_burden(spo2, starts, durations, events="scored")
    assert hypoxic_burden(spo2, starts[::-1], durations[::-1], events="scored") == forward


def test_out_of_range_is_missing() -> None:
    spo2 = steady()
    filler = spo2.copy()
    filler[602:605] = 0.0
    missing = spo2.copy()
    missing[602:605] = np.nan
    events = ([300.0, 580.0], [20.0, 20.0])
    found = hypoxic_burden(filler, *events, events="scored")
    assert found == hypoxic_burden(missing, *events, events="scored")
    assert found.hours == 1197 / 3600


def test_only_valid_sleep_is_divided_by() -> None:
    spo2 = steady(7200)
    stages = np.full(7200, 2.0)
    stages[:3600] = 0.0
    stages[3600:3700] = 9.0
    spo2[7000:7100] = np.nan
    found = hypoxic_burden(spo2, [580.0], [20.0], events="scored", stages=stages)
    assert found.hours == pytest.approx((3600 - 200) / 3600)
    whole = hypoxic_burden(spo2, [580.0], [20.0], events="own")
    assert (whole.hours_of, whole.hours) == ("recording", pytest.approx(7100 / 3600))
    assert found.area_pct_min == whole.area_pct_min


def test_no_events_is_no_burden_and_no_sleep_is_no_number() -> None:
    nothing = hypoxic_burden(steady(), [], [], events="scored")
    assert (nothing.value, nothing.event_count) == (0.0, 0)
    assert math.isnan(nothing.mean_duration_s)
    assert math.isnan(hypoxic_burden(steady(), [580.0], [20.0], events="scored", stages=np.zeros(1200)).value)


@pytest.mark.parametrize(
    ("start", "duration", "message"),
    [
        ([1.0, 2.0], [3.0], "2 event starts but 1 durations"),
        ([math.nan], [3.0], "finite"),
        ([1.0], [math.inf], "finite"),
        ([1.0], [-1.0], "negative"),
    ],
)
def test_impossible_events_are_refused(start: list[float], duration: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        hypoxic_burden(steady(), start, duration, events="scored")


def test_stages_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match="10 sleep stages for 1200 seconds"):
        hypoxic_burden(steady(), [1.0], [1.0], events="scored", stages=np.zeros(10))


def test_own_desaturations_stand_for_events_from_onset_to_nadir_a_lag_earlier() -> None:
    rows = np.zeros(2, EVENT_DTYPE)
    rows["start_s"], rows["nadir_s"], rows["end_s"] = (100, 300), (130, 320), (150, 350)
    start, duration = own_events(rows)
    assert start.tolist() == [100 - LAG_S, 300 - LAG_S]
    assert duration.tolist() == [30, 20]
