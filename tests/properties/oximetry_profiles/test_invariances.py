"""What may move an index, and what may not: a constant, a gap, repeated samples, another sampling interval."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from analytics.oximetry.analysis import NightInput, analyze_night
from analytics.oximetry.biomarkers import night_biomarkers
from analytics.oximetry.biomarkers.complexity import approximate_entropy, lempel_ziv, sample_entropy
from analytics.oximetry.burden import hypoxic_burden
from analytics.oximetry.events import EVENT_DTYPE, Events
from analytics.oximetry.profiles import PROFILES, Signal, get_profile
from analytics.oximetry.profiles.profile import bridged
from tests.unit.analytics.oximetry_profiles.shapes import night

OTHERS = [name for name in PROFILES if name != "peak"]
seeds = st.integers(0, 2**32 - 1)
few = settings(max_examples=25, deadline=None)


def found(name: str, spo2: Signal, depth: float = 3.0) -> Events:
    rule = get_profile(name)
    assert rule.detect is not None
    return rule.detect(bridged(spo2, rule.bridge), depth)


def restless(seed: int, n: int = 5000) -> Signal:
    """A night that no physiology made: a random walk in 60..90 %, with dropouts."""
    rng = np.random.default_rng(seed)
    signal = np.clip(np.rint(80 + np.cumsum(rng.choice([-1, 0, 0, 0, 1], n)) % 37 - 18), 60, 90).astype(float)
    signal[rng.random(n) < 0.002] = np.nan
    return signal


@pytest.mark.parametrize("name", OTHERS)
@given(seed=seeds, shift=st.integers(-10, 10), depth=st.sampled_from([2.0, 3.0, 4.0]))
@few
def test_a_constant_moves_levels_only(name: str, seed: int, shift: int, depth: float) -> None:
    """By an odd number only where nothing is bridged: halves on the bridge are rounded to the even percent."""
    spo2 = restless(seed)
    if shift % 2:
        spo2 = spo2[~np.isnan(spo2)]
    plain, moved = found(name, spo2, depth), found(name, spo2 + shift, depth)
    for field in ("start_s", "nadir_s", "end_s"):
        np.testing.assert_array_equal(plain[field], moved[field])
    np.testing.assert_allclose(plain["depth_pct"], moved["depth_pct"], atol=1e-4)
    np.testing.assert_allclose(plain["area_pct_s"], moved["area_pct_s"], rtol=1e-5, atol=1e-2)
    np.testing.assert_allclose(plain["baseline_pct"] + shift, moved["baseline_pct"], atol=1e-4)


@pytest.mark.parametrize("name", OTHERS)
@given(seed=seeds, depth=st.sampled_from([2.0, 3.0, 4.0]))
@few
def test_events_lie_in_the_night_in_order_and_reach_their_depth(name: str, seed: int, depth: float) -> None:
    spo2 = restless(seed)
    events = found(name, spo2, depth)
    assert (events["start_s"] <= events["nadir_s"]).all()
    assert (events["nadir_s"] <= events["end_s"]).all()
    assert (np.diff(events["start_s"]) > 0).all()
    if name != "pobm":  # where a group ends with an earlier event of its own, the next group may begin before that end
        assert (events["start_s"][1:] >= events["end_s"][:-1]).all()
    assert (events["end_s"] < spo2.size).all()
    assert (events["depth_pct"] >= depth - 1e-4).all()
    assert (events["area_pct_s"] > 0).all()


@pytest.mark.parametrize("name", OTHERS)
@given(seed=seeds, gap_s=st.integers(1, 900), after=st.integers(0, 11))
@few
def test_a_gap_at_rest_moves_later_events_and_makes_none(name: str, seed: int, gap_s: int, after: int) -> None:
    """The gap lies where the baseline is settled, 150 s of rest on both sides: elsewhere a moving one may change."""
    spo2 = night(12, rest_s=300, seed=seed)
    falls = np.flatnonzero((spo2[:-1] == 97) & (spo2[1:] < 97))
    at = int(falls[after]) - 150 if falls[after] > 300 else 0
    broken = np.insert(spo2, at, np.full(gap_s, np.nan))
    plain, moved = found(name, spo2), found(name, broken)
    np.testing.assert_array_equal(plain["nadir_s"] + gap_s * (plain["nadir_s"] >= at), moved["nadir_s"])


@pytest.mark.parametrize("name", OTHERS)
@given(seed=seeds, times=st.sampled_from([2, 4]))
@settings(max_examples=8, deadline=None)
def test_a_device_that_repeats_samples_is_a_slower_device(name: str, seed: int, times: int) -> None:
    slow = restless(seed, 2000)
    repeated = analyze_night(NightInput(1.0, np.repeat(slow, times)), profile=name)
    true = analyze_night(NightInput(float(times), slow), profile=name)
    assert repeated.desaturations == true.desaturations


@given(seed=seeds)
@settings(max_examples=15, deadline=None)
def test_every_other_sample_says_nearly_the_same(seed: int) -> None:
    """At 2 s the shape is held, not interpolated: levels and areas move by the second that each value is late."""
    spo2 = night(20, rest_s=200, seed=seed)
    fine, coarse = analyze_night(NightInput(1.0, spo2)), analyze_night(NightInput(2.0, spo2[::2]))
    assert coarse.spo2.mean == pytest.approx(fine.spo2.mean, abs=0.05)
    assert coarse.spo2.t90_pct == pytest.approx(fine.spo2.t90_pct, abs=0.5)
    assert coarse.hypoxic_burden.value == pytest.approx(fine.hypoxic_burden.value, rel=0.15, abs=1.0)
    assert coarse.biomarkers["AV"] == pytest.approx(fine.biomarkers["AV"], abs=0.05)


@given(
    spo2=hnp.arrays(
        np.float64,
        st.integers(1, 400),
        elements=st.sampled_from(
            [0.0, 49.0, 50.0, 88.0, 90.0, 93.5, 97.0, 100.0, 127.0, 255.0, 511.0, 65535.0, np.nan, np.inf]
        ),
    ),
    interval_s=st.sampled_from([0.25, 1.0, 2.0, 4.0, 60.0]),
    profile=st.sampled_from(list(PROFILES)),
    with_pulse=st.booleans(),
)
@settings(max_examples=80, deadline=None)
def test_any_recording_gives_json_without_nan(spo2: Signal, interval_s: float, profile: str, with_pulse: bool) -> None:
    pulse = np.where(np.isfinite(spo2), spo2, np.nan) if with_pulse else None
    analysis = analyze_night(NightInput(interval_s, spo2, pulse), profile=profile)
    plain = json.loads(json.dumps(analysis.to_dict(), allow_nan=False))
    assert plain["valid_h"] <= plain["duration_h"] + 1e-9
    assert plain["severity"] != "normal", "no recording as short as these is ever called normal"


@given(seed=seeds, shift=st.integers(-15, 3))
@few
def test_a_constant_does_not_move_the_burden(seed: int, shift: int) -> None:
    spo2, start, duration = scored_night(seed)
    plain = hypoxic_burden(spo2, start, duration, events="scored")
    moved = hypoxic_burden(spo2 + shift, start, duration, events="scored")
    assert moved.value == pytest.approx(plain.value, rel=1e-9)
    assert replace(moved, value=0.0, area_pct_min=0.0) == replace(plain, value=0.0, area_pct_min=0.0)


@given(seed=seeds)
@few
def test_twice_the_depth_is_twice_the_burden(seed: int) -> None:
    spo2, start, duration = scored_night(seed)
    plain = hypoxic_burden(spo2, start, duration, events="scored")
    deeper = hypoxic_burden(97 - 2 * (97 - spo2), start, duration, events="scored")
    assert deeper.area_pct_min == pytest.approx(2 * plain.area_pct_min, rel=1e-9)


@given(seed=seeds, keep=st.integers(0, 12))
@few
def test_the_area_is_never_more_than_that_under_the_highest_value(seed: int, keep: int) -> None:
    spo2, start, duration = scored_night(seed)
    area = hypoxic_burden(spo2, start[:keep], duration[:keep], events="scored").area_pct_min
    touching = keep * (97 - spo2.min()) / 60  # the one second in which two windows may touch
    assert 0 <= area <= (97 - spo2).sum() / 60 + touching + 1e-9


def scored_night(seed: int) -> tuple[Signal, Signal, Signal]:
    """Twelve events as somebody would score them: from the fall to near its nadir."""
    spo2 = night(12, rest_s=300, seed=seed)
    falls = np.flatnonzero((spo2[:-1] == 97) & (spo2[1:] < 97)).astype(float)
    rng = np.random.default_rng(seed)
    return spo2, falls - rng.uniform(5, 15, falls.size), rng.uniform(12, 40, falls.size)


whole = hnp.arrays(np.float64, st.integers(5, 120), elements=st.sampled_from([90.0, 91.0, 92.0, 93.0, 94.0, np.nan]))


@given(signal=whole, shift=st.integers(-20, 6))
@few
def test_complexity_knows_no_level(signal: Signal, shift: int) -> None:
    for measure in (approximate_entropy, sample_entropy, lambda s: lempel_ziv(s)[0]):
        assert measure(signal + shift) == pytest.approx(measure(signal), abs=1e-12, nan_ok=True)


@given(signal=whole)
@few
def test_complexity_stays_in_its_range(signal: Signal) -> None:
    apen = approximate_entropy(signal)
    valid = int(np.count_nonzero(~np.isnan(signal)))
    assert np.isnan(apen) or abs(apen) <= np.log(signal.size)
    components, _ = lempel_ziv(signal)
    assert np.isnan(components) if valid == 0 else 1 <= components <= valid


@given(seed=seeds)
@settings(max_examples=10, deadline=None)
def test_missing_seconds_in_one_gap_leave_every_share_a_share(seed: int) -> None:
    signal = night(12, seed=seed)
    rng = np.random.default_rng(seed)
    at = int(rng.integers(0, signal.size - 1000))
    signal[at : at + 1000] = np.nan
    values = night_biomarkers(signal, np.zeros(0, EVENT_DTYPE))
    for name in ("M", "CT90", "T88", "T85", "T80"):
        assert 0 <= values[name] <= 100
    for name in ("CTM", "PSD_ratio"):
        assert 0 <= values[name] <= 1
