"""A household for faults: devices on a virtual radio, a gateway that may be killed, its clock set, its disk filled."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Literal

import numpy as np

from gateway.home.collect.collector import Collector
from gateway.home.collect.enrolment import EnrolmentSecrets
from gateway.home.collect.radio import Radio
from gateway.home.devices.driver import Mode
from gateway.home.outbox import Outbox
from gateway.service.store.base import Selection
from gateway.service.store.sqlite import SqliteStore
from gateway.wire.codec import decode_batch
from gateway.wire.messages import Ack, Batch
from simulators.devices import DeviceClock, Finger, Samples, Trace
from simulators.firmware import FirmwareDevice
from simulators.radio import Adapter, Ether
from simulators.radio.quiet import quiet_bumble
from simulators.timeloop import SimulatedClock, run

T0 = 1_790_114_400_000
"""22 September 2026, 22:00 UTC."""

ENDS_S = 600.0
"""Simulated seconds for the gateway to end in: where it went on, the night would go on with it."""

Row = tuple[int, float, float]
Cure = Literal["rescan", "power_cycle", "restart_service", "nothing"]


class HostClock:
    """The gateway's own clock, which may be set while it runs; monotonic time is the simulation's."""

    def __init__(self, true: SimulatedClock) -> None:
        self.true = true
        self.ahead_ms = 0

    def utc_ms(self) -> int:
        return self.true.utc_ms() + self.ahead_ms

    def monotonic_s(self) -> float:
        return self.true.monotonic_s()

    async def sleep(self, seconds: float) -> None:
        await self.true.sleep(seconds)

    def busy(self) -> AbstractContextManager[None]:
        return self.true.busy()


@dataclass
class VirtualRepairs:
    """The repairs of the ladder on a virtual adapter, of which perhaps only one cures."""

    adapter: Adapter
    cure: Cure = "power_cycle"
    done: list[str] = field(default_factory=list)

    async def power_cycle(self) -> None:
        self.done.append("power_cycle")
        await self._off_and_on(cures=self.cure == "power_cycle")

    async def restart_service(self) -> None:
        self.done.append("restart_service")
        await self._off_and_on(cures=self.cure in ("power_cycle", "restart_service"))

    async def _off_and_on(self, *, cures: bool) -> None:
        wedged = self.adapter.wedged
        await self.adapter.power_cycle()
        if wedged and not cures:
            self.adapter.wedge()


@dataclass
class Household:
    """What stands there. `clock` is the truth; `host` is what the gateway takes for it.

    Attributes
    ----------
    own : list of FirmwareDevice
        Those of our devices that have power; they are switched off with the house.
    watch : list of callable
        Called with each batch on its way into the store.
    """

    clock: SimulatedClock
    host: HostClock
    ether: Ether
    adapter: Adapter
    repairs: VirtualRepairs
    folder: Path
    store: SqliteStore
    zone: tzinfo
    mode: Mode
    secrets: EnrolmentSecrets
    own: list[FirmwareDevice] = field(default_factory=list)
    watch: list[Callable[[Batch], None]] = field(default_factory=list)
    outbox: Outbox = field(init=False)
    collector: Collector = field(init=False)
    restarts: int = 0
    _task: asyncio.Task[None] | None = None

    def local_clock(self, drift_ppm: float = 0.0) -> DeviceClock:
        """A device's clock that shows the home's local time."""
        local = datetime.fromtimestamp(self.clock.utc_ms() / 1000, self.zone).replace(tzinfo=None)
        return DeviceClock(self.clock, local, drift_ppm=drift_ppm)

    def start_gateway(self) -> None:
        """Switch the gateway on."""
        self.restarts += hasattr(self, "outbox")
        self.outbox = Outbox(self.folder / "outbox.db", self.host)
        radio = Radio(self.adapter.client_class, self.adapter.scanner_class, self.repairs)
        self.collector = Collector(
            radio, self.outbox, self.host, mode=self.mode, zone=self.zone, enrolment=self.secrets
        )
        self._task = asyncio.create_task(self.collector.run())

    async def stop_gateway(self) -> None:
        """Switch it off; its disk stays."""
        if self._task is not None:
            self._task.cancel()
            async with asyncio.timeout(ENDS_S):
                await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
            self.outbox.close()

    async def into_store(self) -> None:
        """Do the service's part: store all that waits, then confirm it."""
        while waiting := await self.outbox.next(0, 512):
            batches = [decode_batch(one.payload) for one in waiting]
            for watch in self.watch:
                for batch in batches:
                    watch(batch)
            self.store.append(batches)
            await self.outbox.confirm(
                [Ack(one.device, one.session, "stored", seqs=(one.seq,), revision=one.revision) for one in waiting]
            )

    def rows(
        self, device: str, *, origin: Selection = "resolved", start_ms: int = 0, end_ms: int = 1 << 42
    ) -> list[Row]:
        """Time, SpO2 and pulse of what the store reads; NaN as -1."""
        samples = self.store.read(device, "oximetry", start_ms, end_ms, origin=origin)
        columns = (np.nan_to_num(samples.columns[name], nan=-1).tolist() for name in ("spo2", "pulse"))
        return list(zip(samples.t_ms.tolist(), *columns, strict=True))

    async def until(self, condition: Callable[[], Awaitable[bool] | bool], most_s: float = 7200.0) -> None:
        """Sleep until it holds; looked at every 20 s."""
        end_s = self.clock.monotonic_s() + most_s
        while True:
            held = condition()
            if held if isinstance(held, bool) else await held:
                return
            assert self.clock.monotonic_s() < end_s, "it did not happen in time"
            await self.clock.sleep(20)


