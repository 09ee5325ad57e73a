"""The firmware (control point, GATT server, log, settings) under CPython, at the other end of a link in memory.

What is replaced is the Bluetooth stack and the air alone: the stack keeps MicroPython's interface, and may drop, double
or cut notifications. Time is the simulated clock's, as the device's crystal sees it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from edge.common.bonds import Bonds
from edge.common.control import ControlPoint
from edge.common.device import Device
from edge.common.gatt import GattServer
from edge.common.store import Store
from gateway.errors import DeviceError
from simulators.timeloop import SimulatedClock
from tests.unit.edge.flash import NorFlash

ADDRESS = "C4:00:00:00:00:07"
GATEWAY = b"\x01\x02\x03\x04\x05\x06"
CONNECT, DISCONNECT, WRITTEN, READING, INDICATED, MTU, ENCRYPTION, SET_SECRET = 1, 2, 3, 4, 20, 21, 28, 30
PUMP_S = 0.02


class Board:
    """Flash and a tick counter of 30 bits whose crystal is `ppm` fast."""

    def __init__(self, clock: SimulatedClock, flash: NorFlash, raw0: int = 0) -> None:
        self.flash = flash
        self.ppm = 0.0
        self.battery = 77
        self._clock = clock
        self._raw0 = raw0
        self._since_s = clock.monotonic_s()
        self._elapsed_ms = 0.0

    def set_ppm(self, ppm: float) -> None:
        """From now on."""
        self._elapsed_ms = self._now_ms()
        self._since_s = self._clock.monotonic_s()
        self.ppm = ppm

    def _now_ms(self) -> float:
        return self._elapsed_ms + (self._clock.monotonic_s() - self._since_s) * 1000 * (1 + self.ppm * 1e-6)

    def ticks(self) -> int:
        return (self._raw0 + int(self._now_ms())) % (1 << 30)

    def battery_pct(self) -> int:
        return self.battery


@dataclass
class Air:
    """What happens to notifications. Counted over the life of the device."""

    sent: int = 0
    cut_after: int | None = None
    """The link is lost when so many notifications have arrived."""
    lose: set[int] = field(default_factory=set)
    """Notifications (by number) that never arrive though the link stays up."""
    double: set[int] = field(default_factory=set)
    mtu: int = 247
    buffers: int = 12


class Peripheral:
    """One of our devices with its supply on: flash and settings outlast `reboot`."""

    def __init__(self, clock: SimulatedClock, store: Store, kind: int, layout: int, size: int, **options: int) -> None:
        self.clock = clock
        self.store = store
        self.shape = kind, layout, size
        self.flash = NorFlash(options.get("blocks", 64), 4096)
        self.air = Air()
        self.raw0 = options.get("raw0", 0)
        self.pairing = True
        self.bonded = False
        self.woken = asyncio.Event()
        """Set whenever the main loop may have something to do."""
        self.boot()

    def boot(self) -> None:
        self.board = Board(self.clock, self.flash, self.raw0)
        names = ("somnolink-mad", "MAD recorder") if self.shape[0] == 1 else ("somnolink-bed", "bed sensor")
        self.device = Device(self.board, self.store, *self.shape, *names)
        self.control = ControlPoint(
            self.device.log, self.device.secret(), self.device.now, self.device.add_anchor, random=bytes
        )
        self.stack = Stack(self)
        self.server = GattServer(self.stack, str, self.control, Bonds(self.store), self.device)
        self.link: MemoryLink | None = None

    def reboot(self, ppm: float | None = None) -> None:
        if self.link is not None:
            self.link.lose()
        fast = self.board.ppm
        self.boot()
        self.board.ppm = fast if ppm is None else ppm

    @property
    def secret(self) -> bytes:
        return bytes(self.device.secret())

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[MemoryLink]:
        """A link for the length of the block, the firmware's main loop beside it."""
        link = self.link = MemoryLink(self)
        self.stack.event(CONNECT, 1, 0, memoryview(GATEWAY))
        self.stack.event(MTU, 1, self.air.mtu)
        self.server.pairing = self.pairing
        if self.bonded:
            self.stack.event(ENCRYPTION, 1, True, False, True, 16)
        loop = asyncio.create_task(self._main(link))
        try:
            yield link
        finally:
            link.lose()
            loop.cancel()
            await asyncio.gather(loop, return_exceptions=True)
            self.server.pump()

    async def _main(self, link: MemoryLink) -> None:
        while not link.lost:
            self.stack.free = self.air.buffers
            self.woken.clear()
            before = self.air.sent, self.stack.indicated
            self.server.pump()
            await self.clock.sleep(PUMP_S)
            if before == (self.air.sent, self.stack.indicated):
                await self.woken.wait()  # nothing comes of a pump until something has happened


