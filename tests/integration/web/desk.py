"""A served clinic, and people who look at it in a real browser."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, BrowserContext, Page, Playwright

from gateway.service.api import serve
from gateway.service.records import Role
from tests.integration.access.scene import Scene
from tests.servers import require

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
]
PASSWORD = "four words that belong apart"


def started(playwright: Playwright) -> Browser:
    """A real Chromium."""
    return playwright.chromium.launch(executable_path=require("chromium", "chromium"), args=ARGUMENTS)


def far_context(
    browser: Browser,
    url: str,
    complaints: list[str],
    *,
    width: int = 1200,
    height: int = 900,
    scheme: Literal["light", "dark"] = "light",
) -> BrowserContext:
    """A browser of its own, far from the patient's zone, for what is served at `url`, that notes what is amiss."""
    made = browser.new_context(
        timezone_id="America/New_York", viewport={"width": width, "height": height}, color_scheme=scheme
    )
    made.set_default_timeout(15_000)
    own = (f"{url}/", f"{url.replace('http', 'ws')}/", "data:")

    def watch(page: Page) -> None:
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda message: complaints.append(message.text) if "Content Security" in message.text else None,
        )
        page.on(
            "request",
            lambda request: (
                None if request.url.startswith(own) else complaints.append(f"asked elsewhere: {request.url}")
            ),
        )

    made.on("page", watch)
    return made


def go(page: Page, url: str) -> None:
    """Go to a page and wait until it answers events."""
    page.goto(url)
    page.wait_for_function("window.did_handshake || !document.getElementById('app')")


@dataclass
class Desk:
    """A scene that is served, and the tabs that look at it.

    Attributes
    ----------
    complaints : list of str
        What scripts and content policies complained about, and requests to anybody else.
    """

    browser: Browser
    scene: Scene
    url: str
    complaints: list[str] = field(default_factory=list)

    def context(
        self,
        role: Role | None = None,
        place: str = "near",
        *,
        width: int = 1200,
        height: int = 900,
        scheme: Literal["light", "dark"] = "light",
    ) -> BrowserContext:
        """A browser of its own, far from the patient's zone; with a role, one in which somebody is signed in."""
        made = far_context(self.browser, self.url, self.complaints, width=width, height=height, scheme=scheme)
        if role is not None:
            token = self.scene.new_session(role, place)
            made.add_cookies([{"name": "somnolink_session", "value": token, "url": self.url}])
        return made

    @contextmanager
    def tab(
        self,
        role: Role | None,
        path: str = "",
        place: str = "near",
        *,
        width: int = 1200,
        height: int = 900,
        scheme: Literal["light", "dark"] = "light",
    ) -> Iterator[Page]:
        """A tab of somebody, with a page in it."""
        context = self.context(role, place, width=width, height=height, scheme=scheme)
        page = context.new_page()
        if path:
            self.open(page, path)
        yield page
        context.close()

    def open(self, page: Page, path: str) -> None:
        """Go to a page and wait until it answers events."""
        go(page, self.url + path)


@contextmanager
def open_desk(browser: Browser, folder: Path) -> Iterator[Desk]:
    """Serve a scene; whatever was complained about in the end is an error."""
    scene = Scene(folder)
    with serve(scene.app(), "127.0.0.1", 0) as server:
        scene.url = server.url
        desk = Desk(browser, scene, server.url)
        yield desk
    scene.store.close()
    scene.records.close()
    assert desk.complaints == []


def picture_path(folder: Path, name: str) -> Path:
    """Where a picture of a page goes: into the documentation, when somebody makes it anew."""
    into = os.environ.get("SOMNOLINK_SCREENSHOTS")
    return (Path(into) if into else folder) / name
