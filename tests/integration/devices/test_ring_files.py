"""Files of an O2Ring that make no sense: set aside, with the ring left to its sleep and its other files pulled."""

from __future__ import annotations

from pathlib import Path

from gateway.home.devices.driver import After
from gateway.home.devices.viatom.driver import ViatomDriver
from simulators.devices import DeviceClock, Finger, O2Ring
from tests.integration.devices.conformance.stand import SERIAL, Stand, local_now, stand, trace


def test_a_file_that_makes_no_sense_is_set_aside_and_keeps_no_other_back(tmp_path: Path) -> None:
    async def story(side: Stand) -> None:
        ring = O2Ring(
            await side.ether.add_peripheral(rssi_dbm=-58),
            side.clock,
            Finger([trace(300), trace(200, start_s=500)]),
            serial=SERIAL,
            own_clock=DeviceClock(side.clock, local_now(side.clock)),
        )
        await ring.start()
        await side.clock.sleep(850)
        first, _second = ring.memory
        right = ring.recorder.memory[first]
        ring.recorder.memory[first] = b"\xee" * len(right)
        assert await side.visit(ViatomDriver, ring, "stored") is After.REST
        worn = [row for row in await side.rows("oximetry", "stored") if row.values[0] > 0]
        assert len(worn) == 50  # the second, a record each 4 s
        [kept] = await side.outbox.set_aside.newest()
        assert kept.reason.startswith(first)
        ring.recorder.memory[first] = right  # it was a fault of the transfer after all
        assert await side.visit(ViatomDriver, ring, "stored") is After.REST
        worn = [row for row in await side.rows("oximetry", "stored") if row.values[0] > 0]
        assert len(worn) == 125

    stand(tmp_path, story)
