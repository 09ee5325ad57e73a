"""Nobody reads anything without a valid token: generated from the application's own routes."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.routing import Mount, Route

from gateway.errors import ConfigurationError, StoreRejectedError
from gateway.service.api import ServiceStatus, create_app, create_token, serve
from gateway.service.api.auth import token_hash
from gateway.service.api.headers import SECURITY_HEADERS
from gateway.service.records import Records
from tests.integration.api import synthetic
from tests.integration.api.conftest import Service

OPEN = {("GET", "/api/v1/health")}
DOORS = {
    ("POST", "/api/v1/session"): 422,
    ("POST", "/api/v1/invitation"): 422,
    ("GET", "/api/v1/link"): 422,
    ("GET", "/api/v1/oidc"): 200,
    ("GET", "/api/v1/oidc/start"): 404,
    ("GET", "/api/v1/oidc/callback"): 404,
    ("POST", "/api/v1/homes/join"): 422,
}
"""Ways in, which want a password, a code or a provider's word, and what they answer without; there is no provider."""

FILLED = {
    "device": synthetic.DEVICE,
    "night": synthetic.NIGHT.isoformat(),
    "clinic": "clinic",
    "patient": "p-00112233aabb",
    "assignment": "a-00112233aabb",
    "webhook": "w-00112233aabb",
    "user": "u-00112233aabb",
    "session": "s-00112233aabb",
    "token": "00112233aabb",
    "team": "t-00112233aabb",
    "home": "home-1",
    "code": "j-00112233aabb",
    "mark": "f-00112233aabb",
    "alert": "00112233445566778899aabbccddeeff",
}


def all_routes(app: FastAPI) -> list[tuple[str, str]]:
    """(method, path) of every route; a kind of route that this test does not know fails it."""
    found = set()
    for route in iter_route_contexts(app.routes):
        if isinstance(route.original_route, Mount):
            assert route.path == "/static"
            continue
        assert isinstance(route.original_route, APIRoute | Route), f"{route!r} is none that this test can check"
        assert route.path is not None
        found |= {(method, route.path.format(**FILLED)) for method in route.methods or ()}
    return sorted(found)


def test_every_route_but_the_open_ones_answers_401_without_a_token(service: Service) -> None:
    routes = all_routes(service.app)
    documented = set(service.get("/api/v1/openapi.json").json()["paths"])
    assert len(documented) >= 9
    assert {path.format(**FILLED) for path in documented} <= {path for _, path in routes}
    strangers = httpx.Client()
    for method, path in routes:
        for headers in ({}, {"Authorization": "Bearer slk_wrong"}, {"Authorization": "Basic dGVzdDp0ZXN0"}):
            answer = strangers.request(method, service.url + path, headers=headers)
            if (method, path) in DOORS:
                assert answer.status_code == DOORS[method, path], path
            elif (method, path) in OPEN:
                assert answer.status_code == 200, path
            else:
                assert answer.status_code == 401, (method, path)
                assert answer.headers["www-authenticate"].startswith("Bearer")
                assert method == "HEAD" or answer.json()["status"] == 401


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_the_door_for_boxes_is_no_way_to_a_home_of_that_name(service: Service, method: str) -> None:
    assert httpx.request(method, f"{service.url}/api/v1/homes/join").status_code == 401


@pytest.mark.parametrize("path", ["/api/v1/nowhere", "/docs", "/redoc", "/api/v1/devices/", "/api/v1/../metrics"])
def test_what_does_not_exist_is_not_told_to_strangers(service: Service, path: str) -> None:
    assert httpx.get(service.url + path).status_code == 401


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_other_methods_take_a_token_too(service: Service, method: str) -> None:
    assert httpx.request(method, service.url + "/api/v1/devices").status_code == 401


def test_a_token_opens_what_its_scope_says(service: Service) -> None:
    metrics = create_token(service.records, "prometheus", ["metrics"], created_ms=0)
    assert service.get("/metrics", token=metrics).status_code == 200
    refused = service.get("/api/v1/devices", token=metrics)
    assert (refused.status_code, refused.json()["detail"]) == (403, "the token lacks the scope read")
    assert service.get("/metrics").status_code == 403
    assert service.get("/api/v1/devices").status_code == 200


def test_who_may_read_may_not_change(service: Service) -> None:
    body = {"name": "A", "zone": "UTC"}

    def post(token: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.post(f"{service.url}/api/v1/patients", json=body, headers=headers).status_code

    writer = create_token(service.records, "desk", ["write"], created_ms=0)
    assert (post(service.token), post(writer)) == (403, 201)
    assert service.get("/api/v1/patients", token=writer).status_code == 403


def test_a_token_ends_at_its_time_and_when_it_is_removed(service: Service) -> None:
    now = service.clock.now_ms
    token = create_token(service.records, "short", ["read"], created_ms=now, expires_ms=now + 1)
    assert service.get("/api/v1/devices", token=token).status_code == 200
    service.clock.now_ms += 1
    assert service.get("/api/v1/devices", token=token).status_code == 401
    service.clock.now_ms = now
    service.records.tokens.remove("short")
    assert service.get("/api/v1/devices", token=token).status_code == 401


def test_a_tokens_text_is_not_in_the_records(service: Service) -> None:
    token = create_token(service.records, "secret", ["read"], created_ms=0)
    assert len(token) >= 43
    assert service.records.tokens.find(token) is None
    assert service.records.tokens.find(token_hash(token)) is not None


def test_a_token_that_makes_no_sense_is_not_made(service: Service) -> None:
    for name, scopes, expires in (("a", ["admin"], None), ("b", [], None), (" ", ["read"], None), ("c", ["read"], 5)):
        with pytest.raises(ConfigurationError):
            create_token(service.records, name, scopes, created_ms=5, expires_ms=expires)
    create_token(service.records, "twice", ["read"], created_ms=0)
    with pytest.raises(StoreRejectedError):
        create_token(service.records, "twice", ["read"], created_ms=0)


def test_every_answer_carries_the_security_headers(service: Service) -> None:
    answers = [
        httpx.get(service.url + "/sign-in"),
        httpx.get(service.url + "/static/pages.js"),
        httpx.get(service.url + "/api/v1/devices"),
        service.get("/api/v1/devices"),
        service.get("/api/v1/nowhere"),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 401, 200, 404]
    for answer in answers:
        assert {name: answer.headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS
        assert "server" not in answer.headers
        assert "unsafe" not in answer.headers["content-security-policy"]
    assert [answer.headers["cache-control"] for answer in answers] == [
        "no-store",
        "no-cache",
        "no-store",
        "no-store",
        "no-store",
    ]


def test_records_that_do_not_answer_let_nobody_in(service: Service, tmp_path: Path) -> None:
    records = Records(tmp_path / "records.sqlite")
    token = create_token(records, "test", ["read"], created_ms=0)
    app = create_app(records, service.store, status=lambda: ServiceStatus(True, ""), clock=service.clock)
    records.close()
    for file in tmp_path.iterdir():
        file.unlink()
    (tmp_path / "records.sqlite").mkdir()
    with serve(app, "127.0.0.1", 0) as server:
        answer = httpx.get(server.url + "/api/v1/devices", headers={"Authorization": f"Bearer {token}"})
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert str(tmp_path) not in answer.text
        assert httpx.get(server.url + "/api/v1/health").status_code == 200


def test_static_files_do_not_lead_out_of_their_folder(service: Service) -> None:
    for path in ("/static/../__init__.py", "/static/%2e%2e/__init__.py", "/static/..%2f__init__.py"):
        answer = httpx.get(service.url + path)
        assert answer.status_code in (401, 404), path
