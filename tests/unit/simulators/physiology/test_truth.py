"""The truth beside the signal says what the continuous signal shows, and follows its events as blood does."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from simulators.physiology import Night, Sleeper
from simulators.physiology.oxygen import pressure_of, saturation, saturation_of
from simulators.physiology.truth import SMALLEST_PCT, desaturations, turning_points

WORN = np.zeros(600, dtype=np.bool_)


@pytest.fixture(scope="module")
def nights() -> list[Night]:
    return [Sleeper(seed, profile).night(0) for seed in range(3) for profile in ("mild", "moderate", "severe")]


def dip(size: int, start: int, nadir: int, end: int, depth: float, base: float = 96.0) -> np.ndarray:
    t = np.arange(size, dtype=np.float64)
    return base - np.interp(t, [start, nadir, end], [0.0, depth, 0.0])


def test_a_plain_dip_is_named_by_its_corners() -> None:
    (found,) = desaturations(dip(600, 100, 130, 145, 6.0), WORN)
    assert (found.nadir_s, found.baseline_pct, found.nadir_pct, found.depth_pct) == (130, 96.0, 90.0, 6.0)
    # A quarter of a per cent below the peak, 1.25 s on the way down, the fall has begun.
    assert found.start_s == 101
    assert found.end_s in (144, 145)
    assert found.observed


def test_a_flat_shoulder_is_not_part_of_the_fall() -> None:
    (found,) = desaturations(dip(600, 400, 430, 445, 6.0), WORN)
    assert found.start_s == 401


@pytest.mark.parametrize(("depth", "count"), [(0.99, 0), (1.0, 1)])
def test_what_is_below_one_per_cent_is_no_desaturation(depth: float, count: int) -> None:
    assert len(desaturations(dip(600, 100, 130, 145, depth), WORN)) == count


@pytest.mark.parametrize(("recovery", "count"), [(0.9, 1), (1.1, 2)])
def test_two_falls_are_one_unless_the_signal_recovers_between_them(recovery: float, count: int) -> None:
    t = np.arange(600.0)
    signal = np.interp(t, [100, 130, 140, 170, 185], [96, 92, 92 + recovery, 89, 96])
    found = desaturations(signal, WORN)
    assert len(found) == count
    assert found[-1].nadir_s == 170
    assert found[0].depth_pct == pytest.approx(7.0 if count == 1 else 4.0)


def test_a_fall_behind_a_lost_finger_is_marked_as_never_seen() -> None:
    off = WORN.copy()
    off[120] = True
    (found,) = desaturations(dip(600, 100, 130, 145, 6.0), off)
    assert not found.observed
    off[:] = False
    off[131] = True
    (found,) = desaturations(dip(600, 100, 130, 145, 6.0), off)
    assert found.observed


def test_a_flat_signal_has_one_peak_and_no_nadir() -> None:
    peaks, nadirs = turning_points(np.full(60, 96.0), SMALLEST_PCT)
    assert (peaks.size, nadirs.size) == (1, 0)


def test_truth_is_recovered_from_the_continuous_signal(nights: list[Night]) -> None:
    for night in nights:
        signal = night.saturation_pct
        for fall in night.desaturations:
            assert fall.start_s < fall.nadir_s <= fall.end_s
            assert fall.nadir_pct == signal[fall.nadir_s] == signal[fall.start_s : fall.end_s + 1].min()
            assert 0 <= fall.baseline_pct - signal[fall.start_s] <= 0.25
            assert fall.depth_pct == fall.baseline_pct - fall.nadir_pct >= SMALLEST_PCT
        for one, other in pairwise(night.desaturations):
            assert signal[one.nadir_s : other.nadir_s].max() == other.baseline_pct
            assert one.end_s <= other.start_s


def test_a_nadir_follows_its_event_by_the_time_from_lung_to_finger() -> None:
    for seed in range(6):
        sleeper = Sleeper(seed, "severe")
        night = sleeper.night(0)
        nadirs = np.array([fall.nadir_s for fall in night.desaturations if fall.depth_pct >= 3.0])
        ends = np.array([event.end_s for event in night.events if event.causes_desaturation])
        delays = nadirs[np.minimum(np.searchsorted(nadirs, ends), nadirs.size - 1)] - ends
        mean_s = float(np.mean(delays[delays < 45]))
        assert 8 < mean_s < 28
        assert mean_s == pytest.approx(sleeper.traits.circulation_s, abs=3.0)


def test_desaturations_fall_slower_than_they_recover(nights: list[Night]) -> None:
    deep = [fall for night in nights for fall in night.desaturations if fall.depth_pct >= 4.0]
    falling = np.median([fall.nadir_s - fall.start_s for fall in deep])
    rising = np.median([fall.end_s - fall.nadir_s for fall in deep])
    assert rising < falling


def test_longer_apnoeas_and_lower_baselines_fall_deeper() -> None:
    traits = Sleeper(1).traits

    def depth(apnoea_s: int, saturation_pct: float) -> float:
        flow = np.ones(400)
        flow[200 : 200 + apnoea_s] = 0.0
        person = type(traits)(**{**_fields(traits), "baseline_pct": saturation_pct})
        signal = saturation(np.random.default_rng(1), person, flow)
        return float(signal[150] - signal[200:].min())

    depths = [depth(seconds, 95.5) for seconds in (10, 20, 30, 45, 60)]
    assert depths == sorted(depths)
    assert 2.0 < depths[1] < 7.0
    assert depth(30, 93.0) > depth(30, 95.5) > depth(30, 97.5)


def _fields(traits: object) -> dict[str, float]:
    return {name: getattr(traits, name) for name in traits.__slots__}  # type: ignore[attr-defined]  # a slots class


def test_the_dissociation_curve_has_its_known_points_and_its_inverse() -> None:
    # Severinghaus 1979 gives P50 = 26.9 mmHg at pH 7.4 and 37 degC.
    assert saturation_of(np.array([26.9]))[0] == pytest.approx(50.0, abs=0.2)
    assert saturation_of(np.array([100.0]))[0] == pytest.approx(97.7, abs=0.2)
    for percent in (60.0, 85.0, 93.0, 97.5):
        assert saturation_of(np.array([pressure_of(percent)]))[0] == pytest.approx(percent)


def test_a_sensors_noise_is_small_beside_the_truth_while_the_signal_is_good(nights: list[Night]) -> None:
    for night in nights:
        good = ~night.finger_off & ~night.poor_signal
        # The first seconds behind a poor spell still carry its averaging.
        good[1:] &= good[:-1]
        error = night.spo2_pct[good] - night.saturation_pct[good]
        assert abs(float(np.mean(error))) < 0.1
        assert float(np.std(error)) < 0.35
