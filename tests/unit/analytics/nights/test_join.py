"""One patient's sensors become nights: which night, which device, which denominator, and what is said of it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from analytics.nights.join import join_night, join_nights
from analytics.nights.records import PatientNight, SensorRecord
from tests.unit.analytics.nights.records import NEXT, NIGHT, ZONE, at, record, usual

HOUR_MS = 3_600_000


def only(*records: SensorRecord) -> PatientNight:
    (night,) = join_nights(records, ZONE)
    return night


def test_three_sensors_make_one_night() -> None:
    night = only(
        usual("oximetry", "ring", odi3=12.0, valid_s=7 * 3600.0),
        usual("bed", sleep_s=6.0 * 3600, supine_pct=30.0),
        usual("recorder", "mad"),
        record("wear", at(NIGHT, "22:30"), at(NEXT, "04:30"), "mad"),
    )
    assert night.night == NIGHT
    assert night.indices == {"odi3": 12.0}
    assert (night.valid_h, night.sleep_h, night.sleep_of) == (7.0, 6.0, "bed_sleep")
    assert (night.wear_state, night.wear_h, night.wear_of_sleep_pct) == ("worn", 6.0, 100.0)
    assert night.mad_of_oximetry_pct == pytest.approx(75.0)
    assert night.supine_pct == 30.0
    assert (night.bedtime_ms, night.rise_ms, night.bedtime_of) == (at(NIGHT, "22:30"), at(NEXT, "06:30"), "bed")
    assert night.notes == ()


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        pytest.param("11:00", "12:59", NIGHT - timedelta(days=1), id="middle just before noon"),
        pytest.param("11:00", "13:01", NIGHT, id="middle just after noon"),
    ],
)
def test_a_recording_across_noon_belongs_whole_to_the_night_of_its_middle(start: str, end: str, expected: date) -> None:
    night = only(record("oximetry", at(NIGHT, start), at(NIGHT, end), odi3=1.0))
    assert night.night == expected
    assert night.valid_h == pytest.approx((at(NIGHT, end) - at(NIGHT, start)) / HOUR_MS)


def test_recorder_and_wear_across_noon_are_cut_there() -> None:
    worn = record("wear", at(NIGHT, "09:00"), at(NIGHT, "14:00"), "mad")
    before, after = join_nights([worn], ZONE)
    assert (before.night, before.wear_h) == (NIGHT - timedelta(days=1), 3.0)
    assert (after.night, after.wear_h) == (NIGHT, 2.0)


def test_recorder_data_over_days_is_data_of_every_night() -> None:
    data = record("recorder", at(NIGHT, "12:00"), at(NIGHT + timedelta(days=3), "12:00"))
    nights = join_nights([data], ZONE)
    assert [night.night for night in nights] == [NIGHT + timedelta(days=i) for i in range(3)]
    assert all(night.wear_state == "not_worn" and night.recorder_pct == 100.0 for night in nights)


@pytest.mark.parametrize(
    ("night", "hours"),
    [
        pytest.param(date(2026, 3, 28), 23, id="spring"),
        pytest.param(date(2026, 10, 24), 25, id="autumn"),
        pytest.param(NIGHT, 24, id="usual"),
    ],
)
def test_a_night_in_which_the_clocks_change_has_its_own_length(night: date, hours: int) -> None:
    after = night + timedelta(days=1)
    data = record("recorder", at(night, "12:00"), at(after, "12:00"), "mad")
    ring = record("oximetry", at(night, "22:00"), at(after, "06:00"), odi3=3.0)
    joined = only(data, ring)
    assert (joined.night, joined.length_h) == (night, hours)
    assert ("clock_change" in joined.notes) == (hours != 24)
    assert joined.valid_h == pytest.approx(8 + hours - 24)


def test_a_ring_off_and_on_again_is_one_night_by_valid_time() -> None:
    night = only(
        record("oximetry", at(NIGHT, "22:00"), at(NEXT, "00:00"), "ring", odi3=10.0, min_spo2=80.0),
        record("oximetry", at(NEXT, "00:30"), at(NEXT, "06:30"), "ring", odi3=30.0, min_spo2=90.0),
    )
    assert night.valid_h == 8.0
    assert night.index("odi3") == pytest.approx((2 * 10 + 6 * 30) / 8)
    assert night.index("min_spo2") == 80.0
    assert "split_sessions" in night.notes
    assert night.nap_count == 0


@pytest.mark.parametrize(("nap_h", "naps"), [pytest.param(2.9, 1, id="a nap"), pytest.param(3.0, 0, id="split sleep")])
def test_a_short_sleep_apart_is_a_nap_and_in_no_index(nap_h: float, naps: int) -> None:
    nap_ms = at(NIGHT, "13:00")
    night = only(
        record("oximetry", nap_ms, nap_ms + int(nap_h * HOUR_MS), "ring", odi3=50.0),
        usual("oximetry", "ring", odi3=10.0),
    )
    assert night.nap_count == naps
    assert ("nap" in night.notes, "split_sleep" in night.notes) == (bool(naps), not naps)
    if naps:
        assert night.index("odi3") == 10.0
        assert night.nap_h == pytest.approx(2.9)
    else:
        assert night.valid_h == 11.0
    assert night.bedtime_ms == at(NIGHT, "22:30")


@pytest.mark.parametrize(("gap_min", "naps"), [pytest.param(119, 0), pytest.param(120, 1)])
def test_less_than_two_hours_without_a_sensor_is_still_the_same_sleep(gap_min: int, naps: int) -> None:
    start_ms = at(NEXT, "06:30") + gap_min * 60_000
    again = record("oximetry", start_ms, start_ms + HOUR_MS, "ring", odi3=0.0)
    assert only(usual("oximetry", "ring", odi3=9.0), again).nap_count == naps


def test_of_two_oximeters_at_once_the_one_with_more_valid_time_counts_and_the_other_is_kept() -> None:
    night = only(
        usual("oximetry", "a", odi3=10.0, valid_s=5 * 3600.0), usual("oximetry", "b", odi3=20.0, valid_s=6 * 3600.0)
    )
    assert night.oximeters == ("b",)
    assert night.indices == {"odi3": 20.0}
    (unused,) = night.unused
    assert (unused.device, unused.reason, unused.odi3, unused.valid_s) == ("a", "another_device_counts", 10.0, 18000.0)
    assert "two_devices" in night.notes


def test_of_two_equal_oximeters_the_lower_id_counts_whatever_their_order() -> None:
    a, b = usual("oximetry", "a", odi3=1.0), usual("oximetry", "b", odi3=2.0)
    assert only(a, b) == only(b, a)
    assert only(a, b).oximeters == ("a",)


@pytest.mark.parametrize(
    ("overlap_min", "both"), [pytest.param(5, True, id="one after the other"), pytest.param(6, False, id="at once")]
)
def test_oximeters_that_follow_each_other_both_count(overlap_min: int, both: bool) -> None:
    second_ms = at(NEXT, "02:00") - overlap_min * 60_000
    night = only(
        record("oximetry", at(NIGHT, "22:00"), at(NEXT, "02:00"), "a", odi3=4.0),
        record("oximetry", second_ms, second_ms + 3 * HOUR_MS, "b", odi3=11.0),
    )
    assert night.oximeters == (("a", "b") if both else ("a",))
    assert ("several_devices_in_turn" in night.notes) == both


def test_the_same_time_twice_from_one_device_counts_once() -> None:
    night = only(usual("oximetry", "ring", odi3=5.0, valid_s=20_000.0), usual("oximetry", "ring", odi3=6.0))
    assert night.indices == {"odi3": 6.0}
    assert [one.reason for one in night.unused] == ["same_time_twice"]


@pytest.mark.parametrize(("valid_s", "counts"), [(599.0, False), (600.0, True)])
def test_a_recording_of_less_than_ten_valid_minutes_tells_no_rate(valid_s: float, counts: bool) -> None:
    night = only(usual("oximetry", odi3=60.0, valid_s=valid_s))
    assert bool(night.indices) == counts
    assert ("no_oximetry" in night.notes) == (not counts)
    assert "few_valid_hours" not in night.notes or counts


def test_without_a_bed_sensor_the_valid_hours_stand_in_and_that_is_said() -> None:
    night = only(usual("oximetry", odi3=3.0, valid_s=6 * 3600.0), usual("recorder"), usual("wear"))
    assert (night.sleep_h, night.sleep_of) == (6.0, "oximetry_valid")
    assert night.wear_of_sleep_pct == 100.0
    assert (night.bedtime_of, "no_bed_sensor" in night.notes) == ("oximetry", True)


def test_a_bed_sensor_that_knows_no_sleep_is_no_denominator() -> None:
    night = only(usual("oximetry", odi3=3.0, valid_s=6 * 3600.0), usual("bed", supine_pct=10.0))
    assert (night.sleep_h, night.sleep_of, night.bedtime_of) == (6.0, "oximetry_valid", "bed")


def test_without_an_oximeter_no_index_is_told() -> None:
    night = only(usual("bed", sleep_s=6.0 * 3600), usual("recorder"), usual("wear"))
    assert (night.valid_h, night.indices, night.mad_of_oximetry_pct) == (0.0, {}, None)
    assert (night.sleep_of, night.wear_h) == ("bed_sleep", 8.0)
    assert "no_oximetry" in night.notes


def test_no_recorder_data_is_not_the_same_as_not_worn() -> None:
    missing, unworn = only(usual("oximetry", odi3=1.0)), only(usual("oximetry", odi3=1.0), usual("recorder"))
    assert (missing.wear_state, missing.wear_h, missing.mad_of_oximetry_pct) == ("no_data", None, None)
    assert (unworn.wear_state, unworn.wear_h, unworn.mad_of_oximetry_pct) == ("not_worn", 0.0, 0.0)
    assert "no_recorder" in missing.notes
    assert "no_recorder" not in unworn.notes


@pytest.mark.parametrize(
    ("until", "state"), [pytest.param("04:54", "not_worn", id="80 %"), pytest.param("04:53", "partial", id="less")]
)
def test_a_recorder_with_less_than_four_fifths_of_the_sleep_says_neither(until: str, state: str) -> None:
    data = record("recorder", at(NIGHT, "22:30"), at(NEXT, until))
    night = only(usual("oximetry", odi3=1.0), data)
    assert night.wear_state == state
    assert (night.wear_of_sleep_pct is None) == (state == "partial")
    assert ("recorder_incomplete" in night.notes) == (state == "partial")


def test_recorder_data_of_the_day_alone_says_nothing_of_the_night() -> None:
    night = only(usual("oximetry", odi3=1.0), record("recorder", at(NIGHT, "13:00"), at(NIGHT, "20:00")))
    assert (night.wear_state, night.wear_h) == ("no_data", None)


def test_suspect_wear_is_shown_and_never_counted() -> None:
    night = only(usual("oximetry", odi3=1.0), usual("recorder"), usual("wear", suspect=True))
    assert (night.wear_state, night.wear_h, night.suspect_wear_h) == ("not_worn", 0.0, 8.0)
    assert "suspect_wear" in night.notes


def test_where_only_the_recorder_tells_wear_is_bedtime() -> None:
    night = only(usual("recorder"), usual("wear"))
    assert (night.bedtime_of, night.bedtime_ms) == ("wear", at(NIGHT, "22:30"))
    assert (night.sleep_h, night.wear_of_sleep_pct) == (None, None)


@pytest.mark.parametrize(("hours", "few"), [(3.99, True), (4.0, False)])
def test_less_than_four_valid_hours_is_said(hours: float, few: bool) -> None:
    assert ("few_valid_hours" in only(usual("oximetry", odi3=1.0, valid_s=hours * 3600)).notes) == few


def test_unknown_indices_are_left_out_and_do_not_spoil_the_others() -> None:
    night = only(
        record("oximetry", at(NIGHT, "22:00"), at(NEXT, "00:00"), odi3=float("nan"), t90_pct=4.0),
        record("oximetry", at(NEXT, "00:00"), at(NEXT, "06:00"), odi3=8.0, t90_pct=8.0),
    )
    assert night.indices == {"odi3": 8.0, "t90_pct": 7.0}


def test_a_night_that_nothing_tells_of_is_a_night_of_which_nothing_is_known() -> None:
    night = join_night(NIGHT, [usual("oximetry", odi3=1.0)], ZONE)
    empty = join_night(NEXT, [usual("oximetry", odi3=1.0)], ZONE)
    assert night == only(usual("oximetry", odi3=1.0))
    assert (empty.valid_h, empty.sleep_h, empty.bedtime_ms, empty.wear_state) == (0.0, None, None, "no_data")
    assert empty.notes == ("no_oximetry", "no_bed_sensor", "no_recorder")


@pytest.mark.parametrize(
    ("start_ms", "end_ms", "valid_s"), [(10_000, 0, 0.0), (0, 10_000, 12.0), (0, 10_000, -1.0), (0, 10, float("nan"))]
)
def test_a_record_that_cannot_be_is_refused(start_ms: int, end_ms: int, valid_s: float) -> None:
    with pytest.raises(ValueError):
        SensorRecord("oximetry", "ring", start_ms, end_ms, valid_s)


def test_wear_by_day_does_not_make_up_for_a_night_without() -> None:
    night = only(
        usual("oximetry", odi3=1.0),
        record("recorder", at(NIGHT, "12:00"), at(NEXT, "12:00")),
        record("wear", at(NIGHT, "13:00"), at(NIGHT, "20:00")),
    )
    assert (night.wear_h, night.wear_of_sleep_pct, night.mad_of_oximetry_pct) == (7.0, 0.0, 0.0)


@pytest.mark.parametrize(("end", "told"), [("01:29", False), ("01:30", True)])
def test_a_sleep_as_short_as_a_nap_tells_no_bedtime(end: str, told: bool) -> None:
    night = only(record("oximetry", at(NIGHT, "22:30"), at(NEXT, end), odi3=1.0))
    assert (night.bedtime_of, night.bedtime_ms is not None) == (("oximetry", True) if told else (None, False))


def test_an_unknown_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown time zone"):
        join_nights([usual("recorder")], "Mars/Olympus")


@pytest.mark.parametrize(
    "told", [({}, {"odi3": 1.0}), ({"valid_s": 9.0}, {"valid_s": 8.0}), ({"odi3": 1.0}, {"odi4": 1.0})]
)
def test_two_records_of_one_time_tell_the_same_in_either_order(told: tuple[dict[str, float], ...]) -> None:
    one, other = (usual("oximetry", "ring", **each) for each in told)
    assert only(one, other) == only(other, one)
