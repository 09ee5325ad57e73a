"""From an empty service to a night that was seen to: all of it real, in the order in which a clinic would live it.

First administrator, clinic, dentist, a home that joins, a night that arrives, whose it is, its alert, its report; and
another clinic, whose dentist sees nothing of it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from pypdfium2 import PdfDocument

from gateway.clock import SystemClock
from gateway.service.records import Role
from simulators.run_home import Order
from tests.integration.web.night_site import SERIES
from tests.integration.web.premises import WAIT_MS, Premises, joined_broker, premises

CHIEF, DENTIST, STRANGER = "chief@example.org", "dentist@example.org", "dentist@elsewhere.example"
HOME, PATIENT, ZONE = "Bedroom 17", "Case 17", "Europe/Berlin"
DEEP_SLEEPER = 21
"""Seed of somebody whose severe half hour has a desaturation to 76 %, well below the limit of 80 %."""


@pytest.fixture
def clinic(browser: Browser, tmp_path: Path) -> Iterator[Premises]:
    with premises(tmp_path, browser) as made:
        yield made


@dataclass(frozen=True)
class Night:
    """What the home was made to send.

    Attributes
    ----------
    device : str
        Its ring.
    date : date
        The evening's, in the ring's zone and in the patient's.
    """

    device: str
    date: date


def test_from_the_first_administrator_to_the_report_of_a_night(
    clinic: Premises, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    administrator = the_first_administrator_comes_in(clinic)
    dentist = a_dentist_is_made_and_comes_in(clinic, administrator)
    a_home_joins_by_its_code(clinic, administrator, tmp_path / "home.toml")
    night = a_night_arrives_and_is_nobodys(clinic, administrator, dentist, tmp_path / "home.toml")
    patient = the_dentist_makes_a_patient(clinic, dentist)
    the_dentist_says_whose_it_is_and_hears_of_the_deep_desaturation(clinic, dentist, night)
    the_dentist_acknowledges_it(clinic, dentist)
    the_dentist_opens_the_night(clinic, dentist, patient, night)
    the_dentist_downloads_the_report(dentist, patient, tmp_path / "report.pdf")
    another_clinics_dentist_sees_nothing_of_it(clinic, patient, night)
    everything_is_in_the_audit_and_the_audit_is_whole(clinic, administrator, patient)
    assert [one.getMessage() for one in caplog.records if one.levelno >= logging.ERROR] == []


def the_first_administrator_comes_in(clinic: Premises) -> Page:
    """A command makes them; their password is their own."""
    invitation = clinic.somnolink("admin", "administrator", CHIEF, "--clinic", "clinic").strip()
    page = clinic.person()
    clinic.sets_a_password(page, invitation, CHIEF)
    expect(page.get_by_text("You run the clinic and see no patients")).to_be_visible()
    return page


def a_dentist_is_made_and_comes_in(clinic: Premises, administrator: Page) -> Page:
    """With a care team to work in."""
    page = clinic.open(administrator, "/users")
    page.get_by_label("Name to sign in with").fill(DENTIST)
    page.get_by_role("button", name="Make a user").click()
    row = page.get_by_role("row").filter(has_text=DENTIST)
    expect(row).to_contain_text("Dentist")

    page.get_by_label("Name of a new team").fill("sleep")
    page.get_by_role("button", name="Make a team").click()
    team = page.get_by_role("group", name="sleep", exact=True)
    team.get_by_label("Add a user").click()
    page.get_by_role("option", name=DENTIST).click()
    expect(row).to_contain_text("sleep")

    row.get_by_role("button", name="Invite").click()
    invitation = page.locator(".sl-dialog .sl-code").inner_text()
    page.get_by_role("button", name="Done").click()
    own = clinic.person()
    clinic.sets_a_password(own, invitation, DENTIST)
    expect(own.get_by_role("heading", name="No patients yet")).to_be_visible()
    return own


def a_home_joins_by_its_code(clinic: Premises, administrator: Page, settings: Path) -> None:
    """What the page shows is what is run on the box."""
    settings.write_text(f'[home]\ndata = "{settings.parent / "box"}"\n')
    page = clinic.open(administrator, "/devices")
    expect(page.get_by_text("No home yet")).to_be_visible()
    page.get_by_label("What the staff call the home").fill(HOME)
    page.get_by_role("button", name="Make a code").click()
    command = page.locator(".sl-dialog .sl-code").inner_text()
    expect(page.locator(".sl-dialog svg")).to_be_visible()
    assert re.fullmatch(rf"somnolink join {re.escape(clinic.url)} [0-9A-Z-]{{14}}", command), command

    printed = clinic.somnolink(*command.split()[1:], "--config", str(settings))
    gateway, _ = joined_broker(settings)
    assert f"This box is {gateway} now" in printed
    page.get_by_role("button", name="Done").click()
    expect(page.get_by_role("table", name="Homes").get_by_role("row").filter(has_text=HOME)).to_contain_text(gateway)


def a_night_arrives_and_is_nobodys(clinic: Premises, administrator: Page, dentist: Page, settings: Path) -> Night:
    """The ring is on a shelf of the clinic's as far as anybody was told."""
    evening = datetime.now(UTC).date() - timedelta(days=1)
    gateway, broker = joined_broker(settings)
    clinic.streams(
        Order(
            data=str(settings.parent / "life"),
            gateway=gateway,
            host=broker.host,
            port=broker.port,
            username=broker.username or "",
            password=broker.password or "",
            seed=DEEP_SLEEPER,
            profile="severe",
            duration_s=1800,
            first_evening=datetime.combine(evening, time(21, 20)),
        )
    )
    page = clinic.open(administrator, "/devices")
    row = page.get_by_role("table", name="Devices").get_by_role("row").filter(has_text="o2ring-")
    expect(row).to_contain_text("Nobody")
    device = re.search(r"o2ring-\w+", row.inner_text())
    assert device is not None
    expect(page.get_by_role("table", name="Homes").get_by_role("row").filter(has_text=HOME)).to_contain_text("Off")

    waiting = clinic.open(dentist, "/devices").get_by_role("table", name="Data that nobody had")
    expect(waiting.get_by_role("row").filter(has_text="oximetry")).to_contain_text(device[0])
    expect(dentist.get_by_text("No device yet")).to_be_visible()
    return Night(device[0], evening)


