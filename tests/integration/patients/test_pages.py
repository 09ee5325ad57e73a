"""Worklist, patient and own view in a real browser, by mouse and keyboard, wide and narrow, light and dark."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from gateway.service.api import serve
from gateway.service.records import Role, User
from tests.integration.patients.conftest import Served
from tests.integration.patients.stories import CLINIC, LAST, NOW_MS, Clinic
from tests.servers import require

ARGUMENTS: Final = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
SCREENSHOTS: Final = Path(__file__).resolve().parents[3] / "docs" / "screenshots"
WAIT_MS: Final = 20_000

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = require("chromium", "chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture
def visit(browser: Browser, served: Served) -> Iterator[Open]:
    """Opens a page as somebody, far from the patient's zone; what a script complains about fails the test."""
    contexts, complaints = [], []

    def opened(user: User, path: str, *, width: int = 1280, dark: bool = False, url: str = served.url) -> Page:
        context = browser.new_context(
            timezone_id="America/New_York",
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
        )
        contexts.append(context)
        clinic = served.clinic if url == served.url else CLINICS[url]
        context.add_cookies([{"name": "somnolink_session", "value": clinic.session(user), "url": url}])
        context.set_default_timeout(WAIT_MS)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda told: complaints.append(told.text) if told.type == "error" else None)
        page.goto(url + path)
        page.wait_for_selector("h1")
        return page

    expect.set_options(timeout=WAIT_MS)
    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


CLINICS: dict[str, Clinic] = {}


def names(page: Page) -> list[str]:
    return page.locator("tbody a.name").all_inner_texts()


def test_the_worklist_sorts_by_its_headers_and_opens_by_the_keyboard(visit: Open, served: Served) -> None:
    page = visit(served.clinic.users[Role.PHYSICIAN], "/")
    expect(page.get_by_text("need attention")).to_be_visible()
    expect(page.get_by_text("As of Sun 29 Mar 2026, 08:00 CEST")).to_be_visible()
    assert names(page)[0] == "Case 104"
    page.screenshot(path=SCREENSHOTS / "worklist.png", full_page=True)
    header = page.locator("th", has_text="ODI4")
    header.get_by_role("button").focus()
    page.keyboard.press("Enter")
    expect(page.locator('th[aria-sort="descending"]')).to_contain_text("ODI4")
    assert names(page)[0] == "Case 102"
    page.locator("th", has_text="Patient").get_by_role("button").press("Enter")
    expect(page.locator('th[aria-sort="ascending"]')).to_contain_text("Patient")
    assert names(page) == sorted(names(page))
    page.get_by_label("Search").fill("not worn")
    expect(page.locator("tbody a.name")).to_have_count(1)
    page.locator("tbody a.name").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Case 103")


def test_only_who_needs_attention(visit: Open, served: Served) -> None:
    page = visit(served.clinic.users[Role.DENTIST], "/")
    expect(page.get_by_role("link", name="Case 101")).to_be_visible()
    page.get_by_role("checkbox", name="Only who needs attention").click()
    expect(page.get_by_role("link", name="Case 101")).to_have_count(0)
    expect(page.get_by_role("link", name="Case 104")).to_be_visible()


def test_a_new_clinic_says_what_to_do_first_and_a_patient_is_made(visit: Open, tmp_path: Path) -> None:
    clinic = Clinic(tmp_path, ())
    with serve(clinic.app(), "127.0.0.1", 0) as server:
        CLINICS[server.url] = clinic
        page = visit(clinic.users[Role.COORDINATOR], "/", url=server.url)
        expect(page.get_by_text("Make a patient:")).to_be_visible()
        page.get_by_role("button", name="New patient").click()
        page.get_by_role("button", name="Make the patient").click()
        expect(page.get_by_text("A patient has a name.")).to_be_visible()
        page.get_by_label("Name: a pseudonym").fill("Case <b>1</b>")
        page.get_by_label("Year of birth").fill("1961")
        page.get_by_role("button", name="Make the patient").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Case <b>1</b>")
        expect(page.get_by_text("No night in this time")).to_be_visible()
        page.goto(server.url)
        expect(page.get_by_role("link", name="Case <b>1</b>")).to_be_visible()
        expect(page.get_by_text("Has no device")).to_be_visible()
        page.close()
    clinic.close()


