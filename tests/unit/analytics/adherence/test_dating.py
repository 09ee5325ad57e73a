"""A change of place, dated back along the curve."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.adherence.dating import date_change

HI = 1_772_575_200_000


def dated(
    ago_s: float, *, every_s: float = 300.0, tau_s: float = 180.0, width_s: float = 300.0, count: int = 5
) -> tuple[float, float]:
    """Seconds before the first reading at which the change is dated, and the standard deviation."""
    t_ms = HI + np.arange(count, dtype=np.int64) * round(every_s * 1000)
    celsius = 36.0 + (22.0 - 36.0) * np.exp(-(ago_s + (t_ms - HI) / 1000) / tau_s)
    at_ms, sd_s = date_change(
        HI - round(width_s * 1000), HI, t_ms, celsius, np.array([22.0]), np.ones(1), 35.7, 0.8, 160.0, 0.45
    )
    return (HI - at_ms) / 1000, sd_s


@pytest.mark.parametrize("ago_s", [30.0, 90.0, 150.0, 210.0, 270.0])
@pytest.mark.parametrize("tau_s", [110.0, 180.0, 240.0])
def test_a_clean_warm_up_is_dated_to_half_a_minute_from_readings_five_minutes_apart(ago_s: float, tau_s: float) -> None:
    found, sd_s = dated(ago_s, tau_s=tau_s)
    assert found == pytest.approx(ago_s, abs=30)
    assert 0 < sd_s < 60


def test_it_lies_between_the_two_readings_whatever_they_say() -> None:
    for ago_s in (-200.0, 0.0, 300.0, 2000.0):
        found, _ = dated(ago_s)
        assert 0 <= found <= 300


def test_one_reading_alone_is_less_certain_than_five() -> None:
    assert dated(150.0, count=1)[1] > 1.5 * dated(150.0, count=5)[1]


def test_what_may_have_been_rinsed_is_less_certain() -> None:
    t_ms = HI + np.arange(4, dtype=np.int64) * 300_000
    celsius = 22.0 + (36.0 - 22.0) * np.exp(-(150 + (t_ms - HI) / 1000) / 330.0)
    levels, weights = np.linspace(36.0, 14.0, 11), np.array([0.65, *[0.035] * 10])
    sure = date_change(HI - 300_000, HI, t_ms, celsius, levels[:1], np.ones(1), 22.0, 4.0, 330.0, 0.45)
    doubt = date_change(HI - 300_000, HI, t_ms, celsius, levels, weights, 22.0, 4.0, 330.0, 0.45)
    assert doubt[1] > sure[1]
    assert HI - sure[0] == pytest.approx(150_000, abs=30_000)
