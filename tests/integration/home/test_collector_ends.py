"""The collector ends when it is told to, at whatever step it is."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from bleak.backends.scanner import BaseBleakScanner

from gateway.home.collect.collector import Collector
from gateway.home.collect.radio import Radio
from gateway.home.outbox import Outbox
from simulators.radio import Ether
from simulators.timeloop import SimulatedClock, run
from tests.integration.home.bedside import T0

ENDS_S = 120.0


async def end_after(steps: int, clock: SimulatedClock, radio: Radio, folder: Path) -> bool:
    """Cancel a collector at its so-manieth step; whether it ended."""
    outbox = Outbox(folder / "outbox.db", clock)
    task = asyncio.create_task(Collector(radio, outbox, clock).run())
    for _ in range(steps):
        await asyncio.sleep(0)
    task.cancel()
    _, pending = await asyncio.wait({task}, timeout=ENDS_S)
    for one in pending:
        one.cancel()
        await asyncio.wait({one}, timeout=ENDS_S)
    outbox.close()
    return not pending


@pytest.mark.parametrize("steps", range(16))
def test_it_ends_while_its_scanner_starts(steps: int, tmp_path: Path) -> None:
    async def main(clock: SimulatedClock) -> None:
        async with Ether(seed=1) as ether:
            adapter = await ether.adapter("hci0")
            assert await end_after(steps, clock, Radio(adapter.client_class, adapter.scanner_class), tmp_path)

    run(main, epoch_ms=T0)


def test_it_ends_although_a_library_swallows_that_it_was_told(tmp_path: Path) -> None:
    async def main(clock: SimulatedClock) -> None:
        async with Ether(seed=1) as ether:
            adapter = await ether.adapter("hci0")
            swallowed = []

            class Swallowing(adapter.scanner_class):  # type: ignore[misc, name-defined]  # a class made for an adapter
                async def start(self, *args: Any, **kwargs: Any) -> None:
                    await super().start(*args, **kwargs)
                    try:
                        await asyncio.sleep(1)
                    except asyncio.CancelledError:
                        swallowed.append(self)

            scanner: type[BaseBleakScanner] = Swallowing
            assert await end_after(64, clock, Radio(adapter.client_class, scanner), tmp_path)
            assert swallowed

    run(main, epoch_ms=T0)
