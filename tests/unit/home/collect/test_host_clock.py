"""Steps of the gateway's own clock, told from its drift and from the passing of time."""

from __future__ import annotations

import pytest

from gateway.home.collect.host_clock import STEP_MS, StepWatch

T0 = 1_790_000_000_000


def test_time_that_passes_and_a_clock_that_is_slewed_are_no_step() -> None:
    watch = StepWatch(T0, 50.0)
    for look in range(1, 2000):
        assert watch.step_ms(T0 + look * 30_015, 50.0 + look * 30.0) == 0
    assert watch.since_utc_ms == T0


@pytest.mark.parametrize("step_ms", [STEP_MS, -STEP_MS, 3_600_000, -3_600_000, 86_400_000 * 400])
def test_a_step_is_told_once_and_moves_the_beginning_of_the_reckoning(step_ms: int) -> None:
    watch = StepWatch(T0, 0.0)
    assert watch.step_ms(T0 + 30_000 + step_ms, 30.0) == step_ms
    assert watch.since_utc_ms == T0 + step_ms
    assert watch.step_ms(T0 + 60_000 + step_ms, 60.0) == 0


def test_less_than_a_step_is_followed() -> None:
    watch = StepWatch(T0, 0.0)
    assert watch.step_ms(T0 + 1 + STEP_MS - 2, 0.001) == 0
    assert watch.step_ms(T0 + 2 + 2 * (STEP_MS - 2), 0.002) == 0
