"""One's own password, sessions and tokens, over HTTP."""

from __future__ import annotations

import httpx

from gateway.service.api import create_token
from gateway.service.records import Role
from tests.integration.sign_in.conftest import COOKIE, PASSWORD, Entrance

NEW = "some other words entirely"


def test_a_changed_password_ends_every_session_and_begins_one(entrance: Entrance) -> None:
    user = entrance.user()
    browser, other = entrance.signed_in(user), entrance.signed_in(user)
    link = entrance.sign_in.link(user.id).text
    before = browser.cookies[COOKIE]

    def change(password: str, new: str) -> httpx.Response:
        return browser.post("/password", json={"password": password, "new": new})

    assert change("wrong", NEW).json()["reason"] == "wrong"
    assert change(PASSWORD, "short").json()["reason"] == "password_refused"
    assert [one.get("/me").status_code for one in (browser, other)] == [200, 200]
    assert change(PASSWORD, NEW).json()["user"]["id"] == user.id
    assert browser.cookies[COOKIE] != before
    assert [one.get("/me").status_code for one in (browser, other)] == [200, 401]
    assert httpx.get(f"{entrance.url}/api/v1/me", cookies={COOKIE: before}).status_code == 401
    assert entrance.browser().get("/link", params={"code": link}).status_code == 401
    assert entrance.browser().post("/session", json={"name": user.name, "password": PASSWORD}).status_code == 401
    assert entrance.signed_in(user, NEW).get("/me").status_code == 200
    assert ("change_password", "changed") in [(one.action, one.what) for one in entrance.audit(user)]


def test_own_sessions_are_listed_and_ended_and_nobody_elses(entrance: Entrance) -> None:
    user, stranger = entrance.user(), entrance.user()
    entrance.signed_in(stranger)
    (foreign,) = entrance.records.sessions.of_user(stranger.id)
    one = entrance.browser(**{"User-Agent": "a phone"})
    one.post("/session", json={"name": user.name, "password": PASSWORD})
    entrance.clock.now_ms += 1_000
    two, three = entrance.signed_in(user), entrance.signed_in(user)
    listed = {told["id"]: told for told in one.get("/sessions").json()}
    assert len(listed) == 3
    assert [told["agent"] for told in listed.values() if told["present"]] == ["a phone"]
    assert {told["address"] for told in listed.values()} == {"127.0.0.1"}
    assert one.delete(f"/sessions/{foreign.id}").status_code == 404
    assert one.delete(f"/sessions/{two.get('/session').json()['session']}").status_code == 204
    assert [browser.get("/me").status_code for browser in (one, two, three)] == [200, 401, 200]
    assert one.delete("/sessions").status_code == 204
    assert [browser.get("/me").status_code for browser in (one, two, three)] == [200, 401, 401]
    assert entrance.records.sessions.of_user(stranger.id) == [foreign]


def test_a_session_that_was_not_used_for_long_is_not_listed(entrance: Entrance) -> None:
    user = entrance.user()
    entrance.signed_in(user)
    entrance.clock.now_ms += 30 * 60_000
    browser = entrance.signed_in(user)
    assert [one["present"] for one in browser.get("/sessions").json()] == [True]


def test_own_tokens_are_made_shown_once_used_and_removed(entrance: Entrance) -> None:
    user, stranger = entrance.user(Role.ADMINISTRATOR), entrance.user()
    browser, other = entrance.signed_in(user), entrance.signed_in(stranger)
    made = browser.post("/tokens", json={"name": "script", "scopes": ["read"], "days": 30})
    assert made.status_code == 201
    token = made.json()["token"]
    (listed,) = browser.get("/tokens").json()
    assert (listed["name"], listed["scopes"]) == ("script", ["read"])
    assert listed["expires_ms"] - listed["created_ms"] == 30 * 86_400_000
    assert token not in str(listed)
    assert other.get("/tokens").json() == []

    def status(method: str, path: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.request(method, f"{entrance.url}/api/v1{path}", headers=headers).status_code

    assert [status("GET", "/me"), status("GET", "/clinics/clinic/users")] == [200, 200]
    assert [status("POST", "/clinics/clinic/teams"), status("GET", "/tokens"), status("GET", "/session")] == [403] * 3
    assert browser.post("/tokens", json={"name": "script", "scopes": ["read"], "days": 1}).status_code == 422
    assert other.post("/tokens", json={"name": "script", "scopes": ["write", "read"], "days": 366}).status_code == 201
    for wrong in ({"days": 367}, {"days": 0}, {"scopes": ["metrics"]}, {"scopes": []}, {"name": "a b"}):
        body = {"name": "x", "scopes": ["read"], "days": 1, **wrong}
        assert browser.post("/tokens", json=body).status_code == 422, wrong
    assert other.delete(f"/tokens/{listed['id']}").status_code == 404
    assert browser.delete(f"/tokens/{listed['id']}").status_code == 204
    assert status("GET", "/me") == 401
    assert [one.what for one in entrance.audit(user) if one.action == "change_token"] == [
        "made script",
        f"removed {listed['id']}",
    ]


def test_a_token_of_the_command_line_stands_among_the_own_ones(entrance: Entrance) -> None:
    user = entrance.user()
    create_token(entrance.records, f"{user.name} 1700000000000", ["read"], created_ms=0, user=user.id)
    assert [one["name"] for one in entrance.signed_in(user).get("/tokens").json()] == ["1700000000000"]