def the_dentist_makes_a_patient(clinic: Premises, dentist: Page) -> str:
    """Returns the patient's path."""
    page = clinic.open(dentist, "/")
    page.get_by_role("button", name="New patient").click()
    page.get_by_label("Name: a pseudonym").fill(PATIENT)
    page.get_by_label("Zone they live in").fill(ZONE)
    page.get_by_role("button", name="Make the patient").click()
    page.wait_for_url("**/patients/*")
    expect(page.get_by_role("heading", name=PATIENT, level=1)).to_be_visible()
    expect(page.get_by_text("No night in this time")).to_be_visible()
    return page.url.removeprefix(clinic.url)


def the_dentist_says_whose_it_is_and_hears_of_the_deep_desaturation(
    clinic: Premises, dentist: Page, night: Night
) -> None:
    """The page of alerts that is open in another tab shows it by itself."""
    alerts = dentist.context.new_page()
    expect(clinic.open(alerts, "/alerts").get_by_text("No alerts")).to_be_visible()
    page = clinic.open(dentist, "/devices")
    page.bring_to_front()
    row = page.get_by_role("table", name="Data that nobody had").get_by_role("row").filter(has_text="oximetry")
    row.get_by_role("button", name="Say whose").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(night.device)
    dialog.get_by_label("Patient").click()
    page.get_by_role("option", name=PATIENT).click()
    dialog.get_by_role("button", name="Give").click()
    expect(page.get_by_text(f"These are {PATIENT}'s now.")).to_be_visible()
    expect(page.get_by_text("Data that nobody had")).to_be_hidden()

    alerts.bring_to_front()
    card = alerts.get_by_role("article", name="Deep desaturation")
    expect(card).to_be_visible()
    expect(card).to_contain_text("A desaturation reached 77 % (limit 80 %).")
    expect(card).to_contain_text(re.compile("CES?T"))  # the patient's zone, not the ring's nor the browser's
    expect(card.get_by_role("link", name=PATIENT)).to_be_visible()
    alerts.close()


def the_dentist_acknowledges_it(clinic: Premises, dentist: Page) -> None:
    """Once, and the worklist says that somebody has."""
    row = clinic.open(dentist, "/").get_by_role("row").filter(has_text=PATIENT)
    expect(row).to_contain_text("A desaturation reached 77 %")
    card = clinic.open(dentist, "/alerts").get_by_role("article", name="Deep desaturation")
    card.get_by_role("button", name="Acknowledge").click()
    expect(card).to_contain_text("✓ Acknowledged")
    card.get_by_role("button", name="History and comments").click()
    expect(card).to_contain_text(f"Acknowledged by {DENTIST}")
    card.get_by_role("link", name=PATIENT).click()


