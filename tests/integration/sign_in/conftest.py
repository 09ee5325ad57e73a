from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from gateway.service.api import ServiceStatus, create_app, serve
from gateway.service.records import Records, Role, User
from gateway.service.sign_in import SignIn
from gateway.service.sign_in.passwords import Passwords
from gateway.service.store.base import SampleStore
from gateway.settings import SignInSettings
from tests.integration.access.scene import QUICK
from tests.integration.api import synthetic
from tests.integration.api.conftest import SetClock

PASSWORD = "four words that belong apart"
OWN = {"Sec-Fetch-Site": "same-origin"}


@dataclass
class Entrance:
    """A served application, and somebody who may sign in."""

    records: Records
    store: SampleStore
    clock: SetClock
    sign_in: SignIn
    folder: Path
    url: str = ""

    def user(self, name: str, role: Role = Role.DENTIST, *, password: str | None = PASSWORD) -> User:
        """A new user with a password."""
        made = self.records.users.add("clinic", name, role, at_ms=0)
        if password is not None:
            self.sign_in.accept(self.sign_in.invite(made.id).text, password)
        return made

    def browser(self, **headers: str) -> httpx.Client:
        """What keeps cookies, and asks as our own pages do."""
        return httpx.Client(base_url=f"{self.url}/api/v1", headers={**OWN, **headers}, timeout=20)

    def signed_in(self, name: str, password: str = PASSWORD) -> httpx.Client:
        """A browser in which somebody has signed in."""
        browser = self.browser()
        answer = browser.post("/session", json={"name": name, "password": password})
        assert answer.status_code == 201, answer.text
        return browser


@pytest.fixture
def settings() -> SignInSettings:
    """As they are by default; tests of others put their own in place."""
    return SignInSettings()


@pytest.fixture
def entrance(tmp_path: Path, settings: SignInSettings) -> Iterator[Entrance]:
    store, records = synthetic.open_both(tmp_path)
    clock = SetClock()
    made = Entrance(records, store, clock, SignIn(records, clock, settings, passwords=Passwords(QUICK)), tmp_path)
    app = create_app(records, store, status=lambda: ServiceStatus(True, ""), clock=clock, sign_in=made.sign_in)
    with serve(app, "127.0.0.1", 0) as server:
        made.url = server.url
        yield made
    store.close()
    records.close()
