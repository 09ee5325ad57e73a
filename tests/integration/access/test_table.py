"""Every route x every role x own team, other team, other clinic, nobody: as this table says, route by route.

A letter is a role: Administrator, sleep Physician, Dentist, Coordinator, patient (S for self). `near` is who has the
patient in a care team, or is the patient; `clinic` who is of the patient's clinic as well; `anyone` who is of any.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.routing import APIRoute, iter_route_contexts

from gateway.service.access import RULES, Action
from gateway.service.api.route_rules import OPEN, ROUTE_RULES
from gateway.service.records import FollowUpKind, Role
from tests.integration.access.scene import NO_SESSION, NO_TOKEN, PLACES, Scene
from tests.integration.api import synthetic

ROLES = dict(zip("APDCS", Role, strict=True))
NIGHT = f"{synthetic.DEVICE}/{synthetic.NIGHT.isoformat()}"

OF_A_SESSION = (
    "GET /session",
    "DELETE /session",
    "POST /session/second-factor",
    "GET /sessions",
    "DELETE /sessions",
    "DELETE /sessions/{session}",
    "POST /password",
    "GET /second-factor",
    "POST /second-factor",
    "POST /second-factor/confirmation",
    "POST /second-factor/removal",
    "GET /tokens",
    "POST /tokens",
    "DELETE /tokens/{token}",
)
"""The own account, which no token opens, a user's own neither: these are tried with a session each."""

EXPECTED: dict[str, dict[str, str]] = {
    "GET /ready": {"anyone": "A"},
    "GET /set-aside": {},
    "GET /devices": {"anyone": "APDCS"},
    "GET /devices/{device}": {"near": "PDS", "clinic": "AC"},
    "GET /unassigned": {"anyone": "APDC"},
    "GET /homes": {"anyone": "AC"},
    "GET /homes/{home}": {"clinic": "AC"},
    "PATCH /homes/{home}": {"clinic": "AC"},
    "DELETE /homes/{home}": {"clinic": "AC"},
    "GET /clinics/{clinic}/homes/codes": {"clinic": "AC"},
    "POST /clinics/{clinic}/homes": {"clinic": "AC"},
    "DELETE /homes/codes/{code}": {"clinic": "AC"},
    "GET /nights": {"anyone": "PDCS"},
    "GET /nights/{device}/{night}": {"near": "PDCS"},
    "GET /nights/{device}/{night}/desaturations": {"near": "PDCS"},
    "GET /nights/{device}/{night}/stretches": {"near": "PDCS"},
    "GET /nights/{device}/{night}/samples": {"near": "PDCS"},
    "GET /clinics": {"anyone": "APDCS"},
    "GET /clinics/{clinic}/thresholds": {"clinic": "APDC"},
    "PATCH /clinics/{clinic}/thresholds": {"clinic": "AP"},
    "GET /clinics/{clinic}/webhooks": {"clinic": "A"},
    "POST /clinics/{clinic}/webhooks": {"clinic": "A"},
    "DELETE /webhooks/{webhook}": {"clinic": "A"},
    "GET /patients": {"anyone": "PDCS"},
    "POST /patients": {"anyone": "PDC"},
    "GET /patients/{patient}": {"near": "PDCS"},
    "PATCH /patients/{patient}": {"near": "PDC"},
    "GET /patients/{patient}/export": {"near": "PDCS"},
    "DELETE /patients/{patient}": {"clinic": "A"},
    "GET /clinics/{clinic}/erasures": {"clinic": "A"},
    "GET /patients/{patient}/consents": {"near": "PDCS"},
    "POST /patients/{patient}/consents": {"near": "PDCS"},
    "GET /patients/{patient}/assignments": {"near": "PDCS"},
    "POST /patients/{patient}/assignments": {"near": "PDC"},
    "PATCH /assignments/{assignment}": {"near": "PDC"},
    "GET /patients/{patient}/treatment-steps": {"near": "PDCS"},
    "POST /patients/{patient}/treatment-steps": {"near": "PD"},
    "DELETE /patients/{patient}/treatment-steps/{night}": {"near": "PD"},
    "GET /patients/{patient}/side-effects": {"near": "PDCS"},
    "POST /patients/{patient}/side-effects": {"near": "PDCS"},
    "GET /patients/{patient}/thresholds": {"near": "PDC"},
    "PATCH /patients/{patient}/thresholds": {"near": "PD"},
    "GET /patients/{patient}/nights": {"near": "PDCS"},
    "GET /patients/{patient}/nights/{night}/view": {"near": "PDCS"},
    "GET /patients/{patient}/outlook": {"near": "PDCS"},
    "GET /patients/{patient}/report": {"near": "PDCS"},
    "GET /patients/{patient}/overview": {"near": "PDCS"},
    "GET /patients/{patient}/follow-ups": {"near": "PDCS"},
    "POST /patients/{patient}/follow-ups": {"near": "PDC"},
    "DELETE /patients/{patient}/follow-ups/{mark}": {"near": "PDC"},
    "GET /worklist": {"anyone": "PDC"},
    "GET /me/overview": {"anyone": "S"},
    "POST /imports/preview": {"anyone": "PDC"},
    "POST /imports": {"near": "PDC"},
    "GET /alerts": {"anyone": "PDC"},
    "GET /alerts/{alert}": {"near": "PDC"},
    "GET /alerts/{alert}/history": {"near": "PDC"},
    "GET /alerts/{alert}/carers": {"near": "PDC"},
    "POST /alerts/{alert}/acknowledge": {"near": "PDC"},
    "POST /alerts/{alert}/snooze": {"near": "PDC"},
    "POST /alerts/{alert}/assign": {"near": "PDC"},
    "POST /alerts/{alert}/comments": {"near": "PDC"},
    "GET /feed/{clinic}": {"clinic": "PDC"},
    "GET /feed/{clinic}/events": {"clinic": "PDC"},
    "GET /audit": {"anyone": "A"},
    "GET /audit/verification": {"anyone": "A"},
    "GET /me": {"anyone": "APDCS"},
    **{name: {"anyone": "APDCS"} for name in OF_A_SESSION},
    "GET /clinics/{clinic}/users": {"clinic": "A"},
    "POST /clinics/{clinic}/users": {"clinic": "A"},
    "PATCH /users/{user}": {"clinic": "A"},
    "POST /users/{user}/invitation": {"clinic": "A"},
    "DELETE /users/{user}/second-factor": {"clinic": "A"},
    "GET /clinics/{clinic}/teams": {"clinic": "A"},
    "POST /clinics/{clinic}/teams": {"clinic": "A"},
    "PUT /teams/{team}/users/{user}": {"clinic": "A"},
    "DELETE /teams/{team}/users/{user}": {"clinic": "A"},
    "PUT /teams/{team}/patients/{patient}": {"clinic": "A"},
    "DELETE /teams/{team}/patients/{patient}": {"clinic": "A"},
}
HOMES = {name for name, allowed in EXPECTED.items() if "homes" in name and allowed == {"clinic": "AC"}} - {
    "GET /homes/{home}"
}
PEOPLE = (
    {name for name in EXPECTED if name.split()[1].startswith(("/audit", "/me", "/teams", "/users"))}
    | {f"{method} /clinics/{{clinic}}/{what}" for method in ("GET", "POST") for what in ("users", "teams")}
    | HOMES
    | {"DELETE /patients/{patient}", "GET /clinics/{clinic}/erasures"}
)
"""What no program's token opens."""

