"""O2Ring-S beside the bed: the order it wants, files that resume and end in their trailer, live readings last."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import DeviceError
from gateway.home.devices.driver import After, Mode, Sighting
from gateway.home.devices.oxyii.driver import OxyiiDriver
from gateway.home.devices.oxyii.protocol import FrameAssembler, Op
from gateway.wire.files.oxyii import TRAILER_BYTES
from gateway.wire.messages import device_id
from simulators.devices import DeviceClock, Finger, OxyiiRing, Trace
from tests.integration.devices.conformance.stand import SERIAL, Stand, assert_same, local_now, placed, stand, trace


class Asked:
    """What a ring was asked, in order."""

    def __init__(self) -> None:
        self.frames: list[Any] = []

    @property
    def ops(self) -> list[int]:
        return [frame.op for frame in self.frames]

    def offsets(self) -> list[int]:
        return [int.from_bytes(frame.data, "little") for frame in self.frames if frame.op == Op.FILE_DATA]


class WatchedRing(OxyiiRing):
    """A ring that tells what it was asked."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.asked = Asked()
        self._asked = FrameAssembler()

    def _on_write(self, connection: Any, value: bytes) -> None:
        self.asked.frames += self._asked.feed(value)
        super()._on_write(connection, value)


async def ring_of(side: Stand, *traces: Trace, wrong_s: float = 0.0, **options: Any) -> tuple[OxyiiRing, Asked]:
    own = DeviceClock(side.clock, local_now(side.clock) + timedelta(seconds=wrong_s))
    ring = WatchedRing(
        await side.ether.add_peripheral(rssi_dbm=-58),
        side.clock,
        Finger(traces),
        serial=SERIAL,
        own_clock=own,
        **options,
    )
    await ring.start()
    return ring, ring.asked


async def visit(side: Stand, ring: OxyiiRing, mode: Mode = "stored", most_s: float = 1200) -> After:
    return await asyncio.wait_for(side.visit(OxyiiDriver, ring, mode), most_s)


async def stored(side: Stand) -> list[tuple[float, ...]]:
    return [row.values for row in await side.rows("oximetry", "stored") if row.values[0] > 0]


def test_it_is_asked_in_the_order_that_it_wants(tmp_path: Path) -> None:
    async def story(side: Stand) -> None:
        ring, asked = await ring_of(side, trace(300))
        await side.clock.sleep(450)
        assert await visit(side, ring) is After.REST
        ops = asked.ops
        assert ops[:7] == [
            Op.AUTHENTICATE,
            Op.SETUP,
            Op.INFO,
            Op.SET_TIME,
            Op.CONFIG,
            Op.FILE_END,
            Op.FILE_LIST,
        ]
        assert ops[7] == Op.FILE_START
        assert ops[-2:] == [Op.FILE_END, Op.LIVE]
        assert Op.LIVE not in ops[:-1]  # a live reading ends all talk of files
        numbers = [frame.seq for frame in asked.frames]
        assert numbers == [n & 0xFF for n in range(len(numbers))]
        assert ring.never_sent == []
        assert len(await stored(side)) == 300

    stand(tmp_path, story)


@pytest.mark.parametrize("notifications", [8, 11, 14])
def test_a_pull_that_broke_off_goes_on_where_it_was(notifications: int, tmp_path: Path) -> None:
    async def story(side: Stand) -> None:
        ring, asked = await ring_of(side, trace(850))
        await side.clock.sleep(1000)
        side.ether.faults(ring.radio).drop_link_after(notifications=notifications)
        with pytest.raises(DeviceError):
            await visit(side, ring)
        before = max(asked.offsets(), default=0)
        asked.frames.clear()
        assert await visit(side, ring) is After.REST
        assert min(asked.offsets()) >= max(0, before - 1024)  # its last bytes are read once more, to compare
        if notifications == 14:
            assert min(asked.offsets()) > 0
        assert len(await stored(side)) == 850

    stand(tmp_path, story)


def test_a_recording_without_its_trailer_is_pulled_when_that_is_written(tmp_path: Path) -> None:
    async def story(side: Stand) -> None:
        ring, asked = await ring_of(side, trace(600), trailer_after_s=120)
        await side.clock.sleep(760)
        assert await visit(side, ring) is After.RECORDING
        assert await stored(side) == []
        await side.clock.sleep(120)
        asked.frames.clear()
        assert await visit(side, ring) is After.REST
        assert min(asked.offsets()) > 0
        assert len(await stored(side)) == 600

    stand(tmp_path, story)


