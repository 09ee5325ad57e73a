"""A sleeper's night: the same for the same seed, plausible for its profile, and true to its own truth."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from simulators.physiology import EPOCH_S, PROFILES, Night, Posture, Sleeper, Stage

START_MS = 1_700_000_000_000
SIGNALS = (
    "flow",
    "saturation_pct",
    "heart_rate_bpm",
    "spo2_pct",
    "pulse_bpm",
    "perfusion_pct",
    "motion",
    "finger_off",
    "poor_signal",
    "posture",
)


@pytest.fixture(scope="module")
def nights() -> dict[str, list[Night]]:
    """Six people of each profile, each on another of their nights."""
    return {
        profile: [Sleeper(seed, profile).night(START_MS, index=seed % 3) for seed in range(100, 106)]
        for profile in PROFILES
    }


def all_of(nights: dict[str, list[Night]]) -> list[Night]:
    return [night for some in nights.values() for night in some]


def identical(a: Night, b: Night) -> bool:
    same = all(np.array_equal(getattr(a, name), getattr(b, name), equal_nan=name != "posture") for name in SIGNALS)
    return same and a.events == b.events and a.desaturations == b.desaturations


def test_the_same_seed_and_night_are_the_same_bit_for_bit() -> None:
    assert identical(Sleeper(7).night(START_MS, index=2), Sleeper(7).night(START_MS, index=2))


def test_the_start_moves_the_night_in_time_and_changes_nothing_else() -> None:
    early, late = Sleeper(7).night(START_MS), Sleeper(7).night(START_MS + 86_400_000)
    assert identical(early, late)
    assert late.start_utc_ms - early.start_utc_ms == 86_400_000


def test_another_seed_another_night_and_another_profile_are_others() -> None:
    night = Sleeper(7).night(START_MS)
    others = [Sleeper(8).night(START_MS), Sleeper(7).night(START_MS, index=1), Sleeper(7, "severe").night(START_MS)]
    assert not any(identical(night, other) for other in others)


def test_a_persons_nights_share_their_traits_but_not_their_index() -> None:
    sleeper = Sleeper(3)
    indices = [sleeper.night(START_MS, index=i).ahi for i in range(8)]
    assert np.std(indices) > 0.05 * np.mean(indices)
    assert sleeper.traits == Sleeper(3).traits


@pytest.mark.parametrize(
    ("profile", "low", "high"),
    [
        ("healthy", 0.0, 5.0),
        ("mild", 5.0, 15.0),
        ("moderate", 15.0, 30.0),
        ("severe", 30.0, 90.0),
        ("shallow", 15.0, 30.0),
        ("rem", 5.0, 30.0),
        ("positional", 5.0, 30.0),
    ],
)
def test_a_profiles_median_index_lies_in_its_class(
    nights: dict[str, list[Night]], profile: str, low: float, high: float
) -> None:
    assert low <= float(np.median([night.ahi for night in nights[profile]])) < high


@pytest.mark.parametrize("profile", ["healthy", "severe"])
def test_the_extreme_classes_are_kept_by_nearly_every_night(profile: str) -> None:
    indices = np.array([Sleeper(seed, profile).night(START_MS).ahi for seed in range(20)])
    inside = indices < 5 if profile == "healthy" else indices > 30
    assert np.mean(inside) >= 0.8


def test_signals_stay_within_what_a_body_and_a_sensor_can(nights: dict[str, list[Night]]) -> None:
    for night in all_of(nights):
        worn = ~night.finger_off
        assert night.duration_s == 8 * 3600
        assert np.isnan(night.spo2_pct[night.finger_off]).all()
        assert np.isnan(night.pulse_bpm[night.finger_off]).all()
        assert 50 <= night.spo2_pct[worn].min() <= night.spo2_pct[worn].max() <= 100
        assert 50 <= night.saturation_pct.min() <= night.saturation_pct.max() <= 100
        assert 30 <= night.pulse_bpm[worn].min() <= night.pulse_bpm[worn].max() <= 200
        assert 0 <= night.motion.min() <= night.motion.max() <= 255
        assert np.array_equal(night.motion, np.round(night.motion))
        assert 0 < night.perfusion_pct.min() <= night.perfusion_pct.max() <= 20
        assert not (night.finger_off & night.poor_signal).any()
        assert 0.9 < worn.mean() < 1.0


def test_a_night_begins_and_ends_without_a_finger(nights: dict[str, list[Night]]) -> None:
    for night in all_of(nights):
        assert night.finger_off[0]
        assert night.finger_off[-1]


def test_sleep_has_the_shares_of_stages_that_adults_have(nights: dict[str, list[Night]]) -> None:
    stages = np.concatenate([night.stages for night in nights["healthy"]])
    asleep = stages[stages != Stage.WAKE]
    assert set(np.unique(stages)) <= {int(stage) for stage in Stage}
    assert 0.8 < asleep.size / stages.size < 0.97
    assert 0.45 < np.mean(asleep == Stage.N2) < 0.70
    assert 0.10 < np.mean(asleep == Stage.N3) < 0.28
    assert 0.12 < np.mean(asleep == Stage.REM) < 0.28


def test_rem_comes_late_and_deep_sleep_early(nights: dict[str, list[Night]]) -> None:
    halves = [np.array_split(night.stages, 2) for night in nights["healthy"]]
    rem = [[np.count_nonzero(half == Stage.REM) for half in pair] for pair in halves]
    deep = [[np.count_nonzero(half == Stage.N3) for half in pair] for pair in halves]
    assert np.sum(rem, axis=0)[0] < np.sum(rem, axis=0)[1]
    assert np.sum(deep, axis=0)[0] > np.sum(deep, axis=0)[1]


def test_events_are_apart_long_enough_and_begin_in_sleep(nights: dict[str, list[Night]]) -> None:
    for night in all_of(nights):
        for event in night.events:
            assert 10 <= event.duration_s <= 90
            assert event.stage == night.stages[int(event.start_s) // EPOCH_S] != Stage.WAKE
            assert event.posture == night.posture[int(event.start_s)] != Posture.UPRIGHT
            assert event.end_s < night.duration_s
        for one, other in pairwise(night.events):
            assert other.start_s - one.end_s >= 10


def test_events_stop_or_shrink_the_flow(nights: dict[str, list[Night]]) -> None:
    night = nights["severe"][0]
    for event in night.events:
        inside = night.flow[int(event.start_s) + 1 : int(event.end_s)]
        if event.flow == 0.0:
            assert inside.max() < 1e-9
        else:
            assert np.median(inside) < 0.7


def test_rem_and_positional_profiles_are_what_they_say(nights: dict[str, list[Night]]) -> None:
    in_rem = [event.stage == Stage.REM for night in nights["rem"] for event in night.events]
    on_back = [event.posture == Posture.SUPINE for night in nights["positional"] for event in night.events]
    assert np.mean(in_rem) > 0.6
    assert np.mean(on_back) > 0.75


def test_shallow_events_mostly_end_in_an_arousal_and_without_a_desaturation(nights: dict[str, list[Night]]) -> None:
    def share(profile: str, name: str) -> float:
        return float(np.mean([getattr(event, name) for night in nights[profile] for event in night.events]))

    assert share("shallow", "arousal") > 0.85
    assert share("shallow", "causes_desaturation") < share("severe", "causes_desaturation")


def test_an_event_without_a_desaturation_is_scored_for_its_arousal(nights: dict[str, list[Night]]) -> None:
    for night in all_of(nights):
        assert all(event.arousal for event in night.events if not event.causes_desaturation)


def test_some_events_leave_no_desaturation(nights: dict[str, list[Night]]) -> None:
    outcomes = {event.causes_desaturation for night in nights["moderate"] for event in night.events}
    assert outcomes == {True, False}


def test_the_pulse_slows_in_events_and_surges_after_them(nights: dict[str, list[Night]]) -> None:
    rises = []
    for night in nights["severe"]:
        for event in night.events:
            start, end = int(event.start_s), int(event.end_s)
            if end + 12 < night.duration_s:
                late = night.heart_rate_bpm[max(start, end - 5) : end].mean()
                rises.append(night.heart_rate_bpm[end + 3 : end + 12].max() - late)
    assert 5 < float(np.mean(rises)) < 25


@pytest.mark.parametrize("arguments", [{"seed": -1}, {"seed": 1, "profile": "tired"}])
def test_a_sleeper_that_cannot_be_is_refused(arguments: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        Sleeper(**arguments)  # type: ignore[arg-type]  # wrong on purpose


def test_a_night_that_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError):
        Sleeper(1).night(0, 59)
    with pytest.raises(ValueError):
        Sleeper(1).night(0, index=-1)


@pytest.mark.parametrize("duration_s", [60, 61, 599, 3600, 10 * 3600 + 7])
def test_a_night_has_the_length_asked_for(duration_s: int) -> None:
    night = Sleeper(5, "severe").night(START_MS, duration_s)
    assert all(getattr(night, name).shape == (duration_s,) for name in SIGNALS)
    assert night.stages.size == -(-duration_s // EPOCH_S)
    assert night.end_utc_ms == START_MS + duration_s * 1000
