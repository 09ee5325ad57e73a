"""A stand for one driver: its virtual peripheral on the virtual radio, a real desk and outbox, no collector."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from bleak.backends.device import BLEDevice

from gateway.home.collect.desk import Known, VisitDesk
from gateway.home.collect.radio import BleakLink, Radio
from gateway.home.devices.driver import After, Driver, Mode, Sighting
from gateway.home.outbox import Outbox
from gateway.wire.codec import decode_batch
from gateway.wire.messages import Batch, Kind
from simulators.devices import Finger, Samples, Trace, VirtualDevice
from simulators.radio import Adapter, Ether
from simulators.timeloop import SimulatedClock, run

T0 = 1_790_114_400_000
SERIAL = "2609140042"
LIVE_MS = 2000
ROWS = ("spo2", "pulse")
PRESSURES = ("systolic", "diastolic", "mean", "pulse")


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample that a device measured: when truly, give or take `doubt_ms`, and its values (NaN as -1)."""

    utc_ms: int
    values: tuple[float, ...]
    doubt_ms: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """A sample as the outbox has it, with its batch's stated uncertainty."""

    t_ms: int
    uncertainty_ms: int
    values: tuple[float, ...]
    session: str


def trace(seconds: int, start_s: int = 0) -> Trace:
    """A finger's readings a second, each telling its own place by SpO2 and pulse together, for 890 s."""
    place = np.arange(seconds)
    return Trace(
        T0 + start_s * 1000,
        1000,
        Samples(
            spo2_pct=(90.0 + place % 10).astype(np.float64),
            pulse_bpm=(50.0 + place % 89).astype(np.float64),
            perfusion_pct=1.0 + (place % 30) / 10,
            motion=(place % 60).astype(np.uint8),
            worn=np.ones(seconds, np.bool_),
            poor=np.zeros(seconds, np.bool_),
        ),
    )


def placed(values: tuple[float, ...], start_s: int = 0) -> Sample:
    """The sample of `trace` with these values: it was measured some time in its second."""
    [place] = [n for n in range(890) if (90.0 + n % 10, 50.0 + n % 89) == values]
    return Sample(T0 + (start_s + place) * 1000 + 500, values, doubt_ms=500)


def cleaned(values: tuple[float | None, ...]) -> tuple[float, ...]:
    """None and NaN as -1."""
    return tuple(-1.0 if value is None or math.isnan(value) else float(value) for value in values)


@dataclass
class Stand:
    """What stands there."""

    clock: SimulatedClock
    ether: Ether
    adapter: Adapter
    outbox: Outbox
    known: dict[str, Known] = field(default_factory=dict)

    @property
    def radio(self) -> Radio:
        return Radio(self.adapter.client_class, self.adapter.scanner_class)

    async def heard(self, seconds: float = 3.0) -> dict[str, tuple[Sighting, BLEDevice]]:
        """The last advertisement of each address."""
        heard: dict[str, tuple[Sighting, BLEDevice]] = {}
        async with self.radio.scan(lambda sighting, device: heard.__setitem__(sighting.address, (sighting, device))):
            await self.clock.sleep(seconds)
        return heard

    @asynccontextmanager
    async def link(self, device: VirtualDevice) -> AsyncIterator[BleakLink]:
        """Find it and connect."""
        _, found = (await self.heard())[device.address]
        async with self.radio.connect(found) as link:
            yield link

    def desk(self, driver: type[Driver], address: str, mode: Mode) -> VisitDesk:
        return VisitDesk(
            self.outbox,
            self.clock,
            family=driver.family,
            address=address,
            mode=mode,
            live_ms=LIVE_MS,
            zone=UTC,
            known=self.known,
            progress=lambda *_: None,
        )

    async def visit(self, driver: type[Driver], device: VirtualDevice, mode: Mode) -> After:
        """One visit, as the collector makes it."""
        async with self.link(device) as link:
            return await driver().visit(link, self.desk(driver, device.address, mode))

    @asynccontextmanager
    async def visiting(
        self, driver: type[Driver], device: VirtualDevice, mode: Mode
    ) -> AsyncIterator[asyncio.Task[After]]:
        """A visit under way for the length of the block, cancelled at its end."""
        async with self.link(device) as link:
            task = asyncio.create_task(driver().visit(link, self.desk(driver, device.address, mode)))
            try:
                yield task
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    async def batches(self, kind: Kind, origin: str) -> list[Batch]:
        rows = await self.outbox._journal.run(lambda base: base.execute("SELECT payload FROM batch").fetchall())
        found = [decode_batch(payload) for (payload,) in rows]
        return [batch for batch in found if (batch.kind, batch.origin) == (kind, origin)]

    async def rows(self, kind: Kind, origin: str, device: str = "") -> list[Row]:
        """Samples in the outbox, by time; of one device, if it is named."""
        names = PRESSURES if kind == "blood_pressure" else ROWS
        rows: list[Row] = []
        for batch in await self.batches(kind, origin):
            if device not in ("", batch.device):
                continue
            none = np.full(batch.size, np.nan)
            columns = [batch.columns.get(name, none).tolist() for name in names]
            rows += [
                Row(time, batch.clock.uncertainty_ms, cleaned(tuple(values)), batch.session)
                for time, *values in zip(batch.times_ms().tolist(), *columns, strict=True)
            ]
        return sorted(rows, key=lambda row: row.t_ms)


def assert_same(rows: list[Row], truth: list[Sample]) -> None:
    """Every sample once, in order, each within its stated uncertainty."""
    assert [row.values for row in rows] == [sample.values for sample in truth]
    for row, sample in zip(rows, truth, strict=True):
        assert abs(row.t_ms - sample.utc_ms) <= row.uncertainty_ms + sample.doubt_ms


def local_now(clock: SimulatedClock) -> datetime:
    return datetime.fromtimestamp(clock.utc_ms() / 1000, UTC).replace(tzinfo=None)


def stand(tmp_path: Path, story: Callable[[Stand], Awaitable[None]]) -> None:
    """Tell a story on a stand, in simulated time."""

    async def main(clock: SimulatedClock) -> None:
        async with Ether(seed=1) as ether:
            outbox = Outbox(tmp_path / "outbox.db", clock)
            try:
                await story(Stand(clock, ether, await ether.adapter("hci0"), outbox))
            finally:
                outbox.close()

    run(main, epoch_ms=T0)


__all__ = ["SERIAL", "T0", "Finger", "Row", "Sample", "Stand", "assert_same", "cleaned", "local_now", "stand", "trace"]
