"""An air with one adapter and one ring for each test, in simulated time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field

import pytest_asyncio
from bleak import BleakClient, BleakScanner
from bleak.backends.device import BLEDevice
from bumble.att import Attribute, AttributeValue
from bumble.core import UUID, AdvertisingData
from bumble.device import Device
from bumble.gatt import Characteristic, Descriptor, Service

from simulators.radio import Adapter, Ether, Faults
from simulators.timeloop import JumpingLoop

ADDRESS = "C4:00:00:00:00:01"
NAME = "Ring 0001"
SERVICE = "14839ac4-7d7e-415c-9a42-167340cf2339"
_P = Characteristic.Properties


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Every test of this folder runs on a loop whose time jumps."""
    return {"simulated": JumpingLoop}


@dataclass
class Ring:
    """A peripheral with one characteristic of each kind."""

    device: Device
    faults: Faults
    written: list[bytes] = field(default_factory=list)
    descriptors_written: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        readable, writable = Attribute.READABLE, Attribute.WRITEABLE
        secured = Attribute.READ_REQUIRES_ENCRYPTION | Attribute.WRITE_REQUIRES_ENCRYPTION
        store = AttributeValue(write=lambda _, value: self.written.append(bytes(value)))
        note = AttributeValue(
            read=lambda _: b"note", write=lambda _, value: self.descriptors_written.append(bytes(value))
        )
        self.value = Characteristic("FF01", _P.READ | _P.NOTIFY, readable, bytes(range(256)) * 2)
        self.inbox = Characteristic("FF02", _P.WRITE | _P.WRITE_WITHOUT_RESPONSE, writable, store)
        self.frames = Characteristic("FF03", _P.NOTIFY, readable, b"")
        self.results = Characteristic("FF04", _P.INDICATE, readable, b"")
        self.both = Characteristic("FF05", _P.NOTIFY | _P.INDICATE, readable, b"")
        self.sealed = Characteristic("FF06", _P.READ | _P.WRITE, readable | writable | secured, b"sealed")
        self.mute = Characteristic("FF07", _P.WRITE, writable, b"", [Descriptor("2901", readable | writable, note)])
        self.device.add_service(
            Service(
                UUID(SERVICE),
                [self.value, self.inbox, self.frames, self.results, self.both, self.sealed, self.mute],
            )
        )

    async def advertise(self, *, interval_ms: float = 100.0) -> None:
        self.device.advertising_data = bytes(
            AdvertisingData([(AdvertisingData.Type.FLAGS, b"\x06"), (0x07, UUID(SERVICE).to_bytes())])
        )
        self.device.scan_response_data = bytes(
            AdvertisingData([(0x09, NAME.encode()), (0xFF, b"\x4e\xf3\x01\x02"), (0x0A, b"\xfc")])
        )
        await self.device.start_advertising(
            auto_restart=True, advertising_interval_min=interval_ms, advertising_interval_max=interval_ms
        )

    async def push(self, value: bytes) -> None:
        await self.device.notify_subscribers(self.frames, value)


@pytest_asyncio.fixture
async def ether() -> AsyncIterator[Ether]:
    async with Ether(seed=1) as ether:
        yield ether


@pytest_asyncio.fixture
async def adapter(ether: Ether) -> Adapter:
    return await ether.adapter("hci0")


@pytest_asyncio.fixture
async def ring(ether: Ether) -> Ring:
    device = await ether.add_peripheral(ADDRESS, name=NAME, rssi_dbm=-58, max_mtu=247)
    ring = Ring(device, ether.faults(device))
    await ring.advertise()
    return ring


@pytest_asyncio.fixture
async def found(ring: Ring, adapter: Adapter) -> BLEDevice:
    device = await BleakScanner.find_device_by_address(ADDRESS, backend=adapter.scanner_class)
    assert device is not None
    return device


@pytest_asyncio.fixture
async def client(found: BLEDevice, adapter: Adapter) -> AsyncIterator[BleakClient]:
    async with BleakClient(found, backend=adapter.client_class) as client:
        yield client
