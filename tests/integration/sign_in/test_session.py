"""Signing in over HTTP: the cookie, what it opens, from where, and until when."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import httpx
import pytest

from gateway.errors import SignInError
from gateway.service.api import create_token
from gateway.service.records import Role
from gateway.service.sign_in import SignIn
from gateway.service.sign_in.passwords import Passwords
from gateway.service.sign_in.sign_in import LINK_MS
from tests.integration.access.scene import QUICK
from tests.integration.sign_in.conftest import COOKIE, PASSWORD, Entrance

MINUTE_MS = 60_000


def test_a_cookie_opens_what_the_user_may_until_signed_out(entrance: Entrance) -> None:
    user = entrance.user()
    browser = entrance.browser()
    answer = browser.post("/session", json={"name": f" {user.name.title()}", "password": PASSWORD})
    assert answer.status_code == 201
    told = answer.json()
    assert (told["user"]["id"], told["limited"]) == (user.id, False)
    assert told["expires_ms"] == entrance.clock.now_ms + 12 * 60 * MINUTE_MS
    attributes = {part.strip().lower() for part in answer.headers["set-cookie"].split(";")[1:]}
    assert attributes == {"httponly", "path=/", "samesite=lax"}
    assert browser.get("/session").json() == told
    assert browser.get("/me").json()["name"] == user.name
    assert browser.get("/clinics/clinic/users").status_code == 403
    token = browser.cookies[COOKIE]
    assert browser.delete("/session").status_code == 204
    assert COOKIE not in browser.cookies
    browser.cookies[COOKIE] = token
    refused = browser.get("/me")
    assert (refused.status_code, refused.json()["detail"]) == (401, "the session is over: sign in")
    assert [(one.action, one.what, one.address) for one in entrance.audit(user)] == [
        ("change_password", "invitation", ""),
        ("sign_in", "password", "127.0.0.1"),
        ("sign_out", told["session"], "127.0.0.1"),
    ]


def test_who_is_not_let_in_does_not_learn_why(entrance: Entrance) -> None:
    known, invited, kept_out = entrance.user(), entrance.user(password=None), entrance.user()
    entrance.records.users.set_disabled(kept_out.id, 1)
    tried = [(known.name, "not the password"), ("nobody@example.org", PASSWORD)]
    tried += [(one.name, PASSWORD) for one in (invited, kept_out)]
    answers = [
        entrance.browser().post("/session", json={"name": name, "password": password}) for name, password in tried
    ]
    assert {(one.status_code, one.text) for one in answers} == {(401, answers[0].text)}
    assert answers[0].json()["reason"] == "wrong"
    assert all("set-cookie" not in one.headers for one in answers)
    for user in (known, invited, kept_out):
        last = entrance.audit(user)[-1]
        assert (last.account, last.action, last.what) == (user.id, "sign_in_refused", "wrong")
    unknown = entrance.audit(None)[-1]
    assert (unknown.account, unknown.action, unknown.what) == (None, "sign_in_refused", "wrong")


def test_a_session_that_is_used_ends_after_its_hours(entrance: Entrance) -> None:
    browser = entrance.signed_in(entrance.user())
    start, day_ms = entrance.clock.now_ms, 12 * 60 * MINUTE_MS
    for minute in range(29, 12 * 60, 29):
        entrance.clock.now_ms = start + minute * MINUTE_MS
        assert browser.get("/session").status_code == 200, minute
    entrance.clock.now_ms = start + day_ms - 1
    assert browser.get("/session").status_code == 200
    entrance.clock.now_ms = start + day_ms
    assert browser.get("/session").status_code == 401


def test_a_session_that_is_not_used_ends_sooner(entrance: Entrance) -> None:
    early, late = (entrance.signed_in(entrance.user()) for _ in range(2))
    start = entrance.clock.now_ms
    entrance.clock.now_ms = start + 30 * MINUTE_MS - 1
    assert early.get("/session").status_code == 200
    entrance.clock.now_ms = start + 30 * MINUTE_MS
    assert (early.get("/session").status_code, late.get("/session").status_code) == (200, 401)


def test_whoever_is_kept_out_or_changes_role_or_password_is_signed_out(entrance: Entrance) -> None:
    user, chief = entrance.user(), entrance.user(Role.ADMINISTRATOR)
    desk = entrance.signed_in(chief)

    def change(**what: object) -> None:
        assert desk.patch(f"/users/{user.id}", json=what).status_code == 200

    changes: list[Callable[[], object]] = [
        lambda: change(role="coordinator"),
        lambda: entrance.sign_in.accept(entrance.sign_in.invite(user.id).text, PASSWORD),
        lambda: change(disabled=True),
    ]
    for step in changes:
        browsers = [entrance.signed_in(user) for _ in range(2)]
        assert [one.get("/me").status_code for one in browsers] == [200, 200]
        step()
        assert [one.get("/me").status_code for one in browsers] == [401, 401]
    changed = entrance.records.users.get(user.id)
    assert changed is not None
    assert (changed.role, changed.disabled_ms) == (Role.COORDINATOR, entrance.clock.now_ms)
    assert desk.patch(f"/users/{user.id}", json={"role": "patient"}).status_code == 422
    assert desk.patch(f"/users/{chief.id}", json={"role": "dentist"}).status_code == 422


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 204),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"Origin": "OWN"}, 204),
        ({"Origin": "https://elsewhere.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "OWN"}, 403),
        ({}, 403),
    ],
)
def test_only_our_own_pages_change_something_by_cookie(
    entrance: Entrance, headers: dict[str, str], status: int
) -> None:
    cookies = httpx.Cookies(entrance.signed_in(entrance.user()).cookies)
    path = f"{entrance.url}/api/v1/session"
    sent = {name: value.replace("OWN", entrance.url) for name, value in headers.items()}
    assert httpx.get(path, headers=sent, cookies=cookies).status_code == 200
    assert httpx.delete(path, headers=sent, cookies=cookies).status_code == status
    assert httpx.get(path, cookies=cookies).status_code == (401 if status == 204 else 200)


def test_nobody_is_signed_in_from_another_site(entrance: Entrance) -> None:
    body = {"name": entrance.user().name, "password": PASSWORD}
    path = f"{entrance.url}/api/v1/session"
    assert httpx.post(path, json=body, headers={"Origin": "https://elsewhere.example"}).status_code == 403
    assert httpx.post(path, json=body).status_code == 201


def test_a_bearer_token_comes_before_the_cookie(entrance: Entrance) -> None:
    user, other = entrance.user(), entrance.user()
    browser = entrance.signed_in(user)
    token = create_token(entrance.records, "a", ["read"], created_ms=0, user=other.id)
    browser.headers["Authorization"] = f"Bearer {token}"
    assert browser.get("/me").json()["name"] == other.name
    browser.headers["Authorization"] = "Bearer slk_wrong"
    assert browser.get("/me").status_code == 401
    # As a browser sends it for a proxy that has a password of its own.
    browser.headers["Authorization"] = "Basic dGVzdDp0ZXN0"
    assert browser.get("/me").json()["name"] == user.name
    assert entrance.browser(Authorization="Basic dGVzdDp0ZXN0").get("/me").status_code == 401


def test_signing_in_again_ends_the_session_before(entrance: Entrance) -> None:
    user = entrance.user()
    browser = entrance.signed_in(user)
    browser.post("/session", json={"name": user.name, "password": PASSWORD})
    assert len(entrance.records.sessions.of_user(user.id)) == 1
    assert browser.get("/me").status_code == 200


def test_who_listens_hears_no_more_once_the_session_is_over(entrance: Entrance) -> None:
    user = entrance.user()
    one, two = (entrance.signed_in(user).cookies[COOKIE] for _ in range(2))
    first, second = (entrance.sign_in.principal(token) for token in (one, two))
    assert first is not None
    assert second is not None
    assert entrance.sign_in.now(first) == first
    entrance.sign_in.end(one)
    assert (entrance.sign_in.now(first), entrance.sign_in.now(second)) == (None, second)
    entrance.clock.now_ms += 30 * MINUTE_MS - 1
    assert entrance.sign_in.principal(two, used=False) is not None
    entrance.clock.now_ms += 1
    assert (entrance.sign_in.now(second), entrance.sign_in.principal(two)) == (None, None)
    by_token = replace(second, session=None)
    assert entrance.sign_in.now(by_token) == by_token
    entrance.records.users.set_disabled(user.id, 1)
    assert entrance.sign_in.now(by_token) is None
    program = replace(by_token, user=None)
    assert entrance.sign_in.now(program) == program


def test_a_link_lets_in_once_and_soon(entrance: Entrance) -> None:
    user = entrance.user(password=None)
    link = entrance.sign_in.link(user.id)
    browser = entrance.browser()
    answer = browser.get("/link", params={"code": link.text})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert browser.get("/me").json()["id"] == user.id
    again = entrance.browser().get("/link", params={"code": link.text})
    assert (again.status_code, again.json()["reason"]) == (401, "code_over")
    late = entrance.sign_in.link(user.id)
    entrance.clock.now_ms += LINK_MS
    assert entrance.browser().get("/link", params={"code": late.text}).status_code == 401


def test_the_records_hold_no_token_and_no_password(entrance: Entrance) -> None:
    user = entrance.user()
    token = entrance.signed_in(user).cookies[COOKIE]
    link, invitation = entrance.sign_in.link(user.id).text, entrance.sign_in.invite(user.id).text
    held = b"".join(file.read_bytes() for file in entrance.folder.glob("records*"))
    assert user.name.encode() in held
    for secret in (token, link, invitation, PASSWORD):
        assert secret.encode() not in held


def test_a_hash_of_other_parameters_is_made_anew_at_the_next_sign_in(entrance: Entrance) -> None:
    user = entrance.user()
    before = entrance.records.credentials.password(user.id)
    stronger = SignIn(entrance.records, entrance.clock, passwords=Passwords(replace(QUICK, time_cost=2)))
    with pytest.raises(SignInError):
        stronger.start(user.name, "wrong", None, address="")
    assert entrance.records.credentials.password(user.id) == before
    stronger.start(user.name, PASSWORD, None, address="")
    after = entrance.records.credentials.password(user.id)
    assert after is not None
    assert "t=2" in after
    stronger.start(user.name, PASSWORD, None, address="")
    assert entrance.records.credentials.password(user.id) == after
    assert entrance.signed_in(user).get("/me").status_code == 200


def test_what_cannot_be_a_name_or_a_password_is_refused_before_anything_is_hashed(entrance: Entrance) -> None:
    browser = entrance.browser()
    for body in (
        {"name": "", "password": "x"},
        {"name": "a" * 201, "password": "x"},
        {"name": "a", "password": "x" * 1_001},
        {"name": "a\x00b", "password": "x"},
        {"name": "a", "password": "x", "code": "1" * 101},
        {"name": "a", "password": "x", "more": 1},
    ):
        answer = browser.post("/session", json=body)
        assert (answer.status_code, "reason" in answer.json()) == (422, False), body


@pytest.mark.parametrize("text", [r"\ud800", r"\u0000", r"\u202e", "\u00fc" * 200])
def test_hostile_text_is_refused_or_wrong_and_never_a_fault(entrance: Entrance, text: str) -> None:
    user = entrance.user()
    browser = entrance.signed_in(user)
    headers = {"Content-Type": "application/json"}
    for path, body in (
        ("/session", f'{{"name": "{text}", "password": "{text}"}}'),
        ("/session", f'{{"name": "{user.name}", "password": "{text}"}}'),
        ("/session", f'{{"name": "{user.name}", "password": "{text}", "code": "{text}"}}'),
        ("/invitation", f'{{"code": "x", "password": "{text}"}}'),
        ("/password", f'{{"password": "{PASSWORD}", "new": "{text}"}}'),
    ):
        answer = browser.post(path, content=body.encode(), headers=headers)
        assert answer.status_code in (401, 422), (path, body)


def test_a_cookie_of_any_bytes_is_nobodys(entrance: Entrance) -> None:
    for token in (b"\xfc\xff", b'"', b"a" * 4_000, b"%00", b""):
        answer = httpx.get(f"{entrance.url}/api/v1/me", headers={b"Cookie": COOKIE.encode() + b"=" + token})
        assert answer.status_code == 401, token
