"""The demo clinic and the seed: labelled, like real ones, and never among real patients."""

from __future__ import annotations

import math
from datetime import date, timedelta
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.demo import clinic, stories
from gateway.demo.seed import Order, check_clinic_is_free, seed_clinic
from gateway.errors import ConfigurationError
from gateway.service.access import Access, Principal
from gateway.service.nights import night_bounds
from gateway.service.patient_nights import patient_nights
from gateway.service.records import Records, Role
from gateway.service.store.sqlite import SqliteStore

LAST = date(2026, 3, 27)
"""The clocks change on the night after."""


def test_the_demo_opens_into_patients_of_different_stories(tmp_path: Path) -> None:
    records, store = Records(tmp_path / "records.db"), SqliteStore(tmp_path / "samples.db")
    told: list[tuple[int, int]] = []
    made = clinic.make_clinic(
        records,
        store,
        SystemClock(),
        seed=7,
        last=LAST,
        live_gateway="demo",
        progress=lambda done, of: told.append((done, of)),
    )
    assert told[-1] == (stories.NIGHTS * len(stories.STORIES),) * 2
    (own,) = [one for one in records.people.clinics() if one.id == stories.CLINIC]
    assert "simulated" in own.name
    people = {one.name: one for one in records.people.patients(clinic=stories.CLINIC)}
    assert all("simulated" in name for name in people)
    assert len(people) == len(stories.STORIES) + 1
    first = LAST - timedelta(days=stories.NIGHTS - 1)
    nights = {story.key: patient_nights(records, people[story.name], first, LAST) for story in stories.STORIES}

    def mean(key: str, index: str, *, worn: bool) -> float:
        values = [one.index(index) for one in nights[key] if ((one.wear_h or 0.0) > 1) is worn]
        found = [value for value in values if math.isfinite(value)]
        return sum(found) / len(found)

    assert mean("works", "odi3", worn=True) < 0.4 * mean("works", "odi3", worn=False)
    assert mean("no-effect", "odi3", worn=True) > 0.6 * mean("no-effect", "odi3", worn=False)
    assert sum((one.wear_h or 0.0) > 1 for one in nights["not-worn"]) < 6
    assert mean("shallow", "odi4", worn=False) < 5 < mean("shallow", "odi3", worn=False)
    kinds = {
        story.key: {one.kind for one in records.alerts.list(patient=people[story.name].id)} for story in stories.STORIES
    }
    assert "treatment_not_working" in kinds["no-effect"]
    assert "mad_not_worn" in kinds["not-worn"]
    assert {"battery_low", "clock_lost", "device_silent"} <= kinds["trouble"]
    raised = [one.raised_ms for one in records.alerts.list(clinic=stories.CLINIC)]
    assert min(raised) < max(raised) - 7 * 86_400_000, "alerts were raised in the nights that they tell of"
    heard = {one.id: one.last_contact_ms for one in records.devices.list()}
    newest = max(heard.values())
    assert newest == night_bounds(LAST, stories.ZONE)[1]
    alerts = [one for one in records.alerts.list(clinic=stories.CLINIC) if one.kind == "device_silent"]
    silent = [one.device or "" for one in alerts if one.resolved_ms is None and one.raised_ms < newest]
    assert silent
    assert max(heard[device] for device in silent) <= newest - 86_400_000, "the silent have not been heard of just now"
    assert {records.users.get(user).role for user in made.users.values()} == {  # type: ignore[union-attr]
        Role.DENTIST,
        Role.PHYSICIAN,
        Role.ADMINISTRATOR,
        Role.PATIENT,
    }
    dentist = records.users.get(made.users["dentist"])
    assert dentist is not None
    seen = Access(records).patients(Principal(dentist.name, frozenset({"read"}), dentist))
    assert seen == {one.id for one in people.values()}
    again = clinic.make_clinic(records, store, SystemClock(), seed=7, last=LAST, live_gateway="demo")
    assert again == made, "a folder that was kept is opened again"
    records.devices.enrol("demo", "o2ring-0123456789", zone="UTC", at_ms=5)
    for _ in range(2):
        clinic.give_live_devices(records, "demo", made.live, from_ms=1)
    assert [one.device for one in records.assignments.list(patient=made.live)] == ["o2ring-0123456789"]
    store.close()
    records.close()


def order(name: str) -> Order:
    return Order(name, patients=2, nights=6, seed=3, slept=2, sampled=1, last=LAST, processes=1)


def test_a_seeded_clinic_is_whole(tmp_path: Path) -> None:
    records, store = Records(tmp_path / "records.db"), SqliteStore(tmp_path / "samples.db")
    now_ms = SystemClock().utc_ms()
    made = seed_clinic(records, store, order("clinic-demo"), now_ms=now_ms)
    people = records.people.patients(clinic="clinic-demo")
    assert made.patients == len(people) == 2
    assert [one.name for one in people] == ["Simulated 0001", "Simulated 0002"]
    for one in people:
        nights = patient_nights(records, one, LAST - timedelta(days=5), LAST)
        assert [night.night for night in nights] == [LAST - timedelta(days=5 - day) for day in range(6)]
        devices = {held.device for held in records.assignments.list(patient=one.id)}
        ring = next(device for device in devices if device.startswith("o2ring-"))
        assert len(store.read(ring, "oximetry", 0, 1 << 43)) == 28_800
        (night,) = records.results.nights(device=ring, first=LAST, last=LAST)
        assert night.indices["odi3"] is not None
        assert records.results.desaturations(night)
    assert len(records.teams.list("clinic-demo")) == 10
    with pytest.raises(ConfigurationError, match="has patients already"):
        seed_clinic(records, store, order("clinic-demo"), now_ms=now_ms)
    store.close()
    records.close()


def test_simulated_patients_are_never_put_among_real_ones(tmp_path: Path) -> None:
    records = Records(tmp_path / "records.db")
    for name in ("clinic", "clinic-north", "clinic-demonstration"):
        with pytest.raises(ConfigurationError, match="clinic-demo"):
            check_clinic_is_free(records, name)
    check_clinic_is_free(records, "clinic-demo")
    check_clinic_is_free(records, "clinic-demo-2")
    records.people.add_clinic("clinic-demo-2", "x", at_ms=1)
    records.people.add_patient("clinic-demo-2", "Somebody", zone="UTC", at_ms=1)
    with pytest.raises(ConfigurationError, match="has patients already"):
        check_clinic_is_free(records, "clinic-demo-2")
    records.close()
