"""People, assignments, treatment and thresholds; alerts with history; the feed goes on, whatever is pruned."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from analytics.alerts.findings import Finding
from gateway.errors import ConfigurationError, StoreRejectedError, WireError
from gateway.service.records import AlertState, Patient, Records, SideEffectKind, Subject

RING = "o2ring-0011223344"


@pytest.fixture
def patient(records: Records) -> Patient:
    records.devices.enrol("home-1", RING, zone="UTC", at_ms=0)
    return records.people.add_patient("clinic", "A.", zone="Europe/Berlin", at_ms=5, untreated_index=30.0)


def finding(at_ms: int, holds: bool = True, grade: int = 1) -> Finding:
    return Finding("spo2_low", holds, at_ms, at_ms - 300, at_ms, {"level_pct": 88.0, "minutes": 5.0}, grade)


def test_there_is_a_clinic_from_the_start_and_others_can_be_made(records: Records) -> None:
    assert [one.id for one in records.people.clinics()] == ["clinic"]
    records.people.add_clinic("clinic-north", "North", at_ms=1)
    with pytest.raises(StoreRejectedError):
        records.people.add_clinic("clinic-north", "Again", at_ms=1)
    with pytest.raises(WireError):
        records.people.add_clinic("north", "North", at_ms=1)
    records.devices.gateway_seen("home-1", 1)
    assert records.people.gateway_clinics() == {"home-1": "clinic"}
    records.people.set_gateway_clinic("home-1", "clinic-north")
    assert records.people.gateway_clinics() == {"home-1": "clinic-north"}
    for gateway, clinic in (("home-2", "clinic"), ("home-1", "clinic-south")):
        with pytest.raises(StoreRejectedError):
            records.people.set_gateway_clinic(gateway, clinic)


def test_a_patients_id_tells_nothing_and_values_are_checked(records: Records, patient: Patient) -> None:
    other = records.people.add_patient("clinic", "A.", zone="Europe/Berlin", at_ms=5)
    assert patient.id != other.id
    assert records.people.patient(patient.id) == patient
    changed = records.people.change_patient(replace(patient, name="B.", archived_ms=9, clinic="clinic-x", created_ms=1))
    assert (changed.name, changed.clinic, changed.created_ms) == ("B.", "clinic", 5)
    assert [one.id for one in records.people.patients()] == [other.id]
    for wrong in ({"sex": "x"}, {"birth_year": 1889}, {"untreated_index": -0.1}, {"id": "p-none"}):
        with pytest.raises(StoreRejectedError):
            records.people.change_patient(replace(patient, **wrong))  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(ConfigurationError):
        records.people.change_patient(replace(patient, zone="Mars"))
    with pytest.raises(StoreRejectedError):
        records.people.add_patient("clinic-none", "A.", zone="UTC", at_ms=0)


@pytest.mark.parametrize(
    ("from_ms", "to_ms", "free"),
    [(0, 100, True), (0, 101, False), (199, 250, False), (200, 300, True), (150, 160, False), (50, None, False),
     (200, None, True), (0, 300, False)],
)  # fmt: skip
def test_no_two_assignments_of_a_device_meet(
    records: Records, patient: Patient, from_ms: int, to_ms: int | None, free: bool
) -> None:
    records.assignments.assign(RING, patient.id, from_ms=100, to_ms=200)
    if free:
        records.assignments.assign(RING, patient.id, from_ms=from_ms, to_ms=to_ms)
    else:
        with pytest.raises(StoreRejectedError, match="already"):
            records.assignments.assign(RING, patient.id, from_ms=from_ms, to_ms=to_ms)
    assert len(records.assignments.list(device=RING)) == 1 + free


def test_who_wore_it_then(records: Records, patient: Patient) -> None:
    made = records.assignments.assign(RING, patient.id, from_ms=100)
    version = records.assignments.version
    assert [records.assignments.wearer(RING, at) for at in (99, 100, 10**12)] == [None, patient.id, patient.id]
    records.assignments.end(made.id, to_ms=200)
    assert records.assignments.version > version
    assert [records.assignments.wearer(RING, at) for at in (199, 200)] == [patient.id, None]
    for to_ms in (100, 99):
        with pytest.raises(StoreRejectedError):
            records.assignments.end(made.id, to_ms=to_ms)
    for device, name in (("o2ring-none", patient.id), (RING, "p-none")):
        with pytest.raises(StoreRejectedError, match="no such"):
            records.assignments.assign(device, name, from_ms=500)


def test_treatment(records: Records, patient: Patient) -> None:
    put = records.treatment.put_step
    put(patient.id, date(2026, 3, 2), 5.0, at_ms=1)
    put(patient.id, date(2026, 3, 1), 4.0, at_ms=1, note="start")
    put(patient.id, date(2026, 3, 2), 5.5, at_ms=2)
    assert [(one.advancement_mm, one.note) for one in records.treatment.steps(patient.id)] == [
        (4.0, "start"),
        (5.5, ""),
    ]
    for millimetres in (-0.1, 20.1):
        with pytest.raises(StoreRejectedError):
            put(patient.id, date(2026, 3, 3), millimetres, at_ms=1)
    assert records.treatment.remove_step(patient.id, date(2026, 3, 1))
    assert not records.treatment.remove_step(patient.id, date(2026, 3, 1))
    records.treatment.add_side_effect(patient.id, date(2026, 3, 2), SideEffectKind.DRY_MOUTH, 1, at_ms=1)
    assert [one.kind for one in records.treatment.side_effects(patient.id)] == [SideEffectKind.DRY_MOUTH]
    for severity in (0, 4):
        with pytest.raises(StoreRejectedError):
            records.treatment.add_side_effect(patient.id, date(2026, 3, 2), SideEffectKind.OTHER, severity, at_ms=1)


def test_thresholds_of_ones_own(records: Records, patient: Patient) -> None:
    key = ("spo2_low", "minutes")
    records.thresholds.change("clinic", "clinic", {key: 10.0})
    records.thresholds.change("patient", patient.id, {key: 3.0, ("battery_low", "limit_pct"): 15.0})
    assert records.thresholds.in_force("clinic")["spo2_low"]["minutes"] == 10.0
    assert records.thresholds.in_force("clinic", patient.id)["spo2_low"]["minutes"] == 3.0
    with pytest.raises(StoreRejectedError, match="must be 1 to 60"):
        records.thresholds.change("patient", patient.id, {("battery_low", "limit_pct"): None, key: 61.0})
    assert len(records.thresholds.own("patient", patient.id)) == 2, "all or nothing"
    records.thresholds.change("patient", patient.id, {key: None})
    assert records.thresholds.all()["patient", patient.id] == {("battery_low", "limit_pct"): 15.0}
    with pytest.raises(StoreRejectedError, match="no such patient"):
        records.thresholds.change("patient", "p-none", {key: 5.0})


def test_an_alert_its_history_and_the_feed_are_one(records: Records, patient: Patient) -> None:
    subject = Subject(patient.id, "clinic", patient.id, RING, "home-1")
    heard: list[int] = []
    records.alerts.listen(lambda: heard.append(records.feed.last()))
    assert records.alerts.tell([(subject, finding(1000), 500), (subject, finding(1100), 500)], recorded_ms=7) == 1
    (alert,) = records.alerts.list()
    records.alerts.acknowledge(alert.id, who="desk", at_ms=1200, recorded_ms=8)
    assert records.alerts.tell([(subject, finding(1300, grade=2), 500)], recorded_ms=9) == 1
    assert records.alerts.tell([(subject, finding(2000, holds=False), 500)], recorded_ms=10) == 2
    history = records.alerts.history(alert.id)
    told = [("raised", None), ("acknowledged", "desk"), ("changed", None), ("escalated", None), ("resolved", None)]
    assert [(one.event, one.who) for one in history] == told
    events = records.feed.after(0)
    assert [(one.event, one.at_ms) for one in events] == [(one.event, one.at_ms) for one in history]
    assert [one.id for one in events] == [1, 2, 3, 4, 5]
    assert [one.state for one in events] == ["open", "acknowledged", "open", "escalated", "resolved"]
    assert heard == [1, 2, 3, 5]
    assert records.alerts.get(alert.id).state is AlertState.RESOLVED  # type: ignore[union-attr]  # it is there
    assert records.alerts.tell([(subject, finding(2100, holds=False), 500)], recorded_ms=11) == 0


def test_time_that_passes_before_a_deed_is_nobodys_doing(records: Records, patient: Patient) -> None:
    subject = Subject(patient.id, "clinic", patient.id)
    records.alerts.tell([(subject, finding(1000), 500)], recorded_ms=1)
    (alert,) = records.alerts.list()
    records.alerts.acknowledge(alert.id, who="desk", at_ms=5000, recorded_ms=2)
    assert [(one.event, one.who) for one in records.alerts.history(alert.id)][1:] == [
        ("escalated", None),
        ("acknowledged", "desk"),
    ]
    for deed in (
        lambda: records.alerts.acknowledge("none", who="x", at_ms=1, recorded_ms=1),
        lambda: records.alerts.comment("none", "x", who="x", at_ms=1, recorded_ms=1),
        lambda: records.alerts.snooze(alert.id, 5000, who="x", at_ms=5000, recorded_ms=1),
    ):
        with pytest.raises(StoreRejectedError):
            deed()


def test_timers_look_at_the_homes_own_time(records: Records, patient: Patient) -> None:
    for number, gateway in enumerate(("home-1", "home-2")):
        subject = Subject(f"p-{number}", "clinic", None, RING, gateway)
        records.alerts.tell([(subject, finding(1000), 500)], recorded_ms=1)
    times = {"home-1": 1499, "home-2": 1500}
    told = records.alerts.tick(lambda home: times[home or ""], lambda *_: 500, latest_ms=2000, recorded_ms=2)
    assert told == 1
    assert {one.gateway: one.state.value for one in records.alerts.list()} == {"home-1": "open", "home-2": "escalated"}


def test_the_feed_goes_on_when_old_events_are_forgotten(records: Records) -> None:
    for number in range(4):
        records.alerts.raise_alert("outbox_full", f"home-{number}", "full", at_ms=number)
    assert records.feed.prune(before_ms=100) == 3, "the latest stays"
    records.alerts.raise_alert("outbox_full", "home-9", "full", at_ms=200)
    assert [one.id for one in records.feed.after(0)] == [4, 5]
    records.feed.set_cursor("mqtt", 5)
    records.feed.set_cursor("mqtt", 4)
    assert records.feed.cursor("mqtt") == 5


def test_data_times_are_kept(records: Records) -> None:
    records.data_times.put({"home/a": (5, 6), "device/b": (7, 0)})
    records.data_times.put({"home/a": (8, 9)})
    assert records.data_times.all() == {"home/a": (8, 9), "device/b": (7, 0)}
