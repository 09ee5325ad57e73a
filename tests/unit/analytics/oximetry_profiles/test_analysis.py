"""The whole-night analysis: its JSON, its inputs, its profiles."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import h5py
import numpy as np
import pytest

from analytics.oximetry.analysis import NightInput, ScoredEvents, analyze_night
from analytics.oximetry.night import LONGEST_S, lay_out
from analytics.oximetry.profiles import PROFILES, get_profile
from analytics.oximetry.profiles.profile import bridged
from tests.unit.analytics.oximetry_profiles.shapes import Signal, night

KEYS = [
    *("interval_s", "duration_h", "valid_h", "profile", "profile_version", "spo2", "pulse", "odi2", "odi3", "odi4"),
    *("desaturations", "desaturation_severity", "hypoxic_burden", "severity", "quality", "biomarkers", "reading"),
]


def five_hours(seed: int | None = None) -> Signal:
    return np.concatenate([night(60, rest_s=230, seed=seed), np.full(1200, 97.0)])


def test_the_json_has_the_keys_that_scripts_rely_on() -> None:
    spo2 = five_hours()
    found = analyze_night(NightInput(1.0, spo2, np.full(spo2.size, 60.0))).to_dict()
    assert list(found) == KEYS
    assert {"mean", "min", "baseline", "t90_pct", "t90_le_pct", "t88_pct"} <= set(found["spo2"])
    assert {"mean", "min", "max", "rise_index", "response_bpm"} <= set(found["pulse"])
    assert {"value", "events"} <= set(found["hypoxic_burden"])
    assert {"start_s", "nadir_s", "end_s", "baseline", "nadir", "depth", "area"} <= set(found["desaturations"][0])
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_sixty_equal_events_are_found_and_counted_by_valid_hour() -> None:
    spo2 = five_hours()
    found = analyze_night(NightInput(1.0, spo2))
    assert len(found.desaturations) == 60
    assert found.odi3 == found.odi4 == pytest.approx(60 / found.valid_h)
    assert found.duration_h == pytest.approx(spo2.size / 3600)
    assert {row.depth for row in found.desaturations} == {5.0}
    area = sum(row.area for row in found.desaturations)
    assert found.desaturation_severity == pytest.approx(area / (found.valid_h * 3600))
    assert found.spo2.baseline == pytest.approx(97.0, abs=0.05)
    assert found.spo2.mean < found.spo2.baseline
    assert (found.hypoxic_burden.events, found.severity) == ("own", "mild")


@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_every_desaturation_of_the_indices_is_listed(profile: str) -> None:
    spo2 = np.concatenate([night(60, rest_s=230, low=95.0), np.full(1200, 97.0)])
    found = analyze_night(NightInput(1.0, spo2), profile=profile)
    assert len(found.desaturations) == round(found.odi2 * found.valid_h)
    assert {row.depth for row in found.desaturations} <= {2.0}
    assert found.odi3 == 0
    # Those of 3 % and more alone make the baseline, the severity and the biomarkers.
    assert found.desaturation_severity == 0
    assert found.spo2.baseline == found.spo2.mean


@pytest.mark.parametrize("profile", [name for name in PROFILES if name != "peak"])
def test_other_profiles_count_on_the_bridged_signal_by_valid_hour(profile: str) -> None:
    spo2 = five_hours(seed=6)
    spo2[5000:5400] = 0.0
    rule = get_profile(profile)
    found = analyze_night(NightInput(1.0, spo2), profile=profile)
    assert rule.detect is not None
    for depth, odi in ((2.0, found.odi2), (3.0, found.odi3), (4.0, found.odi4)):
        events = rule.detect(bridged(spo2, rule.bridge), depth)
        assert odi * found.valid_h == pytest.approx(len(events)), depth
    assert (found.profile, found.profile_version) == (rule.name, rule.version)
    assert found.valid_h < (spo2.size - 400) / 3600 + 1e-9


def test_a_night_of_nothing_valid_says_so() -> None:
    found = analyze_night(NightInput(1.0, np.full(4 * 3600, 255.0)))
    plain = found.to_dict()
    assert found.valid_h == 0
    assert (plain["odi3"], plain["spo2"]["mean"], plain["hypoxic_burden"]["value"]) == (None, None, None)
    assert (found.severity, found.reading.certainty) == ("unknown", "insufficient")
    json.dumps(plain, allow_nan=False)


def test_a_device_without_a_pulse_has_an_empty_pulse_in_json() -> None:
    found = analyze_night(NightInput(1.0, five_hours()))
    assert found.pulse is None
    assert found.to_dict()["pulse"] == {}


def test_scored_events_and_stages_make_the_burden_and_are_labelled() -> None:
    spo2 = five_hours()
    events = ScoredEvents(np.array([100.0, 400.0]), np.array([20.0, 20.0]))
    short_stages = np.full(3600, 2.0)
    found = analyze_night(NightInput(1.0, spo2), events=events, stages=short_stages).hypoxic_burden
    assert (found.events, found.event_count, found.hours_of, found.hours) == ("scored", 2, "sleep", 1.0)
    longer = analyze_night(NightInput(1.0, spo2), events=events, stages=np.full(spo2.size + 99, 2.0)).hypoxic_burden
    assert longer.hours == pytest.approx(spo2.size / 3600)


def test_the_pulse_answers_to_shallow_events_too() -> None:
    """Twenty falls of 2 % an hour, each with a rise: ODI3 and ODI4 are nil, and the night is not normal."""
    spo2 = night(100, rest_s=140, low=95.0)
    pulse = np.full(spo2.size, 60.0)
    for start in range(70, spo2.size, 180):
        pulse[start + 30 : start + 36] = 75
    found = analyze_night(NightInput(1.0, spo2, pulse), sex="female")
    assert found.odi3 == found.odi4 == 0
    assert found.odi2 == pytest.approx(20, rel=0.05)
    assert found.pulse is not None
    assert found.pulse.rise_index == pytest.approx(20, rel=0.05)
    assert found.severity == "mild"
    assert "pulse_rise_index" in found.reading.drivers


def test_times_lay_samples_on_whole_intervals_and_make_gaps() -> None:
    spo2 = five_hours()
    even = analyze_night(NightInput(1.0, spo2))
    rng = np.random.default_rng(0)
    jitter = np.arange(spo2.size) * 1000 + rng.integers(-300, 300, spo2.size)
    jitter[0] = 0
    assert analyze_night(NightInput(1.0, spo2, t_ms=jitter)).odi3 == even.odi3
    gap = np.arange(spo2.size) * 1000
    gap[8920:] += 3_600_000  # an hour without the device, between two events
    with_gap = analyze_night(NightInput(1.0, spo2, t_ms=gap))
    assert with_gap.duration_h == pytest.approx(even.duration_h + 1)
    assert with_gap.valid_h <= even.valid_h
    assert len(with_gap.desaturations) == len(even.desaturations)
    assert with_gap.desaturations[-1].nadir_s == even.desaturations[-1].nadir_s + 3600


def test_a_sample_twice_in_one_interval_counts_once() -> None:
    spo2 = five_hours()
    times = np.arange(spo2.size) * 1000
    doubled = NightInput(1.0, np.insert(spo2, 500, 80.0), t_ms=np.insert(times, 500, 499_400))
    assert analyze_night(doubled).to_dict() == analyze_night(NightInput(1.0, spo2)).to_dict()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (NightInput(0.0, np.full(9, 97.0)), "interval must be positive, not 0.0 s"),
        (NightInput(math.nan, np.full(9, 97.0)), "interval must be positive"),
        (NightInput(1.0, np.full(9, 97.0), np.full(8, 60.0)), "columns of the recording differ in length"),
        (NightInput(1.0, np.full(3, 97.0), t_ms=np.array([0, 2000, 2000])), "do not increase at sample 2"),
        (NightInput(1.0, np.empty(0)), "no samples"),
        (NightInput(1.0, np.full(2, 97.0), t_ms=np.array([0, (LONGEST_S + 1) * 1000])), "is no night"),
    ],
)
def test_impossible_recordings_are_refused(given: NightInput, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        analyze_night(given)


def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(ValueError, match="no profile"):
        analyze_night(NightInput(1.0, np.full(9, 97.0)), profile="best")


def test_motion_and_flags_mask_and_are_reported_by_reason() -> None:
    spo2 = five_hours()
    motion = np.zeros(spo2.size)
    motion[1000:1060] = 200
    motion[2000:2100] = np.nan
    flags = np.zeros(spo2.size, np.uint16)
    flags[3000:3030] = 1
    found = analyze_night(NightInput(1.0, spo2, motion=motion, flags=flags)).quality
    assert found.masked_s["motion"] == 60
    assert found.masked_s["no_finger"] == 30
    assert found.valid_h < (spo2.size - 90) / 3600 + 1e-9


@pytest.mark.parametrize(("interval_s", "held"), [(2.0, 2), (4.0, 4)])
def test_the_pulse_of_a_slow_device_stands_for_its_interval(interval_s: float, held: int) -> None:
    pulse = np.arange(60.0, 90.0)
    grid = lay_out(NightInput(interval_s, np.full(30, 97.0), pulse).chunks())
    valid = ~np.isnan(grid.pulse)
    assert valid.sum() > 30 * held - 12
    np.testing.assert_array_equal(grid.pulse[valid], np.repeat(pulse, held)[valid])


def test_the_pulse_of_a_fast_device_is_its_last_sample_of_each_second() -> None:
    grid = lay_out(NightInput(0.25, np.full(400, 97.0), np.arange(30.0, 130.0, 0.25)).chunks())
    valid = ~np.isnan(grid.pulse)
    np.testing.assert_array_equal(grid.pulse[:100][valid[:100]], np.arange(30.75, 130.0)[valid[:100]])


def test_the_scored_night_end_to_end(recordings: Path) -> None:
    with h5py.File(recordings / "oximetry" / "hypoxic_burden_example.mat") as file:
        names = ("SpO2/Sig", "RespEvents/Start", "RespEvents/Duration", "SleepStage/Annotation")
        spo2, start, duration, stages = (np.asarray(file[name]).ravel() for name in names)
    found = analyze_night(NightInput(1.0, spo2), events=ScoredEvents(start, duration), stages=stages)
    assert found.hypoxic_burden.value == pytest.approx(19.433, abs=0.005)
    assert found.duration_h == pytest.approx(9.0333, abs=0.001)
    assert 7 < found.valid_h < 8, "an hour and a half of it is out of range"


def test_a_ring_night_of_two_second_samples_under_every_profile(recordings: Path) -> None:
    with (recordings / "oximetry" / "checkme-o2-max-20260310.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    columns = [
        np.array([float(row[name]) if row[name].isdigit() else math.nan for row in rows])
        for name in ("Oxygen Level", "Pulse Rate", "Motion")
    ]
    given = NightInput(2.0, *columns)
    counts = {name: round(analyze_night(given, profile=name).odi3 * analyze_night(given).valid_h) for name in PROFILES}
    assert counts["pobm"] == 44, "as the toolbox 1.2.0 counts on the same signal"
    assert len(set(counts.values())) == len(counts), "there is no standard desaturation index"
