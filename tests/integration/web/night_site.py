"""A served night with somebody who may look at it, and a browser to do so."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, Page

from gateway.service.api import RunningServer, ServiceStatus, create_app, serve
from gateway.service.records import Role
from gateway.service.sign_in import SignIn
from tests.integration.views import night_scene as scene

ARGUMENTS: Final = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
]
WAIT_MS: Final = 20_000
"""The machine may be busy."""


@dataclass
class Site:
    """A running service with one home's night in it."""

    server: RunningServer
    home: scene.Home
    sign_in: SignIn
    team: str
    user: str

    @property
    def path(self) -> str:
        return f"/patients/{self.home.patient.id}/nights/{scene.NIGHT.isoformat()}"

    def token(self, user: str | None = None) -> str:
        """A session's."""
        code = self.sign_in.link(user or self.user).text
        return self.sign_in.start_by_link(code, address="127.0.0.1").token

    def dentist(self, name: str, clinic: str = "clinic") -> str:
        """Id of one more user, in no team."""
        return self.home.records.users.add(clinic, name, Role.DENTIST, at_ms=0).id


@contextmanager
def site_of(home: scene.Home) -> Iterator[Site]:
    """Serve a home's records and samples."""
    records = home.records
    if home.seen in (0, scene.SIZE):
        home.clock.now_ms = scene.NEXT_NOON_MS + scene.HOUR_MS
    team = records.teams.add("clinic", "own").id
    records.teams.put_patient(team, home.patient.id, belongs=True)
    user = records.users.add("clinic", "dentist@example.org", Role.DENTIST, at_ms=0).id
    records.teams.put_user(team, user, belongs=True)
    sign_in = SignIn(records, home.clock)
    app = create_app(records, home.store, status=lambda: ServiceStatus(True, ""), clock=home.clock, sign_in=sign_in)
    with serve(app, "127.0.0.1", 0) as server:
        yield Site(server, home, sign_in, team, user)
    home.close()


@contextmanager
def tab_of(browser: Browser, site: Site, *, user: str | None = None, **settings: Any) -> Iterator[Page]:
    """A tab far from the patient's zone; whatever a script or the content policy complains about fails the test."""
    context = browser.new_context(
        **{"timezone_id": "America/New_York", "viewport": {"width": 1280, "height": 900}, **settings}
    )
    context.add_cookies([{"name": "somnolink_session", "value": site.token(user), "url": site.server.url}])
    context.set_default_timeout(WAIT_MS)
    tab = context.new_page()
    complaints: list[str] = []
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.on("console", lambda message: complaints.append(message.text) if "Content Security" in message.text else None)
    try:
        yield tab
    finally:
        context.close()
    assert complaints == [], complaints


def open_night(tab: Page, site: Site) -> None:
    """Open the page and wait until the figure is drawn and has told its width."""
    tab.goto(site.server.url + site.path)
    tab.wait_for_selector("#night-plot[data-drawn]")
    tab.wait_for_timeout(250)  # its width is told and answered


def shown(tab: Page) -> str:
    """What the figure says of itself to a screen reader."""
    return tab.locator("#night-plot").get_attribute("aria-label") or ""


def after(tab: Page, act: Callable[[], object]) -> str:
    """Do something that looks at another part, and wait until its samples are drawn; gives what is shown then."""
    before = shown(tab)
    act()
    tab.wait_for_function(
        "before => document.querySelector('#night-plot').getAttribute('aria-label') !== before", arg=before
    )
    tab.wait_for_timeout(120)  # drawn
    return shown(tab)


SERIES: Final = """async (id) => {
  const { echarts } = await import("nicegui-echart");
  const chart = echarts.getInstanceByDom(document.querySelector(".night-chart"));
  return chart.getOption().series.find((one) => one.id === id).data;
}"""
AXIS: Final = """async () => {
  const { echarts } = await import("nicegui-echart");
  const chart = echarts.getInstanceByDom(document.querySelector(".night-chart"));
  const label = chart.getOption().xAxis.at(-1).axisLabel;
  return label.customValues.map((at) => label.formatter(at));
}"""
PLACE: Final = """async ([second, value, axis]) => {
  const { echarts } = await import("nicegui-echart");
  const chart = echarts.getInstanceByDom(document.querySelector(".night-chart"));
  return chart.convertToPixel({ xAxisIndex: axis, yAxisIndex: axis }, [second, value]);
}"""


def elsewhere(work: Callable[[], object]) -> None:
    """Do something as the service's own threads do: a browser's driver holds this one's loop."""
    thread = threading.Thread(target=work)
    thread.start()
    thread.join(60)
    assert not thread.is_alive()


def screenshot_path(folder: Path, name: str) -> Path:
    """Where a picture of a page goes: into the documentation, when somebody makes it anew."""
    into = os.environ.get("SOMNOLINK_SCREENSHOTS")
    return (Path(into) if into else folder) / name
