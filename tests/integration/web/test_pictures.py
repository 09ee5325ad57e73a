"""Pictures of the pages, as ``docs/pages.md`` shows them; SOMNOLINK_SCREENSHOTS says where they are kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from analytics.alerts.findings import Finding
from gateway.service.records import DeviceState, GatewayState, Role, Subject
from tests.integration.api import synthetic
from tests.integration.web.desk import Desk, open_desk, picture_path

HOUR_MS = 3_600_000


@pytest.fixture(scope="module")
def desk(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A clinic in which there is something to see."""
    with open_desk(browser, tmp_path_factory.mktemp("pictures")) as made:
        scene, records = made.scene, made.scene.records
        at_ms = scene.clock.now_ms
        subject = Subject(scene.patient, "clinic", patient=scene.patient, gateway=synthetic.GATEWAY)
        worn = Finding("mad_not_worn", True, at_ms, at_ms - 72 * HOUR_MS, at_ms, {"nights": 3.0})
        records.alerts.tell([(subject, worn, None)], recorded_ms=at_ms)
        records.states.put_gateway(
            GatewayState(
                synthetic.GATEWAY, True, at_ms - 9 * HOUR_MS, at_ms, "0.1.0", 2, at_ms, 1 << 34, "ok", True, 40, 12
            )
        )
        records.states.put_devices(
            [DeviceState(synthetic.DEVICE, at_ms, at_ms, True, clock="ok", clock_ms=at_ms, uncertainty_ms=400)]
        )
        yield made


def taken(page: Page, path: Path) -> None:
    """Take a picture, when nothing moves any more."""
    page.wait_for_timeout(400)
    page.screenshot(path=path, animations="disabled")
    assert path.stat().st_size > 5_000


@pytest.mark.parametrize(
    ("name", "path", "role"),
    [
        ("alerts", "/alerts", Role.DENTIST),
        ("devices", "/devices", Role.COORDINATOR),
        ("users", "/users", Role.ADMINISTRATOR),
        ("audit", "/audit", Role.ADMINISTRATOR),
        ("settings", "/settings", Role.ADMINISTRATOR),
        ("account", "/account", Role.DENTIST),
    ],
)
def test_a_page(desk: Desk, tmp_path: Path, name: str, path: str, role: Role) -> None:
    with desk.tab(role, path, height=760) as page:
        if name == "settings":
            page.get_by_text("Low oxygen saturation now").click()
            expect(page.get_by_label("SpO2 at or below this counts")).to_be_visible()
        if name == "account":
            expect(page.get_by_role("table", name="API tokens")).to_be_visible()
        taken(page, picture_path(tmp_path, f"{name}.png"))


def test_the_way_in(desk: Desk, tmp_path: Path) -> None:
    with desk.tab(None, "/sign-in", height=560) as page:
        expect(page.get_by_role("button", name="Sign in")).to_be_visible()
        taken(page, picture_path(tmp_path, "sign-in.png"))


def test_at_night_on_a_phone(desk: Desk, tmp_path: Path) -> None:
    with desk.tab(Role.DENTIST, "/alerts", width=390, height=760, scheme="dark") as page:
        taken(page, picture_path(tmp_path, "alerts-phone.png"))
