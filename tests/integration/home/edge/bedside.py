"""A gateway's collector part for one device: outbox, desk and driver, without the radio."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.common.records import WAVE, WAVE_BYTES, WEAR, WEAR_BYTES, pack_wave, pack_wear
from edge.common.store import Store
from gateway.errors import SomnolinkError
from gateway.home.collect.desk import Known, VisitDesk
from gateway.home.collect.enrolment import EnrolmentSecrets
from gateway.home.devices.bed_sensor.driver import BedSensorDriver
from gateway.home.devices.driver import After, Driver
from gateway.home.devices.mad_recorder.driver import RecorderDriver
from gateway.home.outbox import Limits, Outbox
from gateway.service.store.books import SessionBook
from gateway.service.store.resolve import SessionRows, resolve
from gateway.wire.codec import decode_batch
from gateway.wire.messages import SCHEMA, Batch, Kind
from simulators.timeloop import SimulatedClock, run
from tests.integration.home.edge.firmware import ADDRESS, Peripheral

T0 = 1_790_114_400_000


@dataclass
class Bedside:
    """One device and the gateway beside it; `truth` is what was recorded when."""

    clock: SimulatedClock
    outbox: Outbox
    secrets: EnrolmentSecrets
    device: Peripheral
    driver: type[Driver]
    truth: list[tuple[int, int]] = field(default_factory=list)
    progress: list[tuple[int, int]] = field(default_factory=list)
    known: dict[str, Known] = field(default_factory=dict)

    @property
    def desk_id(self) -> str:
        """The device's id."""
        (known,) = self.known
        return known

    @property
    def other_driver(self) -> type[Driver]:
        """That of the other kind of device."""
        return RecorderDriver if self.driver is BedSensorDriver else BedSensorDriver

    def record(self, mark: int) -> None:
        """The recorder writes a record now, with `mark` (0 to 4000) as its motion."""
        boot, tick_ms = self.device.device.now()
        assert self.device.device.keep(pack_wear(boot, tick_ms, 36.0, (0, 0, 1000), mark, 0))
        self.device.woken.set()
        self.truth.append((self.clock.utc_ms(), mark))

    def frame(self, first: int, count: int = 150, lost: int = 0) -> None:
        """The bed sensor writes a frame that ends now, its samples `first` and so on (each modulo 4000, less 2000)."""
        boot, tick_ms = self.device.device.now()
        began_ms = self.clock.utc_ms() - 20 * (count - 1)
        samples = [(first + index) % 4000 - 2000 for index in range(count)]
        assert self.device.device.keep(pack_wave(boot, tick_ms - 20 * (count - 1), 12, 3, lost, samples))
        self.device.woken.set()
        self.truth += [(began_ms + 20 * index, sample) for index, sample in enumerate(samples)]

    def desk(self) -> VisitDesk:
        return VisitDesk(
            self.outbox,
            self.clock,
            family=self.driver.family,
            address=ADDRESS,
            mode="stored",
            live_ms=4000,
            zone=UTC,
            known=self.known,
            progress=lambda _device, _what, done, total: self.progress.append((done, total)),
            enrolment=self.secrets,
        )

    async def visit(self) -> After | SomnolinkError:
        """One contact; the error it ended in, if any."""
        desk = self.desk()
        try:
            async with self.device.connected() as link:
                return await self.driver().visit(link, desk)
        except SomnolinkError as error:
            return error
        finally:
            await desk.report(-60)

    async def batches(self, kind: Kind) -> list[Batch]:
        rows = await self.outbox._journal.run(lambda base: base.execute("SELECT payload FROM batch").fetchall())
        found = [decode_batch(payload) for (payload,) in rows]
        return [one for one in found if one.kind == kind]

    async def found(self, kind: Kind = "wear") -> list[tuple[int, int, int]]:
        """(UTC, mark, stated uncertainty) of all samples in the outbox, as a reader of the store sees them.

        Where stored sessions hide live samples, and where two have the same time, the store's own rules decide.
        """
        batches = await self.batches(kind)
        books: dict[str, SessionBook] = {}
        for batch in batches:
            book = books.setdefault(batch.session, SessionBook(batch.device, kind, batch.origin, batch.session))
            book.add(batch)
        rows = []
        doubts: dict[int, int] = {}
        for batch in batches:
            times = batch.times_ms()
            columns = {name: batch.columns[name] for name in SCHEMA[kind]}
            rows.append(SessionRows(batch.session, batch.origin, batch.revision, times, columns))
            doubts |= dict.fromkeys(times.tolist(), batch.clock.uncertainty_ms)
        covers = [cover for book in books.values() if book.origin == "stored" for cover in book.covers()]
        seen = resolve("d", kind, rows, covers)
        marks = seen.columns["motion" if kind == "wear" else "pressure"]
        return [(at, mark, doubts[at]) for at, mark in zip(seen.t_ms.tolist(), marks.tolist(), strict=True)]


def live_through(
    folder: Path,
    main: Callable[[Bedside], Awaitable[None]],
    *,
    bed: bool = False,
    enrolled: bool = True,
    limits: Limits | None = None,
    **options: int,
) -> None:
    """Run `main` in simulated time beside a device."""
    folder.mkdir(parents=True, exist_ok=True)

    async def scene(clock: SimulatedClock) -> None:
        shape = (2, WAVE, WAVE_BYTES) if bed else (1, WEAR, WEAR_BYTES)
        device = Peripheral(clock, Store(str(folder / "settings")), *shape, **options)
        outbox = Outbox(folder / "outbox.db", clock, limits)
        secrets = EnrolmentSecrets(folder / "secrets")
        if enrolled:
            secrets.keep(ADDRESS, device.secret)
        try:
            await main(Bedside(clock, outbox, secrets, device, BedSensorDriver if bed else RecorderDriver))
        finally:
            outbox.close()

    run(scene, epoch_ms=T0)


def errors_ms(truth: list[tuple[int, int]], found: list[tuple[int, int, int]]) -> NDArray[np.int64]:
    """How far each record is dated from the truth; fails unless each is there once, in order."""
    assert [mark for _, mark, _ in found] == [mark for _, mark in sorted(truth, key=lambda one: one[0])]
    return np.array([at for at, _, _ in found]) - np.array([at for at, _ in sorted(truth, key=lambda one: one[0])])


async def wear(side: Bedside, count: int, every_s: float = 300.0) -> None:
    for _ in range(count):
        await side.clock.sleep(every_s)
        side.record(len(side.truth) % 4000)


def spoil(side: Bedside, places: list[int]) -> None:
    """Flip a bit of records on flash: their slots are void."""
    log = side.device.device.log
    for place in places:
        page = log._page_of(place)
        at = page.block * 4096 + 52 + (place - page.first) * page.slot
        side.device.flash.cells[at + 2] ^= 1
    gone = {side.truth[place] for place in places}
    side.truth = [one for one in side.truth if one not in gone]
