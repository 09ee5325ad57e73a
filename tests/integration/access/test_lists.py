"""Lists tell what the caller sees, and nothing of what exists beside it."""

from __future__ import annotations

import pytest

from gateway.service.access import Access, Principal
from gateway.service.records import Role
from tests.integration.access.scene import Scene
from tests.integration.api import synthetic

CARE = (Role.PHYSICIAN, Role.DENTIST, Role.COORDINATOR)
NIGHT = f"/api/v1/nights/{synthetic.DEVICE}/{synthetic.NIGHT.isoformat()}"
LISTS = {
    "/api/v1/patients": lambda scene: scene.patient,
    "/api/v1/nights": lambda _: synthetic.NIGHT.isoformat(),
    "/api/v1/alerts": lambda scene: scene.alert,
    "/api/v1/feed/clinic/events": lambda scene: scene.patient,
}


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("role", CARE)
def test_the_own_team_reads_it_and_no_other(scene: Scene, path: str, role: Role) -> None:
    told = {place: scene.ask("GET", path, scene.tokens[role, place]).text for place in ("near", "clinic", "elsewhere")}
    token = LISTS[path](scene)
    assert {place: token in text for place, text in told.items()} == {"near": True, "clinic": False, "elsewhere": False}


def test_a_patient_reads_of_oneself_alone(scene: Scene) -> None:
    names = {
        place: [one["name"] for one in scene.ask("GET", "/api/v1/patients", scene.tokens[Role.PATIENT, place]).json()]
        for place in ("near", "clinic", "elsewhere")
    }
    assert names == {"near": ["The Patient"], "clinic": ["The Other"], "elsewhere": ["The Far"]}


def test_what_is_hidden_is_answered_as_what_does_not_exist(scene: Scene) -> None:
    token = scene.tokens[Role.DENTIST, "elsewhere"]
    there = scene.ask("GET", f"/api/v1/patients/{scene.patient}", token).json()["detail"]
    nowhere = scene.ask("GET", "/api/v1/patients/p-00112233aabb", token).json()["detail"]
    assert there.replace(scene.patient, "") == nowhere.replace("p-00112233aabb", "")


def test_a_patient_cannot_be_made_in_another_clinic(scene: Scene) -> None:
    given = {"clinic": "clinic", "name": "X", "zone": "UTC"}
    refused = scene.ask("POST", "/api/v1/patients", scene.tokens[Role.COORDINATOR, "elsewhere"], given)
    assert refused.status_code == 404


def test_who_makes_a_patient_cares_for_them(scene: Scene) -> None:
    given = {"clinic": "clinic-far", "name": "Made", "zone": "UTC"}
    made = scene.ask("POST", "/api/v1/patients", scene.tokens[Role.COORDINATOR, "elsewhere"], given)
    assert made.status_code == 201
    path = f"/api/v1/patients/{made.json()['id']}"
    assert scene.ask("GET", path, scene.tokens[Role.DENTIST, "elsewhere"]).status_code == 200
    assert scene.ask("GET", path, scene.tokens[Role.DENTIST, "near"]).status_code == 404


def test_another_clinics_device_cannot_be_given_away(scene: Scene) -> None:
    given = {"device": synthetic.DEVICE, "from_ms": 0}
    path = f"/api/v1/patients/{scene.far}/assignments"
    refused = scene.ask("POST", path, scene.tokens[Role.DENTIST, "elsewhere"], given)
    assert (refused.status_code, refused.json()["detail"]) == (404, f"no such device: {synthetic.DEVICE}")


def test_who_leaves_a_team_sees_nothing_at_the_next_request(scene: Scene) -> None:
    user = scene.records.users.named(f"{Role.PHYSICIAN}@near")
    token, path = scene.tokens[Role.PHYSICIAN, "near"], f"/api/v1/patients/{scene.patient}"
    assert user is not None
    scene.records.teams.put_user(scene.team, user.id, belongs=False)
    assert scene.ask("GET", path, token).status_code == 404
    scene.records.teams.put_user(scene.team, user.id, belongs=True)
    assert scene.ask("GET", path, token).status_code == 200


def test_a_user_who_is_kept_out_is_nobody(scene: Scene) -> None:
    admin, user = scene.tokens[Role.ADMINISTRATOR, "near"], scene.records.users.named(f"{Role.DENTIST}@clinic")
    assert user is not None
    for disabled, status in ((True, 401), (False, 200)):
        changed = scene.ask("PATCH", f"/api/v1/users/{user.id}", admin, {"disabled": disabled})
        assert changed.status_code == 200
        assert scene.ask("GET", "/api/v1/me", scene.tokens[Role.DENTIST, "clinic"]).status_code == status


def test_an_administrator_does_not_keep_oneself_out(scene: Scene) -> None:
    user = scene.records.users.named(f"{Role.ADMINISTRATOR}@near")
    assert user is not None
    token = scene.tokens[Role.ADMINISTRATOR, "near"]
    assert scene.ask("PATCH", f"/api/v1/users/{user.id}", token, {"disabled": True}).status_code == 422


def test_a_device_that_changes_hands_in_a_night_tells_each_wearer_their_own(scene: Scene) -> None:
    records = scene.records
    change_ms = synthetic.START_MS + 5 * 3_600_000
    records.assignments.end(scene.assignment, to_ms=change_ms)
    later = records.assignments.assign(synthetic.DEVICE, scene.other, from_ms=change_ms)
    first = scene.ask("GET", f"{NIGHT}/samples?points=100000", scene.tokens[Role.DENTIST, "near"]).json()["t_ms"]
    second = scene.ask("GET", f"{NIGHT}/samples?points=100000", scene.tokens[Role.DENTIST, "clinic"]).json()["t_ms"]
    assert (len(first), len(second)) == (5 * 3600, 3 * 3600)
    assert first[-1] < change_ms <= second[0]
    # The night is whose its midnight is; the one who got the device after that has no result of it.
    assert scene.ask("GET", NIGHT, scene.tokens[Role.DENTIST, "near"]).status_code == 200
    assert scene.ask("GET", NIGHT, scene.tokens[Role.DENTIST, "clinic"]).status_code == 404
    whole = records.results.desaturations(records.results.nights(device=synthetic.DEVICE)[0])
    told = scene.ask("GET", f"{NIGHT}/desaturations", scene.tokens[Role.DENTIST, "near"]).json()["desaturations"]
    assert len(told) == sum(one.end_ms <= change_ms for one in whole) < len(whole)
    with_both = Access(records).parts(Principal("program", frozenset({"read"})), synthetic.DEVICE, 0, change_ms)
    assert with_both == [(0, change_ms)]
    records.assignments.end(later.id, to_ms=change_ms + 1)
