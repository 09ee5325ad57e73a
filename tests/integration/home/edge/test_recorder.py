"""The gateway and a MAD recorder, whose other side is the firmware itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gateway.errors import DeviceError
from gateway.home.devices.driver import After
from tests.integration.home.edge.bedside import Bedside, errors_ms, live_through


def test_every_record_arrives_once_and_the_recorder_is_free_of_it(tmp_path: Path) -> None:
    async def scene(side: Bedside) -> None:
        assert await side.visit() is After.SELDOM
        for mark in range(100):
            await side.clock.sleep(300)
            side.record(mark)
        assert await side.visit() is After.SELDOM
        assert side.device.device.log.pending == 0
        assert np.abs(errors_ms(side.truth, await side.found())).max() <= 100
        assert side.progress[-1] == (1400, 1400)

    live_through(tmp_path, scene)


@pytest.mark.parametrize("cut", [1, 2, 3, 10, 64, 65, 127])
def test_after_a_cut_at_a_notification_nothing_on_disk_is_asked_for_again(tmp_path: Path, cut: int) -> None:
    """2,200 records are 130 notifications; the commit is every 64."""

    async def scene(side: Bedside) -> None:
        assert await side.visit() is After.SELDOM
        for mark in range(2200):
            await side.clock.sleep(60)
            side.record(mark % 4000)
        air = side.device.air
        before = air.sent
        air.cut_after = before + cut
        assert isinstance(await side.visit(), DeviceError)
        assert len(await side.found()) == cut * 17
        assert await side.visit() is After.SELDOM
        errors_ms(side.truth, await side.found())
        assert side.device.device.log.pending == 0
        # What arrived before the cut was not sent again: 2,200 records in notifications of 17.
        assert air.sent - before <= cut + 6 + -(-(2200 - 17 * cut) // 17)

    live_through(tmp_path, scene)


def test_lost_and_doubled_notifications_and_void_slots_cost_nothing(tmp_path: Path) -> None:
    async def scene(side: Bedside) -> None:
        assert await side.visit() is After.SELDOM
        for mark in range(1000):
            await side.clock.sleep(60)
            side.record(mark)
        air = side.device.air
        air.lose = {air.sent, air.sent + 7, air.sent + 8, air.sent + 33, air.sent + 60}
        air.double = {air.sent + 3, air.sent + 20}
        spoil(side, [0, 1, 99, 400, 999])
        assert await side.visit() is After.SELDOM
        errors_ms(side.truth, await side.found())
        assert side.device.device.log.pending == 0

    live_through(tmp_path, scene)


def spoil(side: Bedside, places: list[int]) -> None:
    """Flip a bit of records on flash: their slots are void."""
    log = side.device.device.log
    for place in places:
        page = log._page_of(place)
        at = page.block * 4096 + 52 + (place - page.first) * page.slot
        side.device.flash.cells[at + 2] ^= 1
    gone = {side.truth[place] for place in places}
    side.truth = [one for one in side.truth if one not in gone]