def the_dentist_opens_the_night(clinic: Premises, dentist: Page, patient: str, night: Night) -> None:
    """From the patient's page, which the alert leads to."""
    dentist.wait_for_url(f"{clinic.url}{patient}")
    dentist.get_by_role("link", name=f"{night.date:%a %-d %b %Y}").click()
    dentist.wait_for_url(f"{clinic.url}{patient}/nights/{night.date.isoformat()}")
    dentist.wait_for_selector("#night-plot[data-drawn]")
    falls = dentist.locator(".night-falls tbody tr")
    expect(falls.first).to_be_visible()
    drawn = [value for _, value in dentist.evaluate(SERIES, "spo2") if value is not None]
    assert len(drawn) > 100
    assert min(drawn) <= 80
    assert len(dentist.evaluate(SERIES, "nadirs")) == falls.count() > 10
    expect(dentist.locator(".night-head")).to_contain_text(ZONE)


def the_dentist_downloads_the_report(dentist: Page, patient: str, into: Path) -> None:
    """As a file that a reader of PDF opens; it names the patient by the opaque id alone."""
    with dentist.expect_download(timeout=WAIT_MS) as got:
        dentist.get_by_role("link", name="PDF", exact=True).click()
    got.value.save_as(into)
    assert into.read_bytes().startswith(b"%PDF-")
    document = PdfDocument(into)
    try:
        assert len(document) > 1
        text = "".join(page.get_textpage().get_text_range() for page in document)
        assert f"Patient {patient.rpartition('/')[2]}" in text
        assert PATIENT not in text
    finally:
        document.close()


def another_clinics_dentist_sees_nothing_of_it(clinic: Premises, patient: str, night: Night) -> None:
    """Neither on a page nor by the API."""
    records = clinic.running.records
    records.people.add_clinic("clinic-elsewhere", "Elsewhere", at_ms=SystemClock().utc_ms())
    records.users.add("clinic-elsewhere", STRANGER, Role.DENTIST, at_ms=SystemClock().utc_ms())
    page = clinic.person()
    clinic.sets_a_password(page, clinic.somnolink("admin", "invite", STRANGER).strip(), STRANGER)
    for path, empty in (("/", "No patients yet"), ("/alerts", "No alerts"), ("/devices", "No device yet")):
        expect(clinic.open(page, path).get_by_text(empty)).to_be_visible()
        for secret in (PATIENT, night.device, HOME, patient):
            assert secret not in page.content(), path
    of_the_night = f"{patient}/nights/{night.date.isoformat()}"
    for path in (patient, of_the_night):
        answer = page.goto(clinic.url + path)
        assert answer is not None
        assert answer.status == 404
        assert PATIENT not in page.content()
    (alert,) = records.alerts.list(patient=patient.rpartition("/")[2])
    for path in (patient, f"{patient}/overview", f"{of_the_night}/view", f"{patient}/report", f"/alerts/{alert.id}"):
        assert page.request.get(f"{clinic.url}/api/v1{path}").status == 404, path
    assert page.request.get(f"{clinic.url}/api/v1/session").status == 200


def everything_is_in_the_audit_and_the_audit_is_whole(clinic: Premises, administrator: Page, patient: str) -> None:
    """By the page and by the command."""
    page = clinic.open(administrator, "/audit")
    page.get_by_role("button", name="Check now").click()
    expect(page.get_by_text("Whole: all")).to_be_visible()
    last = clinic.running.records.audit.last()
    expect(page.locator(".sl-code")).to_have_text(f"{last.number}:{last.sha256}")
    assert clinic.somnolink("admin", "verify-audit").strip() == f"{last.number}:{last.sha256}"
    told = [(one.who, one.what) for one in clinic.running.records.audit.after(0)]
    for who, what in (
        (CHIEF, "/clinics/clinic/homes"),
        (DENTIST, f"POST {patient}/assignments"),
        (DENTIST, "/acknowledge"),
        (DENTIST, "/report"),
    ):
        assert any(one == who and what in deed for one, deed in told), (who, what)
