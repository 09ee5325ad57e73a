"""How somebody comes to a password: by an invitation, never by a default."""

from __future__ import annotations

import pytest

from gateway.cli import main
from gateway.errors import SignInError, SignInReason, StoreRejectedError
from gateway.service.records import Records, Role
from gateway.service.sign_in.sign_in import INVITATION_MS
from tests.integration.sign_in.conftest import PASSWORD, Entrance


def test_an_administrator_invites_and_the_invited_sets_the_password_once(entrance: Entrance) -> None:
    chief = entrance.user(Role.ADMINISTRATOR)
    desk = entrance.signed_in(chief)
    made = desk.post("/clinics/clinic/users", json={"name": "new@example.org", "role": "dentist"}).json()
    invited = desk.post(f"/users/{made['id']}/invitation").json()
    assert invited["expires_ms"] == entrance.clock.now_ms + INVITATION_MS
    assert invited["link"] == f"{entrance.url}/sign-in#invitation={invited['code']}"
    browser = entrance.browser()

    def accept(password: str, code: str = invited["code"]) -> tuple[int, str]:
        answer = browser.post("/invitation", json={"code": code, "password": password})
        return answer.status_code, "" if answer.status_code == 204 else answer.json()["reason"]

    assert accept("short") == (422, "password_refused")
    assert accept("new@example.org") == (422, "password_refused")
    assert accept(PASSWORD, "no-such-code") == (401, "code_over")
    assert accept(PASSWORD) == (204, "")
    assert accept(PASSWORD + "!") == (401, "code_over")
    assert browser.post("/session", json={"name": "new@example.org", "password": PASSWORD}).status_code == 201
    assert [(one.action, one.what) for one in entrance.audit(chief)][-2:] == [
        ("manage_people", f"POST /api/v1/users/{made['id']}/invitation"),
        ("invite", made["id"]),
    ]


def test_an_invitation_is_void_when_over_when_another_is_made_and_for_who_is_kept_out(entrance: Entrance) -> None:
    user = entrance.user(password=None)
    first, second = (entrance.sign_in.invite(user.id).text for _ in range(2))

    def refused(code: str) -> SignInReason:
        with pytest.raises(SignInError) as told:
            entrance.sign_in.accept(code, PASSWORD)
        return told.value.reason

    assert refused(first) is SignInReason.CODE_OVER
    assert refused(entrance.sign_in.link(user.id).text) is SignInReason.CODE_OVER
    start = entrance.clock.now_ms
    entrance.clock.now_ms = start + INVITATION_MS
    assert refused(second) is SignInReason.CODE_OVER
    entrance.clock.now_ms = start + INVITATION_MS - 1
    assert entrance.sign_in.accept(second, PASSWORD).id == user.id
    third = entrance.sign_in.invite(user.id).text
    entrance.records.users.set_disabled(user.id, 1)
    entrance.records.users.set_disabled(user.id, None)
    assert refused(third) is SignInReason.CODE_OVER
    with pytest.raises(StoreRejectedError):
        entrance.sign_in.invite("u-000000000000")


def test_the_command_line_makes_the_first_administrator_and_ways_in(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SOMNOLINK_SERVICE_DATA", str(tmp_path))
    monkeypatch.setenv("SOMNOLINK_SERVICE_PUBLIC_URL", "https://sleep.example.org/")

    def run(*words: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            main(["admin", *words])
        return int(str(ended.value.code or 0)), capsys.readouterr().out.strip()

    invitation, link = "https://sleep.example.org/sign-in#invitation=", "https://sleep.example.org/sign-in#link="
    told = [run("administrator", "chief@example.org"), run("invite", "chief@example.org")]
    assert [(status, text.startswith(invitation)) for status, text in told] == [(0, True)] * 2
    assert told[0] != told[1]
    status, text = run("link", "chief@example.org")
    assert (status, text.startswith(link)) == (0, True)
    assert run("administrator", "chief@example.org")[0] == 6
    assert run("invite", "nobody@example.org") == (2, "")
    assert run("link", "nobody@example.org") == (2, "")
    assert run("invite", "chief@example.org", "--remove-second-factor") == (2, "")
    records = Records(f"{tmp_path}/records.db")
    (user,) = records.users.list(role=Role.ADMINISTRATOR)
    assert records.credentials.password(user.id) is None
    records.close()