def test_a_patients_page_says_it_in_figures_and_in_words(visit: Open, served: Served) -> None:
    patient = served.clinic.patients["Case 101"]
    page = visit(served.clinic.users[Role.DENTIST], f"/patients/{patient}")
    expect(page.get_by_text("The MAD is working", exact=False).first).to_be_visible()
    charts = page.locator(".nicegui-echart[role=img] svg")
    expect(charts).to_have_count(4)
    labels = page.locator(".nicegui-echart[role=img]").evaluate_all("all => all.map(e => e.getAttribute('aria-label'))")
    assert all(labels)
    page.get_by_text("Wear as a list").click()
    expect(page.get_by_text("Sat 21 Mar: no data")).to_be_visible()
    expect(page.locator(f'a[href="/patients/{patient}/nights/{LAST.isoformat()}"]')).to_be_visible()
    page.get_by_text("Wear as a list").click()
    page.wait_for_timeout(300)
    page.screenshot(path=SCREENSHOTS / "patient.png", full_page=True)
    page.get_by_role("radio", name="hypoxic burden").click()
    expect(page.locator('.nicegui-echart[aria-label^="hypoxic burden"]')).to_be_visible()
    link = page.get_by_role("link", name="Report (PDF)").get_attribute("href")
    answer = page.request.get(served.url + str(link))
    assert (answer.status, answer.body()[:4]) == (200, b"%PDF")


def test_what_is_done_is_undone(visit: Open, served: Served) -> None:
    records, patient = served.clinic.records, served.clinic.patients["Case 107"]
    page = visit(served.clinic.users[Role.DENTIST], f"/patients/{patient}")
    page.get_by_role("button", name="Advancement").click()
    page.get_by_label("Advancement, mm").fill("25")
    page.get_by_role("button", name="Note it").click()
    expect(page.get_by_text("An advancement is 0 to 20 mm.")).to_be_visible()
    page.get_by_label("Advancement, mm").fill("4,5")
    page.get_by_role("button", name="Note it").click()
    expect(page.get_by_role("button", name="Take back 4.5 mm")).to_be_visible()
    assert [step.advancement_mm for step in records.treatment.steps(patient)] == [4.5]
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("No treatment on record")).to_be_visible()
    assert records.treatment.steps(patient) == []
    page.get_by_role("button", name="Archive").click()
    expect(page.get_by_role("button", name="Follow again")).to_be_visible()
    page.get_by_role("button", name="Undo").last.click()
    expect(page.get_by_role("button", name="Archive")).to_be_visible()
    found = records.people.patient(patient)
    assert found is not None
    assert found.archived_ms is None


def test_follow_up_device_and_side_effect(visit: Open, served: Served) -> None:
    records, patient = served.clinic.records, served.clinic.patients["Case 102"]
    page = visit(served.clinic.users[Role.COORDINATOR], f"/patients/{patient}")
    expect(page.get_by_role("button", name="Advancement")).to_have_count(0)  # not a coordinator's
    page.get_by_role("button", name="Yearly visit to the dentist: done").click()
    page.get_by_role("button", name="Note it").click()
    expect(page.get_by_text("last done 2026-03-29", exact=False)).to_be_visible()
    page.get_by_role("button", name="Take back bed-0000000001").click()
    expect(page.get_by_text("bed-0000000001 is given back.")).to_be_visible()
    assert records.assignments.wearer("bed-0000000001", NOW_MS) is None
    expect(page.get_by_role("button", name="Take back bed-0000000001")).to_have_count(0)
    page.get_by_role("button", name="Undo").last.click()
    expect(page.get_by_role("button", name="Take back bed-0000000001")).to_be_visible()
    assert records.assignments.wearer("bed-0000000001", NOW_MS) == patient
    page.get_by_role("button", name="Side effect").click()
    page.get_by_label("Note").fill("mornings")
    page.get_by_role("button", name="Note it").click()
    expect(page.get_by_text("sore jaw, mild (mornings)")).to_be_visible()


