"""Our recorder and bed sensor, running their firmware on the virtual radio, and the real collector beside them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from gateway.errors import ConfigurationError
from gateway.home.collect.collector import Collector
from gateway.home.collect.enrolment import EnrolmentSecrets
from gateway.home.collect.radio import Radio
from gateway.home.outbox import Outbox
from gateway.wire.codec import decode_batch
from gateway.wire.messages import Batch
from simulators.firmware import FirmwareDevice, VirtualBed, VirtualRecorder
from simulators.firmware.build import build_firmware
from simulators.physiology import MouthReading
from simulators.radio import Ether
from simulators.timeloop import SimulatedClock, run

T0 = 1_790_114_400_000
SECRET = bytes(range(16))


@pytest.fixture(scope="module", autouse=True)
def firmware() -> None:
    try:
        build_firmware()
    except ConfigurationError as error:
        pytest.skip(str(error))


class Day:
    """In the mouth for three hours of every six; the motion of each reading tells its minute."""

    def reading(self, utc_ms: int) -> MouthReading:
        worn = not self.in_case(utc_ms)
        return MouthReading(36.0 if worn else 22.0, (0, 0, 1000), 4 + (utc_ms - T0) // 60_000 % 2000)

    def in_case(self, utc_ms: int) -> bool:
        return (utc_ms - T0) % 21_600_000 < 10_800_000


class Ramp:
    """A strip on which neighbouring samples differ."""

    def counts(self, start_utc_ms: int, n: int, *, gain: float, width: int) -> np.ndarray:  # type: ignore[type-arg]
        number = start_utc_ms // 20 + np.arange(n)
        return ((number % 977) - 488).astype(np.int32)


@dataclass
class Room:
    clock: SimulatedClock
    ether: Ether
    outbox: Outbox
    secrets: EnrolmentSecrets
    collector: Collector
    folder: Path

    async def batches(self, kind: str) -> list[Batch]:
        rows = await self.outbox._journal.run(lambda base: base.execute("SELECT payload FROM batch").fetchall())
        return [one for one in (decode_batch(payload) for (payload,) in rows) if one.kind == kind]

    @asynccontextmanager
    async def recorder(self, **options: float) -> AsyncIterator[VirtualRecorder]:
        radio = await self.ether.add_peripheral("C4:00:00:00:00:11", rssi_dbm=-58)
        device = VirtualRecorder(
            self.ether,
            radio,
            self.clock,
            self.folder / "recorder",
            Day(),
            secret=SECRET,
            **options,  # type: ignore[arg-type]
        )
        async with switched_on(device):
            yield device

    @asynccontextmanager
    async def bed(self, **options: float) -> AsyncIterator[VirtualBed]:
        radio = await self.ether.add_peripheral("C4:00:00:00:00:22", rssi_dbm=-58)
        device = VirtualBed(
            self.ether,
            radio,
            self.clock,
            self.folder / "bed",
            Ramp(),
            secret=SECRET,
            **options,  # type: ignore[arg-type]
        )
        async with switched_on(device):
            yield device


@asynccontextmanager
async def switched_on(device: FirmwareDevice) -> AsyncIterator[None]:
    await device.start()
    device.press()
    try:
        yield
    finally:
        await device.stop()


def live_through(folder: Path, main: object) -> None:
    async def scene(clock: SimulatedClock) -> None:
        async with Ether(seed=1) as ether:
            adapter = await ether.adapter("hci0")
            outbox = Outbox(folder / "outbox.db", clock)
            secrets = EnrolmentSecrets(folder / "secrets")
            radio = Radio(adapter.client_class, adapter.scanner_class)
            collector = Collector(radio, outbox, clock, enrolment=secrets)
            task = asyncio.create_task(collector.run())
            try:
                await main(Room(clock, ether, outbox, secrets, collector, folder))  # type: ignore[operator]
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                outbox.close()

    run(scene, epoch_ms=T0)


def test_a_recorder_is_met_in_its_case_and_all_of_its_days_arrive_dated(tmp_path: Path) -> None:
    async def scene(room: Room) -> None:
        room.secrets.keep("C4:00:00:00:00:11", SECRET)
        async with room.recorder(drift_ppm=60.0, first_tick=(1 << 30) - 40_000_000) as recorder:
            await room.clock.sleep(7 * 3600)
            await recorder.reboot(off_s=20)
            await room.clock.sleep(2 * 3600)
            found = sorted(
                (at, float(temperature), int(motion))
                for batch in await room.batches("wear")
                for at, temperature, motion in zip(
                    batch.times_ms().tolist(), batch.columns["temperature"], batch.columns["motion"], strict=True
                )
            )
            truth = [(one.utc_ms, one.temperature_c, one.reading.motion_mg) for one in recorder.kept[: len(found)]]
            assert len(recorder.kept) - len(found) <= 70  # what was recorded since the last contact
            assert [motion for _, _, motion in found] == [motion for _, _, motion in truth]
            assert max(abs(at - true) for (at, _, _), (true, _, _) in zip(found, truth, strict=True)) <= 2000
            (known,) = room.collector.known.values()
            assert known.drift_ppm == pytest.approx(-60, abs=20)
            assert {batch.clock.boot for batch in await room.batches("wear")} == {1, 2}

    live_through(tmp_path, scene)


def test_a_bed_sensor_is_followed_and_after_an_absence_nothing_is_missing_or_doubled(tmp_path: Path) -> None:
    async def scene(room: Room) -> None:
        room.secrets.keep("C4:00:00:00:00:22", SECRET)
        async with room.bed(drift_ppm=-40.0) as bed:
            await room.clock.sleep(240)
            faults = room.ether.faults(bed.radio)
            faults.silence()
            await room.clock.sleep(300)
            faults.come_back()
            await room.clock.sleep(240)
            batches = sorted(await room.batches("waveform"), key=lambda one: one.t0_ms)
            found = np.concatenate([batch.columns["pressure"] for batch in batches])
            (boot,) = bed.given
            given = np.frombuffer(bytes(boot.values), "<i2")
            assert given.size - found.size <= 6 * 150  # what has not been written together yet
            np.testing.assert_array_equal(found, given[: found.size])
            times = np.concatenate([batch.times_ms() for batch in batches])
            assert (np.diff(times) > 0).all()
            assert np.abs(times - (boot.utc_ms + np.arange(found.size) * boot.period_ms)).max() <= 250
            assert {batch.origin for batch in batches} == {"live", "stored"}

    live_through(tmp_path, scene)


def test_a_device_whose_secret_nobody_entered_is_not_even_connected_to(tmp_path: Path) -> None:
    async def scene(room: Room) -> None:
        async with room.bed() as bed:
            connections: list[object] = []
            bed.radio.on("connection", connections.append)
            await room.clock.sleep(300)
            assert connections == []
            room.secrets.keep("C4:00:00:00:00:22", SECRET)
            bed.press()
            await room.clock.sleep(100)
            assert len(connections) == 1
            assert await room.batches("waveform")

    live_through(tmp_path, scene)


def test_after_a_factory_reset_it_is_enrolled_anew(tmp_path: Path) -> None:
    async def scene(room: Room) -> None:
        room.secrets.keep("C4:00:00:00:00:22", SECRET)
        async with room.bed() as bed:
            await room.clock.sleep(60)
            before = await room.batches("waveform")
            assert before
            bed.press(for_s=12.0)  # held: it forgets records, bonds and owners
            await room.clock.sleep(60)
            stale = len(await room.batches("waveform"))
            bed.press()
            await room.clock.sleep(300)
            assert len(await room.batches("waveform")) == stale
            room.secrets.keep("C4:00:00:00:00:22", SECRET)
            bed.press()
            await room.clock.sleep(60)
            assert len(await room.batches("waveform")) > stale
            assert not room.secrets.has_old_bond("C4:00:00:00:00:22")

    live_through(tmp_path, scene)
