"""`somnolink scan`: what the radio hears, and which of it this gateway can collect from."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from gateway.home.collect.radio import Radio
    from gateway.home.devices.driver import Sighting


def scan(
    seconds: Annotated[float, typer.Option(help="How long to listen.", min=1.0, max=600.0)] = 10.0,
    every: Annotated[bool, typer.Option("--all", help="Show devices of no known family too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON array.")] = False,
) -> None:
    """Listen for devices and say which of them can be collected from."""
    from rich.console import Console
    from rich.table import Table

    from gateway.home.collect.radio import Radio
    from gateway.home.devices.registry import match

    console = Console(stderr=True)
    with console.status(f"Listening for {seconds:.0f} s ..."):
        heard = asyncio.run(listen(Radio(), seconds))
    rows = []
    for sighting in sorted(heard, key=lambda one: -one.rssi_dbm):
        driver = match(sighting)
        if driver is not None or every:
            family = None if driver is None else driver.family
            rows.append(
                {"address": sighting.address, "name": sighting.name, "rssi_dbm": sighting.rssi_dbm, "family": family}
            )
    if as_json:
        print(json.dumps(rows))
        return
    table = Table("address", "name", "RSSI dBm", "family")
    for row in rows:
        table.add_row(str(row["address"]), str(row["name"]), str(row["rssi_dbm"]), str(row["family"] or "-"))
    Console().print(table if rows else "No device of a known family was heard. Is it switched on and near?")


async def listen(radio: Radio, seconds: float) -> list[Sighting]:
    """Return the last advertisement of each address heard within `seconds`."""
    heard: dict[str, Sighting] = {}
    async with radio.scan(lambda sighting, _device: heard.__setitem__(sighting.address, sighting)):
        await asyncio.sleep(seconds)
    return list(heard.values())
