"""What a recorder has recorded is dated truly, or says how freely: drift, boots, wraps, our own clock."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gateway.errors import DeviceError
from gateway.home.devices.driver import After
from tests.integration.home.edge.bedside import Bedside, errors_ms, live_through, wear

DAY_S = 86_400.0


@pytest.mark.parametrize("ppm", [-100, 100])
def test_with_a_contact_a_day_all_is_within_two_seconds_though_ticks_wrap(tmp_path: Path, ppm: float) -> None:
    async def scene(side: Bedside) -> None:
        side.device.board.set_ppm(ppm)
        assert await side.visit() is After.SELDOM
        for _ in range(15):  # ticks of 30 bits wrap after 12.4 days
            await wear(side, 140, DAY_S / 140)
            side.device.device.now()
            assert await side.visit() is After.SELDOM
        found = await side.found()
        off = np.abs(errors_ms(side.truth, found))
        assert off.max() <= 200
        assert (off <= [doubt for _, _, doubt in found]).all()
        (known,) = side.known.values()
        assert known.drift_ppm == pytest.approx(-ppm, abs=1)

    live_through(tmp_path, scene, raw0=(1 << 30) - 5000)


def test_what_was_recorded_before_the_first_contact_is_dated_by_it(tmp_path: Path) -> None:
    async def scene(side: Bedside) -> None:
        await wear(side, 200)
        assert await side.visit() is After.SELDOM
        found = await side.found()
        off = np.abs(errors_ms(side.truth, found))
        assert off.max() <= 200
        # A clock that is 100 ppm off would have slipped by 6 s.
        assert max(doubt for _, _, doubt in found) == pytest.approx(6000, abs=200)

    live_through(tmp_path, scene)


def test_boots_between_contacts_are_dated_within_their_uncertainty(tmp_path: Path) -> None:
    async def scene(side: Bedside) -> None:
        assert await side.visit() is After.SELDOM
        for off_s in (1, 40, 7200, 3, 86_400):
            await wear(side, 50)
            await side.clock.sleep(off_s)
            side.device.reboot(ppm=80 - off_s % 160)
        await wear(side, 50)
        assert await side.visit() is After.SELDOM
        found = await side.found()
        off = np.abs(errors_ms(side.truth, found))
        assert (off <= [doubt for _, _, doubt in found]).all()
        assert {batch.clock.boot for batch in await side.batches("wear")} == {1, 2, 3, 4, 5, 6}

    live_through(tmp_path, scene)


def test_a_boot_whose_end_was_not_pulled_yet_waits_for_it(tmp_path: Path) -> None:
    async def scene(side: Bedside) -> None:
        assert await side.visit() is After.SELDOM
        await side.clock.sleep(3600)
        side.device.reboot()
        await wear(side, 100)
        side.device.reboot()
        await wear(side, 100)
        side.device.air.cut_after = side.device.air.sent + 3
        assert isinstance(await side.visit(), DeviceError)
        assert await side.found() == []
        assert len(await side.outbox.records.kept(side.desk_id)) == 1
        assert await side.visit() is After.SELDOM
        found = await side.found()
        off = np.abs(errors_ms(side.truth, found))
        assert (off <= [doubt for _, _, doubt in found]).all()
        assert not await side.outbox.records.kept(side.desk_id)

    live_through(tmp_path, scene)


def test_a_boot_counter_that_wraps(tmp_path: Path) -> None:
    async def scene(side: Bedside) -> None:
        side.device.store.put(b"boot", b"\xfe\xff")
        side.device.reboot()
        assert await side.visit() is After.SELDOM
        await wear(side, 20)
        side.device.reboot()
        for _ in range(2):
            await wear(side, 20)
            assert await side.visit() is After.SELDOM
        found = await side.found()
        off = np.abs(errors_ms(side.truth, found))
        assert (off <= [doubt for _, _, doubt in found]).all()
        assert {batch.clock.boot for batch in await side.batches("wear")} == {65535, 0}

    live_through(tmp_path, scene)


def test_a_computer_that_was_an_hour_behind_at_a_contact_dates_by_what_it_knows_later(tmp_path: Path) -> None:
    async def scene(side: Bedside) -> None:
        assert await side.visit() is After.SELDOM
        await wear(side, 100)
        # As the collector does when this computer's clock is set by an hour between two contacts.
        await side.outbox.ledger.shift_anchors(0, side.clock.utc_ms(), -3_600_000)
        assert await side.visit() is After.SELDOM
        assert np.abs(errors_ms(side.truth, await side.found())).max() <= 100

    live_through(tmp_path, scene)
