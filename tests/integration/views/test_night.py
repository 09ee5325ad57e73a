"""One patient's night over all devices: what is told of it, and that nobody else's is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from gateway.errors import HiddenError
from gateway.service.access import Principal
from gateway.service.records import Role, State
from gateway.service.views.night import NightView, night_view
from gateway.service.views.night_values import Span
from gateway.wire.messages import Batch, ClockInfo
from tests.integration.views import night_scene as scene
from tests.integration.views.night_scene import END_MS, HOUR_MS, MAD, NIGHT, RING, SIZE, START_MS, STRIP, Home


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    made = scene.whole(tmp_path_factory.mktemp("home"))
    yield made
    made.close()


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Home]:
    made = Home(tmp_path)
    yield made
    made.close()


def look(home: Home, patient: str | None = None, *, day: int = 0, **wanted: int) -> NightView:
    return night_view(
        home.records,
        home.store,
        home.access,
        scene.PROGRAM,
        patient or home.patient.id,
        NIGHT + timedelta(day),
        now_ms=home.clock.now_ms,
        **wanted,
    )


def index(view: NightView, name: str) -> float | None:
    return next(one.value for one in view.account.indices if one.name == name)


def test_all_that_there_is_of_a_night(home: Home) -> None:
    found = look(home)
    account = found.account
    assert (account.state, account.zone, account.last_ms) == ("closed", scene.ZONE, END_MS + 9 * 60_000)
    assert account.noon_ms == Span(scene.NOON_MS, scene.NEXT_NOON_MS)
    assert account.noon_ms.end_ms - account.noon_ms.start_ms == 23 * HOUR_MS
    assert "A night in which the clocks changed." in account.notes
    assert (account.previous, account.next) == (NIGHT - timedelta(1), NIGHT + timedelta(2))
    assert {one.device: (one.kind, one.counts) for one in account.sources} == {
        RING: ("oximetry", True),
        MAD: ("wear", True),
        STRIP: ("bed", True),
    }
    (result,) = home.records.results.nights(device=RING, first=NIGHT, last=NIGHT)
    assert account.desaturations == tuple(home.records.results.desaturations(result))
    assert index(found, "odi3") == pytest.approx(result.indices["odi3"])
    assert index(found, "seconds_le_88") == pytest.approx((result.indices["seconds_le_88"] or 0) / 60)
    assert account.missing_h == pytest.approx(8 - result.valid_s / 3600)
    assert account.reading is not None
    assert account.reading.severity == "mild"
    assert set(found.view.lanes) == {
        "spo2",
        "pulse",
        "temperature",
        "heart_rate",
        "respiration_rate",
        "movement",
    }


def test_a_view_of_the_whole_keeps_every_extreme_and_no_more_points(home: Home) -> None:
    found = look(home, points=400)
    spo2 = found.view.lanes["spo2"]
    assert spo2.total == SIZE
    assert 200 < spo2.t_ms.size <= 400
    assert np.nanmin(spo2.values) == np.nanmin(home.samples.spo2)
    places = (spo2.t_ms - START_MS) // 1000
    np.testing.assert_array_equal(spo2.values, home.samples.spo2[places].astype(float))
    assert all(lane.t_ms.size <= 400 for lane in found.view.lanes.values())


def test_a_part_is_given_sample_by_sample(home: Home) -> None:
    begin = START_MS + 2 * HOUR_MS
    found = look(home, start_ms=begin, end_ms=begin + 600_000)
    assert (found.view.start_ms, found.view.end_ms) == (begin, begin + 600_000)
    spo2 = found.view.lanes["spo2"]
    assert (spo2.bucket_ms, spo2.total) == (0, 600)
    np.testing.assert_array_equal(spo2.values, home.samples.spo2[7200:7800].astype(float))
    assert found.view.postures == tuple(one for one in found.view.postures if one.start_ms >= begin)
    assert {one.posture for one in found.view.postures} == {"left"}
    assert found.account.desaturations == look(home).account.desaturations


@pytest.mark.parametrize(("start_ms", "end_ms"), [(0, 1), (END_MS, START_MS), (1 << 42, 1 << 43)])
def test_a_part_beside_the_night_is_empty(home: Home, start_ms: int, end_ms: int) -> None:
    found = look(home, start_ms=start_ms, end_ms=end_ms)
    assert dict(found.view.lanes) == {}
    assert scene.NOON_MS <= found.view.start_ms <= found.view.end_ms <= scene.NEXT_NOON_MS


def test_times_without_a_value_are_told_as_such(home: Home) -> None:
    found = look(home)
    holes = [Span(START_MS + (hole - 1) * 1000, START_MS + (hole + 200) * 1000) for hole in scene.HOLES]
    assert list(found.view.missing) == holes
    spo2 = found.view.lanes["spo2"]
    for hole in holes:
        inside = (spo2.t_ms > hole.start_ms) & (spo2.t_ms < hole.end_ms)
        assert np.isnan(spo2.values[inside]).all()
    begin, end = scene.MAD_HOLE
    assert list(found.account.unrecorded) == [Span(START_MS + begin * 60_000, START_MS + end * 60_000)]


def test_a_posture_is_told_while_the_mad_is_in_the_mouth_alone(home: Home) -> None:
    found = look(home)
    worn = found.account.worn
    assert len(worn) == 3
    for one in found.view.postures:
        assert any(wear.start_ms <= one.start_ms and one.end_ms <= wear.end_ms for wear in worn)
    at = {START_MS + 30 * 60_000: "supine", START_MS + 100 * 60_000: "left", START_MS + 260 * 60_000: "right"}
    for moment, posture in at.items():
        assert [one.posture for one in found.view.postures if one.start_ms <= moment < one.end_ms] == [posture]


def test_somebody_lay_in_the_bed_but_for_five_minutes(home: Home) -> None:
    first, second = look(home).view.in_bed
    assert second.start_ms - first.end_ms == pytest.approx(290_000, abs=45_000)
    fine = look(home, start_ms=first.end_ms - 600_000, end_ms=first.end_ms + 900_000).view.in_bed
    assert fine[1].start_ms - fine[0].end_ms == 290_000


def test_a_device_that_changes_hands_in_the_night_tells_each_their_own(bare: Home) -> None:
    change_ms = START_MS + 5 * HOUR_MS
    other = bare.add_patient("Case 18").id
    records = bare.records
    records.assignments.assign(RING, bare.patient.id, from_ms=0, to_ms=change_ms)
    records.assignments.assign(RING, other, from_ms=change_ms)
    bare.ring()
    first, second = look(bare, points=50_000), look(bare, other, points=50_000)
    assert first.view.lanes["spo2"].total == 5 * 3600
    assert second.view.lanes["spo2"].total == 3 * 3600
    assert first.view.lanes["spo2"].t_ms[-1] < change_ms <= second.view.lanes["spo2"].t_ms[0]
    # The night's result is whose its midnight is; the one who got the device after that has none of it.
    assert first.account.desaturations
    assert all(one.end_ms <= change_ms for one in first.account.desaturations)
    assert (second.account.desaturations, second.account.indices, second.account.sources) == ((), (), ())
    assert [one.shared for one in first.account.sources] == [True]
    assert any("for a part of this night alone" in note for note in first.account.notes)


def test_a_device_that_is_used_again_tells_nothing_of_the_last_wearer(bare: Home) -> None:
    other = bare.add_patient("Case 18").id
    records = bare.records
    records.assignments.assign(RING, bare.patient.id, from_ms=0, to_ms=END_MS + HOUR_MS)
    records.assignments.assign(RING, other, from_ms=END_MS + HOUR_MS)
    bare.ring()
    bare.earlier(-1)
    found = look(bare, other)
    assert (found.account.state, found.account.recorded_ms, found.account.desaturations) == ("empty", None, ())
    assert dict(found.view.lanes) == {}
    assert (found.account.previous, found.account.next) == (None, NIGHT + timedelta(1))
    assert look(bare).account.next is None
    assert look(bare, other, day=1).account.previous is None


def test_a_night_without_an_oximeter(bare: Home) -> None:
    bare.assign(MAD, STRIP)
    bare.clock.now_ms = END_MS
    bare.mad()
    bare.bed()
    found = look(bare)
    assert found.account.state == "closed"
    assert (found.account.reading, found.account.missing_h) == (None, None)
    assert {one.of for one in found.account.indices} == {"wear", "bed"}
    assert set(found.view.lanes) == {"temperature", "heart_rate", "respiration_rate", "movement"}
    assert "A night without oximetry." in found.account.notes


def test_a_night_of_an_oximeter_alone(bare: Home) -> None:
    bare.assign(RING)
    bare.ring()
    found = look(bare)
    assert set(found.view.lanes) == {"spo2", "pulse"}
    assert (found.view.postures, found.view.in_bed, found.account.worn) == ((), (), ())
    assert {one.of for one in found.account.indices} == {"oximetry"}
    assert found.account.recorded_ms == Span(START_MS, END_MS)


def test_a_running_night_is_not_read_and_says_how_old_it_is(bare: Home) -> None:
    bare.assign(RING)
    bare.ring(3 * 3600, close=False)
    found = look(bare)
    assert (found.account.state, found.account.reading) == ("running", None)
    assert found.account.last_ms == START_MS + 3 * HOUR_MS
    assert found.account.now_ms - found.account.last_ms == 3_000
    assert all(one.severity is None for one in found.account.indices)
    assert index(found, "hypoxic_burden") is None
    before = len(found.account.desaturations)
    bare.ring(5 * 3600, close=False)
    assert len(look(bare).account.desaturations) > before


def test_of_two_oximeters_at_once_one_is_drawn_and_the_other_named(bare: Home) -> None:
    spare = "plx-00000000b2"
    bare.records.devices.enrol(scene.GATEWAY, spare, zone=scene.ZONE, at_ms=0)
    bare.assign(RING, spare)
    bare.ring()
    short = Batch(
        device=spare,
        kind="oximetry",
        origin="live",
        session="spare",
        seq=0,
        t0_ms=START_MS,
        dt_ms=1000,
        columns={"spo2": np.full(7200, 70, "<f4"), "pulse": np.full(7200, 150, "<f4")},
        clock=ClockInfo("arrival", 500),
    )
    bare.store.append([short])
    bare.nights.feed([(short, scene.ZONE)])
    bare.nights.tick(settle=True)
    found = look(bare)
    assert {one.device: (one.counts, one.unused) for one in found.account.sources} == {
        RING: (True, None),
        spare: (False, "another_device_counts"),
    }
    assert np.nanmin(found.view.lanes["spo2"].values) == np.nanmin(bare.samples.spo2)
    assert np.nanmax(found.view.lanes["pulse"].values) < 150


def test_results_that_are_to_be_made_again_say_so(bare: Home) -> None:
    bare.assign(RING)
    bare.ring()
    bare.records.results.mark_stale([(RING, NIGHT)], at_ms=END_MS)
    found = look(bare)
    assert [one.pending for one in found.account.sources] == [True]
    assert any("are being made again" in note for note in found.account.notes)


def test_an_autumn_night_has_25_hours(bare: Home) -> None:
    found = look(bare, day=210)
    assert found.account.night.isoformat() == "2026-10-24"
    assert found.account.noon_ms.end_ms - found.account.noon_ms.start_ms == 25 * HOUR_MS


def test_a_bed_of_two_says_that_its_rates_may_be_eithers(bare: Home) -> None:
    bare.assign(STRIP)
    bare.bed(State.RUNNING)
    (result,) = bare.records.results.nights(device=STRIP)
    bare.records.results.replace_night(
        type(result)(**{**{name: getattr(result, name) for name in result.__slots__}, "indices": {"ambiguous": 1.0}}),
        (),
    )
    found = look(bare)
    assert found.account.state == "running"
    assert any(note.startswith("Two people seem") for note in found.account.notes)


def test_whom_one_does_not_care_for_does_not_exist(home: Home) -> None:
    user = home.records.users.add("clinic", "stranger", Role.DENTIST, at_ms=0)
    who = Principal(user.name, frozenset({"read"}), user)
    with pytest.raises(HiddenError):
        night_view(home.records, home.store, home.access, who, home.patient.id, NIGHT, now_ms=0)
