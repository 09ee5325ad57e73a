"""The report's values, from real records and a real store."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.errors import ConfigurationError
from gateway.service.exchange.report import wording
from gateway.service.exchange.report.build import build
from gateway.service.exchange.report.gather import gather, usual_period
from gateway.service.exchange.report.values import Report
from gateway.service.nights import night_bounds
from tests.integration.exchange import scene


def test_wear_over_the_period(report: Report) -> None:
    wear = report.wear
    assert wear is not None
    # Twenty nights since the recorder's first: one without data, one in the case, one suspect.
    assert (wear.usage.nights, wear.usage.with_data, wear.usage.used, wear.usage.missing) == (20, 19, 17, 1)
    hours = [5.5 + (n % 4) * 0.5 for n in range(scene.TREATED, scene.NIGHTS)]
    for number in sorted((scene.MISSING, scene.UNUSED, scene.SUSPECT), reverse=True):
        del hours[number - scene.TREATED]
    assert wear.usage.mean_used_h == pytest.approx(sum(hours) / 17)
    assert wear.usage.mean_h == pytest.approx(sum(hours) / 19)
    assert wear.usage.goal_pct == pytest.approx(100 * 17 / 19)
    assert wear.payer_from == scene.FIRST + timedelta(scene.TREATED)
    assert wear.payer.best_start is None  # thirty nights have not passed
    # In bed at 22:00 to 22:40, each tenth minute as often; removed by wall clock, also after the clocks went forward.
    assert wording.clock_of(wear.inserted_min) == "22:20"
    assert wear.supine_pct == pytest.approx(30.0)
    # 80 % of seven hours asleep are 5.6: nights of 5.5 h miss it.
    assert (wear.share.judged, wear.share.reached, wear.share_by_bed) == (19, sum(h >= 5.6 for h in hours), 19)


def test_without_and_with_the_mad(report: Report) -> None:
    response = report.response
    assert response.without is not None
    assert response.treated is not None
    assert response.alleviation is not None
    assert response.baseline_of == "nights without the MAD"
    efficacy = 1 - response.treated.mean / response.without.mean
    assert response.alleviation.efficacy == pytest.approx(efficacy)
    assert response.alleviation.mean_disease_alleviation == pytest.approx(efficacy * response.alleviation.compliance)
    assert 0.6 < response.alleviation.compliance < 0.9


def test_what_is_due_and_what_a_reader_should_know(report: Report) -> None:
    study, dentist, physician = report.follow_ups
    assert study.state == "coming"
    assert "6.5 mm" in study.why
    assert dentist.due == physician.due == (scene.FIRST + timedelta(scene.TREATED)).replace(year=2027)
    assert not report.provisional
    said = " ".join(report.quality)
    assert "1 night of wear missing: no data is not the same as not worn." in said
    assert f"Battery of {scene.MAD} is low (17 %)." in said
    assert f"{scene.STRIP} was last heard of 3 days before" in said
    assert "1 night in which the clocks changed." in said


def test_the_night_shown_is_the_last_one_or_the_one_asked_for(practice: scene.Practice, report: Report) -> None:
    trace = report.facts.trace
    assert trace is not None
    assert trace.result.night == scene.LAST
    assert len(trace.samples) == 28_800
    assert len(trace.desaturations) > 40
    assert [one.kind for one in trace.wears] == ["wear"]
    period = (scene.FIRST, scene.LAST)
    earlier = gather(practice.records, practice.store, practice.patient, period, now_ms=scene.NOW_MS, night=scene.FIRST)
    assert earlier.trace is not None
    assert earlier.trace.result.night == scene.FIRST
    with pytest.raises(ConfigurationError, match=r"no oximetry of p-[0-9a-f]+ in the night of 2025-01-01"):
        gather(
            practice.records,
            practice.store,
            practice.patient,
            period,
            now_ms=scene.NOW_MS,
            night=scene.FIRST.replace(year=2025, month=1, day=1),
        )


def test_under_fourteen_nights_it_is_provisional(practice: scene.Practice) -> None:
    for nights, provisional in ((13, True), (14, False)):
        period = (scene.LAST - timedelta(nights - 1), scene.LAST)
        made = build(gather(practice.records, practice.store, practice.patient, period, now_ms=scene.NOW_MS))
        assert made.provisional is provisional
        assert any(one.startswith("Provisional: 13 nights") for one in made.quality) is provisional


def test_the_baseline_lies_before_the_period(practice: scene.Practice) -> None:
    period = (scene.LAST - timedelta(6), scene.LAST)
    made = build(gather(practice.records, practice.store, practice.patient, period, now_ms=scene.NOW_MS))
    assert len(made.nights) == 7
    assert made.response.since == scene.FIRST
    assert made.response.without is not None
    assert made.response.without.nights >= scene.TREATED


def test_of_a_patient_without_anything_nothing_is_available(practice: scene.Practice) -> None:
    nobody = practice.records.people.add_patient("clinic-north", "Case 18", zone=scene.ZONE, at_ms=0)
    made = build(gather(practice.records, practice.store, nobody, (scene.FIRST, scene.LAST), now_ms=scene.NOW_MS))
    assert made.wear is None
    assert {row.value for row in wording.wear_rows(made.wear)} == {wording.NONE}
    assert {row.value for row in wording.response_rows(made)} == {wording.NONE}
    assert {one.state for one in made.follow_ups} == {"not yet"}
    assert made.provisional


def test_a_device_handed_on_tells_nothing_of_the_next_patient(practice: scene.Practice) -> None:
    records = practice.records
    former = records.people.add_patient("clinic-north", "Case 19", zone=scene.ZONE, at_ms=0)
    ring = "o2ring-00000000b2"
    records.devices.enrol("home", ring, zone=scene.ZONE, at_ms=0)
    handed_on = night_bounds(scene.FIRST + timedelta(2), scene.ZONE)[0]
    records.assignments.assign(ring, former.id, from_ms=0, to_ms=handed_on)
    for number in (1, 3):
        scene.ring_night(practice.store, records, scene.FIRST + timedelta(number), device=ring)
    period = (scene.FIRST, scene.LAST)
    facts = gather(records, practice.store, former, period, now_ms=scene.NOW_MS)
    assert [night.night for night in facts.nights] == [scene.FIRST + timedelta(1)]
    assert facts.trace is not None
    assert facts.trace.result.night == scene.FIRST + timedelta(1)
    with pytest.raises(ConfigurationError, match="no oximetry"):
        gather(records, practice.store, former, period, now_ms=scene.NOW_MS, night=scene.FIRST + timedelta(3))


def test_a_device_handed_on_in_the_night_shows_no_sample_of_the_other(practice: scene.Practice) -> None:
    records = practice.records
    former, latter = (
        records.people.add_patient("clinic-north", name, zone=scene.ZONE, at_ms=0) for name in ("Case 20", "Case 21")
    )
    ring = "o2ring-00000000b3"
    records.devices.enrol("home", ring, zone=scene.ZONE, at_ms=0)
    handed_on = night_bounds(scene.FIRST, scene.ZONE)[0] + 14 * scene.HOUR_MS  # two in the morning
    records.assignments.assign(ring, former.id, from_ms=0, to_ms=handed_on)
    records.assignments.assign(ring, latter.id, from_ms=handed_on)
    scene.ring_night(practice.store, records, scene.FIRST, device=ring)
    period = (scene.FIRST, scene.LAST)
    trace = gather(records, practice.store, former, period, now_ms=scene.NOW_MS).trace
    assert trace is not None
    assert trace.samples.t_ms[-1] < handed_on
    assert max(one.end_ms for one in trace.desaturations) <= handed_on
    assert len(trace.samples) == 3.5 * 3600
    assert gather(records, practice.store, latter, period, now_ms=scene.NOW_MS).trace is None


def test_a_period_is_ninety_nights_if_nobody_says(practice: scene.Practice) -> None:
    first, last = usual_period(practice.patient, scene.NOW_MS - 2 * scene.HOUR_MS, None, None)
    assert (last, (last - first).days) == (scene.LAST, 89)
    for wrong in ((scene.LAST, scene.FIRST), (scene.FIRST - timedelta(900), scene.LAST)):
        with pytest.raises(ConfigurationError, match="a period is 0 to 800 days"):
            usual_period(practice.patient, scene.NOW_MS, *wrong)
