"""What may be done to a night without its result moving, and by how much it moves otherwise (bounds as documented)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.oximetry import stream
from analytics.oximetry.stream import detect
from tests.properties.oximetry.nights import make_night, nights, seeds

HOUR_S = 3600


def rows(signal: np.ndarray, interval_s: float = 1.0) -> list[tuple[float, ...]]:
    return detect(signal, interval_s).events.tolist()


@settings(max_examples=40, deadline=None)
@given(seeds, st.integers(-5, -1))
def test_a_whole_constant_added_moves_levels_and_nothing_else(seed: int, shift: int):
    signal = np.clip(make_night(seed, 1500, 0, spoiled=False), 70, 100)
    here, there = detect(signal).events, detect(signal + shift).events
    for name in ("start_s", "nadir_s", "end_s", "depth_pct", "area_pct_s"):
        assert here[name].tolist() == there[name].tolist()
    assert (here["nadir_pct"] + shift).tolist() == there["nadir_pct"].tolist()
    assert here["confidence"] == pytest.approx(there["confidence"], abs=1e-5)


@settings(max_examples=40, deadline=None)
@given(nights)
def test_each_sample_repeated_within_its_second_changes_nothing(signal: np.ndarray):
    assert rows(np.repeat(signal, 4), 0.25) == rows(signal)
    assert repr(detect(np.repeat(signal, 2), 0.5).indices) == repr(detect(signal).indices)


@settings(max_examples=40, deadline=None)
@given(seeds, st.sampled_from([2, 4]))
def test_a_slow_device_equals_one_that_writes_each_sample_several_times(seed: int, every: int):
    # Changes of less than 4 % from sample to sample: what more may fall in one interval is the mask's business.
    rng = np.random.default_rng(seed)
    slow = np.clip(95 + np.cumsum(rng.integers(-2, 3, 700)), 80, 98).astype(np.float32)
    assert rows(slow, float(every)) == rows(np.repeat(slow, every))


@settings(max_examples=25, deadline=None)
@given(seeds, st.integers(6, 4000), st.integers(0, 1500))
def test_a_gap_far_from_an_event_leaves_it_alone_and_makes_none(seed: int, gap_s: int, at: int):
    signal = make_night(seed, 1500, 0, spoiled=False)
    with_gap = np.concatenate([signal[:at], np.full(gap_s, np.nan, np.float32), signal[at:]])
    found = detect(with_gap).events
    nadirs = np.where(found["nadir_s"] >= at + gap_s, found["nadir_s"] - gap_s, found["nadir_s"])
    assert not ((found["nadir_s"] >= at) & (found["nadir_s"] < at + gap_s)).any()
    assert not ((found["start_s"] < at) & (found["end_s"] > at + gap_s)).any()
    every_low = {second for second in range(len(signal)) if signal[second] <= signal.max() - 1.5}
    assert set(nadirs.tolist()) <= every_low


@settings(max_examples=60, deadline=None)
@given(
    seeds,
    st.lists(st.tuples(st.integers(0, 1199), st.integers(1, 60), st.sampled_from([np.nan, 0, 127, 255])), max_size=20),
)
def test_a_dropout_never_creates_a_desaturation(seed: int, dropouts: list[tuple[int, int, float]]):
    rng = np.random.default_rng(seed)
    averaged = np.convolve(rng.normal(0, 0.3, 1203), np.full(4, 0.25), "valid")  # oximeters average over seconds
    quiet = np.round(rng.uniform(95.5, 96.5) + averaged).astype(np.float32)
    assert rows(quiet) == []
    for at, length, value in dropouts:
        quiet[at : at + length] = value
    assert rows(quiet) == []


@settings(max_examples=60, deadline=None)
@given(seeds, st.integers(0, 1490), st.integers(1, 8), st.floats(50, 90))
def test_a_low_artefact_with_steep_sides_never_makes_or_deepens(seed: int, at: int, length: int, level: float):
    signal = make_night(seed, 1500, 0, spoiled=False)
    spoiled = signal.copy()
    here = slice(at, at + length)
    spoiled[here] = np.minimum(np.float32(level), np.nanmin(signal[max(at - 1, 0) : at + length + 1]) - 4.5)
    spoiled[here] = np.maximum(spoiled[here], 50)
    lowest = np.nanmin(signal[max(at - 1, 0) : at + length + 1])
    if lowest - spoiled[here].max() <= 4:
        return  # no steep side: not this property's case
    for event in detect(spoiled).events:
        seen = signal[event["start_s"] : event["end_s"] + 1]
        assert event["nadir_pct"] >= np.nanmin(seen)


@pytest.mark.parametrize(("every", "odi_share", "t90_points"), [(2, 0.10, 0.5), (4, 0.20, 1.0)])
def test_resampling_moves_the_indices_within_the_documented_bounds(every: int, odi_share: float, t90_points: float):
    for seed in range(12):
        signal = make_night(seed, 4 * HOUR_S, 0, spoiled=False)
        full, slow = detect(signal).indices, detect(signal[::every], float(every)).indices
        assert slow.odi3 == pytest.approx(full.odi3, rel=odi_share)
        assert slow.odi4 == pytest.approx(full.odi4, rel=odi_share)
        assert slow.t90_pct == pytest.approx(full.t90_pct, abs=t90_points)
        assert slow.mean_pct == pytest.approx(full.mean_pct, abs=0.05)


def test_the_state_stays_small_over_a_long_night():
    state, _ = stream.step(stream.start(), stream.OximetryChunk(0, 1000, make_night(1, 12 * HOUR_S, 0)))
    assert len(state.to_bytes()) == len(stream.start().to_bytes())
