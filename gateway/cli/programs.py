"""The two programs, `somnolink gateway` and `somnolink service`, and what their operator needs beside them."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from gateway.cli.logs import set_up_logs
from gateway.clock import SystemClock
from gateway.errors import BrokerError
from gateway.settings import Settings, check_zone, load_settings, read_secret
from gateway.wire.access import SERVICE_USER
from gateway.wire.client import BrokerAddress

if TYPE_CHECKING:
    from gateway.home.collect.radio import AnyRadio
    from gateway.service.api.rate import RateLimit
    from gateway.service.api.server import HttpTls
    from gateway.service.homes import DynamicSecurity, Place
    from gateway.service.records import Records
    from gateway.service.store.base import SampleStore

ConfigOption = Annotated[Path | None, typer.Option("--config", help="Settings file (TOML).")]

FIRST_CONNECTION_S: Final = 15.0
"""A broker that is not there when a program starts is told at once: it is most often a wrong setting."""


def broker_address(settings: Settings, user: str) -> BrokerAddress:
    """Where the broker is, with the password of its file; without a password file nobody is named."""
    password = read_secret(settings.broker.password_file, "the broker's password")
    ca_file = Path(settings.broker.ca_file).expanduser() if settings.broker.ca_file else None
    return BrokerAddress.parse(
        settings.broker.url, username=user if password else None, password=password, ca_file=ca_file
    )


def assistant_address(settings: Settings) -> BrokerAddress | None:
    """Where Home Assistant's broker is; None where its devices are not to be shown there."""
    home = settings.home
    if not home.assistant_url:
        return None
    password = read_secret(home.assistant_password_file, "the password of Home Assistant's broker")
    return BrokerAddress.parse(home.assistant_url, username=home.assistant_user or None, password=password)


def radio(settings: Settings) -> AnyRadio:
    """The platform's Bluetooth adapter, with what mends it where there is BlueZ, and the proxies in other rooms."""
    from gateway.home.collect.radio import Radio

    home = settings.home
    own = Radio()
    if sys.platform == "linux":
        from gateway.home.collect.bluez import BlueZRepairs

        own = Radio(repairs=BlueZRepairs(home.bluetooth_restart))
    if not home.proxies:
        return own
    from gateway.home.collect.proxies import ProxyAddress, ProxyRadio, Radios

    key = read_secret(home.proxies_key_file, "the proxies' key") or ""
    return Radios(own, ProxyRadio(tuple(ProxyAddress.parse(name, key) for name in home.proxies.split(","))))


