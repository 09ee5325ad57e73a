"""Artefact masking: which seconds are suspect, on both sides of each limit."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.oximetry import masking
from analytics.oximetry.masking import BRIDGE_S, EDGE, EDGE_S, FILLER, STEP
from analytics.oximetry.night import lay_out
from analytics.oximetry.signal import MISSING, VALID, OximetryChunk
from tests.unit.analytics.oximetry.shapes import flat


def reasons(*values: float | np.ndarray, dt_ms: int = 1000) -> list[int]:
    """Why each second is masked; the signal stands between quiet stretches, so that the sensor is on."""
    signal = np.concatenate([flat(96, 20), *[np.atleast_1d(v) for v in values], flat(96, 20)]).astype(np.float32)
    return lay_out([OximetryChunk(0, dt_ms, signal)]).reason.tolist()


def masked_at(found: list[int], reason: int) -> list[int]:
    return [second for second, why in enumerate(found) if why == reason]


def test_the_first_seconds_after_the_sensor_goes_on_are_suspect():
    assert masked_at(reasons(), EDGE) == list(range(EDGE_S))


@pytest.mark.parametrize(("absent_s", "edges"), [(BRIDGE_S, []), (BRIDGE_S + 1, [17, 18, 19, 26, 27, 28])])
def test_off_is_more_than_five_seconds_without_a_value(absent_s: int, edges: list[int]):
    found = masked_at(reasons(flat(np.nan, absent_s)), EDGE)
    assert found[EDGE_S:] == edges


@pytest.mark.parametrize(("change", "masked"), [(4.0, []), (4.1, [20]), (-4.0, []), (-4.1, [20])])
def test_a_change_of_more_than_four_per_cent_a_second_is_a_step(change: float, masked: list[int]):
    level = 92 + change
    tail = np.linspace(level, 96, 40)[1:]
    signal = np.concatenate([flat(92, 20), [level], tail]).astype(np.float32)
    assert masked_at(lay_out([OximetryChunk(0, 1000, signal)]).reason.tolist(), STEP) == masked


@pytest.mark.parametrize(("low_s", "masked_s"), [(7, 8), (8, 9), (9, 2)])
def test_a_step_and_a_step_back_within_eight_seconds_mask_all_between(low_s: int, masked_s: int):
    assert len(masked_at(reasons(flat(85, low_s)), STEP)) == masked_s


def test_a_step_is_a_rate_over_the_samples_real_distance():
    assert masked_at(reasons(80, 80, dt_ms=4000), STEP) == []  # 16 % in 4 s
    assert masked_at(reasons(79.5, 79.5, dt_ms=4000), STEP) != []


def test_a_device_that_repeats_its_samples_is_judged_by_the_true_ones():
    true = np.array([96, 95, 94, 95, 96, 95, 94, 95, 96, 95, 96, 90, 92, 94, 96], np.float32)
    repeated = lay_out([OximetryChunk(0, 1000, np.repeat(true, 4))]).reason.tolist()
    assert masked_at(repeated, STEP) == []  # 6 % in four seconds
    plain = lay_out([OximetryChunk(0, 1000, np.concatenate([true, flat(96, 5)]))]).reason.tolist()
    assert masked_at(plain, STEP) == [11]  # 6 % in one


def test_a_held_second_shares_the_verdict_of_its_sample():
    signal = np.array([96] * 8 + [60, 60] + [96] * 8, np.float32)
    found = lay_out([OximetryChunk(0, 2000, signal)]).reason.tolist()
    assert masked_at(found, STEP) == [16, 17, 18, 19, 20, 21]


def test_missing_rows_at_the_end_are_filler_and_not_missing_time():
    signal = np.concatenate([flat(96, 60), flat(65535, 30)])
    found = lay_out([OximetryChunk(0, 1000, signal)])
    assert masked_at(found.reason.tolist(), FILLER) == list(range(60, 90))
    assert MISSING not in found.reason
    assert masked_at(found.reason.tolist(), EDGE)[-1] == 59


def test_a_masked_second_is_missing_for_what_follows():
    found = lay_out([OximetryChunk(0, 1000, np.concatenate([flat(96, 30), flat(85, 3), flat(96, 30)]))])
    assert np.isnan(found.spo2[found.reason != VALID]).all()
    assert np.nanmin(found.spo2) == 96


def test_the_delay_covers_what_the_rules_look_ahead():
    assert masking.DELAY_S > BRIDGE_S + EDGE_S
    assert masking.DELAY_S > masking.EXCURSION_S
