"""The whole service on a live Mosquitto, its command line, its people's browsers, and a home with a sleeper in it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec
from playwright.sync_api import Browser, Page, expect

from gateway.service.app import Service
from gateway.settings import load_settings
from gateway.wire.client import BrokerAddress
from simulators.run_home import Order
from tests.integration.homes.scene import ADMIN_PASSWORD, service
from tests.integration.web.desk import PASSWORD, far_context, go
from tests.servers.mosquitto import MosquittoServer

COMMAND_S: Final = 60
HOME_S: Final = 90
"""How long the simulated night may take; the machine may be busy."""

WAIT_MS: Final = 30_000
"""How long a page may take to show what is expected of it: all of the service, a broker and a home run beside it."""

USUAL_MS: Final = 5_000
"""Playwright's own patience, which other tests have."""

DIED: Final = 500
"""What a program that ends badly has said last is told; characters of it."""


@dataclass
class Premises:
    """A running service and where to reach it.

    Attributes
    ----------
    complaints : list of str
        What scripts and content policies complained about, and requests to anybody else.
    """

    folder: Path
    running: Service
    browser: Browser
    complaints: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        assert self.running.url is not None, "its pages were asked for"
        return self.running.url

    def somnolink(self, *words: str, **settings: str) -> str:
        """Run a command as somebody at the service's own computer; returns what it prints."""
        own = {"SOMNOLINK_CONFIG": "", "SOMNOLINK_SERVICE_DATA": str(self.folder)}
        own |= {"SOMNOLINK_SERVICE_PUBLIC_URL": self.url}
        return finished([sys.executable, "-c", "from gateway.cli import main; main()", *words], own | settings)

    def person(self) -> Page:
        """A tab of somebody who sits at a browser of their own."""
        return far_context(self.browser, self.url, self.complaints).new_page()

    def open(self, page: Page, path: str) -> Page:
        """Go to a page; it is there when this returns."""
        go(page, self.url + path)
        return page

    def sets_a_password(self, page: Page, invitation: str, name: str) -> None:
        """Follow an invitation and sign in, as whoever is invited does."""
        assert invitation.startswith(f"{self.url}/sign-in#invitation="), invitation
        page.goto(invitation)
        page.get_by_label("New password").fill(PASSWORD)
        page.get_by_label("Once more").fill(PASSWORD)
        page.get_by_role("button", name="Set the password").click()
        expect(page.get_by_role("status").first).to_contain_text("The password is set")
        page.get_by_label("Name").fill(name)
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{self.url}/")

    def streams(self, order: Order) -> None:
        """Let the home of an order live through its night, and send all of it."""
        Path(order.data).mkdir(exist_ok=True)
        path = Path(order.data) / "order.json"
        path.write_bytes(msgspec.json.encode(order))
        finished([sys.executable, "-m", "simulators.run_home", str(path)], {}, within_s=HOME_S)


@contextmanager
def premises(folder: Path, browser: Browser) -> Iterator[Premises]:
    """Run all of it; whatever was complained about in the end is an error."""
    with (
        MosquittoServer(admin_password=ADMIN_PASSWORD) as server,
        service(folder, server, http=True) as running,
    ):
        made = Premises(folder, running, browser)
        expect.set_options(timeout=WAIT_MS)
        try:
            yield made
        finally:
            expect.set_options(timeout=USUAL_MS)
            for context in browser.contexts:
                context.close()
    assert made.complaints == []


def joined_broker(settings: Path) -> tuple[str, BrokerAddress]:
    """The gateway that a box has become, and where it was told to send."""
    told = load_settings(settings, {})
    password = Path(told.broker.password_file).read_text()
    return told.home.gateway, BrokerAddress.parse(told.broker.url, username=told.home.gateway, password=password)


def finished(command: list[str], environment: dict[str, str], *, within_s: int = COMMAND_S) -> str:
    """Run a program to its end; returns what it prints."""
    done = subprocess.run(
        command,
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=within_s,
        check=False,
    )
    assert done.returncode == 0, f"{command[2:]} ended with {done.returncode}: {done.stderr[-DIED:]}"
    return done.stdout
