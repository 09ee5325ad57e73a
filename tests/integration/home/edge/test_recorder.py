"""The gateway and a MAD recorder, whose other side is the firmware itself."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from edge.common.ringlog import RingLog
from gateway.errors import DeviceError, OutboxError
from gateway.home.devices.driver import After
from gateway.home.outbox import Limits
from tests.integration.home.boxes import mend, refuse
from tests.integration.home.edge.bedside import Bedside, errors_ms, live_through, spoil, wear


def test_every_record_arrives_once_and_the_recorder_is_free_of_it(tmp_path: Path) -> None:
    async def scene(side: Bedside) -> None:
        assert await side.visit() is After.SELDOM
        await wear(side, 100)
        assert await side.visit() is After.SELDOM
        assert side.device.device.log.pending == 0
        assert np.abs(errors_ms(side.truth, await side.found())).max() <= 100
        assert side.progress[-1] == (1400, 1400)
        assert not await side.outbox.records.kept(side.desk_id)

    live_through(tmp_path, scene)


def test_a_session_is_what_one_contact_hands_on(tmp_path: Path) -> None:
    async def scene(side: Bedside) -> None:
        for _ in range(3):
            await wear(side, 300)
            assert await side.visit() is After.SELDOM
        batches = await side.batches("wear")
        sessions = [list(group) for _, group in itertools.groupby(batches, lambda one: one.session)]
        assert len({batch.session for batch in batches}) == len(sessions) == 3
        for session in sessions:
            assert [batch.seq for batch in session] == list(range(len(session)))
            assert [batch.last for batch in session] == [False] * (len(session) - 1) + [True]
            assert {(batch.origin, batch.clock.source, batch.clock.boot) for batch in session} == {
                ("stored", "anchors", 1)
            }

    live_through(tmp_path, scene)


def test_battery_boot_faults_and_firmware_are_reported(tmp_path: Path) -> None:
    async def scene(side: Bedside) -> None:
        side.device.device.faults = 0x10
        assert await side.visit() is After.SELDOM
        (batch,) = await side.batches("device")
        assert {name: column.tolist() for name, column in batch.columns.items()} == {
            "battery": [77.0],
            "boot": [1],
            "events": [0x10 | 0x08],  # as read before the first anchor: the clock is lost
            "rssi": [-60],
        }
        (known,) = side.known.values()
        assert (known.model, known.firmware) == ("MAD recorder", "1.0.0")

    live_through(tmp_path, scene)


class TestFaults:
    @pytest.mark.parametrize("cut", [1, 2, 63, 64, 65, 127])
    def test_after_a_cut_at_a_notification_nothing_on_disk_is_asked_for_again(self, tmp_path: Path, cut: int) -> None:
        """2,200 records are 130 notifications; the commit is every 64."""

        async def scene(side: Bedside) -> None:
            assert await side.visit() is After.SELDOM
            await wear(side, 2200, 60.0)
            air = side.device.air
            before = air.sent
            air.cut_after = before + cut
            assert isinstance(await side.visit(), DeviceError)
            assert len(await side.found()) == cut * 17
            assert await side.visit() is After.SELDOM
            errors_ms(side.truth, await side.found())
            assert side.device.device.log.pending == 0
            # The firmware had handed at most a burst more to its stack; what arrived was not sent again.
            assert air.sent - before <= cut + 6 + -(-(2200 - 17 * cut) // 17)

        live_through(tmp_path, scene)

    def test_lost_and_doubled_notifications_and_void_slots_cost_nothing(self, tmp_path: Path) -> None:
        async def scene(side: Bedside) -> None:
            assert await side.visit() is After.SELDOM
            await wear(side, 1000, 60.0)
            air = side.device.air
            air.lose = {air.sent + number for number in (0, 7, 8, 33, 60)}
            air.double = {air.sent + 3, air.sent + 20}
            spoil(side, [0, 1, 99, 400, 999])
            assert await side.visit() is After.SELDOM
            errors_ms(side.truth, await side.found())
            assert side.device.device.log.pending == 0

        live_through(tmp_path, scene)

    def test_a_log_of_void_slots_alone_is_passed_over(self, tmp_path: Path) -> None:
        async def scene(side: Bedside) -> None:
            await wear(side, 3)
            spoil(side, [0, 1, 2])
            assert await side.visit() is After.SELDOM
            assert side.device.device.log.pending == 0
            await wear(side, 3)
            assert await side.visit() is After.SELDOM
            errors_ms(side.truth, await side.found())

        live_through(tmp_path, scene)

    def test_notifications_that_never_arrive_end_the_visit_and_free_nothing(self, tmp_path: Path) -> None:
        async def scene(side: Bedside) -> None:
            await wear(side, 100)
            side.device.air.lose = set(range(1000))
            assert isinstance(await side.visit(), DeviceError)
            assert side.device.device.log.pending == 100
            side.device.air.lose = set()
            assert await side.visit() is After.SELDOM
            errors_ms(side.truth, await side.found())

        live_through(tmp_path, scene)

    def test_what_the_disk_refuses_stays_on_the_recorder(self, tmp_path: Path) -> None:
        async def scene(side: Bedside) -> None:
            assert await side.visit() is After.SELDOM
            await wear(side, 100)
            await side.outbox._journal.run(
                lambda database: database.execute(
                    "CREATE TRIGGER no BEFORE INSERT ON log_record BEGIN SELECT RAISE(ROLLBACK, 'disk I/O error'); END"
                ).fetchone()
            )
            assert isinstance(await side.visit(), OutboxError)
            assert side.device.device.log.pending == 100
            await side.outbox._journal.run(lambda database: database.execute("DROP TRIGGER no").fetchone())
            assert await side.visit() is After.SELDOM
            errors_ms(side.truth, await side.found())

        live_through(tmp_path, scene)

    def test_what_cannot_be_handed_on_stays_kept(self, tmp_path: Path) -> None:
        async def scene(side: Bedside) -> None:
            assert await side.visit() is After.SELDOM
            await wear(side, 100)
            await refuse(side.outbox, "INSERT")
            assert isinstance(await side.visit(), OutboxError)
            assert side.device.device.log.pending == 0
            await mend(side.outbox)
            assert await side.visit() is After.SELDOM
            errors_ms(side.truth, await side.found())

        live_through(tmp_path, scene)

    def test_an_outbox_that_runs_full_leaves_the_records_where_they_are_safe(self, tmp_path: Path) -> None:
        async def scene(side: Bedside) -> None:
            await wear(side, 100)
            assert await side.visit() is After.SELDOM
            assert await side.found() == []
            assert side.device.device.log.pending == 100

        live_through(tmp_path, scene, limits=Limits(max_bytes=0))

    def test_after_a_factory_reset_the_new_log_is_pulled_from_its_beginning(self, tmp_path: Path) -> None:
        async def scene(side: Bedside) -> None:
            await wear(side, 100)
            assert await side.visit() is After.SELDOM
            side.device.device.factory_reset()
            side.device.bonded = False
            side.device.reboot()
            await wear(side, 30)
            assert await side.visit() is After.SELDOM
            errors_ms(side.truth, await side.found())

        live_through(tmp_path, scene)

    def test_a_log_that_lost_its_newest_page_goes_on_from_where_it_ends(self, tmp_path: Path) -> None:
        async def scene(side: Bedside) -> None:
            await wear(side, 300)  # a page holds 237
            assert await side.visit() is After.SELDOM
            log = side.device.device.log
            side.device.flash.cells[log._newest.block * 4096 : log._newest.block * 4096 + 48] = bytes(48)
            side.device.reboot()
            assert side.device.device.log.next == 237
            await wear(side, 30)
            assert await side.visit() is After.SELDOM
            await wear(side, 30)
            assert await side.visit() is After.SELDOM
            found = [mark for _, mark, _ in await side.found()]
            assert len(found) == len(set(found))
            assert found[-30:] == [mark for _, mark in side.truth[-30:]]

        live_through(tmp_path, scene)

    def test_records_that_make_no_sense_are_set_aside_and_block_nothing(self, tmp_path: Path) -> None:
        async def scene(side: Bedside) -> None:
            await wear(side, 20)
            assert side.device.device.keep(b"\x80" + bytes(13))
            await wear(side, 20)
            assert await side.visit() is After.SELDOM
            errors_ms(side.truth, await side.found())
            (odd,) = await side.outbox.set_aside.newest()
            assert odd.data == b"\x80" + bytes(13)

        live_through(tmp_path, scene)

    def test_records_of_a_layout_that_is_not_the_recorders_are_set_aside(self, tmp_path: Path) -> None:
        async def scene(side: Bedside) -> None:
            await wear(side, 20)
            side.device.reboot()  # into firmware that writes layout 9, of 20 bytes
            log = RingLog(side.device.flash, 9, 20, 2)
            for number in range(30):
                log.append(bytes((number,)) * 20)
            side.device.shape = 1, 9, 20
            side.device.reboot()
            assert await side.visit() is After.SELDOM
            errors_ms(side.truth, await side.found())
            assert [odd.data for odd in await side.outbox.set_aside.newest()] == [
                b"".join(bytes((number,)) * 20 for number in range(30))
            ]
            assert side.device.device.log.pending == 0

        live_through(tmp_path, scene)

    def test_a_device_that_promises_records_and_has_none_is_left(self, tmp_path: Path) -> None:
        async def scene(side: Bedside) -> None:
            await wear(side, 20)
            honest = side.device.device.status
            side.device.device.status = lambda: honest()[:6] + (1000).to_bytes(4, "little") + honest()[10:]
            error = await side.visit()
            assert isinstance(error, DeviceError)
            assert "do not arrive" in str(error)
            assert len(await side.found()) == 20

        live_through(tmp_path, scene)

    @pytest.mark.parametrize("what", ["information", "status"])
    def test_what_the_visit_cannot_do_without_ends_it_and_is_set_aside(self, tmp_path: Path, what: str) -> None:
        async def scene(side: Bedside) -> None:
            setattr(side.device.device, what, lambda: b"\xff" * 7)
            assert isinstance(await side.visit(), DeviceError)
            (odd,) = await side.outbox.set_aside.newest()
            assert odd.data == b"\xff" * 7

        live_through(tmp_path, scene)