def test_a_file_is_looked_at_and_then_kept(visit: Open, served: Served, tmp_path: Path) -> None:
    patient = served.clinic.patients["Case 106"]
    rows = [f"2026-03-27T23:{minute:02d}:{second:02d}+01:00,{95 - minute % 3},61" for minute in range(60)
            for second in range(0, 60, 2)]  # fmt: skip
    path = tmp_path / "night.csv"
    path.write_text("\n".join(["time,spo2,pulse", *rows]), "utf-8")
    page = visit(served.clinic.users[Role.DENTIST], f"/patients/{patient}")
    page.get_by_role("button", name="Import a file").click()
    page.get_by_role("button", name="Keep it").click()
    expect(page.get_by_text("Look at the file first.")).to_be_visible()
    page.locator("#sl-import").set_input_files(path)
    page.get_by_role("button", name="Look at it").click()
    expect(page.get_by_text("valid_h")).to_be_visible()
    assert not any(one.device.startswith("file-") for one in served.clinic.records.assignments.list(patient=patient))
    page.get_by_role("button", name="Keep it").click()
    expect(page.get_by_text("Kept.")).to_be_visible()
    assert any(one.device.startswith("file-") for one in served.clinic.records.assignments.list(patient=patient))


def test_who_leaves_the_team_changes_nothing_on_an_open_page(visit: Open, served: Served) -> None:
    records, patient = served.clinic.records, served.clinic.patients["Case 107"]
    user = records.users.add(CLINIC, "leaving@clinic", Role.DENTIST, at_ms=0)
    records.teams.put_user(served.clinic.team, user.id, belongs=True)
    page = visit(user, f"/patients/{patient}")
    page.get_by_role("button", name="Advancement").click()
    page.get_by_label("Advancement, mm").fill("3")
    records.teams.put_user(served.clinic.team, user.id, belongs=False)
    page.get_by_role("button", name="Note it").click()
    expect(page.get_by_text("There is nothing here, or it is not yours to see.")).to_be_visible()
    assert records.treatment.steps(patient) == []


def test_the_patients_own_page(visit: Open, served: Served) -> None:
    records, patient = served.clinic.records, served.clinic.patients["Case 101"]
    user = served.clinic.patient_user("Case 101")
    page = visit(user, "/")
    expect(page.get_by_text("Everything works. Your data arrive.")).to_be_visible()
    expect(page.get_by_text("You reached your goal of 4 hours", exact=False).first).to_be_visible()
    text = page.locator("#main").inner_text().lower()
    for jargon in ("odi", "desaturation", "severe", "index", "adherence"):
        assert jargon not in text
    page.screenshot(path=SCREENSHOTS / "own.png", full_page=True)
    page.get_by_role("button", name="Tell the clinic").click()
    expect(page.get_by_text("Choose first what bothers you.")).to_be_visible()
    page.get_by_role("combobox", name="What").click()
    page.get_by_role("option", name="My mouth is dry").click()
    page.get_by_role("button", name="Tell the clinic").click()
    expect(page.get_by_text("Noted: My mouth is dry. Thank you.")).to_be_visible()
    noted = records.treatment.side_effects(patient)[-1]
    assert (noted.kind, noted.night) == ("dry_mouth", LAST)


@pytest.mark.parametrize("dark", [False, True])
def test_nothing_is_wider_than_a_phone(visit: Open, served: Served, dark: bool) -> None:
    clinic = served.clinic
    physician = clinic.users[Role.PHYSICIAN]
    for path in ("/", f"/patients/{clinic.patients['Case 103']}"):
        page = visit(physician, path, width=390, dark=dark)
        expect(page.locator("h1")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert page.locator("body.body--dark").count() == int(dark)


def test_times_are_the_patients(visit: Open, served: Served) -> None:
    records = served.clinic.records
    made = records.people.add_patient(CLINIC, "Far away", zone="Asia/Tokyo", at_ms=0)
    records.teams.put_patient(served.clinic.team, made.id, belongs=True)
    records.people.change_patient(replace(made, archived_ms=NOW_MS))
    page = visit(served.clinic.users[Role.DENTIST], f"/patients/{made.id}")
    expect(page.get_by_text("since Sun 29 Mar 2026, 15:00 JST", exact=False)).to_be_visible()
