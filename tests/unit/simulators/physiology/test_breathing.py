"""Events of a night: how often, where, in which order, and what is left of the flow."""

from __future__ import annotations

import numpy as np
import pytest

from simulators.physiology import EPOCH_S, PROFILES, Posture, Stage
from simulators.physiology.breathing import Events, alveolar, draw_events, flow_of

EPOCHS = 960
SIZE = EPOCHS * EPOCH_S


def draw(stage: Stage, posture: Posture = Posture.SUPINE, *, profile: str = "moderate", ahi: float = 30.0) -> Events:
    stages = np.full(EPOCHS, stage, dtype=np.uint8)
    lying = np.full(SIZE, posture, dtype=np.uint8)
    return draw_events(np.random.default_rng(4), PROFILES[profile], ahi, stages, lying)


def test_nothing_happens_awake_or_out_of_bed() -> None:
    assert draw(Stage.WAKE).start_s.size == 0
    assert draw(Stage.N2, Posture.UPRIGHT).start_s.size == 0
    assert not draw(Stage.WAKE).limitation.any()


def test_no_events_at_a_rate_of_none() -> None:
    assert draw(Stage.N2, ahi=0.0).start_s.size == 0


def test_the_back_and_rem_sleep_make_events_more_frequent_and_deep_sleep_rarer() -> None:
    def count(stage: Stage, posture: Posture) -> int:
        return draw(stage, posture).start_s.size

    assert count(Stage.N2, Posture.SUPINE) > 1.4 * count(Stage.N2, Posture.LEFT)
    assert count(Stage.REM, Posture.LEFT) > count(Stage.N2, Posture.LEFT) > count(Stage.N3, Posture.LEFT)


def test_events_of_rem_sleep_last_longer() -> None:
    assert np.median(draw(Stage.REM).duration_s) > 1.15 * np.median(draw(Stage.N2).duration_s)


@pytest.mark.parametrize("ahi", [5.0, 60.0, 150.0])
def test_events_never_run_into_one_another_however_many_there_are(ahi: float) -> None:
    events = draw(Stage.N2, ahi=ahi)
    assert (events.start_s[1:] - events.end_s[:-1] >= 10.0).all()
    assert (events.end_s < SIZE).all()


def test_events_come_more_evenly_than_by_chance() -> None:
    gaps = np.diff(draw(Stage.N2, ahi=20.0, profile="severe").start_s)
    # A Poisson process has a coefficient of variation of 1, and the waxing and waning of the rate adds to it.
    assert float(np.std(gaps) / np.mean(gaps)) < 1.0


def test_narrow_airways_take_less_than_a_hypopnoea() -> None:
    limitation = draw(Stage.N2).limitation
    assert limitation.min() >= 0
    assert 0.1 < limitation.max() < 0.3
    assert 0.01 < float(np.mean(limitation > 0)) < 0.4


def test_flow_opens_with_large_breaths_after_an_apnoea() -> None:
    stages = np.full(EPOCHS, Stage.N2, dtype=np.uint8)
    one = np.array([1000.0])
    events = Events(
        start_s=one,
        duration_s=np.array([25.0]),
        kind=np.array([0]),
        flow=np.array([0.0]),
        stage=np.array([Stage.N2], dtype=np.uint8),
        posture=np.array([Posture.LEFT], dtype=np.uint8),
        arousal=np.array([True]),
        limitation=np.zeros(SIZE),
    )
    flow = flow_of(np.random.default_rng(1), events, stages, SIZE)
    assert flow[1000:1025].max() == 0.0
    assert flow[1025:1030].mean() > 1.5
    assert flow[1060:1090].mean() == pytest.approx(flow[:900].mean(), abs=0.1)


@pytest.mark.parametrize(("flow", "expected"), [(0.0, 0.0), (0.3, 0.0), (0.65, 0.5), (1.0, 1.0), (2.0, 17 / 7)])
def test_the_dead_space_is_served_first(flow: float, expected: float) -> None:
    assert alveolar(np.array([flow]))[0] == pytest.approx(expected)
