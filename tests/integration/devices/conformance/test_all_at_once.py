"""One home with a device of every family: the real collector finds each by its driver and keeps them apart."""

from __future__ import annotations

import asyncio
from datetime import UTC
from pathlib import Path

from gateway.home.collect.collector import Collector
from gateway.home.devices.driver import Capability
from simulators.devices import DeviceClock, Finger
from tests.integration.devices.conformance.families import FAMILIES
from tests.integration.devices.conformance.stand import LIVE_MS, Stand, assert_same, local_now, stand, trace

STREAM_S = 60.0


def test_a_device_of_every_family_is_collected_from_at_the_same_time(tmp_path: Path) -> None:
    async def story(side: Stand) -> None:
        devices = {}
        for number, family in enumerate(FAMILIES):
            radio = await side.ether.add_peripheral(rssi_dbm=-58)
            own = DeviceClock(side.clock, local_now(side.clock))
            device = family.build(radio, side.clock, Finger([trace(600)]), f"26091400{number:02}", own)
            await device.start()
            if family.act is not None:
                await family.act(device)
            devices[family.driver.family] = device
        collector = Collector(side.radio, side.outbox, side.clock, mode="live", live_ms=LIVE_MS, zone=UTC)
        task = asyncio.create_task(collector.run())
        await side.clock.sleep(STREAM_S + 0.3)
        for device in devices.values():
            await device.stop()
        await side.clock.sleep(3)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert sorted(known.family for known in collector.known.values()) == sorted(devices)
        for family in FAMILIES:
            [device_name] = [known.device for known in collector.known.values() if known.family == family.driver.family]
            origin = "live" if Capability.LIVE in family.driver.capabilities else "stored"
            rows = await side.rows(family.kind, origin, device_name)
            assert family.live is not None
            truth = family.live(devices[family.driver.family])
            assert len(rows) >= (len(truth) - 2)
            assert len(rows) >= (3 if family.act is not None else 0.3 * STREAM_S)
            assert_same(rows, truth[: len(rows)])

    stand(tmp_path, story)
