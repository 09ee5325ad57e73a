"""Wear from readings: the bench error, what is tolerated, what is suspect, what is missing."""

from __future__ import annotations

import math

import numpy as np
import pytest

from analytics.adherence.life import LEFT, PRONE, RIGHT, SUPINE, UNKNOWN, UPRIGHT, posture_of
from analytics.adherence.results import EdgeBy, Suspicion
from analytics.adherence.rules import MISSING_MS
from analytics.adherence.samples import WearChunk
from analytics.adherence.stream import close, find_wear, start, step
from simulators.physiology.mouth import NTC, TMP117, Mouth, Thermometer
from simulators.physiology.posture import Posture
from simulators.physiology.sleeper import Sleeper
from simulators.physiology.wearing import Habits, Place, Stay
from tests.unit.analytics.adherence.mouths import (
    CALM,
    DAY_MS,
    HOUR_MS,
    MIN_MS,
    T0,
    even,
    firmware,
    long_wears,
    match,
    short_wears,
    worn,
)

BENCH_SEEDS = range(500, 508)
LIMIT_MIN = 2.0


@pytest.mark.parametrize("wears", [long_wears, short_wears])
@pytest.mark.parametrize("log", [even, firmware])
def test_the_bench_error_of_a_wear_is_below_two_minutes(wears, log) -> None:
    errors = []
    for seed in BENCH_SEEDS:
        mouth, begin, end = wears(seed)
        found = match(mouth.intervals, find_wear(log(mouth, begin, end)).intervals)
        assert (found.missed, found.extra) == (0, 0)
        assert not any(wear.suspect for _, wear in found.pairs)
        errors.append(found.errors_min())
    assert np.abs(np.concatenate(errors)).mean(axis=0).max() < LIMIT_MIN


def test_the_stated_deviations_hold() -> None:
    ratios = []
    for seed in BENCH_SEEDS:
        mouth, begin, end = short_wears(seed)
        for truth, wear in match(mouth.intervals, find_wear(even(mouth, begin, end)).intervals).pairs:
            ratios.append((wear.start_ms - truth.start_utc_ms) / 1000 / wear.start_sd_s)
            ratios.append((wear.end_ms - truth.end_utc_ms) / 1000 / wear.end_sd_s)
    assert np.mean(np.abs(ratios) < 3) > 0.9


def test_temperature_alone_is_enough() -> None:
    mouth, begin, end = long_wears(600)
    whole = even(mouth, begin, end)
    found = match(mouth.intervals, find_wear(WearChunk(whole.t_ms, whole.temperature)).intervals)
    assert (found.missed, found.extra) == (0, 0)
    assert np.abs(found.errors_min()).mean(axis=0).max() < LIMIT_MIN
    assert all(math.isnan(wear.still_min) and math.isnan(wear.posture.supine_pct) for _, wear in found.pairs)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    "habits",
    [Habits(rinse=0.0, drinks=6.0, mouth_breathing=0.0), Habits(rinse=0.0, drinks=0.0, mouth_breathing=5.0)],
    ids=["drinks", "mouth breathing"],
)
@pytest.mark.parametrize("every_s", [60.0, 300.0])
def test_drinks_and_mouth_breathing_do_not_end_a_wear(seed: int, habits: Habits, every_s: float) -> None:
    (wear,) = find_wear(even(worn(480, seed, habits), T0 - HOUR_MS, T0 + 10 * HOUR_MS, every_s)).intervals
    assert wear.minutes == pytest.approx(480, abs=6)


def test_a_device_taken_out_in_the_night_is_two_wears() -> None:
    stays = [Stay(Place.MOUTH, T0, T0 + 120 * MIN_MS), Stay(Place.BEDSIDE, T0 + 120 * MIN_MS, T0 + 150 * MIN_MS)]
    stays.append(Stay(Place.MOUTH, T0 + 150 * MIN_MS, T0 + 400 * MIN_MS))
    found = find_wear(even(Mouth(stays, 3, habits=CALM), T0 - HOUR_MS, T0 + 10 * HOUR_MS)).intervals
    assert [round(wear.minutes / 10) for wear in found] == [12, 25]


