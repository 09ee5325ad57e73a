"""A board's clock drifts as its crystal does, without a jump when the rate changes."""

from __future__ import annotations

import pytest

from simulators.firmware.crystal import BEND_PPM, TURNOVER_C, Crystal


@pytest.mark.parametrize("drift_ppm", [-100.0, 0.0, 100.0])
def test_a_day_is_off_by_the_drift(drift_ppm: float) -> None:
    crystal = Crystal(50.0, drift_ppm=drift_ppm, first_tick=1_000)
    day_s = 86_400.0
    assert crystal.ticks(50.0 + day_s) == pytest.approx(1_000 + 1000 * day_s * (1 + drift_ppm * 1e-6), abs=1e-3)
    assert crystal.seconds(crystal.ticks(50.0 + day_s) - 1_000) == pytest.approx(day_s)


def test_away_from_its_turnover_it_is_slow_on_either_side() -> None:
    crystal = Crystal(0.0)
    crystal.feel(0.0, TURNOVER_C + 11)
    warm = crystal.ticks(1000.0)
    crystal.feel(1000.0, TURNOVER_C - 11)
    assert crystal.ticks(1000.0) == warm  # no jump
    cold = crystal.ticks(2000.0) - warm
    assert warm == pytest.approx(cold) == pytest.approx(1e6 * (1 - BEND_PPM * 121 * 1e-6))


def test_no_crystal_is_as_bad_as_that() -> None:
    with pytest.raises(ValueError, match="1000 ppm"):
        Crystal(0.0, drift_ppm=1001.0)
