"""A clinic that answers over HTTPS, with a broker whose accounts it makes; and a box, by the commands that it runs."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from gateway.cli import main
from gateway.cli.programs import broker_address
from gateway.errors import BrokerError
from gateway.service.api import ServiceStatus, create_app, create_token, serve
from gateway.service.api.server import HttpTls
from gateway.service.homes import EmbeddedAccounts, Enrolment, Place
from gateway.service.records import Records, Role
from gateway.service.store.sqlite import SqliteStore
from gateway.settings import load_settings
from gateway.wire import topics
from gateway.wire.access import SERVICE_USER
from gateway.wire.broker import EmbeddedBroker
from gateway.wire.client import Connection
from tests.integration.api.conftest import SetClock
from tests.servers.certificates import write_certificates

WRONG = "this code is not valid"


class Accounts(EmbeddedAccounts):
    """The embedded broker's, which may be away."""

    away = False

    def admit(self, user: str, password: str) -> None:
        if self.away:
            raise BrokerError("the broker is away")
        super().admit(user, password)


@dataclass
class Clinic:
    """A served application, its broker, and a coordinator."""

    url: str
    authority: Path
    records: Records
    clock: SetClock
    enrolment: Enrolment
    accounts: Accounts
    tokens: dict[Role, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        trusted = ssl.create_default_context(cafile=self.authority)
        self.client = httpx.Client(base_url=f"{self.url}/api/v1", verify=trusted, timeout=20)

    def ask(self, method: str, path: str, body: object = None, *, role: Role = Role.COORDINATOR) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.tokens[role]}"}
        return self.client.request(method, path, json=body, headers=headers)

    def invite(self, **given: object) -> dict[str, object]:
        made = self.ask("POST", "/clinics/clinic/homes", {"name": "Bedroom 17", **given})
        assert made.status_code == 201, made.text
        found: dict[str, object] = made.json()
        return found

    def knock(self, code: object, box: str = "0" * 64) -> httpx.Response:
        """As any stranger may."""
        return self.client.post("/homes/join", json={"code": code, "box": box})


@contextmanager
def clinic(folder: Path, *, by_code: bool = True) -> Iterator[Clinic]:
    files = write_certificates(folder)
    records, clock = Records(folder / "records.db"), SetClock()
    with EmbeddedBroker([SERVICE_USER]) as broker, SqliteStore(folder / "samples.db") as store:
        accounts = Accounts(broker)
        place = Place(broker=broker.url, authority=files.authority)
        enrolment = Enrolment(records, clock, accounts=accounts if by_code else None, key=b"k" * 32, place=place)
        app = create_app(records, store, status=lambda: ServiceStatus(True, ""), clock=clock, enrolment=enrolment)
        with serve(app, "127.0.0.1", 0, tls=HttpTls(files.certificate, files.key)) as server:
            made = Clinic(server.url, files.authority, records, clock, enrolment, accounts)
            for role in (Role.COORDINATOR, Role.ADMINISTRATOR, Role.DENTIST):
                user = records.users.add("clinic", f"{role}@example.org", role, at_ms=0)
                made.tokens[role] = create_token(records, role, ["read", "write"], created_ms=0, user=user.id)
            yield made
            made.client.close()
    records.close()


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    return int(str(ended.value.code or 0))


def join(made: Clinic, command: object) -> int:
    """What the QR says, run on the box."""
    return run(*str(command).split()[1:], "--authority", str(made.authority))


def comes_in(settings: Path) -> str:
    """Connect as the gateway would; returns who it is."""
    told = load_settings(settings, {})
    address = broker_address(told, told.home.gateway)
    connection = Connection(address, "box", on_message=lambda _: None, on_lost=lambda _: None)
    connection.open([topics.ack(told.home.gateway)])
    connection.close()
    return told.home.gateway
