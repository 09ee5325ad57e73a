"""Live samples are dated as they arrive: on an even grid that follows the device, and honest where it cannot."""

from __future__ import annotations

import itertools
import random

import pytest

from gateway.home.collect.dating import BURST, LiveDater

T0 = 1_790_000_000_000
DT = 1000


def run(arrivals: list[int], dt_ms: int = DT) -> list[tuple[int, bool]]:
    dater = LiveDater(dt_ms)
    return [dater.place(T0 + arrival) for arrival in arrivals]


def places(arrivals: list[int], dt_ms: int = DT) -> list[int]:
    return [place - T0 for place, _ in run(arrivals, dt_ms)]


def test_jitter_is_not_time() -> None:
    chance = random.Random(1)
    arrivals = [n * DT + chance.randrange(0, 200) for n in range(1000)]
    placed = run(arrivals)
    assert [anew for _, anew in placed] == [True, *[False] * 999]
    assert {after - before for (before, _), (after, _) in itertools.pairwise(placed)} == {DT}


@pytest.mark.parametrize(("late_ms", "anew"), [(500, False), (501, True), (5_000, True)])
def test_a_gap_starts_the_grid_anew_behind_half_a_step(late_ms: int, anew: bool) -> None:
    placed = run([0, DT, 2 * DT + late_ms, 3 * DT + late_ms])
    assert [flag for _, flag in placed] == [True, False, anew, False]
    assert [place - T0 for place, _ in placed[2:]] == ([2 * DT + late_ms, 3 * DT + late_ms] if anew else [2000, 3000])


def test_a_burst_takes_the_places_that_follow_and_the_lead_is_worked_off_within_twice_its_length() -> None:
    stalled = [0, 1000, 6000, 6001, 6002, 6003, 6004, *range(7000, 30_000, 1000)]
    placed = places(stalled)
    assert placed[2:7] == [6000, 7000, 8000, 9000, 10_000]
    lead = [place - arrival for place, arrival in zip(placed, stalled, strict=True)]
    assert max(lead) < 5000
    assert all(abs(ms) <= DT / 2 for ms in lead[7 + 9 :])
    assert placed == sorted(set(placed))


@pytest.mark.parametrize("pace", [0.9, 0.99, 0.9999, 1.0001, 1.01, 1.1])
def test_a_fast_or_slow_device_is_never_dated_further_from_its_arrival_than_half_a_step(pace: float) -> None:
    arrivals = [round(n * DT * pace) for n in range(5_000)]
    placed = places(arrivals)
    assert max(abs(place - arrival) for place, arrival in zip(placed, arrivals, strict=True)) <= DT // 2 + 1
    assert all(after > before for before, after in itertools.pairwise(placed))


def test_a_device_much_faster_than_stated_does_not_run_away() -> None:
    arrivals = list(range(0, 100_000, 50))
    placed = places(arrivals)
    assert max(place - arrival for place, arrival in zip(placed, arrivals, strict=True)) <= (BURST + 1) * DT
    assert all(after > before for before, after in itertools.pairwise(placed))


def test_where_our_own_clock_is_set_back_dates_follow_it() -> None:
    arrivals = [0, 1000, 2000, 3000 - 3_600_000, 4000 - 3_600_000]
    assert places(arrivals) == arrivals