MEANT = {"near": ("near",), "clinic": ("near", "clinic"), "anyone": PLACES}


def prepared(scene: Scene, name: str) -> str:
    """The route's path with what there is of everything; what a request would take away is made anew."""
    _, path = name.split()
    webhook = ""
    if "{webhook}" in path:
        webhook = scene.records.webhooks.add(
            "clinic", "https://example.org/alerts", "env:SOMNOLINK_WEBHOOK_X", at_ms=0
        ).id
    scene.records.treatment.put_step(scene.patient, synthetic.NIGHT, 3.0, at_ms=0)
    mark = ""
    if "{mark}" in path:
        mark = scene.records.follow_ups.add(
            scene.patient, FollowUpKind.DENTIST, "done", synthetic.NIGHT, who="", at_ms=0
        ).id
    filled = path.format(
        device=synthetic.DEVICE,
        night=synthetic.NIGHT.isoformat(),
        clinic="clinic",
        # A team's routes are tried on another team, or they would change who is near.
        patient=scene.other if "{team}" in path else scene.patient,
        team=scene.spare,
        user=scene.user,
        assignment=scene.assignment,
        alert=scene.alert,
        session=NO_SESSION,
        token=NO_TOKEN,
        webhook=webhook,
        mark=mark,
        home=synthetic.GATEWAY,
        code=scene.code,
    )
    query = {
        "POST /imports": f"?name=night.bin&patient={scene.patient}",
        "POST /imports/preview": "?name=night.bin",
        "GET /patients/{patient}/report": "?format=csv",
    }
    return f"/api/v1{filled}{query.get(name, '')}"


def passed(status: int) -> bool:
    """True if the request came as far as the route: what it then says of an empty body does not matter."""
    assert status in (200, 201, 204, 403, 404, 422), status
    return status not in (403, 404)


@pytest.mark.parametrize("name", EXPECTED)
def test_who_comes_through(scene: Scene, name: str) -> None:
    method = name.split()[0]
    allowed = {
        (ROLES[letter], place)
        for distance, letters in EXPECTED[name].items()
        for letter in letters
        for place in MEANT[distance]
    }
    found = {
        key
        for key, token in scene.tokens.items()
        if passed(scene.ask(method, prepared(scene, name), token).status_code)
    }
    if name in OF_A_SESSION:
        assert found == set()
        found = {
            key for key in scene.tokens if passed(scene.ask_in_session(method, prepared(scene, name), key).status_code)
        }
    assert found == allowed
    assert scene.ask(method, prepared(scene, name), None).status_code == 401
    assert passed(scene.ask(method, prepared(scene, name), scene.program).status_code) == (
        name not in {*PEOPLE, *OF_A_SESSION}
    )


def test_every_route_stands_in_both_tables(scene: Scene) -> None:
    there = {
        (method, route.original_route.path)
        for route in iter_route_contexts(scene.app().routes)
        if isinstance(route.original_route, APIRoute)
        for method in route.methods or ()
    }
    assert there - OPEN == set(ROUTE_RULES)
    assert {f"{method} {path}" for method, path in ROUTE_RULES} == {*EXPECTED, "GET /metrics"}
    assert set(RULES) == set(Action)


def test_a_route_without_a_rule_is_closed_to_everybody(tmp_path: Path) -> None:
    from gateway.service.api import serve

    scene = Scene(tmp_path)
    app = scene.app()

    @app.get("/api/v1/new")
    def new() -> str:
        return "a secret"

    with serve(app, "127.0.0.1", 0) as server:
        scene.url = server.url
        for token in (scene.program, *scene.tokens.values()):
            answer = scene.ask("GET", "/api/v1/new", token)
            assert (answer.status_code, "secret" in answer.text) == (403, False)
    scene.store.close()
    scene.records.close()