def test_a_recording_that_never_got_its_trailer_is_taken_as_far_as_it_goes(tmp_path: Path) -> None:
    """Its battery ran out in the night; it was charged and worn again."""

    async def story(side: Stand) -> None:
        ring, _ = await ring_of(side, trace(300), trace(200, start_s=500))
        await side.clock.sleep(850)
        first, second = ring.memory
        ring.recorder.memory[first] = ring.recorder.memory[first][:-TRAILER_BYTES]
        assert await visit(side, ring) is After.REST
        assert len(await stored(side)) == 500
        assert len({row.session for row in await side.rows("oximetry", "stored")}) == 2
        ring.recorder.memory[second] = ring.recorder.memory[second][:-1] + b"\x01"  # behind the sum: no matter
        assert await visit(side, ring) is After.REST
        assert len(await stored(side)) == 500

    stand(tmp_path, story)


def test_a_file_whose_sum_is_wrong_is_read_anew_and_keeps_no_other_back(tmp_path: Path) -> None:
    async def story(side: Stand) -> None:
        ring, _ = await ring_of(side, trace(300), trace(200, start_s=500))
        await side.clock.sleep(850)
        first, _second = ring.memory
        right = ring.recorder.memory[first]
        ring.recorder.memory[first] = right[:100] + bytes((right[100] ^ 1,)) + right[101:]
        with pytest.raises(DeviceError, match="sum"):
            await visit(side, ring)
        assert len(await stored(side)) == 200
        ring.recorder.memory[first] = right
        assert await visit(side, ring) is After.REST
        assert len(await stored(side)) == 500

    stand(tmp_path, story)


def test_a_small_mtu_is_told_as_what_it_is(tmp_path: Path) -> None:
    async def story(side: Stand) -> None:
        ring, _ = await ring_of(side, trace(300))
        await side.clock.sleep(450)
        side.adapter = await side.ether.adapter("hci1", mtu_offer=247)
        with pytest.raises(DeviceError, match="MTU of 517"):
            await visit(side, ring)
        side.adapter = await side.ether.adapter("hci2")
        assert await visit(side, ring) is After.REST
        assert len(await stored(side)) == 300

    stand(tmp_path, story)


@pytest.mark.parametrize("wrong_s", [-3600.0, 90.0])
def test_a_wrong_clock_dates_right_and_is_set(wrong_s: float, tmp_path: Path) -> None:
    async def story(side: Stand) -> None:
        ring, _ = await ring_of(side, trace(300), wrong_s=wrong_s)
        await side.clock.sleep(450)
        assert await visit(side, ring) is After.REST
        rows = [row for row in await side.rows("oximetry", "stored") if row.values[0] > 0]
        assert_same(rows, [placed(row.values) for row in rows])
        assert abs(ring.own_clock.local() - local_now(side.clock)) < timedelta(seconds=2)

    stand(tmp_path, story)


@pytest.mark.parametrize(("between_s", "epochs"), [(120, 1), (12_000, 3)])
def test_a_clock_that_is_set_at_every_visit_is_one_clock_while_it_was_right(
    between_s: int, epochs: int, tmp_path: Path
) -> None:
    """A ring that runs 100 ppm fast: over two minutes that is nothing, over three hours it is more than a second."""

    async def story(side: Stand) -> None:
        own = DeviceClock(side.clock, local_now(side.clock), drift_ppm=100.0)
        radio = await side.ether.add_peripheral(rssi_dbm=-58)
        ring = WatchedRing(radio, side.clock, Finger([trace(300)]), serial=SERIAL, own_clock=own)
        await ring.start()
        for _ in range(3):
            await side.clock.sleep(between_s)
            ring.wake()
            await visit(side, ring)
        await side.clock.sleep(400)
        ring.wake()
        await visit(side, ring)
        anchors = await side.outbox.ledger.anchors(device_id("oxyii", SERIAL))
        assert len({anchor.epoch for anchor in anchors}) - 1 <= epochs
        rows = [row for row in await side.rows("oximetry", "stored") if row.values[0] > 0]
        assert_same(rows, [placed(row.values) for row in rows])
        assert len(rows) in (300, 301)  # as many as its own seconds

    stand(tmp_path, story)


def test_a_night_that_was_streamed_is_pulled_by_the_next_visit(tmp_path: Path) -> None:
    async def story(side: Stand) -> None:
        ring, _ = await ring_of(side, trace(500))
        await side.clock.sleep(10)
        assert await visit(side, ring, "both") is After.RECORDING
        live = [row for row in await side.rows("oximetry", "live") if row.values[0] > 0]
        assert len(live) >= 230  # every 2 s
        assert_same(live, [placed(row.values) for row in live])
        assert await stored(side) == []
        await side.clock.sleep(120)
        assert await visit(side, ring, "both") is After.REST
        assert len(await stored(side)) == 500

    stand(tmp_path, story)


def test_a_ring_that_is_ready_is_told_by_name_and_number_where_it_lists_no_service() -> None:
    ready = Sighting("C4:00:00:00:00:01", "S8-AW 1234", -60, manufacturer_data={0xF34E: b""})
    recording = Sighting("C4:00:00:00:00:01", "T8520_e85a", -60, manufacturer_data={0x036F: b""})
    assert OxyiiDriver.matches(ready)
    assert not OxyiiDriver.matches(recording)
