from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import httpx
import pytest

from gateway.service.api import ServiceStatus, create_app, serve
from gateway.service.records import AuditEntry, Records, Role, User
from gateway.service.sign_in import SignIn
from gateway.service.sign_in.passwords import Passwords
from gateway.service.store.base import SampleStore
from gateway.settings import SignInSettings
from tests.integration.access.scene import QUICK
from tests.integration.api import synthetic
from tests.integration.api.conftest import SetClock

PASSWORD = "four words that belong apart"
OWN = {"Sec-Fetch-Site": "same-origin"}
COOKIE = "somnolink_session"


@dataclass
class Entrance:
    """A served application; each test makes users of its own."""

    records: Records
    store: SampleStore
    clock: SetClock
    sign_in: SignIn
    folder: Path
    url: str = ""

    def __post_init__(self) -> None:
        self._numbers = count()

    def user(self, role: Role = Role.DENTIST, *, password: str | None = PASSWORD) -> User:
        """A new user, with a password."""
        made = self.records.users.add("clinic", f"user-{next(self._numbers)}@example.org", role, at_ms=0)
        if password is not None:
            self.sign_in.accept(self.sign_in.invite(made.id).text, password)
        return made

    def browser(self, **headers: str) -> httpx.Client:
        """What keeps cookies, and asks as our own pages do."""
        return httpx.Client(base_url=f"{self.url}/api/v1", headers={**OWN, **headers}, timeout=20)

    def signed_in(self, user: User, password: str = PASSWORD, **more: str) -> httpx.Client:
        """A browser in which somebody has signed in."""
        browser = self.browser()
        answer = browser.post("/session", json={"name": user.name, "password": password, **more})
        assert answer.status_code == 201, answer.text
        return browser

    def audit(self, user: User | None) -> list[AuditEntry]:
        """What the audit says of a user; of None: of nobody."""
        name = "" if user is None else user.name
        return [one for one in self.records.audit.after(0, limit=10_000) if one.who == name]


@pytest.fixture(scope="module")
def settings() -> SignInSettings:
    """As they are by default; files of tests put their own in place."""
    return SignInSettings()


@pytest.fixture(scope="module")
def entrance(tmp_path_factory: pytest.TempPathFactory, settings: SignInSettings) -> Iterator[Entrance]:
    folder = tmp_path_factory.mktemp("sign-in")
    store, records = synthetic.open_both(folder)
    clock = SetClock()
    made = Entrance(records, store, clock, SignIn(records, clock, settings, passwords=Passwords(QUICK)), folder)
    app = create_app(records, store, status=lambda: ServiceStatus(True, ""), clock=clock, sign_in=made.sign_in)
    with serve(app, "127.0.0.1", 0) as server:
        made.url = server.url
        yield made
    store.close()
    records.close()