class TestWarmButNotWorn:
    @pytest.mark.parametrize("thermometer", [TMP117, NTC], ids=["digital", "thermistor"])
    @pytest.mark.parametrize("place", [Place.WARM_WATER, Place.RADIATOR, Place.MUG])
    @pytest.mark.parametrize("log", [even, firmware])
    def test_water_or_a_radiator_is_suspect(self, place: Place, thermometer: Thermometer, log) -> None:
        for seed in (1, 2):
            mouth = Mouth([Stay(place, T0, T0 + 8 * HOUR_MS)], seed, thermometer=thermometer)
            found = find_wear(log(mouth, T0 - HOUR_MS, T0 + 10 * HOUR_MS)).intervals
            assert found
            assert all(Suspicion.NO_MOTION in wear.suspect for wear in found)

    def test_still_water_shows_no_thermal_life_even_without_an_accelerometer(self) -> None:
        mouth = Mouth([Stay(Place.WARM_WATER, T0, T0 + 8 * HOUR_MS)], 4)
        whole = even(mouth, T0 - HOUR_MS, T0 + 10 * HOUR_MS)
        (wear,) = find_wear(WearChunk(whole.t_ms, whole.temperature)).intervals
        assert wear.suspect == (Suspicion.NO_THERMAL_LIFE,)

    def test_what_was_hotter_than_a_mouth_is_suspect(self) -> None:
        mouth = Mouth([Stay(Place.MUG, T0, T0 + 6 * HOUR_MS)], 4)
        (wear,) = find_wear(even(mouth, T0 - HOUR_MS, T0 + 10 * HOUR_MS)).intervals
        assert Suspicion.TOO_WARM in wear.suspect

    @pytest.mark.parametrize("room_c", [22.0, 30.0, 32.5])
    def test_a_bedside_table_is_no_wear(self, room_c: float) -> None:
        mouth = Mouth([Stay(Place.BEDSIDE, T0, T0 + 8 * HOUR_MS)], 5, room_c=room_c)
        assert find_wear(even(mouth, T0 - HOUR_MS, T0 + 10 * HOUR_MS)).intervals == ()

    def test_a_sleeper_is_not_suspect(self) -> None:
        for seed in range(700, 712):
            mouth, begin, end = long_wears(seed, 2)
            assert not any(wear.suspect for wear in find_wear(even(mouth, begin, end)).intervals)

    def test_stillness_is_suspect_from_two_hours_on(self) -> None:
        for minutes, suspect in ((115, False), (150, True)):
            mouth = Mouth([Stay(Place.RADIATOR, T0, T0 + minutes * MIN_MS, 36.0)], 6)
            (wear,) = find_wear(even(mouth, T0 - HOUR_MS, T0 + 5 * HOUR_MS)).intervals
            assert bool(wear.suspect) is suspect


class TestMissing:
    def test_a_gap_in_the_night_parts_the_wear_and_is_told_apart(self) -> None:
        gap = (T0 + 100 * MIN_MS, T0 + 200 * MIN_MS)
        whole = even(worn(400, 7), T0 - HOUR_MS, T0 + 10 * HOUR_MS, gaps=[gap])
        output = find_wear(whole)
        first, second = output.intervals
        assert (first.start_by, first.end_by) == (EdgeBy.CURVE, EdgeBy.DATA)
        assert (second.start_by, second.end_by) == (EdgeBy.DATA, EdgeBy.CURVE)
        assert math.isnan(first.end_sd_s)
        assert [(gap.start_ms, gap.end_ms) for gap in output.missing] == [(first.end_ms, second.start_ms)]
        assert first.minutes + second.minutes + output.missing[0].minutes == pytest.approx(400, abs=3)

    def test_the_longest_bearable_gap_does_not_part_it(self) -> None:
        for gap_ms, parts in ((MISSING_MS, 1), (MISSING_MS + 1, 2)):
            times = [*range(T0 - HOUR_MS, T0 + 2 * HOUR_MS, 300_000)]
            times += [times[-1] + gap_ms + after for after in range(0, 2 * HOUR_MS, 300_000)]
            celsius = np.where(np.array(times) < T0, 22.0, 36.0 + 0.03 * np.sin(times))
            found = find_wear(WearChunk(np.array(times, np.int64), celsius.astype(np.float32)))
            assert len(found.intervals) == parts
            assert len(found.missing) == parts - 1

    def test_readings_without_a_temperature_are_missing(self) -> None:
        whole = even(worn(400, 7), T0 - HOUR_MS, T0 + 10 * HOUR_MS)
        celsius = whole.temperature.copy()
        celsius[40:50] = np.nan
        celsius[50:60] = 1e9
        output = find_wear(WearChunk(whole.t_ms, celsius))
        assert len(output.missing) == 1
        assert output.missing[0].minutes == 21 * 5

    def test_a_log_that_begins_and_ends_in_the_mouth(self) -> None:
        (wear,) = find_wear(even(worn(400, 7), T0 + HOUR_MS, T0 + 3 * HOUR_MS)).intervals
        assert (wear.start_by, wear.end_by) == (EdgeBy.DATA, EdgeBy.DATA)
        assert (wear.start_ms, wear.end_ms) == (T0 + HOUR_MS, T0 + 3 * HOUR_MS - 300_000)

    def test_nothing_gives_nothing(self) -> None:
        output = find_wear(WearChunk(np.empty(0, np.int64), np.empty(0, np.float32)))
        assert output.intervals == output.missing == ()

    def test_late_readings_are_ignored_and_a_run_of_all_in_order_takes_them_in(self) -> None:
        whole = even(worn(400, 7), T0 - HOUR_MS, T0 + 10 * HOUR_MS)
        kept, late = np.ones(whole.t_ms.size, bool), slice(40, 60)
        kept[late] = False
        first = WearChunk(whole.t_ms[kept], whole.temperature[kept])
        state, early = step(start(), first)
        state, after = step(state, WearChunk(whole.t_ms[late], whole.temperature[late]))
        assert after.ignored == 20
        assert len(early.intervals) == 2
        assert len(find_wear(WearChunk(whole.t_ms, whole.temperature)).intervals) == 1


