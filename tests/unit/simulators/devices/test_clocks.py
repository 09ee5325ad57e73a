"""A device's clock and battery."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from simulators.devices import Battery, DeviceClock
from simulators.devices.clocks import NEVER_SET

LOCAL = datetime(2026, 11, 22, 23, 10)  # noqa: DTZ001 - a device's clock has no zone


class StillClock:
    now_ms = 1_700_000_000_000

    def utc_ms(self) -> int:
        return self.now_ms


@pytest.fixture
def true() -> StillClock:
    return StillClock()


def test_a_clock_that_was_never_set_counts_from_its_start(true: StillClock) -> None:
    clock = DeviceClock(true)  # type: ignore[arg-type]  # needs no more of a clock
    true.now_ms += 5000
    assert not clock.is_set
    assert clock.local() == NEVER_SET + timedelta(seconds=5)


@pytest.mark.parametrize("drift_ppm", [-100.0, 0.0, 100.0])
def test_it_drifts(true: StillClock, drift_ppm: float) -> None:
    clock = DeviceClock(true, LOCAL, drift_ppm=drift_ppm)  # type: ignore[arg-type]  # needs no more of a clock
    true.now_ms += 86_400_000
    off_s = (clock.local() - LOCAL).total_seconds() - 86_400
    assert off_s == pytest.approx(86_400 * drift_ppm * 1e-6, abs=1e-3)


def test_it_can_be_set_lost_and_made_to_jump(true: StillClock) -> None:
    clock = DeviceClock(true)  # type: ignore[arg-type]  # needs no more of a clock
    clock.jump(60)
    assert not clock.is_set
    assert clock.local() == NEVER_SET + timedelta(seconds=60)
    clock.set(LOCAL)
    clock.jump(-3600)
    assert clock.is_set
    assert clock.local() == LOCAL - timedelta(hours=1)
    clock.lose()
    assert not clock.is_set
    assert clock.local() == NEVER_SET


@pytest.mark.parametrize("drift_ppm", [-37.0, 0.0, 37.0])
def test_ticks_until_counts_exactly_the_ticks_there_are(true: StillClock, drift_ppm: float) -> None:
    clock = DeviceClock(true, LOCAL, drift_ppm=drift_ppm)  # type: ignore[arg-type]  # needs no more of a clock
    start = true.now_ms
    for last in (start - 1, start, start + 3999, start + 4000, start + 4001, start + 28_800_000):
        count = clock.ticks_until(start, last, 4.0)
        ticks = clock.ticks_ms(start, 0, count + 1, 4.0)
        assert (ticks[:count] <= last).all()
        assert ticks[count] > last


def test_a_crystal_cannot_drift_as_one_likes(true: StillClock) -> None:
    with pytest.raises(ValueError):
        DeviceClock(true, drift_ppm=1001.0)  # type: ignore[arg-type]  # needs no more of a clock


def test_a_battery_empties_with_time_and_can_be_charged(true: StillClock) -> None:
    battery = Battery(true, life_h=10.0)  # type: ignore[arg-type]  # needs no more of a clock
    true.now_ms += 5 * 3_600_000
    assert battery.shown_pct == 50
    true.now_ms += 6 * 3_600_000
    assert battery.empty
    assert battery.shown_pct == 0
    battery.charge()
    assert battery.shown_pct == 100


def test_a_battery_lasts_longer_the_less_is_drawn(true: StillClock) -> None:
    battery = Battery(true, life_h=10.0)  # type: ignore[arg-type]  # needs no more of a clock
    true.now_ms += 3_600_000
    battery.draw(100.0)
    true.now_ms += 10 * 3_600_000
    assert battery.shown_pct == 80


@pytest.mark.parametrize(("life_h", "level_pct"), [(0.0, 50.0), (5.0, 101.0), (5.0, -1.0)])
def test_a_battery_that_cannot_be_is_refused(true: StillClock, life_h: float, level_pct: float) -> None:
    with pytest.raises(ValueError):
        Battery(true, life_h=life_h, level_pct=level_pct)  # type: ignore[arg-type]  # needs no more of a clock