@asynccontextmanager
async def household(
    clock: SimulatedClock, folder: Path, *, zone: tzinfo = UTC, mode: Mode = "stored", seed: int = 1
) -> AsyncIterator[Household]:
    """Build it, with the gateway on."""
    async with Ether(seed=seed) as ether:
        adapter = await ether.adapter("hci0")
        store = SqliteStore(folder / "samples.db")
        secrets = EnrolmentSecrets(folder / "secrets")
        home = Household(
            clock, HostClock(clock), ether, adapter, VirtualRepairs(adapter), folder, store, zone, mode, secrets
        )
        home.start_gateway()
        try:
            yield home
        finally:
            await home.stop_gateway()
            store.close()
            for device in home.own:
                await device.stop()


def live_through(main: Callable[[SimulatedClock], Awaitable[None]], *, epoch_ms: int = T0) -> None:
    quiet_bumble()
    run(main, epoch_ms=epoch_ms)  # type: ignore[arg-type]  # a coroutine function, as all of them here are


def trace(seconds: int, start_ms: int, *, off: tuple[int, int] | None = None) -> Trace:
    """A finger's readings a second, each telling its own place: no two neighbours are alike.

    `off` is from which to before which second the finger is out of the sensor.
    """
    place = np.arange(seconds)
    worn = np.ones(seconds, np.bool_)
    if off is not None:
        worn[off[0] : off[1]] = False
    missing = np.where(worn, 0.0, np.nan)
    return Trace(
        start_ms,
        1000,
        Samples(
            spo2_pct=90.0 + place % 10 + missing,
            pulse_bpm=50.0 + place % 89 + missing,
            perfusion_pct=1.0 + (place % 30) / 10 + missing,
            motion=(place % 97).astype(np.uint8),
            worn=worn,
            poor=np.zeros(seconds, np.bool_),
        ),
    )


def untrue(rows: list[Row], trace: Trace, within_ms: int) -> list[Row]:
    """Rows whose values the finger did not show at any moment within so much of theirs."""
    table = np.array(rows, dtype=np.float64).reshape(-1, 3)
    true = np.zeros(len(rows), np.bool_)
    finger = Finger([trace])
    for late_ms in range(-within_ms, within_ms + 1, 100):
        shown = finger.at(table[:, 0].astype(np.int64) + late_ms)
        true |= (np.nan_to_num(shown.spo2_pct, nan=-1) == table[:, 1]) & (
            np.nan_to_num(shown.pulse_bpm, nan=-1) == table[:, 2]
        )
    return [row for row, good in zip(rows, true.tolist(), strict=True) if not good]


def gaps(rows: list[Row], longer_than_ms: int) -> list[tuple[int, int]]:
    """Where nothing is for longer than so much: from the last sample before to the first one after."""
    return [(a[0], b[0]) for a, b in itertools.pairwise(rows) if b[0] - a[0] > longer_than_ms]
