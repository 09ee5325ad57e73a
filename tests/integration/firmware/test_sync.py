"""Records come off the firmware whole, however often the link or the power breaks, and nothing is freed unasked."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from datetime import UTC
from pathlib import Path

import pytest

from edge.common import control
from edge.common.records import WEAR, WEAR_BYTES, pack_wear
from edge.common.ringlog import RingLog
from gateway.home.collect.collector import Collector
from gateway.home.collect.enrolment import EnrolmentSecrets
from gateway.home.collect.radio import Radio
from gateway.home.outbox import Outbox
from gateway.wire.codec import decode_batch
from simulators.firmware import FirmwareDevice, VirtualRecorder
from simulators.firmware.port.flash import FileFlash
from simulators.radio import Adapter, Ether
from simulators.timeloop import SimulatedClock
from tests.integration.firmware.conftest import RECORDER_ADDRESS, SECRET, Drawer
from tests.integration.firmware.peer import CONTROL, Peer, peer, settle

FILLED = 400
DAYS = 180
A_FRAME = 17
A_DAY = 288


def record(number: int) -> bytes:
    return pack_wear(1, 300_000 * number, 20 + number % 150 / 10, (4 * (number % 250), 0, 1000), number % 4000, 0)


def fill(folder: Path, count: int) -> None:
    """Write records as the firmware of an earlier boot has."""
    flash = FileFlash(str(folder / "log"))
    log = RingLog(flash, WEAR, WEAR_BYTES, 1)
    for number in range(count):
        log.append(record(number))
    flash._file.close()


@pytest.fixture
async def full(ether: Ether, adapter: Adapter, clock: SimulatedClock, drawer: Drawer, tmp_path: Path) -> FirmwareDevice:
    """A recorder with `FILLED` records of an earlier boot, and an owner."""
    radio = await ether.add_peripheral(RECORDER_ADDRESS, rssi_dbm=-58)
    device = VirtualRecorder(ether, radio, clock, tmp_path / "recorder", drawer, secret=SECRET)
    fill(device.folder, FILLED)
    await device.start()
    device.press()
    async with peer(device, adapter, pair=True) as one:
        assert await one.enrol(SECRET) == control.SUCCESS
    return device


def is_filled(records: dict[int, bytes]) -> bool:
    return [records[number] for number in range(FILLED)] == [record(number) for number in range(FILLED)]


async def test_a_pull_brings_every_record_and_an_acknowledgement_frees_them(
    full: VirtualRecorder, adapter: Adapter
) -> None:
    async with peer(full, adapter) as one:
        await settle()
        log = await one.log_id()
        end = (await one.status())[2]
        done = await one.report(log, 0)
        assert done[2] == control.SUCCESS
        assert int.from_bytes(done[7:11], "little") == len(one.records(WEAR_BYTES)) == end
        assert is_filled(one.records(WEAR_BYTES))
        assert (await one.status())[1] == 0  # sending frees nothing
        assert (await one.acknowledge(log, end - 1))[2] == control.SUCCESS
        await settle()
        assert (await one.status())[1] == end
    await full.stop()


async def broken_report(device: VirtualRecorder, adapter: Adapter, spoil: Callable[[], None]) -> dict[int, bytes]:
    """Begin a report, let `spoil` see to it that the link breaks, and return what has arrived."""
    async with peer(device, adapter) as one:
        await settle()
        log = await one.log_id()
        spoil()
        await one.client.write_gatt_char(CONTROL, struct.pack("<BIIB", control.REPORT, log, 0, 0), response=True)
        await asyncio.sleep(30)
        assert not one.client.is_connected
        return one.records(WEAR_BYTES)


@pytest.mark.parametrize("cut", [0, 1, 2, 7, 8, 23])
async def test_after_a_cut_at_any_notification_the_rest_is_asked_for(
    full: VirtualRecorder, adapter: Adapter, ether: Ether, cut: int
) -> None:
    arrived = await broken_report(full, adapter, lambda: ether.faults(full.radio).drop_link_after(notifications=cut))
    assert len(arrived) == A_FRAME * cut
    await full_pull(full, adapter, arrived)
    await full.stop()


async def full_pull(device: VirtualRecorder, adapter: Adapter, arrived: dict[int, bytes]) -> None:
    """Ask for what is missing, and check that all is there then, and that the break has freed nothing."""
    async with peer(device, adapter) as one:
        await settle()
        log = await one.log_id()
        assert (await one.status())[1] == 0
        assert (await one.report(log, len(arrived)))[2] == control.SUCCESS
        assert not arrived.keys() & one.records(WEAR_BYTES).keys()
        assert is_filled(arrived | one.records(WEAR_BYTES))


@pytest.mark.parametrize("after", [1, 7, 13])
async def test_a_firmware_killed_in_the_middle_of_a_report_has_lost_nothing(
    full: VirtualRecorder, adapter: Adapter, after: int
) -> None:
    until = full.stack.sent.notifications + after

    def kill_then() -> None:
        if full.stack.sent.notifications >= until:
            full.kill()
        else:
            asyncio.get_running_loop().call_later(0.005, kill_then)

    arrived = await broken_report(full, adapter, kill_then)
    assert 0 < len(arrived) < FILLED
    assert not full.running
    await full.start()
    await full_pull(full, adapter, arrived)
    assert full.boots == 2
    await full.stop()


async def test_with_few_buffers_the_firmware_waits_and_sends_the_same_again(
    full: VirtualRecorder, adapter: Adapter
) -> None:
    full.stack.buffers = 2
    async with peer(full, adapter) as one:
        await settle()
        assert (await one.report(await one.log_id(), 0))[2] == control.SUCCESS
        sequences = [int.from_bytes(frame[1:5], "little") for frame in one.frames]
        assert sequences == sorted(set(sequences))
        assert is_filled(one.records(WEAR_BYTES))
    await full.stop()


async def test_180_days_move_at_nine_tenths_of_what_is_carried_with_progress(
    ether: Ether, adapter: Adapter, clock: SimulatedClock, drawer: Drawer, tmp_path: Path
) -> None:
    """Through the real gateway: scanner, driver, outbox."""
    radio = await ether.add_peripheral(RECORDER_ADDRESS, rssi_dbm=-58)
    device = VirtualRecorder(ether, radio, clock, tmp_path / "recorder", drawer, secret=SECRET)
    fill(device.folder, DAYS * A_DAY)
    secrets = EnrolmentSecrets(tmp_path / "secrets")
    secrets.keep(RECORDER_ADDRESS, SECRET)
    outbox = Outbox(tmp_path / "outbox.db", clock)
    progress: list[tuple[int, int]] = []
    collector = Collector(
        Radio(adapter.client_class, adapter.scanner_class),
        outbox,
        clock,
        zone=UTC,
        enrolment=secrets,
        progress=lambda _device, _what, done, total: progress.append((done, total)),
    )
    await device.start()
    device.press()
    task = asyncio.create_task(collector.run())
    async with asyncio.timeout(86_400):
        while not any(known.last_pull_ms for known in collector.known.values()):
            await asyncio.sleep(5)
            assert not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    rows = await outbox._journal.run(lambda base: base.execute("SELECT payload FROM batch").fetchall())
    outbox.close()
    batches = [decode_batch(payload) for (payload,) in rows]
    samples = sum(batch.size for batch in batches if batch.kind == "wear")
    assert samples >= DAYS * A_DAY
    share = samples * WEAR_BYTES / device.stack.sent.att_bytes
    print(f"{samples} records, {100 * share:.1f} % of the ATT bytes carried")
    assert share >= 0.9
    assert len(progress) > 20
    assert [done for done, _ in progress] == sorted(done for done, _ in progress)
    assert progress[-1][0] == progress[-1][1] >= DAYS * A_DAY * WEAR_BYTES
    await device.stop()


async def test_the_bond_is_made_once_and_every_contact_proves_anew(full: VirtualRecorder, adapter: Adapter) -> None:
    for _ in range(2):
        async with peer(full, adapter) as one:
            assert isinstance(one, Peer)
            assert await one.enrol(SECRET) == control.SUCCESS
    await full.stop()
