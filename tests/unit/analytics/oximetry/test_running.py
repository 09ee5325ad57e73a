"""The running indices: what is counted, by which denominator, on both sides of each level."""

from __future__ import annotations

import math

import numpy as np
import pytest

from analytics.oximetry import stream
from analytics.oximetry.indices import REASONS, RunningIndices
from analytics.oximetry.masking import EDGE_S, FILLER
from analytics.oximetry.signal import OximetryChunk
from tests.unit.analytics.oximetry.shapes import dip, flat, night


def indices(*parts: np.ndarray) -> RunningIndices:
    return stream.analyze_core(np.concatenate(parts).astype(np.float32)).indices


def test_every_reason_has_a_name():
    assert len(REASONS) == FILLER + 1


def test_of_nothing_no_index_can_be_said():
    found = indices(flat(np.nan, 60))
    assert (found.valid_s, found.recorded_s) == (0, 0)
    assert math.isnan(found.odi3)
    assert math.isnan(found.t90_pct)
    assert math.isnan(found.mean_pct)
    assert math.isnan(found.min_pct)


def test_an_empty_night_closes():
    _, output = stream.close(stream.start())
    assert output.indices.recorded_s == 0
    assert output.desaturations == ()


@pytest.mark.parametrize(
    ("level", "below", "at_most"),
    [(90.1, 0, 0), (90.0, 0, 100), (89.9, 100, 100)],
)
def test_t90_is_strictly_below_and_its_sibling_at_or_below(level: float, below: float, at_most: float):
    found = indices(flat(level, 100))
    assert (found.t90_pct, found.t90_le_pct) == (below, at_most)


@pytest.mark.parametrize(
    ("level", "name"), [(95, "t95_pct"), (90, "t90_pct"), (88, "t88_pct"), (85, "t85_pct"), (80, "t80_pct")]
)
def test_each_level_counts_time_strictly_below_it(level: int, name: str):
    assert getattr(indices(flat(level, 100)), name) == 0
    assert getattr(indices(flat(level - 0.1, 100)), name) == 100


def test_shares_and_mean_are_by_valid_time():
    found = indices(flat(96, 3 + 60), flat(np.nan, 60), flat(89, 3 + 20), flat(96, 3))
    assert (
        found.valid_s == 60 - EDGE_S + 20 + 3 - 1
    )  # less the edge before the sensor went off, and the step at the end
    assert found.recorded_s == 63 + 60 + 23 + 3
    assert found.t90_pct == pytest.approx(100 * 20 / found.valid_s)
    assert found.mean_pct == pytest.approx((96 * (found.valid_s - 20) + 89 * 20) / found.valid_s)
    assert found.min_pct == 89
    assert found.artefact_s == {"missing": 60, "edge": 3 * EDGE_S, "step": 1}


def test_recorded_time_is_valid_time_and_artefacts_but_filler():
    found = indices(flat(96, 100), flat(np.nan, 10), flat(96, 50), flat(255, 40))
    assert found.artefact_s["filler"] == 40
    masked = sum(seconds for reason, seconds in found.artefact_s.items() if reason != "filler")
    assert found.recorded_s == found.valid_s + masked == 160


def test_a_gap_counts_as_recorded_however_long():
    state = stream.start()
    for t0_s in (0, 20_000):
        state, _ = stream.step(state, OximetryChunk(t0_s * 1000, 1000, flat(96, 100)))
    _, output = stream.close(state)
    assert output.indices.recorded_s == 20_100
    assert output.indices.artefact_s["gap"] == 19_900


def test_odi_is_events_by_depth_per_valid_hour():
    calm = flat(96, 60)
    found = stream.analyze_core(
        night(dip(96, 3.9, 20), calm, dip(96, 4, 20), calm, dip(96, 2.9, 20), calm, dip(96, 3, 20))
    )
    hours = found.indices.valid_h
    assert len(found.events) == 4
    assert found.indices.odi2 == pytest.approx(4 / hours)
    assert found.indices.odi3 == pytest.approx(3 / hours)
    assert found.indices.odi4 == pytest.approx(1 / hours)


@pytest.mark.parametrize(("seconds", "met"), [(299, False), (300, True)])
def test_the_payers_criterion_is_five_minutes_at_or_below_88(seconds: int, met: bool):
    slope = np.linspace(96, 88.5, 20).astype(np.float32)
    found = indices(flat(96, 60), slope, flat(88, seconds), slope[::-1], flat(96, 60))
    assert found.seconds_le_88 == seconds
    assert found.longest_le_88_s == seconds
    assert found.meets_payer_criterion is met


@pytest.mark.parametrize(("dropout_s", "longest_s"), [(5, 100), (6, 57)])
def test_the_longest_time_low_bridges_five_seconds_which_do_not_count(dropout_s: int, longest_s: int):
    found = indices(flat(88, EDGE_S + 40), flat(np.nan, dropout_s), flat(88, 60))
    assert found.longest_le_88_s == longest_s


def test_a_single_hour_can_be_followed_as_it_goes():
    state = stream.start()
    seen = []
    for minute in range(60):
        state, output = stream.step(state, OximetryChunk(minute * 60_000, 1000, flat(95 - minute / 10, 60)))
        seen.append(output.indices.valid_s)
    assert seen[0] == 60 - 1 - stream.INDICES_DELAY_S - EDGE_S
    assert np.diff(seen).tolist() == [60] * 59
