"""The frame of all pages in a real browser: signing in, who sees what, keyboard, phone, light and dark."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from gateway.service.api.server import HttpTls, serve
from gateway.service.records import Role
from gateway.service.web.pages import load
from gateway.service.web.registry import PAGES
from tests.integration.access.test_pages import EXPECTED, filled
from tests.integration.access.test_table import ROLES
from tests.integration.web.desk import PASSWORD, Desk
from tests.servers.certificates import write_certificates

load()


@pytest.fixture(scope="module")
def dentist(desk: Desk) -> str:
    """The name of somebody with a password."""
    user = desk.scene.records.users.named("dentist@near")
    assert user is not None
    desk.scene.sign_in.accept(desk.scene.sign_in.invite(user.id).text, PASSWORD)
    return user.name


def test_signing_in_by_keyboard_alone_leads_to_where_one_wanted(desk: Desk, dentist: str) -> None:
    with desk.tab(None) as page:
        page.goto(f"{desk.url}/alerts?show=unseen")
        expect(page.get_by_label("Name")).to_be_focused()
        page.keyboard.type(dentist)
        page.keyboard.press("Tab")
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Alerts", level=1)).to_be_visible()
        assert page.url == f"{desk.url}/alerts?show=unseen"
        cookies = page.context.cookies()
        assert [(one["name"], one["httpOnly"], one["sameSite"]) for one in cookies] == [
            ("somnolink_session", True, "Lax")
        ]


def test_a_wrong_password_is_told_and_the_name_stays(desk: Desk, dentist: str) -> None:
    with desk.tab(None, "/sign-in") as page:
        page.get_by_label("Name").fill(dentist)
        page.get_by_label("Password", exact=True).fill("not this one at all")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert")).to_have_text("Wrong name or password.")
        expect(page.get_by_label("Name")).to_have_value(dentist)
        expect(page.get_by_label("Password", exact=True)).to_be_focused()
        assert page.context.cookies() == []


WANTED = """(asked) => import("/static/sign-in.js").then(
  ({ wanted }) => asked.map((next) => wanted("?next=" + encodeURIComponent(next), location.origin)))"""


def test_signing_in_leads_nowhere_else(desk: Desk) -> None:
    with desk.tab(None, "/sign-in") as page:
        elsewhere = ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "alerts", ""]
        elsewhere += ["/\t/evil.example", "\\\\evil.example"]
        assert page.evaluate(WANTED, elsewhere) == ["/"] * len(elsewhere)
        assert page.evaluate(WANTED, ["/alerts?show=unseen", "/patients/p-1"]) == [
            "/alerts?show=unseen",
            "/patients/p-1",
        ]


def test_a_user_is_made_invited_sets_a_password_and_comes_in(desk: Desk) -> None:
    with desk.tab(Role.ADMINISTRATOR, "/users") as page:
        page.get_by_label("Name to sign in with").fill("new@example.org")
        page.get_by_role("button", name="Make a user").click()
        row = page.get_by_role("row").filter(has_text="new@example.org")
        expect(row).to_be_visible()
        row.get_by_role("button", name="Invite").click()
        link = page.locator(".sl-dialog .sl-code").inner_text()
    code = link.partition("#")[2]
    assert re.fullmatch(r"invitation=[A-Za-z0-9_-]+", code)
    with desk.tab(None) as page:
        page.goto(f"{desk.url}/sign-in#{code}")
        assert "#" not in page.url
        page.get_by_label("New password").fill(PASSWORD)
        page.get_by_label("Once more").fill("something else altogether")
        page.get_by_role("button", name="Set the password").click()
        expect(page.get_by_role("alert")).to_have_text("The two are not the same.")
        page.get_by_label("Once more").fill(PASSWORD)
        page.keyboard.press("Enter")
        expect(page.get_by_role("status").first).to_contain_text("The password is set")
        page.get_by_label("Name").fill("new@example.org")
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(f"{desk.url}/")
        desk.open(page, "/alerts")
        expect(page.get_by_text("No alerts")).to_be_visible()


def test_signing_out_ends_the_other_tabs_too(desk: Desk) -> None:
    context = desk.context(Role.DENTIST)
    one, other = context.new_page(), context.new_page()
    for page in (one, other):
        desk.open(page, "/alerts")
    one.get_by_role("button", name="Sign out").click()
    one.wait_for_url(f"{desk.url}/sign-in")
    other.get_by_role("button", name="History and comments").first.click()
    other.wait_for_url(re.compile("/sign-in"))
    context.close()


def test_what_one_may_not_see_is_told_in_the_frame(desk: Desk) -> None:
    with desk.tab(Role.DENTIST) as page:
        answer = page.goto(f"{desk.url}/users")
        assert answer is not None
        assert answer.status == 403
        expect(page.get_by_role("alert")).to_contain_text("Your role does not allow this.")
        assert page.get_by_role("navigation").get_by_role("link").all_inner_texts() == [
            "Patients",
            "Alerts",
            "Devices",
            "Settings",
        ]


def test_the_keyboard_reaches_the_content_first(desk: Desk) -> None:
    with desk.tab(Role.DENTIST, "/alerts") as page:
        page.keyboard.press("Tab")
        skip = page.get_by_role("link", name="Skip to the content")
        expect(skip).to_be_focused()
        expect(skip).to_be_in_viewport()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Open", exact=True)).to_be_focused()
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid"


def ground(page: Page) -> str:
    return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))


LIGHT, DARK = "rgb(243, 246, 248)", "rgb(14, 22, 27)"


def test_light_and_dark_follow_the_system_until_one_chooses(desk: Desk) -> None:
    with desk.tab(Role.DENTIST, "/alerts", scheme="dark") as page:
        assert ground(page) == DARK
        page.get_by_role("button", name="Light or dark").click()
        expect(page.locator("body")).to_have_css("background-color", LIGHT)
        page.reload()
        expect(page.locator("body.body--light")).to_have_css("background-color", LIGHT)
        page.get_by_role("button", name="Light or dark").click()
        expect(page.locator("body")).to_have_css("background-color", DARK)
        page.emulate_media(color_scheme="light")
        page.reload()
        expect(page.locator("body.body--light")).to_have_css("background-color", LIGHT)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_fits_a_phone(desk: Desk, scheme: str) -> None:
    wide = {}
    for path in PAGES:
        role = ROLES[next(iter(EXPECTED[path].values()))[0]]
        with desk.tab(role, width=360, height=700, scheme="dark" if scheme == "dark" else "light") as page:
            desk.open(page, filled(desk.scene, path))
            expect(page.get_by_role("heading", level=1)).to_be_visible()
            width = page.evaluate("document.documentElement.scrollWidth")
            if width > 360 or ground(page) != (DARK if scheme == "dark" else LIGHT):
                wide[path] = (width, ground(page))
    assert wide == {}


def test_a_service_that_stops_is_told_and_what_was_shown_stays(desk: Desk) -> None:
    with desk.tab(Role.DENTIST, "/alerts") as page:
        page.context.set_offline(True)
        page.evaluate("window.socket.io.engine.close()")
        expect(page.get_by_text("Connection lost")).to_be_visible()
        expect(page.get_by_role("heading", name="Alerts", level=1)).to_be_visible()


def test_pages_and_their_sockets_over_https(desk: Desk, tmp_path: Path) -> None:
    files = write_certificates(tmp_path)
    with serve(desk.scene.app(), "127.0.0.1", 0, tls=HttpTls(files.certificate, files.key)) as server:
        context = desk.browser.new_context(ignore_https_errors=True)
        token = desk.scene.new_session(Role.DENTIST, "near")
        context.add_cookies(
            [{"name": "__Host-somnolink_session", "value": token, "url": server.url, "secure": True, "sameSite": "Lax"}]
        )
        page = context.new_page()
        page.goto(f"{server.url}/alerts")
        page.wait_for_function("window.did_handshake")
        page.get_by_role("button", name="History and comments").first.click()
        expect(page.get_by_label("Comment")).to_be_visible()
        context.close()
