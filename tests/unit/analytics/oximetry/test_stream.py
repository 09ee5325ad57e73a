"""The night as a step: pure, restorable, closed once."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.oximetry import stream
from analytics.oximetry.signal import OximetryChunk
from tests.unit.analytics.oximetry.shapes import dip, flat, night

T0_MS = 1_780_000_000_000


def minutes(signal: np.ndarray) -> list[OximetryChunk]:
    return [OximetryChunk(T0_MS + 1000 * at, 1000, signal[at : at + 60]) for at in range(0, len(signal), 60)]


def test_a_step_does_not_change_its_input():
    before = stream.start()
    snapshot = before.to_bytes()
    after, _ = stream.step(before, OximetryChunk(T0_MS, 1000, flat(96, 60)))
    assert before.to_bytes() == snapshot
    assert before == stream.start()
    assert after != before


def test_desaturations_are_dated_by_the_samples():
    state, found = stream.start(), []
    for chunk in minutes(night(dip(96, 6, 20))):
        state, output = stream.step(state, chunk)
        found += output.desaturations
    _, output = stream.close(state)
    assert output.desaturations == ()
    (event,) = found
    assert event.nadir_ms == T0_MS + 1000 * (610 + 19)
    assert event.depth_pct == 6
    assert 0.5 <= event.confidence <= 1.0


def test_closing_makes_final_what_was_waiting():
    signal = np.concatenate([flat(96, 600), dip(96, 6, 20), flat(96, 30)]).astype(np.float32)
    state, output = stream.step(stream.start(), OximetryChunk(T0_MS, 1000, signal))
    assert output.desaturations == ()
    _, output = stream.close(state)
    assert len(output.desaturations) == 1


def test_a_closed_night_takes_nothing_more():
    closed, _ = stream.close(stream.start())
    with pytest.raises(ValueError, match="closed"):
        stream.step(closed, OximetryChunk(T0_MS, 1000, flat(96, 1)))
    with pytest.raises(ValueError, match="closed"):
        stream.close(closed)


def test_an_empty_chunk_changes_nothing():
    state, _ = stream.step(stream.start(), OximetryChunk(T0_MS, 1000, flat(96, 100)))
    again, output = stream.step(state, OximetryChunk(T0_MS + 100_000, 1000, flat(96, 0)))
    assert again == state
    assert output.desaturations == ()


def test_a_state_knows_when_it_is():
    state, _ = stream.step(stream.start(), OximetryChunk(T0_MS, 1000, flat(96, 100)))
    assert (state.origin_ms, state.last_ms) == (T0_MS, T0_MS + 99_000)


def test_a_snapshot_restores_and_is_small():
    state, _ = stream.step(stream.start(), OximetryChunk(T0_MS, 1000, night(dip(96, 6, 20))))
    snapshot = state.to_bytes()
    assert stream.NightState.from_bytes(snapshot) == state
    assert len(snapshot) < 12_288


@pytest.mark.parametrize(
    "spoil",
    [
        lambda b: b"",
        lambda b: b[:-1],
        lambda b: b + b"\0",
        lambda b: b.replace(b"peak 1.1.0", b"peak 0.9.0"),
        lambda b: b[:-10] + bytes([b[-10] ^ 1]) + b[-9:],
    ],
    ids=["empty", "short", "long", "another version", "damaged"],
)
def test_a_snapshot_that_is_not_ours_is_refused(spoil):
    with pytest.raises(ValueError, match="state"):
        stream.NightState.from_bytes(spoil(stream.start().to_bytes()))


def test_late_samples_are_ignored_and_counted():
    state, _ = stream.step(stream.start(), OximetryChunk(T0_MS, 1000, flat(96, 100)))
    _, output = stream.step(state, OximetryChunk(T0_MS + 50_000, 1000, flat(70, 50)))
    assert output.indices.ignored_samples == 50
    assert output.indices.min_pct == 96


def test_batch_takes_any_array_and_interval():
    signal = np.round(night(dip(96, 6, 24, rise_s=12)))
    as_floats = stream.detect(signal.astype(np.float64).tolist(), 1.0)
    assert stream.analyze_core(signal.astype(np.float64)).events.tolist() == as_floats.events.tolist()
    slow = stream.detect(signal[::4], 4.0)
    assert len(slow.events) == len(as_floats.events) == 1
    assert abs(int(slow.events["nadir_s"][0]) - int(as_floats.events["nadir_s"][0])) <= 4
