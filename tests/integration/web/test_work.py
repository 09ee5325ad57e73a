"""What staff do in the pages: alerts, devices, thresholds, teams, the audit; in a real browser."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from gateway.service.records import AlertState, Role
from tests.integration.api import synthetic
from tests.integration.web.desk import Desk, open_desk


def test_an_alert_appears_while_one_looks_and_is_acknowledged_for_all(desk: Desk) -> None:
    with desk.tab(Role.DENTIST, "/alerts") as page, desk.tab(Role.PHYSICIAN, "/alerts") as other:
        alert = desk.scene.alert_anew()
        card = page.get_by_role("article", name="Low oxygen saturation now")
        expect(card.get_by_text("Open", exact=False).first).to_be_visible()
        expect(card).to_contain_text("SpO2 at or below 80 % for 5 min, lowest 78 %.")
        expect(card).to_contain_text("CET")
        expect(card).to_contain_text("▲ Urgent")
        card.get_by_role("button", name="Acknowledge").click()
        for one in (page, other):
            expect(one.get_by_role("article")).to_contain_text("✓ Acknowledged")
            expect(one.get_by_role("button", name="Acknowledge")).to_be_hidden()
    found = desk.scene.records.alerts.get(alert)
    assert found is not None
    assert found.state is AlertState.ACKNOWLEDGED


def test_an_alert_is_assigned_taken_back_snoozed_and_talked_about_by_keyboard(desk: Desk) -> None:
    alert = desk.scene.alert_anew()
    with desk.tab(Role.DENTIST, "/alerts") as page:
        page.get_by_role("button", name="Assign").focus()
        page.keyboard.press("Enter")
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_role("button", name="Nobody")).to_be_visible()
        names = dialog.get_by_role("button").all_inner_texts()
        assert names == ["coordinator@near", "dentist@near", "physician@near", "Nobody", "Cancel"]
        dialog.get_by_role("button", name="physician@near").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("article")).to_contain_text("Assigned to physician@near")
        page.get_by_role("button", name="Undo").press("Enter")
        expect(page.get_by_role("article")).to_contain_text("Assigned to nobody")
        page.get_by_role("button", name="Snooze").press("Enter")
        page.get_by_role("menuitem", name="8 hours").press("Enter")
        expect(page.get_by_role("article")).to_contain_text("Snoozed until")
        page.get_by_role("button", name="History and comments").press("Enter")
        page.get_by_label("Comment").fill("Called, wears it again.")
        page.get_by_role("button", name="Add the comment").press("Enter")
        expect(page.get_by_role("listitem").last).to_contain_text("dentist@near: Called, wears it again.")
    history = [one.event for one in desk.scene.records.alerts.history(alert)]
    assert history == ["raised", "assigned", "assigned", "snoozed", "commented"]


def test_a_comment_that_is_being_typed_outlives_news(desk: Desk) -> None:
    desk.scene.alert_anew()
    with desk.tab(Role.DENTIST, "/alerts") as page, desk.tab(Role.PHYSICIAN, "/alerts") as other:
        page.get_by_role("button", name="History and comments").click()
        page.get_by_label("Comment").fill("Half a sent")
        other.get_by_role("button", name="Acknowledge").click()
        expect(page.get_by_role("article")).to_contain_text("✓ Acknowledged")
        expect(page.get_by_label("Comment")).to_have_value("Half a sent")


def test_a_device_is_taken_back_and_given_again(desk: Desk) -> None:
    records = desk.scene.records
    with desk.tab(Role.COORDINATOR, "/devices") as page:
        row = page.get_by_role("row").filter(has_text=synthetic.DEVICE).first
        expect(row).to_contain_text("The Patient")
        row.get_by_role("button", name="Take back").click()
        page.get_by_role("dialog").get_by_role("button", name="Take back").click()
        expect(row).to_contain_text("Nobody")
        page.get_by_role("button", name="Undo").click()
        expect(row).to_contain_text("The Patient")
        row.get_by_role("button", name="Take back").click()
        page.get_by_role("dialog").get_by_role("button", name="Take back").click()
        expect(row).to_contain_text("Nobody")
        row.get_by_role("button", name="Give").click()
        page.get_by_role("dialog").get_by_label("Patient").click()
        page.get_by_role("option", name="The Patient").click()
        page.get_by_role("dialog").get_by_role("button", name="Give").click()
        expect(row).to_contain_text("The Patient")
    assert len(records.assignments.list(device=synthetic.DEVICE)) == 2


def test_a_page_that_goes_while_it_asks_something_is_no_error(
    browser: Browser, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with open_desk(browser, tmp_path) as own:
        page = own.context(Role.COORDINATOR).new_page()
        own.open(page, "/devices")
        page.get_by_role("button", name="Take back").first.click()
        expect(page.get_by_role("dialog").get_by_role("button", name="Take back")).to_be_visible()
    page.context.close()
    assert [one.getMessage() for one in caplog.records if one.levelno >= logging.WARNING] == []


def test_another_clinics_dentist_sees_nothing_of_it(desk: Desk) -> None:
    with desk.tab(Role.DENTIST, "/alerts", "elsewhere") as page:
        expect(page.get_by_text("No alerts")).to_be_visible()
        desk.open(page, "/devices")
        expect(page.get_by_text("No device yet")).to_be_visible()
        assert "The Patient" not in page.content()


def test_a_threshold_is_changed_refused_and_taken_back(desk: Desk) -> None:
    own = lambda: desk.scene.records.thresholds.own("clinic", "clinic")  # noqa: E731
    with desk.tab(Role.ADMINISTRATOR, "/settings") as page:
        page.get_by_text("Low oxygen saturation now").click()
        field = page.get_by_label("SpO2 at or below this counts")
        field.fill("200")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("alert")).to_contain_text("200")
        assert own() == {}
        page.get_by_role("button", name="Close").click()
        field.fill("85")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("Low oxygen saturation now · 1 of its own")).to_be_visible()
        assert own() == {("spo2_low", "level_pct"): 85.0}
        page.get_by_role("button", name="Undo").click()
        expect(page.get_by_text("1 of its own")).to_be_hidden()
        assert own() == {}
    with desk.tab(Role.DENTIST, "/settings") as page:
        page.get_by_text("Low oxygen saturation now").click()
        expect(page.get_by_text("SpO2 at or below this counts")).to_be_visible()
        assert page.get_by_role("button", name="Save").count() == 0
        assert page.get_by_text("Who else is told").count() == 0


def test_a_webhook_is_added_and_removed(desk: Desk) -> None:
    with desk.tab(Role.ADMINISTRATOR, "/settings") as page:
        page.get_by_label("Address, https://").fill("https://example.org/alerts")
        page.get_by_label("Its secret").fill("env:SOMNOLINK_WEBHOOK_X")
        page.get_by_role("button", name="Add").click()
        expect(page.get_by_role("cell", name="https://example.org/alerts")).to_be_visible()
        page.get_by_role("button", name="Remove").click()
        page.get_by_role("dialog").get_by_role("button", name="Remove").click()
        expect(page.get_by_text("Nobody else yet")).to_be_visible()
    assert desk.scene.records.webhooks.list() == []


def test_a_team_gets_a_member_and_loses_them(desk: Desk) -> None:
    teams = desk.scene.records.teams
    with desk.tab(Role.ADMINISTRATOR, "/users") as page:
        team = page.get_by_role("group", name="own", exact=True)
        team.get_by_label("Add a user").click()
        page.get_by_role("option", name="somebody").click()
        expect(team.get_by_role("button", name="Take somebody out of own")).to_be_visible()
        (own,) = [one for one in teams.list("clinic") if one.name == "own"]
        assert desk.scene.user in own.users
        team.get_by_role("button", name="Take somebody out of own").click()
        expect(team.get_by_role("button", name="Take somebody out of own")).to_be_hidden()
        assert "The Patient" not in page.content()


def test_a_user_who_is_kept_out_is_out_at_once(desk: Desk) -> None:
    with desk.tab(Role.DENTIST, "/alerts", "clinic") as kept, desk.tab(Role.ADMINISTRATOR, "/users") as page:
        row = page.get_by_role("row").filter(has_text="dentist@clinic")
        row.get_by_role("button", name="Keep out").click()
        page.get_by_role("dialog").get_by_role("button", name="Keep out").click()
        expect(row).to_contain_text("Kept out since")
        kept.reload()
        expect(kept.get_by_role("heading", name="Sign in")).to_be_visible()
        row.get_by_role("button", name="Let in").click()
        expect(row).to_contain_text("Let in")


def test_the_audit_is_searched_and_verified(desk: Desk) -> None:
    with desk.tab(Role.PHYSICIAN, "/alerts"), desk.tab(Role.ADMINISTRATOR, "/audit") as page:
        page.get_by_label("Who", exact=True).fill("physician@near")
        page.get_by_label("Who", exact=True).press("Enter")
        page.wait_for_url("**/audit?who=*")
        names = page.get_by_role("table", name="Entries").locator("tbody tr td:nth-child(3)")
        expect(names.first).to_be_visible()
        assert set(names.all_inner_texts()) == {"physician@near"}
        page.get_by_role("button", name="Check now").click()
        expect(page.get_by_text("Whole: all")).to_be_visible()
        last = desk.scene.records.audit.last()
        expect(page.locator(".sl-code")).to_have_text(f"{last.number}:{last.sha256}")
