"""However a bed's waveform arrives, its analysis is the same, bit for bit; and what is no value counts for nothing."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.bed import stream
from analytics.bed.signal import CLIPPED, WaveformChunk
from tests.unit.analytics.bed.scenes import short_scene

SECONDS = 600
FROM_S = 240
"""The last minute of an empty bed, and ten of somebody in it."""


def waveform() -> tuple[float, np.ndarray]:
    scene = short_scene()
    return scene.start_ms + 1000.0 * FROM_S, scene.counts[50 * FROM_S : 50 * (FROM_S + SECONDS)].astype(np.float64)


def bits(epochs: np.ndarray, disturbances: np.ndarray) -> list[tuple[str, bytes]]:
    """Every column, bit for bit; what pads a row is nobody's."""
    return [(name, rows[name].tobytes()) for rows in (epochs, disturbances) for name in rows.dtype.names]


def stream_of(pieces: list[WaveformChunk], restore: bool = False) -> tuple[np.ndarray, np.ndarray]:
    state = stream.start()
    outputs = []
    for piece in pieces:
        state, output = stream.step(state, piece)
        outputs.append(output)
        if restore:
            state = stream.BedState.from_bytes(state.to_bytes())
    outputs.append(stream.close(state)[1])
    return (
        np.concatenate([output.epochs for output in outputs]),
        np.concatenate([output.disturbances for output in outputs]),
    )


def run(pieces: list[WaveformChunk], restore: bool = False) -> list[tuple[str, bytes]]:
    return bits(*stream_of(pieces, restore))


def cut(t0_ms: float, dt_ms: float, pressure: np.ndarray, flags: np.ndarray, at: list[int]) -> list[WaveformChunk]:
    edges = sorted({0, pressure.size, *(place % pressure.size for place in at)})
    return [
        WaveformChunk(t0_ms + dt_ms * first, dt_ms, pressure[first:after], flags=flags[first:after])
        for first, after in pairwise(edges)
    ]


def whole(chunk: WaveformChunk) -> list[tuple[str, bytes]]:
    output = stream.analyze(chunk)
    return bits(output.epochs, output.disturbances)


places = st.lists(st.integers(0, 50 * SECONDS), max_size=12)
holes = st.lists(st.tuples(st.integers(0, 50 * SECONDS - 1), st.integers(1, 900)), max_size=4)


@settings(max_examples=15, deadline=None)
@given(places, holes, st.booleans())
def test_any_cutting_snapshot_and_restore_gives_the_same_bits(at, clipped, restore):
    t0_ms, pressure = waveform()
    flags = np.zeros(pressure.size, np.uint8)
    for first, length in clipped:
        flags[first : first + length] = CLIPPED
    batch = whole(WaveformChunk(t0_ms, 20.0, pressure, flags=flags))
    assert run(cut(t0_ms, 20.0, pressure, flags, at), restore) == batch


@settings(max_examples=8, deadline=None)
@given(places)
def test_faster_samples_too(at):
    t0_ms, pressure = waveform()
    fast = np.repeat(pressure[: 50 * 120], 4)
    flags = np.zeros(fast.size, np.uint8)
    assert run(cut(t0_ms, 5.0, fast, flags, at)) == whole(WaveformChunk(t0_ms, 5.0, fast, flags=flags))


@settings(max_examples=10, deadline=None)
@given(holes, st.floats(-1e6, 1e6))
def test_the_value_of_a_clipped_sample_counts_for_nothing(clipped, value):
    t0_ms, pressure = waveform()
    flags = np.zeros(pressure.size, np.uint8)
    for first, length in clipped:
        flags[first : first + length] = CLIPPED
    other = np.where(flags > 0, value, pressure)
    assert whole(WaveformChunk(t0_ms, 20.0, other, flags=flags)) == whole(
        WaveformChunk(t0_ms, 20.0, pressure, flags=flags)
    )


@settings(max_examples=10, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 50 * SECONDS), st.integers(0, 3)), max_size=8))
def test_another_gain_of_the_amplifier_changes_nothing(changes):
    t0_ms, pressure = waveform()
    gain = np.zeros(pressure.size, np.uint8)
    for place, step in sorted(changes):
        gain[place:] = step
    amplified = WaveformChunk(t0_ms, 20.0, pressure * 4.0**gain, gain=gain, gain_ratio=4.0)
    assert whole(amplified) == whole(WaveformChunk(t0_ms, 20.0, pressure))


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 50 * 300), st.integers(1, 50 * 300), st.integers(0, 86_400))
def test_a_hole_has_no_rows_and_what_follows_is_read_again(first, length, more_s):
    t0_ms, pressure = waveform()
    after_ms = t0_ms + 20.0 * (first + length) + 10_000.0 * (more_s // 10)
    pieces = [WaveformChunk(t0_ms, 20.0, pressure[:first]), WaveformChunk(after_ms, 20.0, pressure[first + length :])]
    epochs, _ = stream_of(pieces)
    ends = epochs["start_ms"] + 10_000
    hole = (epochs["start_ms"] >= t0_ms + 20.0 * first) & (ends <= after_ms)
    assert not hole.any()
    assert (np.diff(epochs["start_ms"]) >= 10_000).all()
    assert np.count_nonzero(~np.isnan(epochs["heart_rate"][epochs["start_ms"] > after_ms])) > 3


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(-9, 9), min_size=20, max_size=20))
def test_times_that_jitter_within_a_slot_change_nothing(jitter_ms):
    t0_ms, pressure = waveform()
    edges = np.linspace(0, pressure.size, 21).astype(int)
    pieces = [
        WaveformChunk(t0_ms + 20.0 * first + shift, 20.0, pressure[first:after])
        for (first, after), shift in zip(pairwise(edges.tolist()), [0, *jitter_ms[1:]], strict=True)
    ]
    assert run(pieces) == whole(WaveformChunk(t0_ms, 20.0, pressure))
