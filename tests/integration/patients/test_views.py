"""A patient's overview, the patient's own view and follow-ups, over the API."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import httpx
import pytest

from gateway.service.records import Role
from tests.integration.patients.conftest import Served
from tests.integration.patients.stories import CLINIC, LAST

TODAY = LAST + timedelta(1)


@pytest.fixture
def physician(served: Served) -> httpx.Client:
    return served.api(served.clinic.users[Role.PHYSICIAN])


def overview(api: httpx.Client, served: Served, name: str, **query: str) -> dict[str, Any]:
    answer = api.get(f"/patients/{served.clinic.patients[name]}/overview", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_it_works_and_the_calendar_tells_missing_from_not_worn(physician: httpx.Client, served: Served) -> None:
    found = overview(physician, served, "Case 101")
    assert found["reading"]["verdict"] == "working"
    assert not found["provisional"]
    assert found["bands"]["odi3"] == [5.0, 15.0, 30.0]
    compared = next(one for one in found["reading"]["treatment"] if one["index"] == "odi3")
    assert compared["remaining_low_pct"] < compared["remaining_pct"] < compared["remaining_high_pct"] < 50
    states = {cell["night"]: cell["state"] for cell in found["calendar"]}
    missing = [night for night, state in states.items() if state == "no_data"]
    assert missing == [(LAST - timedelta(back)).isoformat() for back in (30, 7)]
    assert "not_worn" not in states.values()
    assert [step["advancement_mm"] for step in found["steps"]] == [4.0, 5.5]
    assert {one["advancement_mm"]: one["responds"] for one in found["by_advancement"]} == {4.0: True, 5.5: True}
    assert found["sufficient_mm"] == 4.0
    assert [one["kind"] for one in found["side_effects"]] == ["sore_jaw"]
    assert found["alerts"] == []
    assert len(found["devices"]) == 3


def test_not_worn_is_so_and_suspect_wear_is_apart(physician: httpx.Client, served: Served) -> None:
    found = overview(physician, served, "Case 103")
    cells = {cell["night"]: cell for cell in found["calendar"]}
    suspect = cells[(LAST - timedelta(29)).isoformat()]
    assert (suspect["state"], suspect["hours"], suspect["suspect_h"]) == ("not_worn", 0.0, pytest.approx(7.4))
    assert {cell["state"] for cell in cells.values()} == {"not_worn", "no_data"}
    assert "cheat" not in str(found).lower()


def test_a_night_of_the_list_says_on_which_side_it_is(physician: httpx.Client, served: Served) -> None:
    nights = {one["night"]: one for one in overview(physician, served, "Case 101")["nights"]}
    assert nights[LAST.isoformat()]["side"] == "with"
    assert nights[(LAST - timedelta(60)).isoformat()]["side"] == "without"
    assert nights[(LAST - timedelta(7)).isoformat()]["side"] == "unknown"  # the recorder told nothing
    no_ring = nights[(LAST - timedelta(5)).isoformat()]
    assert (no_ring["usable"], no_ring["indices"]) == (False, {})


def test_few_nights_are_provisional(physician: httpx.Client, served: Served) -> None:
    assert overview(physician, served, "Case 107")["provisional"]


def test_a_period_cuts_the_list_and_an_impossible_one_is_refused(physician: httpx.Client, served: Served) -> None:
    first = LAST - timedelta(9)
    query = {"from": first.isoformat(), "to": LAST.isoformat()}
    found = overview(physician, served, "Case 101", **query)
    assert [one["night"] for one in found["nights"]] == [(first + timedelta(day)).isoformat() for day in range(10)]
    path = f"/patients/{served.clinic.patients['Case 101']}/overview"
    refused = physician.get(path, params={"from": LAST.isoformat(), "to": first.isoformat()})
    assert refused.status_code == 422


def test_a_patient_reads_no_alerts_of_oneself(served: Served) -> None:
    user = served.clinic.patient_user("Case 104")
    api = served.api(user)
    assert overview(api, served, "Case 104")["alerts"] is None
    staff = served.api(served.clinic.users[Role.DENTIST])
    assert [one["kind"] for one in overview(staff, served, "Case 104")["alerts"]] == ["spo2_low"]
    assert api.get(f"/patients/{served.clinic.patients['Case 101']}/overview").status_code == 404


def test_ones_own_page_in_plain_words(served: Served) -> None:
    found = served.api(served.clinic.patient_user("Case 105")).get("/me/overview").json()
    assert found["syncing"] is False
    state = {one["what"]: one["state"] for one in found["devices"]}
    assert state == {"oxygen sensor": "late", "mouth guard": "fine", "bed sensor": "fine"}
    late = next(one for one in found["devices"] if one["state"] == "late")
    assert "near the box" in late["advice"]
    assert found["night"]["is_last"]
    assert found["goal"]["goal_h"] == 4.0
    assert len(found["goal"]["days"]) == 7
    assert found["appointments"][0]["day"] == LAST.isoformat()
    text = str(found).lower()
    for jargon in ("odi", "apnoea", "hypox", "desaturation", "severe", "alarm", "adherence", "titration"):
        assert jargon not in text


def test_ones_own_page_is_for_patients(served: Served) -> None:
    for role in (Role.PHYSICIAN, Role.ADMINISTRATOR):
        assert served.api(served.clinic.users[role]).get("/me/overview").status_code == 403


def test_follow_ups_are_marked_put_off_and_taken_back(served: Served) -> None:
    clinic = served.clinic
    path = f"/patients/{clinic.patients['Case 104']}/follow-ups"
    coordinator = served.api(clinic.users[Role.COORDINATOR])

    def state(kind: str) -> tuple[str, str | None]:
        one = next(one for one in coordinator.get(path).json() if one["kind"] == kind)
        return one["state"], one["due"]

    begun = LAST - timedelta(19)
    assert state("confirming_study") == ("soon", (begun + timedelta(28)).isoformat())
    tomorrow = {"kind": "confirming_study", "mark": "done", "day": (TODAY + timedelta(1)).isoformat()}
    assert coordinator.post(path, json=tomorrow).status_code == 422
    made = coordinator.post(path, json={**tomorrow, "day": TODAY.isoformat(), "note": "at home"})
    assert made.status_code == 201
    assert (made.json()["who"], made.json()["note"]) == ("coordinator@clinic", "at home")
    assert state("confirming_study") == ("done", None)
    assert coordinator.delete(f"{path}/{made.json()['id']}").status_code == 204
    assert coordinator.delete(f"{path}/{made.json()['id']}").status_code == 404
    assert state("confirming_study")[0] == "soon"
    until = date(2027, 9, 1).isoformat()
    later = coordinator.post(path, json={"kind": "dentist_visit", "mark": "postponed", "day": until})
    assert later.status_code == 201
    assert state("dentist_visit") == ("coming", until)
    assert state("physician_visit")[1] == date(2027, 3, 9).isoformat()
    # Another patient's mark is nobody's here.
    other = f"/patients/{clinic.patients['Case 101']}/follow-ups/{later.json()['id']}"
    assert coordinator.delete(other).status_code == 404


def test_an_archived_patient_is_in_no_worklist(served: Served) -> None:
    clinic = served.clinic
    made = clinic.records.people.add_patient(CLINIC, "Gone", zone="UTC", at_ms=0)
    clinic.records.teams.put_patient(clinic.team, made.id, belongs=True)
    api = served.api(clinic.users[Role.DENTIST])
    line = next(one for one in api.get("/worklist").json()["lines"] if one["name"] == "Gone")
    assert [one["kind"] for one in line["reasons"]] == ["no_device"]
    assert api.patch(f"/patients/{made.id}", json={"archived": True}).status_code == 200
    assert "Gone" not in [one["name"] for one in api.get("/worklist").json()["lines"]]
