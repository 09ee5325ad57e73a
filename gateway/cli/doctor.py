"""`somnolink doctor`: what is wrong on this machine, in plain words, and what to do."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import sys
import urllib.request
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
import typer

from gateway.cli.programs import ConfigOption, broker_address
from gateway.clock import SystemClock
from gateway.errors import BrokerRefusalError, ConfigurationError, SomnolinkError
from gateway.home.conditions import CONDITIONS, LOW_DISK_BYTES
from gateway.settings import Settings, load_settings

if TYPE_CHECKING:
    from gateway.home.outbox import OutboxUse

LISTEN_S: Final = 5.0
PAGE_S: Final = 3.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at; `advice` is for a patient, in the words of `gateway.home.conditions`."""

    what: str
    ok: bool
    found: str
    advice: str = ""


def wrong(what: str, found: str, code: str) -> Finding:
    """Return a finding that says of a condition what it means and what to do."""
    words = CONDITIONS[code]
    return Finding(what, False, found, f"{words.title} {words.meaning} {words.action}")


def doctor(
    config: ConfigOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON array.")] = False,
) -> None:
    """Look at the gateway, radio, broker, clock, disk and outbox. Exit status 1 if anything is wrong."""
    settings = load_settings(config)
    findings = [check(settings) for check in CHECKS]
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings]))
    else:
        for finding in findings:
            print(f"{'ok     ' if finding.ok else 'PROBLEM'}  {finding.what}: {finding.found}")
            if finding.advice:
                print(f"         -> {finding.advice}")
    raise typer.Exit(0 if all(finding.ok for finding in findings) else 1)


def check_gateway(settings: Settings) -> Finding:
    """What a gateway that is running on this computer says of itself."""
    from gateway.home.page.render import PageStatus

    home = settings.home
    if not home.page_port:
        return Finding("Gateway", True, "its page is switched off, so it cannot be asked")
    address = f"http://{home.page_host}:{home.page_port}"
    try:
        with urllib.request.urlopen(f"{address}/status.json", timeout=PAGE_S) as answer:
            status = msgspec.json.decode(answer.read(), type=PageStatus)
    except (OSError, ValueError):
        return Finding("Gateway", True, f"does not run here, or does not answer at {address}")
    for condition in status.conditions:
        if condition.wrong:
            whose = f"{condition.name}: " if condition.name else ""
            return wrong("Gateway", f"{whose}{condition.title}", condition.code)
    return Finding("Gateway", True, f"runs, has met {len(status.devices)} devices, {status.pending} batches wait")


def check_radio(_settings: Settings) -> Finding:
    """Whether the Bluetooth adapter hears anything."""
    from gateway.cli.scan import listen
    from gateway.home.collect.radio import Radio

    try:
        heard = asyncio.run(listen(Radio(), LISTEN_S))
    except SomnolinkError as error:
        return wrong("Bluetooth", str(error), "adapter_unavailable")
    found = f"{len(heard)} devices heard within {LISTEN_S:.0f} s"
    return Finding("Bluetooth", True, found) if heard else wrong("Bluetooth", found, "radio_silent")


def check_broker(settings: Settings) -> Finding:
    """Whether the broker lets this gateway in."""
    from gateway.wire.client import Connection
    from gateway.wire.topics import SERVICE_STATUS

    name = settings.home.gateway
    try:
        address = broker_address(settings, name)
        connection = Connection(address, f"somnolink-{name}-doctor", on_message=lambda _: None, on_lost=lambda _: None)
        connection.open([SERVICE_STATUS])
        connection.close()
    except ConfigurationError as error:
        return wrong("Broker", str(error), "settings_wrong")
    except BrokerRefusalError as error:
        return wrong("Broker", str(error), "broker_refuses")
    except SomnolinkError as error:
        return wrong("Broker", str(error), "broker_away")
    return Finding("Broker", True, f"{address} lets {name} in")


def check_clock(_settings: Settings) -> Finding:
    """Whether something keeps this computer's clock right."""
    from gateway.home.collect.host_clock import synchronised

    if synchronised():
        return Finding("Clock", True, "is kept right")
    return wrong("Clock", "is not synchronised (timedatectl tells more)", "clock_unset")


def check_disk(settings: Settings) -> Finding:
    """Whether there is room for the outbox."""
    folder = Path(settings.home.data).expanduser()
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    found = f"{free / (1 << 30):.1f} GiB free at {existing}"
    return Finding("Disk", True, found) if free >= LOW_DISK_BYTES else wrong("Disk", found, "disk_low")


def check_outbox(settings: Settings) -> Finding:
    """Whether the outbox can be used, and what waits in it."""
    from gateway.home.outbox import Limits, Outbox

    path = Path(settings.home.data).expanduser() / "outbox.db"
    if not path.exists():
        return Finding("Outbox", True, "none yet: the gateway has not run here")

    async def look() -> OutboxUse:
        outbox = Outbox(path, SystemClock(), Limits(max_bytes=settings.home.outbox_mib << 20))
        try:
            return await outbox.use()
        finally:
            outbox.close()

    try:
        use = asyncio.run(look())
    except SomnolinkError as error:
        if "locked" in str(error):
            return Finding("Outbox", True, "in use: the gateway is running")
        return wrong("Outbox", str(error), "disk_refuses")
    found = f"{use.batches} batches wait, {use.used_bytes / (1 << 20):.1f} MiB"
    return Finding("Outbox", True, found) if use.accepts_stored else wrong("Outbox", found, "outbox_nearly_full")


def check_web_port(settings: Settings) -> Finding:
    """Whether the service's port is free, or the service is what answers there."""
    host, port = settings.service.http_host, settings.service.http_port
    with socket.socket() as probe:
        probe.settimeout(2.0)
        taken = probe.connect_ex((host, port)) == 0
    return Finding("Web port", True, f"{host}:{port} is {'in use' if taken else 'free'}")


def check_python(_settings: Settings) -> Finding:
    """Whether this Python is one that somnolink is made for."""
    version = ".".join(str(part) for part in sys.version_info[:3])
    return Finding("Python", sys.version_info >= (3, 11), version)


CHECKS: Final[tuple[Callable[[Settings], Finding], ...]] = (
    check_python,
    check_gateway,
    check_radio,
    check_broker,
    check_clock,
    check_disk,
    check_outbox,
    check_web_port,
)
