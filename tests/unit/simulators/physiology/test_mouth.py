"""The virtual mouth: truth, warm-up, posture, and the stories in which a device is not worn."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import pytest

from simulators.physiology.head import UP
from simulators.physiology.mouth import NTC, Mouth
from simulators.physiology.night import Night
from simulators.physiology.posture import Posture
from simulators.physiology.sleeper import Sleeper
from simulators.physiology.wear_log import IN_CASE, even_log, firmware_log
from simulators.physiology.wearing import Habits, Place, Stay

T0 = 1_772_575_200_000
"""2026-03-03 22:00 UTC."""
DAY_MS = 86_400_000
MIN_MS = 60_000
CALM = Habits(removal=0.0, early_removal=0.0, rinse=0.0, drinks=0.0, mouth_breathing=0.0)


def nights_of(seed: int, count: int = 2) -> list[Night]:
    sleeper = Sleeper(seed)
    return [sleeper.night(T0 + DAY_MS * index, index=index) for index in range(count)]


def worn(minutes: float, seed: int, habits: Habits = CALM) -> Mouth:
    return Mouth([Stay(Place.MOUTH, T0, T0 + round(minutes * MIN_MS))], seed, habits=habits)


def temperatures(mouth: Mouth, minutes: Sequence[float]) -> list[float]:
    return [mouth.reading(T0 + round(minute * MIN_MS)).temperature_c for minute in minutes]


def test_readings_are_a_pure_function_of_seed_and_time() -> None:
    nights = nights_of(1)
    times = list(range(T0 - 3_600_000, T0 + 2 * DAY_MS, 7 * MIN_MS))
    once = {at: Mouth.of_nights(nights, 4).reading(at) for at in times[:3]}
    mouth = Mouth.of_nights(nights, 4)
    inorder = [mouth.reading(at) for at in times]
    order = list(range(len(times)))
    random.Random(0).shuffle(order)
    again = Mouth.of_nights(nights, 4)
    assert {i: again.reading(times[i]) for i in order} == dict(enumerate(inorder))
    assert [once[at] for at in times[:3]] == inorder[:3]
    assert [Mouth.of_nights(nights, 5).reading(at) for at in times] != inorder


def test_it_is_worn_about_each_night_and_lies_in_its_case_between() -> None:
    nights = nights_of(2, 3)
    mouth = Mouth.of_nights(nights, 1, habits=CALM)
    assert len(mouth.intervals) == 3
    for night, interval in zip(nights, mouth.intervals, strict=True):
        assert 2 <= (night.start_utc_ms - interval.start_utc_ms) / MIN_MS <= 25
        assert 1 <= (interval.end_utc_ms - night.end_utc_ms) / MIN_MS <= 20
        assert not mouth.in_case(interval.start_utc_ms)
        assert not mouth.in_case(interval.end_utc_ms + 30_000)
        assert mouth.in_case(interval.end_utc_ms + 10 * MIN_MS)


def test_a_night_not_worn_has_no_interval_and_stays_at_the_rooms_temperature() -> None:
    mouth = Mouth.of_nights(nights_of(2, 3), 1, worn=[True, False, True], room_c=21.0)
    assert len(mouth.intervals) == 2
    night = range(T0 + DAY_MS, T0 + DAY_MS + 8 * 3_600_000, 10 * MIN_MS)
    assert all(19.5 < mouth.reading(at).temperature_c < 22.5 for at in night)
    with pytest.raises(ValueError, match="2 values of worn for 3 nights"):
        Mouth.of_nights(nights_of(2, 3), 1, worn=[True, False])


@pytest.mark.parametrize("seed", range(25))
def test_every_mouth_settles_within_1110_s_and_none_at_once(seed: int) -> None:
    mouth = worn(240, seed)
    settled = np.mean(temperatures(mouth, np.arange(40.0, 60.0)))
    early, late = temperatures(mouth, [3.0])[0], np.mean(temperatures(mouth, np.arange(18.5, 20.0, 0.1)))
    assert settled - early > 1.0
    assert abs(settled - late) < 0.3, "0.2 degC and the mouth's own waver"
    assert 34.0 < settled < 38.0


def test_drinks_and_mouth_breathing_cool_it_and_it_recovers() -> None:
    drinks = worn(480, 3, Habits(rinse=0.0, drinks=3.0, hot_drinks=0.0, mouth_breathing=0.0))
    breath = worn(480, 3, Habits(rinse=0.0, drinks=0.0, mouth_breathing=3.0))
    calm = worn(480, 3)
    minutes = np.arange(25.0, 475.0, 0.5)
    for disturbed, deepest in ((drinks, 0.8), (breath, 0.4)):
        fall = np.array(temperatures(calm, minutes)) - np.array(temperatures(disturbed, minutes))
        assert fall.max() > deepest
        assert np.median(np.abs(fall)) < 0.5


def test_posture_is_the_sleepers_and_turns_are_felt() -> None:
    night = nights_of(6, 1)[0]
    mouth = Mouth.of_nights([night], 2, habits=CALM)
    away = []
    for second in range(0, night.duration_s, 60):
        accel = np.array(mouth.reading(night.start_utc_ms + second * 1000).accel_mg)
        assert np.linalg.norm(accel) == pytest.approx(1000, abs=12)
        away.append(np.degrees(np.arccos(accel @ UP[Posture(int(night.posture[second]))] / np.linalg.norm(accel))))
    assert np.median(away) < 35
    turn = next(float(at) for at in night.turns_s if night.posture[int(at) + 5] != Posture.UPRIGHT)
    after = mouth.reading(night.start_utc_ms + round(turn * 1000) + 5000).motion_mg
    assert after > 80


@pytest.mark.parametrize(
    ("place", "low", "high"),
    [(Place.WARM_WATER, 35.5, 36.5), (Place.RADIATOR, 34.5, 37.5), (Place.MUG, 24.0, 46.0)],
)
def test_a_device_left_in_the_warm_lies_in_the_window_without_moving(place: Place, low: float, high: float) -> None:
    mouth = Mouth([Stay(place, T0, T0 + 8 * 3_600_000)], 9)
    assert mouth.intervals == ()
    readings = [mouth.reading(T0 + minute * MIN_MS) for minute in range(60, 470, 5)]
    assert all(low < reading.temperature_c < high for reading in readings)
    assert max(reading.motion_mg for reading in readings) <= 3
    assert np.ptp([reading.accel_mg for reading in readings], axis=0).max() <= 20


def test_a_bedside_table_in_a_warm_room() -> None:
    mouth = Mouth([Stay(Place.BEDSIDE, T0, T0 + 8 * 3_600_000)], 9, room_c=30.0)
    assert all(28.5 < celsius < 31.5 for celsius in temperatures(mouth, range(30, 470, 5)))


def test_a_thermistor_is_coarser_than_a_digital_sensor() -> None:
    minutes = [120 + i / 60 for i in range(60)]
    stay = [Stay(Place.WARM_WATER, T0, T0 + 8 * 3_600_000)]
    fine, coarse = temperatures(Mouth(stay, 1), minutes), temperatures(Mouth(stay, 1, thermometer=NTC), minutes)
    assert np.std(fine) < 0.012
    assert 0.015 < np.std(coarse) < 0.04
    assert {round(celsius / 0.025, 6) % 1 for celsius in coarse} == {0.0}


def test_stays_that_overlap_are_refused() -> None:
    with pytest.raises(ValueError, match="follow one another"):
        Mouth([Stay(Place.MOUTH, T0, T0 + 10), Stay(Place.BEDSIDE, T0 + 5, T0 + 20)], 1)
    with pytest.raises(ValueError, match="follow one another"):
        Mouth([Stay(Place.MOUTH, T0, T0)], 1)


def test_logs_keep_what_the_recorder_would() -> None:
    mouth = Mouth.of_nights(nights_of(2, 1), 1, habits=CALM)
    interval = mouth.intervals[0]
    gap = (T0 + 3_600_000, T0 + 2 * 3_600_000)
    log = even_log(mouth, T0 - 3_600_000, T0 + DAY_MS // 2, 300, gaps=[gap])
    assert log.size == 13 * 12 - 12
    assert not ((log.t_ms >= gap[0]) & (log.t_ms < gap[1])).any()
    inside = (log.t_ms >= interval.start_utc_ms) & (log.t_ms < interval.end_utc_ms)
    assert not (log.flags[inside] & IN_CASE).any()
    assert (log.accel % 4 == 0).all()
    own = firmware_log(mouth, T0 - 3_600_000, T0 + DAY_MS // 2)
    steps = np.diff(own.t_ms)
    assert set((steps // MIN_MS).tolist()) <= {1, 2, 3, 4, 5}
    assert own.size > log.size
