"""What both kinds of picture share: round times of the wall's clock, and thinning that keeps every nadir."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from gateway.service.exchange.plots.axis import axis_title, clock_changes, clock_text, envelope, time_ticks

PARIS = ZoneInfo("Europe/Paris")
EVENING = datetime(2026, 3, 10, 22, 50, tzinfo=PARIS)
AUTUMN = datetime(2026, 10, 25, 1, 0, tzinfo=PARIS)


def test_ticks_stand_at_round_local_times() -> None:
    ticks = time_ticks(EVENING, 4 * 3600)
    assert [tick.text for tick in ticks] == ["23:00", "23:30", "00:00", "00:30", "01:00", "01:30", "02:00", "02:30"]
    assert [tick.at_s for tick in ticks] == [600 + 1800 * number for number in range(8)]


def test_ticks_without_a_start_count_from_the_first_sample() -> None:
    assert [tick.text for tick in time_ticks(None, 7200)][:3] == ["0:00", "0:10", "0:20"]
    assert [tick.text for tick in time_ticks(None, 60)][:3] == ["0:00:00", "0:00:10", "0:00:20"]


@pytest.mark.parametrize("duration_s", [1.0, 90.0, 5000.0, 28_800.0, 3 * 86_400.0])
def test_there_are_never_too_many_ticks_to_read(duration_s: float) -> None:
    assert len(time_ticks(EVENING, duration_s)) <= 19


def test_the_clock_on_the_wall_is_shown_through_a_fold() -> None:
    assert [clock_text(AUTUMN, hour * 3600, seconds=False) for hour in range(4)] == ["01:00", "02:00", "02:00", "03:00"]
    assert clock_changes(AUTUMN, 5 * 3600) == [(7200.0, -3600.0)]
    assert clock_changes(EVENING, 8 * 3600) == []
    assert clock_changes(AUTUMN.replace(tzinfo=None), 5 * 3600) == []


def test_the_axis_says_which_day_and_zone_it_shows() -> None:
    assert axis_title(EVENING) == "local time CET, from 2026-03-10"
    assert axis_title(EVENING.replace(tzinfo=None)) == "local time, from 2026-03-10"
    assert "from the first sample" in axis_title(None)


def test_thinning_keeps_the_lowest_and_the_highest_of_every_stretch_and_the_gaps() -> None:
    rng = np.random.default_rng(2)
    values = rng.uniform(80, 99, 100_000).astype(np.float32)
    values[40_000:60_000] = np.nan
    index, kept = envelope(values, 2000)
    assert index.size <= 2000
    assert (np.diff(index) > 0).all()
    np.testing.assert_array_equal(kept, values[index])
    for begin in range(0, 40_000, 100):
        stretch, here = values[begin : begin + 100], (index >= begin) & (index < begin + 100)
        assert kept[here].min() == stretch.min()
        assert kept[here].max() == stretch.max()
    assert np.isnan(kept[(index >= 40_000) & (index < 60_000)]).all()


def test_a_short_curve_is_kept_whole() -> None:
    values = np.array([95, np.nan, 90], np.float32)
    index, kept = envelope(values, 1000)
    assert index.tolist() == [0, 1, 2]
    np.testing.assert_array_equal(kept, values)
