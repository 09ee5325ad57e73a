"""`somnolink seed`: a clinic of many simulated patients, for measuring at full size."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from gateway.cli.logs import set_up_logs
from gateway.cli.programs import ConfigOption, open_service_stores
from gateway.clock import SystemClock
from gateway.settings import load_settings


def seed(
    patients: Annotated[int, typer.Option(help="How many.", min=1, max=20_000)] = 1000,
    nights: Annotated[int, typer.Option(help="Nights behind each.", min=2, max=366)] = 90,
    seed: Annotated[int, typer.Option(help="Which people.", min=0, max=1_000_000)] = 1,
    clinic: Annotated[
        str, typer.Option(help="clinic-demo, or clinic-demo-...; made if it is not there.")
    ] = "clinic-demo",
    slept: Annotated[int, typer.Option(help="Nights each sleeps; the others are those on other dates.", min=2)] = 8,
    sampled: Annotated[int, typer.Option(help="Newest nights that have samples.", min=0)] = 2,
    config: ConfigOption = None,
) -> None:
    """Fill a demo clinic with simulated patients: staff, teams, devices, treatment, nights with all their results.

    It goes into the store and records that the settings name, and never into a clinic that has patients.
    """
    set_up_logs(quiet=True)
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from gateway.demo.seed import Order, seed_clinic

    clock = SystemClock()
    now_ms = clock.utc_ms()
    last = (datetime.fromtimestamp(now_ms / 1000, UTC) - timedelta(days=1)).date()
    order = Order(clinic, patients, nights, seed, min(slept, nights), min(sampled, nights), last)
    store, records = open_service_stores(load_settings(config))
    console = Console(stderr=True)
    bar = Progress(
        TextColumn("Simulated patients"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not sys.stderr.isatty(),
    )
    begun_s = time.monotonic()
    with store, bar:
        task = bar.add_task("", total=patients)
        try:
            made = seed_clinic(
                records, store, order, now_ms=now_ms, progress=lambda done, _: bar.update(task, completed=done)
            )
        finally:
            records.close()
    print(
        f"{clinic}: {made.patients:,} patients, {made.nights:,} nights of devices,"
        f" {made.desaturations:,} desaturations, {made.batches:,} batches of samples,"
        f" in {time.monotonic() - begun_s:.0f} s"
    )