class Stack:
    """MicroPython's BLE object, as far as the server asks it."""

    def __init__(self, peripheral: Peripheral) -> None:
        self.peripheral = peripheral
        self.values: dict[int, bytes] = {}
        self.uuids: dict[str, int] = {}
        self.free = 12
        self.indicated = 0

    def active(self, on: bool) -> None: ...

    def config(self, **settings: object) -> None: ...

    def irq(self, handler: object) -> None:
        self.handler = handler

    def event(self, number: int, *data: object) -> object:
        self.peripheral.woken.set()
        return self.handler(number, data)  # type: ignore[operator]  # the firmware has no types

    def gatts_register_services(self, services: tuple) -> tuple:  # type: ignore[type-arg]  # as MicroPython's
        number = 10
        rows = []
        for _, characteristics in services:
            row = []
            for uuid, _flags in characteristics:
                number += 3
                self.values[number] = b""
                self.uuids[uuid if isinstance(uuid, str) and "-" in uuid else long_form(int(uuid))] = number
                row.append(number)
            rows.append(tuple(row))
        return tuple(rows)

    def gatts_set_buffer(self, handle: int, size: int) -> None: ...

    def gatts_write(self, handle: int, value: bytes, update: bool = False) -> None:
        self.values[handle] = bytes(value)

    def gatts_read(self, handle: int) -> bytes:
        return self.values[handle]

    def gatts_notify(self, connection: int, handle: int, data: bytes) -> None:
        air, link = self.peripheral.air, self.peripheral.link
        if not self.free:
            raise OSError(12)
        self.free -= 1
        number = air.sent
        air.sent += 1
        if link is None or link.lost or number in air.lose:
            return
        for _ in range(2 if number in air.double else 1):
            link.arrive(handle, bytes(data))
        if air.cut_after is not None and air.sent >= air.cut_after:
            air.cut_after = None
            link.lose()

    def gatts_indicate(self, connection: int, handle: int, data: bytes) -> None:
        link = self.peripheral.link
        self.indicated += 1
        if link is not None and not link.lost:
            link.arrive(handle, bytes(data)[: self.peripheral.air.mtu - 3])
            self.event(INDICATED, 1, handle, 0)

    def gap_disconnect(self, connection: int) -> None:
        if self.peripheral.link is not None:
            self.peripheral.link.lose()

    def gap_advertise(self, interval: int, adv_data: object = None, resp_data: object = None) -> None: ...


class MemoryLink:
    """See `gateway.home.devices.driver.Link`."""

    address = ADDRESS

    def __init__(self, peripheral: Peripheral) -> None:
        self._peripheral = peripheral
        self._queues: dict[int, asyncio.Queue[bytes | None]] = {}
        self.lost = False

    def lose(self) -> None:
        if not self.lost:
            self.lost = True
            self._peripheral.stack.event(DISCONNECT, 1, 0, memoryview(GATEWAY))
            for queue in self._queues.values():
                queue.put_nowait(None)

    def arrive(self, handle: int, data: bytes) -> None:
        if handle in self._queues:
            self._queues[handle].put_nowait(data)

    def _handle(self, characteristic: str) -> int:
        if self.lost:
            raise DeviceError(f"{self.address}: the link is gone")
        return self._peripheral.stack.uuids[characteristic]

    def has(self, characteristic: str) -> bool:
        return characteristic in self._peripheral.stack.uuids

    async def read(self, characteristic: str) -> bytes:
        handle = self._handle(characteristic)
        await self._peripheral.clock.sleep(0.03)
        self._peripheral.stack.event(READING, 1, handle)
        return self._peripheral.stack.values[handle]

    async def write(self, characteristic: str, data: bytes, *, response: bool) -> None:
        handle = self._handle(characteristic)
        await self._peripheral.clock.sleep(0.03)
        self._handle(characteristic)
        self._peripheral.stack.values[handle] = data
        self._peripheral.stack.event(WRITTEN, 1, handle)

    @asynccontextmanager
    async def notifications(self, characteristic: str) -> AsyncIterator[asyncio.Queue[bytes | None]]:
        handle = self._handle(characteristic)
        queue = self._queues[handle] = asyncio.Queue()
        try:
            yield queue
        finally:
            del self._queues[handle]

    async def pair(self) -> None:
        if self._peripheral.bonded:
            return
        kept = self._peripheral.stack.event(SET_SECRET, 2, memoryview(b"peer"), memoryview(b"ltk"))
        self._peripheral.bonded = bool(kept)
        self._peripheral.stack.event(ENCRYPTION, 1, True, False, True, 16)
        await self._peripheral.clock.sleep(0.1)

    def payload(self, characteristic: str) -> int:
        return self._peripheral.air.mtu - 3


def long_form(number: int) -> str:
    return f"0000{number:04x}-0000-1000-8000-00805f9b34fb"
