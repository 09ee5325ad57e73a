"""The second factor over HTTP: set up, asked for, never twice with one code, recovered, removed, demanded."""

from __future__ import annotations

from itertools import count

import httpx
import pyotp
import pytest

from gateway.service.records import Role, User
from gateway.service.sign_in.back_off import NAME_AT_PLACE
from gateway.service.sign_in.factor import RECOVERY_CODES, STEP_MS
from gateway.settings import SignInSettings
from tests.integration.sign_in.conftest import PASSWORD, Entrance

KEY = "7d1f4c0e9b2a4d6f8e1c3b5a79d0e2f4"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> SignInSettings:
    file = tmp_path_factory.mktemp("key") / "factor-key"
    file.write_text(KEY)
    return SignInSettings(staff_second_factor=True, factor_key_file=str(file))


def code_of(entrance: Entrance, secret: str, steps: int = 0) -> str:
    return pyotp.TOTP(secret).generate_otp(entrance.clock.now_ms // STEP_MS + steps)


def set_up(entrance: Entrance, browser: httpx.Client) -> tuple[str, list[str]]:
    """Give a browser's user a second factor: its secret, and the recovery codes."""
    secret = browser.post("/second-factor", json={"password": PASSWORD}).json()["secret"]
    answer = browser.post("/second-factor/confirmation", json={"code": code_of(entrance, secret)})
    entrance.clock.now_ms += STEP_MS
    return secret, answer.json()["recovery_codes"]


def sign_in(entrance: Entrance, user: User, code: str | None = None) -> httpx.Response:
    body = {"name": user.name, "password": PASSWORD, **({} if code is None else {"code": code})}
    return entrance.browser().post("/session", json=body)


def test_staff_without_one_open_their_own_account_alone_until_it_is_set_up(entrance: Entrance) -> None:
    user = entrance.user(Role.ADMINISTRATOR)
    browser = entrance.signed_in(user)
    assert browser.get("/session").json()["limited"] is True
    closed = ("/clinics/clinic/users", "/devices", "/ready")
    for path in closed:
        answer = browser.get(path)
        assert (answer.status_code, "second factor" in answer.json()["detail"]) == (403, True), path
    assert browser.get("/patients").status_code == 403
    assert browser.post("/tokens", json={"name": "way-round", "scopes": ["read"], "days": 1}).status_code == 403
    assert browser.get("/second-factor").json() == {"confirmed_ms": None, "recovery_codes": 0, "required": True}
    assert browser.post("/second-factor", json={"password": "wrong"}).status_code == 401
    made = browser.post("/second-factor", json={"password": PASSWORD}).json()
    assert made["uri"].startswith(f"otpauth://totp/somnolink:{user.name.replace('@', '%40')}?secret={made['secret']}")
    assert made["svg"].startswith("<svg ")
    assert browser.post("/second-factor/confirmation", json={"code": "000000"}).json()["reason"] == "code_wrong"
    confirmed = browser.post("/second-factor/confirmation", json={"code": code_of(entrance, made["secret"])})
    assert len(set(confirmed.json()["recovery_codes"])) == RECOVERY_CODES
    assert browser.get("/session").json()["limited"] is False
    for path in closed:
        assert browser.get(path).status_code == 200, path
    state = browser.get("/second-factor").json()
    assert (state["confirmed_ms"], state["recovery_codes"]) == (entrance.clock.now_ms, RECOVERY_CODES)
    assert browser.post("/second-factor", json={"password": PASSWORD}).json()["reason"] == "factor_state"
    assert ("change_second_factor", "set up") in [(one.action, one.what) for one in entrance.audit(user)]


def test_a_patient_need_not_have_one(entrance: Entrance) -> None:
    patient = entrance.records.people.add_patient("clinic", "Somebody", zone="UTC", at_ms=0).id
    user = entrance.records.users.add("clinic", "patient@example.org", Role.PATIENT, at_ms=0, patient=patient)
    entrance.sign_in.accept(entrance.sign_in.invite(user.id).text, PASSWORD)
    browser = entrance.signed_in(user)
    assert browser.get(f"/patients/{patient}").status_code == 200
    assert browser.get("/second-factor").json()["required"] is False


def test_a_code_is_asked_for_and_taken_once_within_its_window(entrance: Entrance) -> None:
    user = entrance.user()
    secret, _ = set_up(entrance, entrance.signed_in(user))
    assert sign_in(entrance, user).json()["reason"] == "code_needed"
    for steps, status in ((-2, 401), (2, 401), (0, 201), (0, 401), (-1, 401), (1, 201), (1, 401)):
        answer = sign_in(entrance, user, code_of(entrance, secret, steps))
        assert answer.status_code == status, steps
        assert status == 201 or answer.json()["reason"] == "code_wrong"
    entrance.clock.now_ms += 2 * STEP_MS
    spaced = code_of(entrance, secret)
    assert sign_in(entrance, user, f"{spaced[:3]} {spaced[3:]}").status_code == 201


def test_the_code_that_confirmed_it_does_not_sign_in(entrance: Entrance) -> None:
    user = entrance.user()
    browser = entrance.signed_in(user)
    secret = browser.post("/second-factor", json={"password": PASSWORD}).json()["secret"]
    code = code_of(entrance, secret)
    assert sign_in(entrance, user, code).status_code == 201  # not in force yet, so not looked at
    assert browser.post("/second-factor/confirmation", json={"code": code}).status_code == 200
    assert sign_in(entrance, user, code).json()["reason"] == "code_wrong"


def test_a_recovery_code_does_it_once(entrance: Entrance) -> None:
    user, other = entrance.user(), entrance.user()
    browser = entrance.signed_in(user)
    _, codes = set_up(entrance, browser)
    _, others = set_up(entrance, entrance.signed_in(other))
    assert sign_in(entrance, user, others[0]).json()["reason"] == "code_wrong"
    assert sign_in(entrance, user, codes[0].lower().replace("-", " ")).status_code == 201
    assert sign_in(entrance, user, codes[0]).json()["reason"] == "code_wrong"
    assert browser.get("/second-factor").json()["recovery_codes"] == RECOVERY_CODES - 1


def test_wrong_codes_are_counted_and_the_right_password_does_not_forget_them(entrance: Entrance) -> None:
    user = entrance.user()
    secret, _ = set_up(entrance, entrance.signed_in(user))
    reasons = []
    for guess in count():
        reasons.append(sign_in(entrance, user, f"{guess:06}").json()["reason"])
        if reasons[-1] == "locked" or guess > 20:
            break
        if guess < NAME_AT_PLACE.free - 1:
            assert sign_in(entrance, user).json()["reason"] == "code_needed"
    assert reasons == ["code_wrong"] * NAME_AT_PLACE.free + ["locked"]
    assert sign_in(entrance, user, code_of(entrance, secret)).json()["reason"] == "locked"
    assert entrance.audit(user)[-1].what == "code_wrong"


def test_other_sessions_and_links_must_give_the_code_too(entrance: Entrance) -> None:
    user = entrance.user()
    before, browser = entrance.signed_in(user), entrance.signed_in(user)
    secret, _ = set_up(entrance, browser)
    linked = entrance.browser()
    linked.get("/link", params={"code": entrance.sign_in.link(user.id).text})
    for other in (before, linked):
        assert other.get("/session").json()["limited"] is True
        assert other.get("/devices").status_code == 403
        assert other.post("/second-factor/removal", json={"password": PASSWORD}).status_code == 403
        assert other.post("/session/second-factor", json={"code": "000000"}).json()["reason"] == "code_wrong"
        told = other.post("/session/second-factor", json={"code": code_of(entrance, secret)}).json()
        assert told["limited"] is False
        assert other.get("/devices").status_code == 200
        entrance.clock.now_ms += STEP_MS


def test_it_is_removed_by_the_password_or_by_an_administrator(entrance: Entrance) -> None:
    user, chief = entrance.user(), entrance.user(Role.ADMINISTRATOR)
    browser, desk = entrance.signed_in(user), entrance.signed_in(chief)
    set_up(entrance, desk)
    set_up(entrance, browser)
    assert browser.post("/second-factor/removal", json={"password": "wrong"}).json()["reason"] == "wrong"
    assert browser.post("/second-factor/removal", json={"password": PASSWORD}).status_code == 204
    assert browser.get("/session").json()["limited"] is True
    assert sign_in(entrance, user).status_code == 201
    set_up(entrance, browser)
    assert desk.delete(f"/users/{user.id}/second-factor").status_code == 204
    assert desk.delete(f"/users/{user.id}/second-factor").status_code == 422
    assert sign_in(entrance, user).status_code == 201
    assert ("change_second_factor", f"removed of {user.id}") in [
        (one.action, one.what) for one in entrance.audit(chief)
    ]


def test_secrets_and_recovery_codes_are_not_in_the_records(entrance: Entrance) -> None:
    user = entrance.user()
    secret, codes = set_up(entrance, entrance.signed_in(user))
    held = b"".join(file.read_bytes() for file in entrance.folder.glob("records*"))
    for text in (secret, codes[0], codes[0].replace("-", ""), KEY):
        assert text.encode() not in held
