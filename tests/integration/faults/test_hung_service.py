"""A Bluetooth service that answers nothing at all: bleak would wait for it without an end, the gateway does not."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from bleak.backends.device import BLEDevice

from gateway.errors import DeviceUnreachableError
from gateway.home.collect.radio import CALL_TIMEOUT_S, Radio
from gateway.home.devices.driver import Sighting
from simulators.timeloop import SimulatedClock
from tests.integration.faults.families import PLX
from tests.integration.faults.household import T0, household, live_through, trace


async def never() -> None:
    await asyncio.Event().wait()


def test_a_scanner_that_does_not_start_is_told_and_one_that_does_not_stop_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main(clock: SimulatedClock) -> None:
        async with household(clock, tmp_path) as home:
            await home.stop_gateway()
            radio = Radio(home.adapter.client_class, home.adapter.scanner_class)
            with monkeypatch.context() as hung:
                hung.setattr(home.adapter.scanner_class, "start", lambda _: never())
                before_s = clock.monotonic_s()
                with pytest.raises(DeviceUnreachableError, match="does not scan: TimeoutError"):
                    async with radio.scan(lambda *_: None):
                        raise AssertionError("it scans")
                assert clock.monotonic_s() - before_s == pytest.approx(CALL_TIMEOUT_S)
                home.start_gateway()
                await clock.sleep(CALL_TIMEOUT_S + 5)
                assert "adapter_unavailable" in home.collector.notices
            night = trace(300, clock.utc_ms() + 60_000)
            await PLX.put(home, night)
            await clock.sleep(400)
            await home.into_store()
            assert "adapter_unavailable" not in home.collector.notices
            assert len(home.rows(PLX.device)) > 200
            monkeypatch.setattr(home.adapter.scanner_class, "stop", lambda _: never())

    live_through(main)


def test_a_link_that_cannot_be_let_go_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main(clock: SimulatedClock) -> None:
        async with household(clock, tmp_path) as home:
            await home.stop_gateway()
            await PLX.put(home, trace(3_600, T0 + 5_000))
            radio = Radio(home.adapter.client_class, home.adapter.scanner_class)
            found: asyncio.Future[BLEDevice] = asyncio.get_running_loop().create_future()

            def heard(_: Sighting, device: BLEDevice) -> None:
                if not found.done():
                    found.set_result(device)

            async with radio.scan(heard), asyncio.timeout(60):
                device = await found
            with monkeypatch.context() as hung:
                async with radio.connect(device):
                    hung.setattr(home.adapter.client_class, "disconnect", lambda _: never())
                    before_s = clock.monotonic_s()
                assert clock.monotonic_s() - before_s == pytest.approx(CALL_TIMEOUT_S)

    live_through(main)
