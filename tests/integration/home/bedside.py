"""A bedside: virtual devices on a virtual radio, the real collector and outbox, simulated time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from gateway.home.collect.collector import Collector
from gateway.home.collect.radio import Radio
from gateway.home.outbox import Limits, Outbox
from gateway.wire.codec import decode_batch
from gateway.wire.files.viatom import parse_vld
from gateway.wire.messages import Batch, device_id
from simulators.devices import DeviceClock, Finger, O2Ring, PlxOptions, PulseOximeter, RingOptions, Samples, Trace
from simulators.radio import Adapter, Ether
from simulators.timeloop import SimulatedClock, run

T0 = 1_790_114_400_000
SERIAL = "2609140042"


def trace(seconds: int, start_s: int = 5, seed: int = 1) -> Trace:
    """A finger's readings a second, each telling its own place: no two neighbours are alike."""
    place = np.arange(seconds) + seed
    return Trace(
        T0 + start_s * 1000,
        1000,
        Samples(
            spo2_pct=90.0 + place % 10,
            pulse_bpm=50.0 + place % 89,
            perfusion_pct=1.0 + (place % 30) / 10,
            motion=(place % 97).astype(np.uint8),
            worn=np.ones(seconds, np.bool_),
            poor=np.zeros(seconds, np.bool_),
        ),
    )


@dataclass
class Bedside:
    """What stands there."""

    clock: SimulatedClock
    ether: Ether
    adapter: Adapter
    outbox: Outbox
    collector: Collector
    progress: list[tuple[str, int, int]] = field(default_factory=list)

    async def ring(self, *traces: Trace, serial: str = SERIAL, wrong_s: float = 0.0, **options: Any) -> O2Ring:
        """A ring on a finger; its clock may be wrong."""
        local = local_now(self.clock) + timedelta(seconds=wrong_s)
        ring = O2Ring(
            await self.ether.add_peripheral(rssi_dbm=-58),
            self.clock,
            Finger(traces),
            serial=serial,
            own_clock=DeviceClock(self.clock, local),
            options=RingOptions(**options),
        )
        await ring.start()
        return ring

    async def oximeter(self, *traces: Trace, serial: str = SERIAL, **options: Any) -> PulseOximeter:
        oximeter = PulseOximeter(
            await self.ether.add_peripheral(rssi_dbm=-58),
            self.clock,
            Finger(traces),
            serial=serial,
            own_clock=DeviceClock(self.clock, local_now(self.clock)),
            options=PlxOptions(**options),
        )
        await oximeter.start()
        return oximeter

    async def batches(self, kind: str = "oximetry", origin: str | None = None) -> list[Batch]:
        """What the outbox holds."""
        rows = await self.outbox._journal.run(lambda base: base.execute("SELECT payload FROM batch").fetchall())
        found = [decode_batch(payload) for (payload,) in rows]
        return [one for one in found if one.kind == kind and origin in (None, one.origin)]

    async def until(self, condition: Callable[[], Awaitable[bool]], most_s: float = 3600.0) -> None:
        """Sleep until it holds; looked at every 20 s."""
        end_s = self.clock.monotonic_s() + most_s
        while not await condition():
            assert self.clock.monotonic_s() < end_s, "it did not happen in time"
            await self.clock.sleep(20)


def local_now(clock: SimulatedClock) -> datetime:
    return datetime.fromtimestamp(clock.utc_ms() / 1000, UTC).replace(tzinfo=None)


@asynccontextmanager
async def bedside(
    clock: SimulatedClock, folder: Path, *, limits: Limits | None = None, **options: Any
) -> AsyncIterator[Bedside]:
    """Build it, and collect for the length of the block."""
    async with Ether(seed=1) as ether:
        adapter = await ether.adapter("hci0")
        outbox = Outbox(folder / "outbox.db", clock, limits)
        progress: list[tuple[str, int, int]] = []
        collector = Collector(
            Radio(adapter.client_class, adapter.scanner_class),
            outbox,
            clock,
            progress=lambda _device, what, done, total: progress.append((what, done, total)),
            **options,
        )
        task = asyncio.create_task(collector.run())
        try:
            yield Bedside(clock, ether, adapter, outbox, collector, progress)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            outbox.close()


def live_through(main: Callable[[SimulatedClock], Awaitable[None]]) -> None:
    run(main, epoch_ms=T0)


def stored_samples(batches: list[Batch]) -> list[tuple[int, float, float]]:
    """Time, SpO2 and pulse of stored batches, by time; NaN as -1."""
    rows: list[tuple[int, float, float]] = []
    for batch in batches:
        none = np.full(batch.size, np.nan, np.float32)
        columns = (np.nan_to_num(batch.columns.get(name, none), nan=-1).tolist() for name in ("spo2", "pulse"))
        rows += zip(batch.times_ms().tolist(), *columns, strict=True)
    return sorted(rows)


def samples_of_file(data: bytes, offset_ms: int = 0) -> list[tuple[int, float, float]]:
    """The same of a ring's file, whose clock is `offset_ms` ahead of UTC."""
    file = parse_vld(data)
    assert file.start is not None
    start = int(file.start.replace(tzinfo=UTC).timestamp() * 1000) - offset_ms
    spo2 = np.where((file.spo2 == 0) | (file.spo2 > 100), -1, file.spo2.astype(float))
    pulse = np.where((file.pulse == 0) | (file.pulse >= 0xFF), -1, file.pulse.astype(float))
    times = start + np.arange(file.spo2.size) * round(file.interval_s * 1000)
    return list(zip(times.tolist(), spo2.tolist(), pulse.tolist(), strict=True))


RING = device_id("o2ring", SERIAL)
OXIMETER = device_id("plx", SERIAL)
