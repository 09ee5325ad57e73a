"""`somnolink doctor`: what is wrong on this machine, in plain words, and what to do."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Final

import typer

from gateway.cli.programs import ConfigOption, broker_address
from gateway.clock import SystemClock
from gateway.errors import SomnolinkError
from gateway.settings import Settings, load_settings

LOW_DISK_BYTES: Final = 1 << 30
LISTEN_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at."""

    what: str
    ok: bool
    found: str
    advice: str = ""


def doctor(
    config: ConfigOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON array.")] = False,
) -> None:
    """Look at the radio, the broker, the disk and the outbox. Exit status 1 if anything is wrong."""
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


def check_radio(_settings: Settings) -> Finding:
    """Whether the Bluetooth adapter hears anything."""
    from gateway.cli.scan import listen
    from gateway.home.collect.radio import Radio

    try:
        heard = asyncio.run(listen(Radio(), LISTEN_S))
    except SomnolinkError as error:
        return Finding(
            "Bluetooth",
            False,
            str(error),
            "Plug in the Bluetooth adapter, and see that the Bluetooth service runs (systemctl status bluetooth).",
        )
    advice = "" if heard else "Is anything with Bluetooth switched on nearby? If so, unplug the adapter for 10 s."
    return Finding("Bluetooth", bool(heard), f"{len(heard)} devices heard within {LISTEN_S:.0f} s", advice)


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
    except SomnolinkError as error:
        return Finding(
            "Broker",
            False,
            str(error),
            "What is collected is safe in the outbox meanwhile. Check the internet connection, then the broker's "
            "address, password and certificate in the settings.",
        )
    return Finding("Broker", True, f"{address} lets {name} in")


def check_disk(settings: Settings) -> Finding:
    """Whether there is room for the outbox."""
    folder = Path(settings.home.data).expanduser()
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    advice = "" if free >= LOW_DISK_BYTES else "Free some room: a full disk keeps new nights on the devices."
    return Finding("Disk", free >= LOW_DISK_BYTES, f"{free / (1 << 30):.1f} GiB free at {existing}", advice)


def check_outbox(settings: Settings) -> Finding:
    """Whether the outbox can be used, and what waits in it."""
    from gateway.home.outbox import Outbox

    path = Path(settings.home.data).expanduser() / "outbox.db"
    if not path.exists():
        return Finding("Outbox", True, "none yet: the gateway has not run here")

    async def look() -> str:
        outbox = Outbox(path, SystemClock())
        try:
            use = await outbox.use()
            return f"{use.batches} batches wait, {use.used_bytes / (1 << 20):.1f} MiB"
        finally:
            outbox.close()

    try:
        return Finding("Outbox", True, asyncio.run(look()))
    except SomnolinkError as error:
        if "locked" in str(error):
            return Finding("Outbox", True, "in use: the gateway is running")
        return Finding("Outbox", False, str(error), "Do not delete it: it may hold nights. Check the disk.")


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
    check_radio,
    check_broker,
    check_disk,
    check_outbox,
    check_web_port,
)
