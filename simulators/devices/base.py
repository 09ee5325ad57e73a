"""What all virtual peripherals share: life on the radio, a serial number, a clock, a battery, and mishaps."""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from typing import Any, Final

from bumble import hci
from bumble.core import AdvertisingData
from bumble.device import Connection, Device
from bumble.gatt import Characteristic, CharacteristicValue, Service

from gateway.clock import Clock
from simulators.devices.battery import Battery
from simulators.devices.clocks import DeviceClock

_LOG = logging.getLogger(__name__)

ADVERTISING_FLAGS: Final = b"\x06"
"""General discoverable, no classic radio."""
_LEGACY_DATA: Final = 31
"""Bytes of an advertisement, and of a scan response, of a legacy advertiser."""


class VirtualDevice(ABC):
    """A peripheral with a GATT server.

    Parameters
    ----------
    radio : bumble Device
        Its place on the virtual radio; powered on by `start` where it is not yet.
    clock : Clock
        True time.
    serial : str
        Serial number.
    own_clock : DeviceClock or None
        What it takes for the time; None for a clock that was never set.
    battery : Battery
    """

    tick_s: float = 10.0
    """How often it looks after itself."""

    def __init__(
        self, radio: Device, clock: Clock, *, serial: str, own_clock: DeviceClock | None, battery: Battery
    ) -> None:
        self.radio = radio
        self.clock = clock
        self.serial = serial
        self.own_clock = own_clock if own_clock is not None else DeviceClock(clock)
        self.battery = battery
        self._connections: list[Connection] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._changing = asyncio.Lock()
        self._running = False
        self._served = False

    @property
    def address(self) -> str:
        """Its address on the air, XX:XX:XX:XX:XX:XX."""
        return str(self.radio.random_address.to_string(with_type_qualifier=False))

    @property
    def connected(self) -> bool:
        """Whether a central is connected."""
        return bool(self._connections)

    @property
    def running(self) -> bool:
        """Whether it is switched on and has power."""
        return self._running

    @abstractmethod
    def services(self) -> list[Service]:
        """Return its GATT services, made once."""

    @abstractmethod
    def advertisement(self) -> tuple[list[tuple[int, bytes]], list[tuple[int, bytes]]]:
        """Return what it advertises and what it adds when asked, as (type, value), 31 bytes in all each."""

    def wants_to_advertise(self) -> bool:
        """Whether it would advertise now, with nobody connected."""
        return True

    def on_tick(self) -> None:  # noqa: B027 - a hook that most need not use
        """Look after itself, every `tick_s`."""

    def on_connected(self, connection: Connection) -> None:  # noqa: B027 - a hook that most need not use
        """A central has connected."""

    def on_disconnected(self, connection: Connection) -> None:  # noqa: B027 - a hook that most need not use
        """A central has gone, for whatever reason."""

    def on_power_lost(self) -> None:  # noqa: B027 - a hook that most need not use
        """The power is about to go."""

    async def start(self) -> None:
        """Switch it on: serve, advertise, live. Does nothing when it is on."""
        if self._running:
            return
        if not self._served:
            self.radio.add_services(self.services())
            self.radio.on(Device.EVENT_CONNECTION, self._connected)
            self._served = True
        if not self.radio.powered_on:
            await self.radio.power_on()
        self._running = True
        await self._advertise()
        self.spawn(self._live())

    async def stop(self) -> None:
        """Switch it off: advertising ends, links close. What it keeps in its memory stays."""
        if not self._running:
            return
        self._running = False
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.on_power_lost()
        await self._advertise()
        await self._hang_up()

    async def empty_battery(self) -> None:
        """Let the battery run empty now: as `stop`, and the clock is lost."""
        self.battery.charge(0.0)
        await self.stop()
        self.own_clock.lose()

    async def reset(self, address: str) -> None:
        """Restart with another address and a clock that was never set; serial number and memory stay."""
        await self.stop()
        self.own_clock.lose()
        random_address = hci.Address(address, hci.Address.RANDOM_DEVICE_ADDRESS)
        await self.radio.send_sync_command(hci.HCI_LE_Set_Random_Address_Command(random_address=random_address))
        self.radio.random_address = random_address
        self.radio.static_address = random_address
        await self.start()

    def jump_clock(self, seconds: float) -> None:
        """Let its own clock jump, as a firmware fault or a user does."""
        self.own_clock.jump(seconds)

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run something until it ends or the device is switched off."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _LOG.error("virtual device %s: %r", self.serial, error, exc_info=error)

    async def _live(self) -> None:
        while True:
            if self.battery.empty:
                # Its own task cannot await the end of all its tasks.
                asyncio.get_running_loop().create_task(self.empty_battery()).add_done_callback(_retrieve)
                return
            self.on_tick()
            await self._advertise()
            await self.clock.sleep(self.tick_s)

    async def _advertise(self) -> None:
        """Advertise, or not, as it should now."""
        async with self._changing:
            wanted = self._running and not self._connections and self.wants_to_advertise()
            if wanted == self.radio.is_advertising:
                return
            if wanted:
                data, response = (structures(part) for part in self.advertisement())
                await self.radio.start_advertising(advertising_data=data, scan_response_data=response)
            else:
                await self.radio.stop_advertising()

    async def _hang_up(self) -> None:
        for connection in list(self._connections):
            await connection.disconnect()

    def _connected(self, connection: Connection) -> None:
        self._connections.append(connection)
        connection.on(Connection.EVENT_DISCONNECTION, lambda _reason: self._disconnected(connection))
        self.on_connected(connection)

    def _disconnected(self, connection: Connection) -> None:
        if connection in self._connections:
            self._connections.remove(connection)
            self.on_disconnected(connection)
        if self._running:
            self.spawn(self._advertise())


def _retrieve(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        _LOG.error("a virtual device did not stop: %r", error, exc_info=error)


def structures(parts: list[tuple[int, bytes]]) -> bytes:
    """Return advertising structures as bytes; more than fit in a legacy advertisement are a `ValueError`."""
    data = bytes(AdvertisingData([(AdvertisingData.Type(kind), value) for kind, value in parts]))
    if len(data) > _LEGACY_DATA:
        raise ValueError(f"an advertisement holds {_LEGACY_DATA} bytes, not {len(data)}")
    return data


def readable(uuid: str, value: Callable[[], bytes]) -> Characteristic[bytes]:
    """Return a characteristic whose value is asked for at each read."""
    return Characteristic(
        uuid,
        Characteristic.Properties.READ,
        Characteristic.Permissions.READABLE,
        CharacteristicValue(read=lambda _connection: value()),
    )
