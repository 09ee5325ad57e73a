"""The demo's parts put together: broker, store, records, service here; the home in a process of its own."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import msgspec
import numpy as np

from gateway.cli.programs import broker_address
from gateway.clock import SystemClock
from gateway.demo.clinic import give_live_devices
from gateway.demo.reconcile import reconcile
from gateway.demo.stories import CLINIC, ZONE
from gateway.errors import ConfigurationError, InputFileError, SomnolinkError
from gateway.settings import load_settings, read_secret
from gateway.wire.access import SERVICE_USER
from gateway.wire.client import BrokerAddress

if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.demo.clinic import DemoClinic
    from gateway.service.app import Service
    from gateway.service.homes import BrokerAccounts
    from gateway.service.records import Records
    from gateway.service.store.base import SampleStore
    from simulators.run_home import Order, Report

GATEWAY: Final = "demo"
CONNECT_S: Final = 15.0
DAY_MS: Final = 86_400_000
REPLAY_GAP_S: Final = 10.0
"""A ring stores evenly; a recording with longer intervals than this cannot be one of a ring."""


@dataclass(frozen=True, slots=True)
class DemoPlan:
    """What the command line asked for."""

    folder: Path
    headless: bool
    nights: int
    seed: int
    sleeper: str
    replay: Path | None
    influx: bool
    broker: str
    pace: float | None
    port: int | None
    first_evening: datetime | None


@dataclass(frozen=True, slots=True)
class DemoResult:
    """What came of it; the keys of ``--json``. None: there was nothing of the kind to count."""

    nights: int
    batches: int
    samples_generated: int
    samples_stored: int
    samples_lost: int
    samples_duplicated: int
    desaturations_true: int | None
    desaturations_found: int
    desaturations_matched: int | None
    wear_minutes_true: float | None
    wear_minutes_found: float | None
    alerts: int
    elapsed_s: float
    speedup: float


@dataclass(frozen=True, slots=True)
class Doors:
    """How people get into the demo clinic.

    Attributes
    ----------
    password : str
        Of all of them, for this demo alone.
    people : tuple of (str, str, str)
        What somebody is, the name to sign in with, and the code of a link that lets them in once.
    """

    password: str
    people: tuple[tuple[str, str, str], ...]


class Audience(Protocol):
    """Who is told how the demo is going."""

    def making(self, done: int, of: int) -> None:
        """So many of the nights behind the demo clinic's patients are there."""

    def begins(self, epoch_ms: int, end_ms: int, url: str | None, doors: Doors | None) -> None:
        """The service runs, the home is about to; `doors` lead into the demo clinic."""

    def heard(self, report: Report) -> None:
        """The home has reported."""

    def settling(self) -> None:
        """All has arrived; the last results are being made."""

    def finished(self, result: DemoResult) -> None:
        """All is done; service and pages run until this returns."""


def run_demo(plan: DemoPlan, audience: Audience, started_s: float) -> DemoResult:
    """Live through the nights and account for every sample.

    Raises
    ------
    SomnolinkError
        Whatever part could not do its work.
    """
    from gateway.service.app import Service, ServiceConfig
    from gateway.service.records import Records
    from simulators.run_home import plan_of
    from simulators.truth import Truth

    clock = SystemClock()
    plan.folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        broker = stack.enter_context(_broker(plan.broker))
        store = stack.enter_context(_store(plan))
        records = Records(plan.folder / "records.db")
        stack.callback(records.close)
        clinic = None if plan.headless else _clinic(plan, store, records, clock, audience)
        config = ServiceConfig(
            broker.service,
            "UTC" if clinic is None else ZONE,
            auto_enrol=True,
            http_port=plan.port,
            accounts=broker.accounts,
            accounts_key=secrets.token_bytes(32),
        )
        service = stack.enter_context(Service(config, store, records, clock))
        service.start(wait_s=CONNECT_S)
        order = _order(plan, broker.home or _joined(service))
        try:
            life = plan_of(order)
        except ValueError as error:
            raise ConfigurationError(str(error)) from None
        doors = None if clinic is None else _doors(records, clock, clinic)
        audience.begins(life.epoch_ms, life.traces[-1].end_utc_ms, service.url, doors)
        reached_ms = life.epoch_ms
        with _home(order) as reports:
            for report in reports:
                reached_ms = max(reached_ms, report.utc_ms)
                if clinic is not None:
                    give_live_devices(records, GATEWAY, clinic.live, from_ms=life.epoch_ms - DAY_MS)
                audience.heard(report)
        audience.settling()
        service.ingest.settle()
        truth = msgspec.msgpack.decode((Path(order.data) / "truth").read_bytes(), type=Truth)
        account = reconcile(truth, store, records, gateway=GATEWAY)
        elapsed_s = time.monotonic() - started_s
        result = DemoResult(
            nights=len(life.traces),
            batches=service.ingest.counters.batches,
            samples_generated=account.samples_generated,
            samples_stored=account.samples_stored,
            samples_lost=account.samples_lost,
            samples_duplicated=account.samples_duplicated,
            desaturations_true=account.desaturations_true,
            desaturations_found=account.desaturations_found,
            desaturations_matched=account.desaturations_matched,
            wear_minutes_true=account.wear_minutes_true,
            wear_minutes_found=account.wear_minutes_found,
            alerts=sum(one.clinic != CLINIC or one.gateway == GATEWAY for one in records.alerts.list(limit=10_000)),
            elapsed_s=round(elapsed_s, 3),
            speedup=round((reached_ms - life.epoch_ms) / 1000 / elapsed_s, 1),
        )
        audience.finished(result)
        return result


