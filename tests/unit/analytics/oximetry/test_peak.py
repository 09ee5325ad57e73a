"""Profile `peak`: dips of exact shape on both sides of each limit of the rule."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.oximetry import peak, stream
from analytics.oximetry.events import Events
from analytics.oximetry.signal import OximetryChunk
from analytics.oximetry.stream import detect
from tests.unit.analytics.oximetry.shapes import LEAD_S, Signal, dip, flat, night


def events(*parts: Signal) -> Events:
    return detect(night(*parts)).events


def test_an_event_is_described_from_its_start_to_its_recovery():
    (found,) = events(dip(96, 6, fall_s=24, hold_s=4, rise_s=12))
    assert (found["start_s"], found["nadir_s"]) == (LEAD_S - 1, LEAD_S + 23)
    assert found["end_s"] == LEAD_S + 23 + 3 + 8  # two thirds of the depth, on the way up
    assert (found["baseline_pct"], found["nadir_pct"], found["depth_pct"]) == (96, 90, 6)
    fall, hold = sum(6 * i / 24 for i in range(25)), 3 * 6
    rise = sum(6 - 6 * i / 12 for i in range(1, 9))
    assert found["area_pct_s"] == pytest.approx(fall + hold + rise)


@pytest.mark.parametrize(("depth", "count"), [(2.0, 0), (2.2, 0), (2.8, 1), (3.0, 1), (6.0, 1)])
def test_a_textbook_fall_of_three_whole_per_cent_stands_by_itself_one_of_two_does_not(depth: float, count: int):
    assert len(events(dip(96, depth, fall_s=20))) == count


def test_a_fall_of_two_per_cent_needs_company():
    shallow = np.repeat(np.array([95, 94, 95, 96], np.float32), [8, 8, 4, 40])
    assert len(events(shallow)) == 0
    found = events(shallow, shallow, shallow)
    assert found["depth_pct"].tolist() == [2, 2, 2]


def test_confidence_grows_with_company_and_depth():
    alone = events(dip(96, 4, fall_s=20))
    among = events(*[part for _ in range(5) for part in (dip(96, 4, fall_s=20), flat(96, 20))])
    deeper = events(dip(96, 6, fall_s=20))
    assert among["confidence"].max() > alone["confidence"][0]
    assert deeper["confidence"][0] > alone["confidence"][0]
    assert among["confidence"].max() <= 1.0


@pytest.mark.parametrize(("fall_s", "count"), [(4, 0), (6, 0), (12, 1), (60, 1)])
def test_a_sensors_wobble_falls_faster_than_blood(fall_s: int, count: int):
    assert len(events(dip(96, 3, fall_s=fall_s))) == count


@pytest.mark.parametrize(("rise_s", "count"), [(45, 1), (150, 0), (300, 0)])
def test_what_does_not_come_back_soon_is_drift_unless_it_is_deep(rise_s: int, count: int):
    assert len(events(dip(96, 3, fall_s=20, rise_s=rise_s))) == count


def test_a_new_level_is_no_event():
    assert len(detect(np.concatenate([flat(96, 600), dip(96, 5, 20)[:20], flat(91, 600)])).events) == 0


def test_a_fall_from_an_overshoot_back_to_the_level_around_it_is_no_event():
    sigh = np.repeat(np.array([97, 98, 99, 98, 97, 96, 97, 98], np.float32), [3, 3, 20, 6, 6, 10, 5, 20])
    assert len(events(sigh)) == 0
    # The same fall below that level is one.
    assert len(events(sigh - 3)) == 1


def test_dips_of_a_restless_waking_keep_nobody_company():
    shallow = np.repeat(np.array([95, 94, 95, 96], np.float32), [8, 8, 4, 40])
    assert len(events(*[shallow] * 3)) == 3
    # Overshoots that fall back to the level have the same shape, and stay alone.
    assert len(events(*[shallow + 2] * 3)) == 0


def test_a_flickering_sensor_is_believed_less():
    rng = np.random.default_rng(4)
    dips = night(*[part for _ in range(4) for part in (dip(96, 3, fall_s=20), flat(96, 20))])
    quiet, noisy = np.rint(dips), np.rint(dips + rng.normal(0, 0.6, dips.size)).astype(np.float32)
    sure, unsure = detect(quiet).events, detect(noisy).events
    assert len(sure) == 4
    assert unsure["confidence"].max(initial=0.0) < sure["confidence"].min()


def test_the_share_of_time_at_two_whole_per_cents_tells_the_value_between_them():
    # 95 and 93 for a moment each: the extremes of a flicker about 94 are no fall of 2 %.
    flicker = np.tile(np.array([95, 93, 94, 94], np.float32), 150)
    assert len(detect(flicker).events) == 0


def test_start_nadir_and_depth_are_those_of_the_signal_not_of_its_mean():
    (found,) = events(dip(96, 5, fall_s=15, rise_s=4))
    assert (found["start_s"], found["nadir_s"]) == (LEAD_S - 1, LEAD_S + 14)
    assert (found["baseline_pct"], found["nadir_pct"]) == (96, 91)


def test_a_flat_shoulder_is_cut_off_the_start():
    shoulder = np.repeat(np.array([97], np.float32), 5)
    flat_s = peak.SHOULDER_S + peak.MEAN_S
    (found,) = events(shoulder, flat(96, flat_s), dip(96, 4, fall_s=20))
    assert found["baseline_pct"] == 96
    assert found["start_s"] == LEAD_S + 5 + flat_s - 1
    (whole,) = events(shoulder, flat(96, peak.SHOULDER_S - peak.MEAN_S), dip(96, 4, fall_s=20))
    assert whole["baseline_pct"] == 97


@pytest.mark.parametrize(("bounce", "count"), [(1.5, 1), (5.0, 2)])
def test_a_bounce_of_half_the_depth_parts_two_events(bounce: float, count: int):
    down, up = dip(96, 6, fall_s=20, rise_s=1)[:20], np.float32(90)
    first = np.concatenate([down, np.linspace(up, up + bounce, 8)[1:]]).astype(np.float32)
    second = np.linspace(up + bounce, 87, 20)[1:].astype(np.float32)
    found = events(first, second, np.linspace(87, 96, 12)[1:].astype(np.float32))
    assert len(found) == count
    assert found["nadir_pct"].min() == 87


def test_a_dip_in_a_night_of_whole_per_cents_through_a_converter_is_read_as_whole():
    integer = np.rint(night(dip(96, 4, fall_s=16)))
    converted = np.round(integer / 100 * 256) * 100 / 256
    assert np.abs(converted - integer).max() > 0.1
    assert detect(converted).events.tolist() == detect(integer).events.tolist()


def test_tenths_are_read_as_tenths():
    wobble = np.tile(np.array([96.0, 96.1], np.float32), 300)
    found = detect(np.concatenate([wobble, dip(96, 3.9, fall_s=20), wobble])).events
    assert found["depth_pct"][0] == pytest.approx(4.0, abs=0.01)  # from 96.1
    assert found["nadir_pct"][0] == pytest.approx(92.1, abs=0.01)


def test_a_dropout_in_the_fall_is_bridged_up_to_five_seconds_and_cuts_beyond():
    def with_dropout(seconds: int) -> Signal:
        signal = night(dip(96, 5, fall_s=25))
        signal[LEAD_S + 10 : LEAD_S + 10 + seconds] = np.nan
        return signal

    whole = detect(night(dip(96, 5, fall_s=25))).events
    bridged = detect(with_dropout(5)).events
    assert bridged["depth_pct"].tolist() == whole["depth_pct"].tolist() == [5]
    assert len(detect(with_dropout(6)).events) == 0


def test_a_fall_that_nobody_saw_is_no_event():
    signal = night(np.linspace(90, 96, 16)[:-1].astype(np.float32))  # 96 -> 90 within one second: masked, and low after
    assert len(detect(signal).events) == 0
    signal[LEAD_S : LEAD_S + 4] = np.nan  # the same behind a dropout
    assert len(detect(signal).events) == 0


def test_a_masked_second_never_deepens():
    signal = night(dip(96, 4, fall_s=20, hold_s=6))
    signal[LEAD_S + 21] = 80.0
    assert detect(signal).events["nadir_pct"].tolist() == [92]


def test_every_event_is_final_after_the_stated_delay():
    signal = night(dip(96, 4, fall_s=20))
    (found,) = detect(signal).events
    state, seen_at = stream.start(), None
    for second, value in enumerate(signal):
        state, output = stream.step(state, OximetryChunk(1000 * second, 1000, np.array([value], np.float32)))
        if output.desaturations and seen_at is None:
            seen_at = second
    assert seen_at is not None
    assert seen_at - found["nadir_s"] <= stream.EVENT_DELAY_S + 1


@pytest.mark.parametrize(("low_s", "count"), [(1, 0), (2, 0), (4, 3)])
def test_a_second_or_two_are_no_nadir(low_s: int, count: int):
    dips = np.tile(np.repeat(np.array([95, 94, 96], np.float32), [10, low_s, 40]), 3)
    assert len(events(dips)) == count
