"""`somnolink demo`: a simulated home, the real gateway, broker, service and pages, on this machine."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from gateway.cli.logs import set_up_logs

if TYPE_CHECKING:
    from gateway.demo.run import DemoResult

MEMORY_NIGHTS: Final = 14
A_NIGHT: Final = timedelta(hours=9)


class StoreChoice(StrEnum):
    """Where the samples go."""

    SQLITE = "sqlite"
    INFLUX = "influx"


def demo(
    headless: Annotated[bool, typer.Option("--headless", help="No page; as fast as it can.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object at the end.")] = False,
    nights: Annotated[int, typer.Option(help="Nights to live through.", min=1, max=365)] = 1,
    seed: Annotated[int, typer.Option(help="Which sleeper.", min=0)] = 7,
    replay: Annotated[Path | None, typer.Option(help="Put a recording through the virtual ring instead.")] = None,
    store: Annotated[StoreChoice, typer.Option(help="influx: the server that the settings name.")] = StoreChoice.SQLITE,
    broker: Annotated[str, typer.Option(help="embedded, or mqtt://host[:port].")] = "embedded",
    pace: Annotated[float, typer.Option(help="Simulated seconds a real second, with the page.", min=1.0)] = 240.0,
    port: Annotated[int, typer.Option(help="Of the page.", min=0, max=65535)] = 8080,
    profile: Annotated[
        str, typer.Option(help="Kind of sleeper: healthy, mild, moderate, severe, shallow ...")
    ] = "moderate",
    keep: Annotated[Path | None, typer.Option(help="Folder for the data; without it, a temporary one.")] = None,
) -> None:
    """Show somnolink at work: a simulated sleeper's ring, by radio, gateway, broker and store, to the analysed night.

    Exit status 0 only if nothing was lost and nothing doubled; else 1.
    """
    from gateway.demo.run import DemoPlan, run_demo
    from gateway.demo.show import Show, print_account

    set_up_logs(quiet=True)
    started_s = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="somnolink-demo-", dir=_passing_place(nights)) as temporary:
        plan = DemoPlan(
            folder=keep or Path(temporary),
            headless=headless,
            nights=nights,
            seed=seed,
            sleeper=profile,
            replay=replay,
            influx=store is StoreChoice.INFLUX,
            broker=broker,
            pace=None if headless else pace,
            port=None if headless else port,
            first_evening=None if headless else _first_evening(nights),
        )
        tell = _print_json if as_json else print_account
        with Show(headless=headless, quiet=as_json and not sys.stderr.isatty(), tell=tell) as show:
            result = run_demo(plan, show, started_s)
    raise typer.Exit(0 if result.samples_lost == 0 and result.samples_duplicated == 0 else 1)


def _passing_place(nights: int) -> Path | None:
    """Where data go that are deleted at the end: memory, where the system offers it, so that no disk is worn for them.

    Every commit is made as on a disk. Many nights go to the disk after all: a night takes some 10 MB.
    """
    memory = Path("/dev/shm")
    return memory if nights <= MEMORY_NIGHTS and os.access(memory, os.W_OK) else None


def _first_evening(nights: int) -> datetime:
    """The evening of the first of so many nights, the last of which has just passed: naive, UTC, as the home counts."""
    now = datetime.now(UTC).replace(tzinfo=None)
    last = now.replace(hour=22, minute=20, second=0, microsecond=0) - timedelta(days=1)
    if last + A_NIGHT > now:
        last -= timedelta(days=1)
    return last - timedelta(days=nights - 1)


def _print_json(result: DemoResult) -> None:
    print(json.dumps(asdict(result)), flush=True)
