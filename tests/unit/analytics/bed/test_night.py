"""What epochs say together: stays, sleep, the night's indices, and the regularity of many nights."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.bed.disturbance import EVENT_DTYPE
from analytics.bed.epochs import EPOCH_DTYPE, EPOCH_MS
from analytics.bed.night import summarise
from analytics.bed.regularity import FEWEST, RECENT, regularity
from analytics.bed.sleep import OUT_LONGEST, STAY_SHORTEST, find_stays, sleeping

START_MS = 1_790_000_000_000
NO_EVENTS = np.zeros(0, EVENT_DTYPE)


def night_rows(size: int) -> np.ndarray:
    """Epochs of somebody who lies still: 60 beats and 15 breaths."""
    rows = np.zeros(size, EPOCH_DTYPE)
    rows["start_ms"] = START_MS + EPOCH_MS * np.arange(size)
    rows["heart_rate"], rows["respiration_rate"], rows["presence"] = 60.0, 15.0, 1
    rows["coverage"], rows["valid"] = 1.0, 1.0
    return rows


def events_at(*epochs: int) -> np.ndarray:
    rows = np.zeros(len(epochs), EVENT_DTYPE)
    rows["start_ms"] = START_MS + EPOCH_MS * np.array(epochs)
    rows["end_ms"] = rows["start_ms"] + 20_000
    return rows


@pytest.mark.parametrize(("away", "stays"), [(OUT_LONGEST, 1), (OUT_LONGEST + 1, 2)])
def test_an_hour_out_of_bed_is_one_stay_and_more_is_two(away: int, stays: int) -> None:
    presence = np.ones(1000 + away, np.bool_)
    presence[500 : 500 + away] = False
    assert len(find_stays(presence, np.zeros(presence.size), START_MS)) == stays


@pytest.mark.parametrize(("size", "stays"), [(STAY_SHORTEST - 1, 0), (STAY_SHORTEST, 1)])
def test_twenty_minutes_in_bed_make_a_stay(size: int, stays: int) -> None:
    assert len(find_stays(np.ones(size, np.bool_), np.zeros(size), START_MS)) == stays


def test_lying_still_is_sleep_and_tossing_is_wake() -> None:
    movement = np.zeros(360)
    movement[120:150] = 0.3
    asleep = sleeping(np.ones(360, np.bool_), movement)
    assert asleep[:90].all()
    assert not asleep[120:150].any()
    assert asleep[200:].all()


def test_a_single_jerk_wakes_nobody() -> None:
    movement = np.zeros(360)
    movement[180] = 0.2
    assert sleeping(np.ones(360, np.bool_), movement).all()


def test_who_is_out_of_bed_is_awake() -> None:
    in_bed = np.ones(360, np.bool_)
    in_bed[100:130] = False
    assert not sleeping(in_bed, np.zeros(360))[100:130].any()


def test_a_night_is_summed_up() -> None:
    rows = night_rows(2880)
    rows["heart_rate"][:288] = np.nan
    night = summarise(rows, events_at(100, 500, 900, 1300))
    assert night.bedtime_ms == START_MS
    assert night.rise_ms == START_MS + 8 * 3_600_000
    assert (night.in_bed_min, night.sleep_min, night.recorded_h) == (480.0, 480.0, 8.0)
    assert night.coverage_pct == pytest.approx(90.0)
    assert (night.heart_rate_bpm, night.respiration_rate_per_min) == (60.0, 15.0)
    assert night.disturbances == 4
    assert night.disturbance_index == pytest.approx(0.5)
    assert not night.ambiguous


def test_sleep_without_a_breath_that_could_be_read_is_no_denominator() -> None:
    rows = night_rows(2880)
    rows["respiration_rate"][1440:] = np.nan
    assert summarise(rows, events_at(100, 500)).disturbance_index == pytest.approx(0.5, abs=0.01)
    rows["respiration_rate"][:] = np.nan
    assert summarise(rows, events_at(100, 500)).disturbance_index is None


def test_disturbances_of_an_empty_bed_do_not_count() -> None:
    rows = night_rows(2880)
    rows["presence"][2000:] = 0
    assert summarise(rows, events_at(100, 2500)).disturbances == 1


def test_beats_that_do_not_agree_for_much_of_the_still_time_are_said() -> None:
    rows = night_rows(1000)
    rows["coverage"][:100] = 0.8
    assert not summarise(rows, NO_EVENTS).ambiguous
    rows["coverage"][:150] = 0.8
    assert summarise(rows, NO_EVENTS).ambiguous


def test_a_hole_in_the_record_is_neither_bed_nor_sleep() -> None:
    rows = night_rows(2880)
    night = summarise(np.concatenate([rows[:1000], rows[1200:]]), NO_EVENTS)
    assert night.in_bed_min == pytest.approx((2880 - 200) / 6)
    assert night.sleep_min <= night.in_bed_min
    assert night.recorded_h == pytest.approx((2880 - 200) / 360)


def test_nothing_recorded_says_nothing() -> None:
    night = summarise(night_rows(0), NO_EVENTS)
    assert night.bedtime_ms is None
    assert night.heart_rate_bpm is None
    assert night.disturbance_index is None
    assert night.in_bed_min == 0.0


def test_epochs_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match="in order"):
        summarise(night_rows(10)[::-1], NO_EVENTS)


@pytest.mark.parametrize(("later_min", "shifted"), [(89.0, False), (90.0, True), (-90.0, True)])
def test_a_bedtime_later_by_an_hour_and_a_half_for_weeks_is_shown(later_min: float, shifted: bool) -> None:
    times: list[float | None] = [660.0 + 10.0 * (number % 3) for number in range(28)]
    times += [time + later_min for time in times[:RECENT] if time is not None]
    found = regularity(times)
    assert found.shift_min == pytest.approx(later_min, abs=10.1) or found.shift_min == later_min
    assert found.shifted is (shifted and abs(found.shift_min or 0.0) >= 90.0)


def test_a_few_late_nights_are_no_shift() -> None:
    times: list[float | None] = [660.0] * 28 + [660.0] * 8 + [780.0] * 6
    assert not regularity(times).shifted


def test_what_varies_as_much_as_it_moved_has_not_moved() -> None:
    rng = np.random.default_rng(2)
    times: list[float | None] = [float(value) for value in rng.uniform(400, 1000, 42)]
    assert not regularity(times).shifted


@pytest.mark.parametrize("known", [FEWEST - 1, FEWEST])
def test_a_week_is_needed_on_either_side(known: int) -> None:
    before: list[float | None] = [None] * (28 - known) + [660.0] * known
    found = regularity([*before, *[780.0] * RECENT])
    assert found.shifted is (known >= FEWEST)
    assert (found.usual_min is None) is (known < FEWEST)
    assert found.nights == known + RECENT


def test_a_time_outside_of_a_night_is_refused() -> None:
    with pytest.raises(ValueError, match="0 to 1500"):
        regularity([1501.0])