def _clinic(plan: DemoPlan, store: SampleStore, records: Records, clock: Clock, audience: Audience) -> DemoClinic:
    """The demo clinic, up to the night in which its live home begins."""
    from gateway.demo.clinic import make_clinic

    evening = plan.first_evening or datetime.now(UTC).replace(tzinfo=None)
    last = evening.date() + timedelta(days=plan.nights - 1)
    return make_clinic(records, store, clock, seed=plan.seed, last=last, live_gateway=GATEWAY, progress=audience.making)


def _doors(records: Records, clock: Clock, clinic: DemoClinic) -> Doors:
    """A link and a name for each; one password, made for this demo and kept nowhere."""
    from gateway.service.sign_in import SignIn

    sign_in = SignIn(records, clock)
    password = secrets.token_urlsafe(12)
    people = []
    for word, user in clinic.users.items():
        name = sign_in.accept(sign_in.invite(user).text, password).name
        people.append((word, name, sign_in.link(user).text))
    return Doors(password, tuple(people))


@dataclass(frozen=True, slots=True)
class _Broker:
    """A broker: where the service is at home in it, and the home, unless it has yet to join."""

    service: BrokerAddress
    home: BrokerAddress | None = None
    accounts: BrokerAccounts | None = None


@contextmanager
def _broker(choice: str) -> Iterator[_Broker]:
    """The broker that was chosen; at one that is not ours, accounts are made by hand."""
    if choice != "embedded":
        BrokerAddress.parse(choice)
        settings = msgspec.structs.replace(
            load_settings(), broker=msgspec.structs.replace(load_settings().broker, url=choice)
        )
        yield _Broker(broker_address(settings, SERVICE_USER), broker_address(settings, GATEWAY))
        return
    from gateway.service.homes import EmbeddedAccounts
    from gateway.wire.broker import EmbeddedBroker

    with EmbeddedBroker([SERVICE_USER]) as broker:
        yield _Broker(broker.address(SERVICE_USER), accounts=EmbeddedAccounts(broker))


def _joined(service: Service) -> BrokerAddress:
    """The home's address, got by a one-time code as any home gets it."""
    from gateway.service.records.tables import FIRST_CLINIC

    known = service.records.homes.home(GATEWAY)
    clinic = FIRST_CLINIC if known is None else known.clinic
    made = service.enrolment.invite(clinic, "Simulated home", by="demo", gateway=GATEWAY)
    joined = service.enrolment.join(made.code, secrets.token_hex(32))
    if joined is None:
        raise SomnolinkError("the simulated home could not join by its code")
    return BrokerAddress.parse(joined.broker, username=joined.gateway, password=joined.password)


def _store(plan: DemoPlan) -> SampleStore:
    from gateway.service.store import open_store

    if not plan.influx:
        return open_store(f"sqlite:///{plan.folder.resolve() / 'samples.db'}")
    service = load_settings().service
    url = service.store or "influx+v1://127.0.0.1:8086/somnolink_demo"
    if not url.startswith("influx"):
        raise ConfigurationError(f"--store influx, but the settings name {url}")
    store = open_store(url, token=read_secret(service.store_token_file, "the store's token"))
    health = store.health()
    if not health.ok:
        store.close()
        raise ConfigurationError(f"--store influx: {health.detail}")
    return store


def _order(plan: DemoPlan, home: BrokerAddress) -> Order:
    from simulators.run_home import Order

    return Order(
        data=str(plan.folder.resolve() / "home"),
        gateway=GATEWAY,
        host=home.host,
        port=home.port,
        username=home.username or "",
        password=home.password or "",
        seed=plan.seed,
        nights=plan.nights,
        profile=plan.sleeper,
        recording="" if plan.replay is None else str(_recording(plan.replay, plan.folder)),
        pace=plan.pace,
        first_evening=plan.first_evening,
        sensors=plan.replay is None,
    )


def _recording(source: Path, folder: Path) -> Path:
    """Read a recording of any format into the form that the simulated home takes."""
    from gateway.service.exchange.files.detect import read_recording

    recording = read_recording(source)
    if recording.start is None or not 0.25 <= recording.interval_s <= REPLAY_GAP_S:
        raise InputFileError(f"{source}: a replay needs a recording with a start and 0.25 to {REPLAY_GAP_S:.0f} s")
    target = folder / "replay.npz"
    naive = recording.start.replace(tzinfo=None)
    np.savez(
        target,
        spo2=recording.spo2,
        pulse=recording.pulse,
        motion=recording.motion,
        start_utc_ms=int(np.datetime64(naive, "ms").astype(np.int64)),
        interval_ms=round(recording.interval_s * 1000),
    )
    return target


@contextmanager
def _home(order: Order) -> Iterator[Iterator[Report]]:
    """Run the home; the reports end when it has."""
    from simulators.run_home import Report

    folder = Path(order.data)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "order.json"
    # The order holds the home's password at the broker.
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(msgspec.json.encode(order))
    process = subprocess.Popen(
        [sys.executable, "-m", "simulators.run_home", str(path)], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL
    )
    assert process.stdout is not None, "it was asked for"
    lines = process.stdout
    try:
        yield (msgspec.json.decode(line, type=Report) for line in lines)
        if process.wait() != 0:
            raise SomnolinkError(f"the simulated home ended with status {process.returncode}; its last words are above")
    finally:
        process.kill()
        process.wait()
        lines.close()
