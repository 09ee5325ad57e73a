"""SpO2 at or below 88 % for five minutes: fires once, just not, ends, gaps, suspect samples, grades."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.alerts.findings import Finding
from analytics.alerts.spo2 import Spo2State, episodes, start, step
from analytics.alerts.thresholds import in_force

DEFAULT = in_force()["spo2_low"]
T0 = 1_773_527_400_000


def trace(*parts: tuple[float, int]) -> np.ndarray:
    """Levels and how many seconds each."""
    return np.concatenate([np.full(seconds, level, np.float32) for level, seconds in parts])


def run(spo2: np.ndarray, flags: np.ndarray | None = None, dt_ms: int = 1000) -> tuple[Finding, ...]:
    return step(start(), T0, dt_ms, spo2, flags, DEFAULT)[1]


def test_five_minutes_fire_once_at_the_second_that_completes_them() -> None:
    found = run(trace((95, 60), (88, 400), (95, 30)))
    assert [(one.holds, one.at_ms - T0, one.grade) for one in found] == [(True, 360_000, 1)]
    assert (found[0].from_ms, found[0].to_ms) == (T0 + 60_000, T0 + 360_000)
    assert found[0].values == {"level_pct": 88, "minutes": 5.0, "lowest_pct": 88.0}


@pytest.mark.parametrize(
    "spo2",
    [
        trace((95, 60), (88, 299), (95, 60)),
        trace((95, 60), (88.01, 900)),
        trace((88, 200), (89, 1), (88, 200)),
        trace((88, 290), (np.nan, 11), (88, 290)),
    ],
    ids=["a second too short", "just above the level", "broken by a valid second", "broken by a gap"],
)
def test_quiet_just_under(spo2: np.ndarray) -> None:
    assert run(spo2) == ()


def test_a_short_gap_does_not_break_it_and_does_not_count() -> None:
    found = run(trace((85, 200), (np.nan, 10), (85, 99)))
    assert found == ()
    assert run(trace((85, 200), (np.nan, 10), (85, 100)))[0].at_ms == T0 + 310_000


def test_over_after_a_minute_above_level_and_margin() -> None:
    low = (85.0, 300)
    assert len(run(trace(low, (90, 600)))) == 1, "at level and margin it still holds"
    assert len(run(trace(low, (91, 59)))) == 1
    over = run(trace(low, (91, 60)))[1]
    assert (over.holds, over.at_ms) == (False, T0 + 360_000)
    assert [one.holds for one in run(trace(low, (91, 30), (90, 1), (91, 59), (91, 1)))] == [True, False]


def test_it_can_come_back() -> None:
    found = run(trace((85, 300), (95, 60), (85, 300), (95, 60)))
    assert [one.holds for one in found] == [True, False, True, False]
    assert [(one.from_ms - T0, one.over_ms - T0) for one in episodes(found) if one.over_ms] == [
        (0, 360_000),
        (360_000, 720_000),
    ]


def test_missing_data_say_nothing_either_way() -> None:
    state, _ = step(start(), T0, 1000, trace((85, 300)), None, DEFAULT)
    state, found = step(state, T0 + 300_000, 1000, trace((np.nan, 5000)), None, DEFAULT)
    assert found == ()
    assert state.grade == 1
    _, found = step(state, T0 + 90_000_000, 1000, trace((95, 60)), None, DEFAULT)
    assert [one.holds for one in found] == [False]


def test_longer_is_a_higher_grade() -> None:
    found = run(trace((85, 900), (82, 900), (82, 5000)))
    assert [(one.grade, one.at_ms - T0) for one in found] == [(1, 300_000), (2, 900_000), (3, 1_800_000)]
    assert found[2].values["lowest_pct"] == 82
    (episode,) = episodes(found)
    assert (episode.grade, episode.at_ms, episode.over_ms) == (3, T0 + 300_000, None)


@pytest.mark.parametrize("flag", [1, 4, 8, 16])
def test_what_the_device_calls_suspect_is_missing(flag: int) -> None:
    spo2 = trace((85, 400))
    assert run(spo2, np.full(400, flag, np.uint16)) == ()
    assert run(spo2, np.full(400, 2, np.uint16)) != (), "low perfusion goes with true hypoxia"


@pytest.mark.parametrize(("level", "fires"), [(50.0, True), (49.9, False), (0.0, False)])
def test_values_that_cannot_be_are_missing(level: float, fires: bool) -> None:
    assert bool(run(trace((level, 400)))) is fires


def test_a_device_of_four_seconds() -> None:
    assert run(trace((85, 74)), dt_ms=4000) == ()
    assert run(trace((85, 75)), dt_ms=4000)[0].at_ms == T0 + 300_000


def test_late_samples_are_passed_over() -> None:
    state, _ = step(start(), T0, 1000, trace((95, 600)), None, DEFAULT)
    again, found = step(state, T0 + 100_000, 1000, trace((85, 500)), None, DEFAULT)
    assert (again, found) == (state, ())
    reaching, _ = step(state, T0 + 100_000, 1000, trace((85, 550)), None, DEFAULT)
    assert reaching.low_ms == 50_000


def test_a_clinic_may_want_it_otherwise() -> None:
    own = in_force({("spo2_low", "level_pct"): 85.0, ("spo2_low", "minutes"): 10.0})["spo2_low"]
    assert step(start(), T0, 1000, trace((85, 599)), None, own)[1] == ()
    assert len(step(start(), T0, 1000, trace((85, 600)), None, own)[1]) == 1


def test_an_empty_chunk_changes_nothing() -> None:
    assert step(start(), T0, 1000, np.empty(0, np.float32), None, DEFAULT) == (Spo2State(), ())
