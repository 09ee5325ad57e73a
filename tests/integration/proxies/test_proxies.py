"""A ring in another room, through a Bluetooth proxy: the gateway's real client, a fake of the board's API server.

In real time: the package keeps time by itself. Not run here: a real board, its encryption (Noise), its Wi-Fi.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("bleak_esphome", reason="the extra proxies is not installed")

from gateway.clock import SystemClock
from gateway.errors import ConfigurationError, DeviceUnreachableError
from gateway.home.collect import collector as collecting
from gateway.home.collect import proxies
from gateway.home.collect.collector import Collector
from gateway.home.collect.proxies import ProxyAddress, ProxyRadio, Radios
from gateway.home.collect.radio import AnyRadio, Radio
from gateway.home.outbox import Outbox
from gateway.wire.codec import decode_batch
from simulators.devices import DeviceClock, Finger, O2Ring, RingOptions
from simulators.radio import Adapter, Ether
from tests.integration.faults.families import vld_values
from tests.integration.faults.household import trace
from tests.integration.proxies.fake_proxy import FakeProxy

NIGHT_S = 20_000


@dataclass
class House:
    """A bedroom with a proxy, and a hall with the gateway."""

    bedroom: Adapter
    hall: Adapter
    proxy: FakeProxy
    ring: O2Ring
    outbox: Outbox

    async def stored(self) -> list[tuple[float, float]]:
        rows = await self.outbox.next(0, 1 << 20)
        batches = [decode_batch(row.payload) for row in rows]
        batches = sorted((one for one in batches if one.kind == "oximetry"), key=lambda one: one.seq)
        return [
            pair
            for one in batches
            for pair in zip(
                *(np.nan_to_num(one.columns[name], nan=-1).tolist() for name in ("spo2", "pulse")), strict=True
            )
        ]

    async def until(self, condition: Callable[[], Awaitable[bool]], most_s: float = 60.0) -> None:
        async with asyncio.timeout(most_s):
            while not await condition():  # noqa: ASYNC110 - what is waited for is on a disk
                await asyncio.sleep(0.05)

    @asynccontextmanager
    async def collecting(self, radio: AnyRadio) -> AsyncIterator[Collector]:
        collector = Collector(radio, self.outbox, SystemClock())
        task = asyncio.create_task(collector.run())
        try:
            yield collector
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    monkeypatch.setattr(proxies, "AGAIN_S", 0.2)
    monkeypatch.setattr(collecting, "BACKOFF_FIRST_S", 0.2)
    clock = SystemClock()
    start_ms = clock.utc_ms() - (NIGHT_S + 400) * 1000
    async with Ether(seed=1) as ether:
        ring = O2Ring(
            await ether.add_peripheral(rssi_dbm=-58),
            clock,
            Finger([trace(NIGHT_S, start_ms)]),
            serial="2609140042",
            own_clock=DeviceClock(clock, datetime.now(UTC).replace(tzinfo=None)),
            options=RingOptions(sleep_s=1e9),
            since_utc_ms=start_ms,
        )
        await ring.start()
        proxy = FakeProxy(await ether.adapter("bedroom"))
        await proxy.start()
        outbox = Outbox(tmp_path / "outbox.db", clock)
        yield House(await ether.adapter("bedroom"), await ether.adapter("hall"), proxy, ring, outbox)
        await proxy.cut()
        await ring.stop()
        outbox.close()


async def test_a_night_is_pulled_through_a_proxy(house: House) -> None:
    [data] = house.ring.files.values()
    async with house.collecting(ProxyRadio((ProxyAddress("127.0.0.1", house.proxy.port),))) as collector:
        await house.until(lambda: _all_there(house, data))
        assert collector.failures == 0
    assert await house.stored() == vld_values(data)
    await house.until(lambda: _free(house), 10.0)


async def test_a_proxy_that_loses_its_power_is_connected_again_and_the_night_goes_on(house: House) -> None:
    [data] = house.ring.files.values()
    async with house.collecting(ProxyRadio((ProxyAddress("127.0.0.1", house.proxy.port),))) as collector:
        await house.until(lambda: _met(collector))
        port = house.proxy.port
        await house.proxy.cut()
        await house.until(lambda: _free(house))
        await house.proxy.start(port)
        await house.until(lambda: _connected_again(house))
        await house.until(lambda: _all_there(house, data))
    assert await house.stored() == vld_values(data)


async def test_the_house_has_two_radios_and_the_ring_is_reached_by_the_one_that_works(house: House) -> None:
    [data] = house.ring.files.values()
    house.hall.wedge()  # too far away
    local = Radio(house.hall.client_class, house.hall.scanner_class)
    both = Radios(local, ProxyRadio((ProxyAddress("127.0.0.1", house.proxy.port),)))
    async with house.collecting(both):
        await house.until(lambda: _all_there(house, data))
    assert await house.stored() == vld_values(data)


async def test_a_house_whose_proxy_is_away_goes_on_by_its_own_adapter(house: House) -> None:
    [data] = house.ring.files.values()
    await house.proxy.cut()
    local = Radio(house.hall.client_class, house.hall.scanner_class)
    both = Radios(local, ProxyRadio((ProxyAddress("127.0.0.1", house.proxy.port),)))
    async with house.collecting(both):
        await house.until(lambda: _all_there(house, data))
    assert await house.stored() == vld_values(data)


async def test_no_radio_at_all_is_one_clear_line(house: House) -> None:
    await house.proxy.cut()
    house.hall.unplug()
    radio = Radios(
        Radio(house.hall.client_class, house.hall.scanner_class),
        ProxyRadio((ProxyAddress("127.0.0.1", house.proxy.port),)),
    )
    with pytest.raises(DeviceUnreachableError, match=r"does not scan.*no Bluetooth proxy can be reached") as caught:
        async with radio.scan(lambda *_: None):
            raise AssertionError("something scanned")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [("bedroom.local", "bedroom.local", 6053), ("10.0.0.7:6054", "10.0.0.7", 6054), ("[fe80::1]:99", "fe80::1", 99)],
)
def test_a_proxy_is_named_by_host_and_perhaps_port(text: str, host: str, port: int) -> None:
    found = ProxyAddress.parse(text, "key")
    assert (found.host, found.port) == (host, port)
    assert "key" not in repr(found)


@pytest.mark.parametrize("text", ["", "http://x", "x:port", "x:99999", "user@x"])
def test_anything_else_is_one_clear_line(text: str) -> None:
    with pytest.raises(ConfigurationError, match="host or host:port"):
        ProxyAddress.parse(text)


async def _all_there(house: House, data: bytes) -> bool:
    return len(await house.stored()) >= len(vld_values(data))


async def _free(house: House) -> bool:
    return not house.ring.connected


async def _connected_again(house: House) -> bool:
    return house.proxy.connections == 2


async def _met(collector: Collector) -> bool:
    return bool(collector.known)
