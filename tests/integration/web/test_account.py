"""One's own account in a real browser: password, second factor, tokens, sessions."""

from __future__ import annotations

import pyotp
import pytest
from playwright.sync_api import Page, expect

from gateway.service.records import Role
from tests.integration.web.desk import PASSWORD, Desk

FRESH = "five other words that never met"


@pytest.fixture(autouse=True)
def with_password(desk: Desk) -> None:
    user = desk.scene.records.users.named("physician@near")
    assert user is not None
    desk.scene.records.credentials.remove_second_factor(user.id)
    desk.scene.sign_in.accept(desk.scene.sign_in.invite(user.id).text, PASSWORD)


def card(page: Page, name: str):  # type: ignore[no-untyped-def]
    return page.get_by_role("region", name=name)


def sign_in(page: Page, desk: Desk, password: str) -> None:
    page.goto(f"{desk.url}/sign-in?next=/account")
    page.get_by_label("Name").fill("physician@near")
    page.get_by_label("Password", exact=True).fill(password)
    page.keyboard.press("Enter")


def test_a_password_is_changed_and_the_page_goes_on(desk: Desk) -> None:
    with desk.tab(Role.PHYSICIAN, "/account") as page:
        box = card(page, "Password")
        box.get_by_label("Present password").fill("this is not the one")
        box.get_by_label("New password", exact=True).fill(FRESH)
        box.get_by_label("New password once more").fill(FRESH)
        box.get_by_role("button").click()
        expect(box.get_by_role("alert")).to_have_text("Wrong password.")
        box.get_by_label("Present password").fill(PASSWORD)
        box.get_by_role("button").click()
        expect(box.get_by_role("status")).to_have_text("The password is changed.")
        page.wait_for_event("load")
        expect(page.get_by_role("heading", name="Your account")).to_be_visible()
    with desk.tab(None) as page:
        sign_in(page, desk, FRESH)
        expect(page.get_by_role("heading", name="Your account")).to_be_visible()


def test_a_second_factor_is_set_up_and_then_asked_for(desk: Desk) -> None:
    with desk.tab(Role.PHYSICIAN, "/account") as page:
        box = card(page, "Second factor")
        box.get_by_label("Present password").fill(PASSWORD)
        box.get_by_role("button", name="Set up").click()
        expect(box.get_by_role("img", name="QR code").locator("svg")).to_be_visible()
        secret = box.locator(".sl-code").inner_text()
        code = pyotp.TOTP(secret).at(desk.scene.clock.now_ms // 1000)
        box.get_by_role("textbox", name="Code").fill("000000" if code != "000000" else "000001")
        box.get_by_role("button", name="Confirm").click()
        expect(box.get_by_role("alert")).not_to_be_empty()
        box.get_by_role("textbox", name="Code").fill(code)
        box.get_by_role("button", name="Confirm").click()
        expect(box.get_by_role("status")).to_have_text("The second factor is in force.")
        recovery = box.locator(".sl-code").inner_text().splitlines()
        assert len(recovery) == 10
    with desk.tab(None) as page:
        sign_in(page, desk, PASSWORD)
        expect(page.get_by_role("alert")).to_have_text("Enter the code that your second factor shows.")
        expect(page.get_by_label("Code of your second factor")).to_be_focused()
        page.keyboard.type(recovery[0])
        page.keyboard.press("Enter")
        expect(card(page, "Second factor")).to_contain_text("9 recovery codes left")
    with desk.tab(Role.PHYSICIAN) as page:
        page.goto(f"{desk.url}/alerts")  # by a link, without the code: the account alone opens
        page.wait_for_url(f"{desk.url}/account")
        card(page, "Second factor").get_by_role("textbox", name="Code").fill(recovery[1])
        card(page, "Second factor").get_by_role("button", name="Go on").click()
        page.wait_for_url(f"{desk.url}/")
        desk.open(page, "/alerts")
        expect(page.get_by_role("heading", name="Alerts", level=1)).to_be_visible()


def test_a_token_is_made_used_and_removed(desk: Desk) -> None:
    with desk.tab(Role.PHYSICIAN, "/account") as page:
        box = card(page, "API tokens")
        box.get_by_label("What it is for").fill("export")
        box.get_by_role("button", name="Make a token").click()
        token = box.locator(".sl-code").inner_text()
        assert desk.scene.ask("GET", "/api/v1/patients", token).status_code == 200
        row = box.get_by_role("row").filter(has_text="export")
        row.get_by_role("button", name="Remove").click()
        expect(row).to_be_hidden()
    assert desk.scene.ask("GET", "/api/v1/patients", token).status_code == 401


def test_other_places_are_signed_out(desk: Desk) -> None:
    with desk.tab(Role.PHYSICIAN, "/account") as page, desk.tab(Role.PHYSICIAN, "/alerts") as other:
        page.reload()
        button = card(page, "Where you are signed in").get_by_role("button", name="Sign out everywhere else")
        button.click()
        expect(button).to_be_hidden()
        other.reload()
        expect(other.get_by_role("heading", name="Sign in")).to_be_visible()