def gateway(config: ConfigOption = None) -> None:
    """Run the home gateway: collect from the devices, keep, publish. A broker that is away is waited for."""
    set_up_logs()
    settings = load_settings(config)
    set_up_logs(form=settings.log.format)
    from gateway.home.agent import Home, HomeConfig
    from gateway.home.outbox import Limits
    from gateway.home.watchdog import Watchdog

    home = settings.home
    plan = HomeConfig(
        home.gateway,
        Path(home.data).expanduser(),
        broker_address(settings, home.gateway),
        check_zone(home.zone),
        home.mode,
        live_ms=home.live_ms,
        limits=Limits(max_bytes=home.outbox_mib << 20),
        page=(home.page_host, home.page_port) if home.page_port else None,
        assistant=assistant_address(settings),
        assistant_prefix=home.assistant_prefix,
    )

    async def run() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        clock = SystemClock()
        async with Home(plan, radio(settings), clock) as running:
            health = running.health
            work = asyncio.create_task(running.run())
            stopping = asyncio.create_task(stop.wait())
            watching = asyncio.create_task(
                Watchdog.from_environment().keep(clock, alive=health.alive, state=health.line)
            )
            await asyncio.wait({work, stopping}, return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            if work.done():
                await work
            work.cancel()

    asyncio.run(run())


def store_addresses(settings: Settings) -> tuple[str, str]:
    """Where samples and records are: as the settings say, else in two SQLite files of the service's folder."""
    folder = Path(settings.service.data).expanduser()
    return settings.service.store or f"sqlite:///{folder / 'samples.db'}", settings.service.records or str(
        folder / "records.db"
    )


def open_service_stores(settings: Settings) -> tuple[SampleStore, Records]:
    """Open the sample store and the records that the settings name."""
    from gateway.service.records import Records
    from gateway.service.store import open_store

    service = settings.service
    store_url, records_url = store_addresses(settings)
    token = read_secret(service.store_token_file, "the store's token")
    store = open_store(store_url, token=token)
    password = read_secret(service.records_password_file, "the records' password")
    return store, Records(records_url, password=password)


def http_tls(settings: Settings) -> HttpTls | None:
    """The certificate by which the service answers HTTPS; None for plain HTTP."""
    from gateway.service.api.server import HttpTls

    service = settings.service
    if not service.http_certificate_file:
        return None
    return HttpTls(Path(service.http_certificate_file).expanduser(), Path(service.http_key_file).expanduser())


def http_rate(settings: Settings) -> RateLimit | None:
    """How much one address may ask; None for as much as it likes."""
    from gateway.service.api.rate import RateLimit

    service = settings.service
    return RateLimit(service.http_rate_per_s, service.http_burst) if service.http_rate_per_s else None


def broker_accounts(settings: Settings) -> tuple[DynamicSecurity | None, bytes]:
    """What makes the broker's accounts, and the key of the homes' passwords; None: they are made by hand.

    Raises
    ------
    ConfigurationError
        A password's file cannot be read.
    """
    from gateway.service.homes import DynamicSecurity

    broker = settings.broker
    if not broker.dynamic_security:
        return None, b""
    secret = read_secret(broker.admin_password_file, "the broker administrator's password") or ""
    own = broker_address(settings, SERVICE_USER)
    admin = replace(own, username=broker.admin_user, password=secret)
    return DynamicSecurity(admin, own.password or ""), secret.encode()


def place_of(settings: Settings) -> Place:
    """Where homes find service and broker."""
    from gateway.service.homes import Place

    own = broker_address(settings, SERVICE_USER)
    return Place(settings.service.public_url.rstrip("/"), settings.broker.home_url or own.url, own.ca_file)


def service(config: ConfigOption = None) -> None:
    """Run the service: take in, store, analyse, answer at its web address."""
    set_up_logs()
    settings = load_settings(config)
    set_up_logs(form=settings.log.format)
    from gateway.service.api.scraper import admit_scraper
    from gateway.service.app import Service, ServiceConfig

    store, records = open_service_stores(settings)
    metrics_token = read_secret(settings.service.metrics_token_file, "the metrics token")
    if metrics_token is not None:
        admit_scraper(records, metrics_token, now_ms=SystemClock().utc_ms())
    accounts, accounts_key = broker_accounts(settings)
    if accounts is not None:
        accounts.prepare()
    plan = ServiceConfig(
        broker_address(settings, SERVICE_USER),
        settings.service.zone,
        settings.service.auto_enrol,
        settings.service.http_host,
        settings.service.http_port,
        settings.retention,
        http_tls=http_tls(settings),
        http_trusted_proxies=settings.service.http_trusted_proxies,
        rate=http_rate(settings),
        accounts=accounts,
        accounts_key=accounts_key,
        place=place_of(settings),
        sign_in=settings.sign_in,
        public_url=settings.service.public_url,
    )
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with store, Service(plan, store, records, SystemClock()) as running:
        try:
            running.start(wait_s=FIRST_CONNECTION_S)
        except BrokerError as error:
            raise BrokerError(f"{error}; the service does not start without a broker") from None
        signal.signal(signal.SIGHUP, lambda *_: running.reload_certificate())
        stop.wait()
    records.close()


def token(
    name: Annotated[str, typer.Argument(help="What the token is for.")],
    scope: Annotated[list[str] | None, typer.Option(help="read, write, metrics; may be given more than once.")] = None,
    days: Annotated[int | None, typer.Option(help="Valid for so long; without it, until it is removed.", min=1)] = None,
    config: ConfigOption = None,
) -> None:
    """Make an API token. It is printed this once and kept nowhere."""
    settings = load_settings(config)
    from gateway.service.api.auth import create_token

    store, records = open_service_stores(settings)
    now_ms = SystemClock().utc_ms()
    expires_ms = None if days is None else now_ms + days * 86_400_000
    print(create_token(records, name, scope or ["read"], created_ms=now_ms, expires_ms=expires_ms))
    records.close()
    store.close()


def enrol(
    gateway_id: Annotated[str, typer.Argument(metavar="GATEWAY", help="Id of the home gateway.")],
    device: Annotated[str, typer.Argument(help="Id of the device, as the gateway's log tells it.")],
    zone: Annotated[str, typer.Option(help="Time zone in which its nights are counted.")] = "UTC",
    config: ConfigOption = None,
) -> None:
    """Let a gateway speak for a device. What waits at the gateway for it is taken from then on."""
    from gateway.wire.topics import check_name

    settings = load_settings(config)
    store, records = open_service_stores(settings)
    records.devices.enrol(
        check_name(gateway_id, "gateway"), check_name(device, "device"), zone=zone, at_ms=SystemClock().utc_ms()
    )
    records.close()
    store.close()
