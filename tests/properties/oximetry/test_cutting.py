"""However a night arrives, its analysis is the same, bit for bit."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.oximetry import stream
from analytics.oximetry.events import from_rows
from analytics.oximetry.signal import OximetryChunk
from tests.properties.oximetry.nights import INTERVALS_MS, cut, make_night, nights, recordings, run


@settings(max_examples=60, deadline=None)
@given(recordings(), st.lists(st.integers(0, 5000), max_size=30))
def test_any_cutting_gives_the_same_bits(chunks, at):
    whole = run(chunks)
    assert repr(run([piece for chunk in chunks for piece in cut(chunk, at)])) == repr(whole)


@settings(max_examples=12, deadline=None)
@given(recordings())
def test_one_sample_at_a_time_gives_the_same_bits(chunks):
    short = [cut(chunk, [300])[0] for chunk in chunks]
    pieces = [piece for chunk in short for piece in cut(chunk, list(range(len(chunk.spo2))))]
    assert repr(run(pieces)) == repr(run(short))


@settings(max_examples=30, deadline=None)
@given(recordings(), st.lists(st.integers(0, 5000), max_size=10))
def test_a_snapshot_and_restore_anywhere_gives_the_same_bits(chunks, at):
    pieces = [piece for chunk in chunks for piece in cut(chunk, at)]
    assert repr(run(pieces, restore=True)) == repr(run(pieces))


@settings(max_examples=30, deadline=None)
@given(nights, st.sampled_from(INTERVALS_MS), st.lists(st.integers(0, 5000), max_size=10))
def test_batch_equals_stream(signal, dt_ms, at):
    batch = stream.detect(signal, dt_ms / 1000)
    found, indices, _ = run(cut(OximetryChunk(0, dt_ms, signal), at))
    assert from_rows(batch.events.tolist(), 0) == tuple(found)
    assert repr(batch.indices) == repr(indices)


@settings(max_examples=30, deadline=None)
@given(recordings())
def test_a_chunk_that_comes_twice_is_ignored(chunks):
    for chunk in chunks[:1]:
        once, again = run([chunk]), run([chunk, chunk])
        assert again[0] == once[0]
        assert again[1].ignored_samples == len(chunk.spo2)
        assert again[1].valid_s == once[1].valid_s


@settings(max_examples=30, deadline=None)
@given(nights, st.integers(0, 2**41))
def test_the_time_of_day_only_moves_the_events(signal, t0_ms):
    here, indices, _ = run([OximetryChunk(0, 1000, signal)])
    there, moved, _ = run([OximetryChunk(t0_ms, 1000, signal)])
    assert [event.nadir_ms + t0_ms for event in here] == [event.nadir_ms for event in there]
    assert repr(indices) == repr(moved)


def test_a_whole_long_night_in_minutes_equals_the_whole():
    signal = make_night(7, 8 * 3600, 0)
    whole = OximetryChunk(1_780_000_000_000, 1000, signal)
    assert repr(run(cut(whole, list(range(0, 28_800, 60))))) == repr(run([whole]))
    assert len(run([whole])[0]) > 100
    assert np.isfinite(run([whole])[1].odi3)