class TestLive:
    def test_a_wear_under_way_is_told_and_dated_once_its_warm_up_is_seen(self) -> None:
        mouth = worn(400, 8)
        state, output = step(start(), even(mouth, T0 - HOUR_MS, T0))
        assert output.warm_since_ms is None
        state, output = step(state, even(mouth, T0 + 60_000, T0 + HOUR_MS))
        assert output.warm_since_ms == pytest.approx(T0, abs=MIN_MS)
        assert output.intervals == ()
        _, last = close(state)
        assert [wear.end_by for wear in last.intervals] == [EdgeBy.DATA]

    def test_a_closed_log_takes_nothing_more(self) -> None:
        state, _ = close(start())
        with pytest.raises(ValueError, match="closed"):
            step(state, even(worn(10, 1), T0, T0 + HOUR_MS))
        with pytest.raises(ValueError, match="closed"):
            close(state)


class TestPosture:
    @pytest.mark.parametrize(
        ("xyz", "posture"),
        [
            ((1000, 0, 0), SUPINE),
            ((-1000, 0, 0), PRONE),
            ((0, -1000, 0), LEFT),
            ((0, 1000, 0), RIGHT),
            ((0, 0, 1000), UPRIGHT),
            ((710, 700, 0), SUPINE),
            ((700, 710, 0), RIGHT),
            ((640, 0, 768), UPRIGHT),
            ((645, 0, 764), SUPINE),
            ((0, 0, 0), UNKNOWN),
            ((200, 200, 0), UNKNOWN),
            ((300, 0, 0), SUPINE),
        ],
    )
    def test_quadrants(self, xyz: tuple[int, int, int], posture: int) -> None:
        assert posture_of(*map(float, xyz)) == posture

    def test_the_supine_share_is_the_sleepers(self) -> None:
        differences = []
        for seed in range(8):
            night = Sleeper(seed).night(T0)
            mouth = Mouth.of_nights([night], seed, habits=CALM)
            (wear,) = find_wear(even(mouth, T0 - HOUR_MS, T0 + DAY_MS // 2)).intervals
            lying = night.posture[night.posture != Posture.UPRIGHT]
            differences.append(wear.posture.supine_pct - 100 * float(np.mean(lying == Posture.SUPINE)))
        assert np.mean(np.abs(differences)) < 12


def test_columns_may_be_read_only_or_strided() -> None:
    whole = even(worn(400, 7), T0 - HOUR_MS, T0 + 10 * HOUR_MS)
    t_ms, celsius = whole.t_ms.copy(), np.repeat(whole.temperature, 2)[::2]
    t_ms.flags.writeable = celsius.flags.writeable = False
    accel = np.asfortranarray(whole.accel)
    assert find_wear(WearChunk(t_ms, celsius, accel, whole.motion, whole.flags)) == find_wear(whole)


def test_columns_must_fit() -> None:
    with pytest.raises(ValueError, match="length"):
        WearChunk(np.zeros(3, np.int64), np.zeros(2, np.float32))
    with pytest.raises(ValueError, match="three axes"):
        WearChunk(np.zeros(1, np.int64), np.zeros(1, np.float32), np.zeros((1, 2), np.int16))
