"""Patients, assignments, treatment, thresholds and alerts over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.alerts.scene import HOME, RING, T0, Desk

LOW = "spo2_low"


def raised(desk: Desk) -> dict[str, Any]:
    desk.scene.live(T0, (85, 300))
    (alert,) = desk.get("/alerts", rule=LOW)["alerts"]  # type: ignore[index]  # JSON
    return alert  # type: ignore[no-any-return]  # JSON


def test_a_patient_is_made_changed_listed_and_archived(desk: Desk) -> None:
    given = {"name": "B. Snorer", "zone": "Europe/Berlin", "sex": "female", "birth_year": 1970, "untreated_index": 31.5}
    made = desk.ask("POST", "/patients", given)
    assert made.status_code == 201
    patient = made.json()
    assert patient.items() >= given.items()
    assert patient["clinic"] == "clinic"
    changed = desk.ask("PATCH", f"/patients/{patient['id']}", {"name": "B.", "sex": None}).json()
    assert (changed["name"], changed["sex"], changed["birth_year"]) == ("B.", None, 1970)
    names = [one["name"] for one in desk.get("/patients")]  # type: ignore[attr-defined]  # JSON
    assert names == ["A. Sleeper", "B."]
    desk.ask("PATCH", f"/patients/{patient['id']}", {"archived": True})
    assert len(desk.get("/patients", clinic="clinic")) == 1  # type: ignore[arg-type]  # JSON
    assert len(desk.get("/patients", archived="true")) == 2  # type: ignore[arg-type]  # JSON
    assert desk.ask("PATCH", f"/patients/{patient['id']}", {"archived": False}).json()["archived_ms"] is None


@pytest.mark.parametrize(
    "given",
    [
        {"name": "A", "zone": "Mars/Olympus"},
        {"name": "", "zone": "UTC"},
        {"name": "A\0", "zone": "UTC"},
        {"name": "A", "zone": "UTC", "sex": "maybe"},
        {"name": "A", "zone": "UTC", "birth_year": 1889},
        {"name": "A", "zone": "UTC", "untreated_index": 200.1},
        {"name": "A", "zone": "UTC", "clinic": "elsewhere"},
        {"name": "A", "zone": "UTC", "surname": "Smith"},
        {"zone": "UTC"},
    ],
)
def test_a_patient_that_makes_no_sense_is_not_made(desk: Desk, given: dict[str, object]) -> None:
    answer = desk.ask("POST", "/patients", given)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")


def test_a_device_has_one_wearer_at_a_time(desk: Desk) -> None:
    other = desk.ask("POST", "/patients", {"name": "B.", "zone": "Europe/Berlin"}).json()["id"]
    own = f"/patients/{desk.scene.patient.id}/assignments"
    known = [one for one in desk.get(own) if one["device"] == RING]  # type: ignore[attr-defined]  # JSON
    refused = desk.ask("POST", f"/patients/{other}/assignments", {"device": RING, "from_ms": T0})
    assert (refused.status_code, "already" in refused.json()["detail"]) == (422, True)
    ended = desk.ask("PATCH", f"/assignments/{known[0]['id']}", {"to_ms": T0})
    assert ended.json()["to_ms"] == T0
    taken = desk.ask("POST", f"/patients/{other}/assignments", {"device": RING, "from_ms": T0})
    assert taken.status_code == 201
    assert desk.get(f"/devices/{RING}")["zone"] == "Europe/Berlin"  # type: ignore[index]  # JSON
    again = desk.ask("PATCH", f"/assignments/{known[0]['id']}", {"to_ms": T0 + 1})
    assert again.status_code == 422
    assert desk.ask("POST", f"/patients/{other}/assignments", {"device": "o2ring-0", "from_ms": 0}).status_code == 404


def test_treatment_and_side_effects(desk: Desk) -> None:
    path = f"/patients/{desk.scene.patient.id}"
    for night, mm in (("2026-03-20", 4.0), ("2026-03-01", 3.0), ("2026-03-20", 4.5)):
        step = {"night": night, "advancement_mm": mm}
        assert desk.ask("POST", f"{path}/treatment-steps", step).status_code == 201
    steps = desk.get(f"{path}/treatment-steps")
    assert [(one["night"], one["advancement_mm"]) for one in steps] == [("2026-03-01", 3.0), ("2026-03-20", 4.5)]  # type: ignore[attr-defined]  # JSON
    assert desk.ask("DELETE", f"{path}/treatment-steps/2026-03-01").status_code == 204
    assert desk.ask("DELETE", f"{path}/treatment-steps/2026-03-01").status_code == 404
    effect = {"night": "2026-03-21", "kind": "sore_jaw", "severity": 2, "note": "mornings"}
    assert desk.ask("POST", f"{path}/side-effects", effect).status_code == 201
    assert [one["kind"] for one in desk.get(f"{path}/side-effects")] == ["sore_jaw"]  # type: ignore[attr-defined]  # JSON
    assert desk.ask("POST", f"{path}/side-effects", effect | {"severity": 4}).status_code == 422


def test_an_alert_carries_its_evidence(desk: Desk) -> None:
    alert = raised(desk)
    assert (alert["rule"], alert["title"], alert["severity"]) == (LOW, "Low oxygen saturation now", "urgent")
    assert alert["evidence"] == {
        "from_ms": T0,
        "to_ms": T0 + 300_000,
        "values": {"level_pct": 88.0, "minutes": 5.0, "lowest_pct": 85.0},
    }
    assert desk.ask("GET", alert["link"].removeprefix("/api/v1")).json() == alert
    assert (alert["patient"], alert["device"], alert["gateway"]) == (desk.scene.patient.id, RING, HOME)


def test_acknowledge_assign_comment_with_history(desk: Desk) -> None:
    path = f"/alerts/{raised(desk)['id']}"
    assert desk.ask("POST", f"{path}/acknowledge").json()["state"] == "acknowledged"
    assert desk.ask("POST", f"{path}/acknowledge").status_code == 200
    assert desk.ask("POST", f"{path}/assign", {"to": "Dr. B"}).json()["assigned_to"] == "Dr. B"
    assert desk.ask("POST", f"{path}/comments", {"text": "rang, all well"}).status_code == 201
    history = desk.get(f"{path}/history")
    assert [(one["event"], one["who"], one["detail"]) for one in history] == [  # type: ignore[attr-defined]  # JSON
        ("raised", None, ""),
        ("acknowledged", "dentist", ""),
        ("assigned", "dentist", "Dr. B"),
        ("commented", "dentist", "rang, all well"),
    ]
    assert desk.get("/alerts", unseen="true")["alerts"] == []  # type: ignore[index]  # JSON
    assert len(desk.get("/alerts", open="true", state="acknowledged")["alerts"]) == 1  # type: ignore[index]  # JSON


def test_snoozed_stays_snoozed(desk: Desk) -> None:
    path = f"/alerts/{raised(desk)['id']}"
    snoozed = desk.ask("POST", f"{path}/snooze", {"minutes": 60}).json()
    assert (snoozed["state"], snoozed["snoozed_until_ms"]) == ("snoozed", T0 + 300_000 + 3_600_000)
    desk.scene.live(T0 + 300_000, (95, 60), (85, 1800))
    desk.scene.engine.tick(settle=True)
    states = [one["state"] for one in desk.get("/alerts", rule=LOW)["alerts"]]  # type: ignore[index]  # JSON
    assert states == ["snoozed", "resolved"]
    desk.scene.live(T0 + 2_160_000, (85, 1740))
    desk.scene.engine.tick(settle=True)
    states = [one["state"] for one in desk.get("/alerts", rule=LOW)["alerts"]]  # type: ignore[index]  # JSON
    assert states == ["open", "resolved"]
    for minutes in (0, 129_601):
        assert desk.ask("POST", f"{path}/snooze", {"minutes": minutes}).status_code == 422
    assert desk.ask("POST", f"{path}/snooze", {"minutes": 5}).status_code == 422, "it is over"


def test_thresholds_of_clinic_and_patient(desk: Desk) -> None:
    patient = f"/patients/{desk.scene.patient.id}/thresholds"

    def minutes(path: str) -> dict[str, Any]:
        rules = {one["rule"]: one for one in desk.get(path)}  # type: ignore[attr-defined]  # JSON
        return rules[LOW]["parameters"]["minutes"]  # type: ignore[no-any-return]  # JSON

    assert minutes(patient).items() >= {"value": 5, "own": None, "default": 5, "least": 1, "most": 60}.items()
    assert desk.ask("PATCH", "/clinics/clinic/thresholds", {LOW: {"minutes": 10}}).status_code == 200
    assert (minutes(patient)["value"], minutes("/clinics/clinic/thresholds")["own"]) == (10, 10)
    assert desk.ask("PATCH", patient, {LOW: {"minutes": 3}}).status_code == 200
    assert (minutes(patient)["value"], minutes("/clinics/clinic/thresholds")["value"]) == (3, 10)
    assert desk.ask("PATCH", patient, {LOW: {"minutes": None}}).status_code == 200
    assert minutes(patient)["value"] == 10
    for wrong in ({LOW: {"minutes": 61}}, {LOW: {"hours": 1}}, {"nothing": {"minutes": 1}}):
        assert desk.ask("PATCH", patient, {"battery_low": {"limit_pct": 30}} | wrong).status_code == 422
    rules = {one["rule"]: one for one in desk.get(patient)}  # type: ignore[attr-defined]  # JSON
    assert rules["battery_low"]["parameters"]["limit_pct"]["own"] is None, "all or nothing"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/patients/p-00112233aabb"),
        ("PATCH", "/patients/p-00112233aabb"),
        ("GET", "/patients/p-00112233aabb/thresholds"),
        ("PATCH", "/assignments/a-00112233aabb"),
        ("GET", "/alerts/00112233445566778899aabbccddeeff"),
        ("POST", "/alerts/00112233445566778899aabbccddeeff/acknowledge"),
        ("GET", "/alerts/00112233445566778899aabbccddeeff/history"),
        ("GET", "/clinics/nowhere/thresholds"),
        ("GET", "/feed/nowhere"),
        ("GET", "/feed/nowhere/events"),
        ("DELETE", "/webhooks/w-00112233aabb"),
    ],
)
def test_what_there_is_not_is_a_404(desk: Desk, method: str, path: str) -> None:
    body = {"to_ms": 1} if "assign" in path else {} if method == "PATCH" else None
    assert desk.ask(method, path, body).status_code == 404
