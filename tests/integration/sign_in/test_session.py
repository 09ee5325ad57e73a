"""Signing in over HTTP: the cookie, what it opens, from where, and until when."""

from __future__ import annotations

import httpx
import pytest

from gateway.service.sign_in.sign_in import LINK_MS
from tests.integration.sign_in.conftest import PASSWORD, Entrance

MINUTE_MS = 60_000


def test_a_cookie_opens_what_the_user_may_until_signed_out(entrance: Entrance) -> None:
    user = entrance.user("dentist@example.org")
    browser = entrance.browser()
    answer = browser.post("/session", json={"name": " Dentist@Example.org", "password": PASSWORD})
    assert answer.status_code == 201
    told = answer.json()
    assert (told["user"]["id"], told["limited"]) == (user.id, False)
    assert told["expires_ms"] == entrance.clock.now_ms + 12 * 60 * MINUTE_MS
    attributes = {part.strip().lower() for part in answer.headers["set-cookie"].split(";")[1:]}
    assert attributes == {"httponly", "path=/", "samesite=lax"}
    assert browser.get("/session").json() == told
    assert browser.get("/me").json()["name"] == "dentist@example.org"
    assert browser.get("/clinics/clinic/users").status_code == 403
    token = browser.cookies["somnolink_session"]
    assert browser.delete("/session").status_code == 204
    assert "somnolink_session" not in browser.cookies
    browser.cookies["somnolink_session"] = token
    refused = browser.get("/me")
    assert (refused.status_code, refused.json()["detail"]) == (401, "the session is over: sign in")
    told_of = [(one.who, one.action, one.what) for one in entrance.records.audit.after(0)]
    assert told_of == [
        ("dentist@example.org", "change_password", "invitation"),
        ("dentist@example.org", "sign_in", "password"),
        ("dentist@example.org", "sign_out", "password"),
    ]


def test_who_is_not_let_in_does_not_learn_why(entrance: Entrance) -> None:
    entrance.user("dentist@example.org")
    entrance.user("invited@example.org", password=None)
    kept_out = entrance.user("gone@example.org")
    entrance.records.users.set_disabled(kept_out.id, 1)
    answers = [
        entrance.browser().post("/session", json={"name": name, "password": password})
        for name, password in (
            ("dentist@example.org", "not the password"),
            ("nobody@example.org", PASSWORD),
            ("invited@example.org", PASSWORD),
            ("gone@example.org", PASSWORD),
        )
    ]
    assert {(one.status_code, one.text) for one in answers} == {(401, answers[0].text)}
    assert answers[0].json()["reason"] == "wrong"
    assert all("set-cookie" not in one.headers for one in answers)
    told = [
        (one.who, one.account, one.what) for one in entrance.records.audit.after(0) if one.action != "change_password"
    ]
    assert [who for who, _, _ in told] == ["dentist@example.org", "", "invited@example.org", "gone@example.org"]
    assert told[1] == ("", None, "wrong")


@pytest.mark.parametrize("used", [True, False])
def test_a_session_ends_when_idle_and_at_the_latest_after_its_hours(entrance: Entrance, used: bool) -> None:
    entrance.user("dentist@example.org")
    browser = entrance.signed_in("dentist@example.org")
    start = entrance.clock.now_ms
    if used:
        for minute in range(29, 12 * 60, 29):
            entrance.clock.now_ms = start + minute * MINUTE_MS
            assert browser.get("/session").status_code == 200, minute
        end = start + 12 * 60 * MINUTE_MS
    else:
        end = start + 30 * MINUTE_MS
    entrance.clock.now_ms = end - 1
    other = httpx.Cookies(browser.cookies)
    assert entrance.records.sessions.of_user(entrance.records.users.list()[0].id)[0].ends_ms >= end
    entrance.clock.now_ms = end
    assert httpx.get(f"{entrance.url}/api/v1/session", cookies=other).status_code == 401


def test_whoever_is_kept_out_or_changes_role_or_password_is_signed_out(entrance: Entrance) -> None:
    from gateway.service.records import Role

    user = entrance.user("dentist@example.org")
    for change in (
        lambda: entrance.records.users.set_role(user.id, Role.COORDINATOR),
        lambda: entrance.sign_in.accept(entrance.sign_in.invite(user.id).text, PASSWORD),
        lambda: entrance.records.users.set_disabled(user.id, 1),
    ):
        browsers = [entrance.signed_in("dentist@example.org") for _ in range(2)]
        assert [one.get("/me").status_code for one in browsers] == [200, 200]
        change()
        assert [one.get("/me").status_code for one in browsers] == [401, 401]


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
    entrance.user("dentist@example.org")
    cookies = httpx.Cookies(entrance.signed_in("dentist@example.org").cookies)
    path = f"{entrance.url}/api/v1/session"
    sent = {name: value.replace("OWN", entrance.url) for name, value in headers.items()}
    assert httpx.get(path, headers=sent, cookies=cookies).status_code == 200
    assert httpx.delete(path, headers=sent, cookies=cookies).status_code == status


def test_nobody_is_signed_in_from_another_site(entrance: Entrance) -> None:
    entrance.user("dentist@example.org")
    body = {"name": "dentist@example.org", "password": PASSWORD}
    path = f"{entrance.url}/api/v1/session"
    assert httpx.post(path, json=body, headers={"Origin": "https://elsewhere.example"}).status_code == 403
    assert httpx.post(path, json=body).status_code == 201


def test_a_bearer_token_comes_before_the_cookie(entrance: Entrance) -> None:
    from gateway.service.api import create_token

    entrance.user("dentist@example.org")
    browser = entrance.signed_in("dentist@example.org")
    other = entrance.user("other@example.org")
    token = create_token(entrance.records, "a", ["read"], created_ms=0, user=other.id)
    browser.headers["Authorization"] = f"Bearer {token}"
    assert browser.get("/me").json()["name"] == "other@example.org"
    browser.headers["Authorization"] = "Bearer slk_wrong"
    assert browser.get("/me").status_code == 401


def test_signing_in_again_ends_the_session_before(entrance: Entrance) -> None:
    user = entrance.user("dentist@example.org")
    browser = entrance.signed_in("dentist@example.org")
    browser.post("/session", json={"name": user.name, "password": PASSWORD})
    assert len(entrance.records.sessions.of_user(user.id)) == 1
    assert browser.get("/me").status_code == 200


def test_a_link_lets_in_once_and_soon(entrance: Entrance) -> None:
    user = entrance.user("demo@example.org", password=None)
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
    user = entrance.user("dentist@example.org")
    token = entrance.signed_in("dentist@example.org").cookies["somnolink_session"]
    link = entrance.sign_in.link(user.id).text
    entrance.records.close()
    held = b"".join(file.read_bytes() for file in entrance.folder.glob("records*"))
    assert user.name.encode() in held
    for secret in (token, link, PASSWORD):
        assert secret.encode() not in held
