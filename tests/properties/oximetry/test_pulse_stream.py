"""The pulse of a night as it streams is the pulse of the whole night, however it is cut and wherever it is restored."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.oximetry import stream
from analytics.oximetry.night import lay_out
from analytics.oximetry.pulse_response import pulse_summary
from analytics.oximetry.signal import OximetryChunk


def recording(seed: int, samples: int, dt_ms: int) -> OximetryChunk:
    """Desaturations with a pulse that answers some of them, dropouts, and values that no pulse has."""
    chance = np.random.default_rng(seed)
    seconds = np.arange(samples) * dt_ms / 1000
    spo2 = np.full(samples, 96.0)
    pulse = 62 + 3 * np.sin(seconds / 40)
    for onset in np.arange(90.0, seconds[-1] - 60, chance.integers(50, 120)):
        shape = np.clip(1 - np.abs(seconds - onset - 25) / 22, 0, 1)
        spo2 -= chance.uniform(0, 7) * shape
        pulse += chance.choice([0.0, 12.0]) * np.clip(1 - np.abs(seconds - onset - 38) / 15, 0, 1)
    pulse[chance.random(samples) < 0.02] = chance.choice([0.0, 255.0, np.nan, 300.0])
    start = int(chance.integers(0, samples))
    pulse[start : start + 60] = np.nan
    spo2[chance.random(samples) < 0.01] = np.nan
    return OximetryChunk(7_000, dt_ms, spo2.round().astype(np.float32), pulse.round().astype(np.float32))


def pieces(whole: OximetryChunk, cuts: list[int]) -> list[OximetryChunk]:
    edges = sorted({0, len(whole.spo2), *(cut % len(whole.spo2) for cut in cuts)})
    return [
        OximetryChunk(whole.t0_ms + a * whole.dt_ms, whole.dt_ms, whole.spo2[a:b], whole.pulse[a:b])
        for a, b in itertools.pairwise(edges)
    ]


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 10_000),
    st.integers(200, 3000),
    st.sampled_from([250, 1000, 2000, 4000]),
    st.lists(st.integers(0, 3000), max_size=12),
)
def test_any_cutting_gives_the_pulse_of_the_whole_night(seed: int, samples: int, dt_ms: int, cuts: list[int]) -> None:
    whole = recording(seed, samples, dt_ms)
    state = stream.start()
    for piece in pieces(whole, cuts):
        state, _ = stream.step(stream.NightState.from_bytes(state.to_bytes()), piece)
    _, output = stream.close(state)
    got = output.indices
    at_once = stream.detect(whole.spo2, dt_ms / 1000, pulse=whole.pulse)
    assert repr(got) == repr(at_once.indices)
    grid = lay_out([whole])
    believed = (grid.pulse >= 25) & (grid.pulse <= 250)
    assert got.pulse_valid_s == believed.sum()
    summary = pulse_summary(grid.pulse, at_once.events)
    if summary is not None:
        assert (got.pulse_mean_bpm, got.pulse_min_bpm, got.pulse_max_bpm) == (summary.mean, summary.min, summary.max)
        assert got.pulse_rise_index == summary.rise_index
        assert got.pulse_response_events == summary.response_events
        assert np.allclose(got.pulse_response_bpm, summary.response_bpm, rtol=1e-12, equal_nan=True)


def test_without_a_pulse_there_is_none() -> None:
    indices = stream.detect(np.full(600, 96.0)).indices
    assert indices.pulse_valid_s == 0
    assert np.isnan([indices.pulse_mean_bpm, indices.pulse_rise_index, indices.pulse_response_bpm]).all()


def test_a_pulse_that_comes_late_counts_from_then_on() -> None:
    whole = recording(3, 1200, 1000)
    state, _ = stream.step(stream.start(), OximetryChunk(7_000, 1000, whole.spo2[:400]))
    state, _ = stream.step(state, OximetryChunk(407_000, 1000, whole.spo2[400:], whole.pulse[400:]))
    _, output = stream.close(state)
    silent = whole.pulse.copy()
    silent[:400] = np.nan
    expected = stream.detect(whole.spo2, pulse=silent).indices
    assert output.indices.pulse_mean_bpm == expected.pulse_mean_bpm
    assert output.indices.pulse_valid_s == expected.pulse_valid_s
