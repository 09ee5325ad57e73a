"""What the collector needs of Bluetooth, on bleak: hear advertisements, open a link. The backend is a parameter."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeVar

from bleak import BleakClient, BleakScanner
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from bleak.exc import BleakError
from bleak_retry_connector import (
    BleakAbortedError,
    BleakClientWithServiceCache,
    BleakConnectionError,
    BleakNotFoundError,
    BleakOutOfConnectionSlotsError,
    establish_connection,
)

from gateway.errors import DeviceError, DeviceUnreachableError
from gateway.home.collect.recovery import NoRepairs, Repairs
from gateway.home.devices.driver import Sighting

CALL_TIMEOUT_S: Final = 30.0
"""ATT gives up a request after 30 s (Core 5.4, Vol 3, Part F, 3.3.3); so do we."""

CONNECT_ATTEMPTS: Final = 3
"""Tries within one visit; what comes after is the collector's back-off, which leaves the device its sleep."""

UNREACHABLE: Final = (
    BleakError,
    BleakAbortedError,
    BleakConnectionError,
    BleakNotFoundError,
    BleakOutOfConnectionSlotsError,
    TimeoutError,
    OSError,
    EOFError,
)
"""What a connection attempt may end in on one backend or another. Cancellation is not among them."""

LOST: Final = (BleakError, TimeoutError, OSError, EOFError)

T = TypeVar("T")
log = logging.getLogger(__name__)


class AnyRadio(Protocol):
    """What the collector needs of a radio, or of several that act as one."""

    @property
    def repairs(self) -> Repairs:
        """What mends it."""

    def scan(self, heard: Callable[[Sighting, BLEDevice], None]) -> AbstractAsyncContextManager[None]:
        """Call `heard` with each advertisement for the length of the block."""

    def connect(self, device: BLEDevice) -> AbstractAsyncContextManager[BleakLink]:
        """Hold a link for the length of the block."""

    async def forget_bond(self, device: BLEDevice) -> None:
        """Throw the bond with a device away."""


@dataclass(frozen=True, slots=True)
class Radio:
    """A Bluetooth adapter: bleak's backend classes, or None for the platform's own; and what mends it."""

    client: type[BaseBleakClient] | None = None
    scanner: type[BaseBleakScanner] | None = None
    repairs: Repairs = field(default_factory=NoRepairs)

    @asynccontextmanager
    async def scan(self, heard: Callable[[Sighting, BLEDevice], None]) -> AsyncIterator[None]:
        """Call `heard` with each advertisement for the length of the block.

        Raises
        ------
        DeviceUnreachableError
            There is no adapter, or it does not scan.
        """

        def detected(device: BLEDevice, data: AdvertisementData) -> None:
            heard(sighting_of(device, data), device)

        options: dict[str, Any] = {} if self.scanner is None else {"backend": self.scanner}
        try:
            scanner = BleakScanner(detection_callback=detected, **options)
            # A Bluetooth service that hangs answers nothing, and bleak waits for its answers without an end.
            async with asyncio.timeout(CALL_TIMEOUT_S):
                await scanner.start()
        except LOST as error:
            raise DeviceUnreachableError(f"the Bluetooth adapter does not scan: {_why(error)}") from None
        try:
            yield
        finally:
            try:
                async with asyncio.timeout(CALL_TIMEOUT_S):
                    await scanner.stop()
            except LOST as error:
                log.warning("the scanner did not stop cleanly: %s", _why(error))

    async def forget_bond(self, device: BLEDevice) -> None:
        """Throw the bond with a device away; it is then not known before it is heard again.

        Raises
        ------
        DeviceUnreachableError
            The adapter refuses.
        """
        options: dict[str, Any] = {} if self.client is None else {"backend": self.client}
        try:
            async with asyncio.timeout(CALL_TIMEOUT_S):
                await BleakClient(device, **options).unpair()
        except NotImplementedError:
            log.warning("%s: remove it in this computer's Bluetooth settings, then let it pair anew", device.address)
        except LOST as error:
            raise DeviceUnreachableError(f"the bond with {device.address} is not forgotten: {error}") from None

    @asynccontextmanager
    async def connect(self, device: BLEDevice) -> AsyncIterator[BleakLink]:
        """Hold a link for the length of the block; it is always let go.

        Raises
        ------
        DeviceUnreachableError
            It could not be connected.
        """
        link = BleakLink(device.address)
        options: dict[str, Any] = {} if self.client is None else {"backend": self.client}
        try:
            client = await establish_connection(
                BleakClientWithServiceCache,
                device,
                device.name or device.address,
                disconnected_callback=link.lose,
                max_attempts=CONNECT_ATTEMPTS,
                **options,
            )
        except UNREACHABLE as error:
            raise DeviceUnreachableError(f"{device.address} cannot be connected: {error}") from None
        link.attach(client)
        try:
            yield link
        finally:
            try:
                async with asyncio.timeout(CALL_TIMEOUT_S):
                    await client.disconnect()
            except LOST as error:
                log.warning("%s did not disconnect cleanly: %s", device.address, _why(error))


def _why(error: BaseException) -> str:
    return str(error) or type(error).__name__


def sighting_of(device: BLEDevice, data: AdvertisementData) -> Sighting:
    """Return an advertisement in the drivers' terms."""
    return Sighting(
        device.address,
        data.local_name or device.name or "",
        data.rssi,
        frozenset(uuid.lower() for uuid in data.service_uuids),
        dict(data.manufacturer_data),
    )


class BleakLink:
    """A link on bleak; see `gateway.home.devices.driver.Link`."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._client: BleakClient | None = None
        self._lost = False
        self._queues: list[asyncio.Queue[bytes | None]] = []
        self._found: dict[str, BleakGATTCharacteristic] = {}
        self.active_s = asyncio.get_running_loop().time()
        """When something last came or went, on the event loop's (and so the clock's) monotonic time."""

    def attach(self, client: BleakClient) -> None:
        """Put the connected client in place."""
        self._client = client

    def lose(self, _client: BleakClient) -> None:
        """Take note that the link is gone: whoever waits for a notification is told."""
        self.give_up()

    def give_up(self) -> None:
        """Treat the link as lost, whatever the adapter says of it."""
        self._lost = True
        for queue in self._queues:
            queue.put_nowait(None)

    def _note_activity(self) -> None:
        self.active_s = asyncio.get_running_loop().time()

    @property
    def address(self) -> str:
        """The address connected to."""
        return self._address

    def _connected(self) -> BleakClient:
        if self._client is None or self._lost:
            raise DeviceError(f"{self._address}: the link is gone")
        return self._client

    async def _call(self, what: str, call: Awaitable[T], characteristic: str = "") -> T:
        try:
            async with asyncio.timeout(CALL_TIMEOUT_S):
                result = await call
        except LOST as error:
            what = f"{what} {characteristic[:8]}".rstrip()
            raise DeviceError(f"{self._address}: {what}: {error or type(error).__name__}") from None
        self._note_activity()
        return result

    def has(self, characteristic: str) -> bool:
        """Whether the device offers a characteristic."""
        return self._connected().services.get_characteristic(characteristic) is not None

    async def read(self, characteristic: str) -> bytes:
        """Read a characteristic."""
        return bytes(await self._call("read", self._connected().read_gatt_char(characteristic), characteristic))

    async def write(self, characteristic: str, data: bytes, *, response: bool) -> None:
        """Write a characteristic."""
        client = self._connected()
        target: BleakGATTCharacteristic | str | None = self._found.get(characteristic)
        if target is None:
            # Looked up once a link: a file is hundreds of requests.
            found = client.services.get_characteristic(characteristic)
            target = characteristic if found is None else self._found.setdefault(characteristic, found)
        await self._call("write", client.write_gatt_char(target, data, response=response), characteristic)

    async def pair(self) -> None:
        """Pair and bond where there is no bond yet."""
        try:
            await self._call("pair", self._connected().pair())
        except NotImplementedError:
            log.debug("%s: this platform pairs when a characteristic asks for it", self._address)

    def payload(self, characteristic: str) -> int:
        """Bytes that a notification may carry now: the MTU less 3."""
        found = self._connected().services.get_characteristic(characteristic)
        return 0 if found is None else found.max_write_without_response_size

    @asynccontextmanager
    async def notifications(self, characteristic: str) -> AsyncIterator[asyncio.Queue[bytes | None]]:
        """Subscribe for the length of the block."""
        client = self._connected()
        queue: asyncio.Queue[bytes | None] = asyncio.Queue()

        def received(_sender: BleakGATTCharacteristic, data: bytearray) -> None:
            self._note_activity()
            queue.put_nowait(bytes(data))

        self._queues.append(queue)
        try:
            await self._call("subscribe", client.start_notify(characteristic, received), characteristic)
            if self._lost:
                queue.put_nowait(None)
            yield queue
        finally:
            self._queues.remove(queue)
            if not self._lost:
                try:
                    async with asyncio.timeout(CALL_TIMEOUT_S):
                        await client.stop_notify(characteristic)
                except LOST:
                    log.debug("%s went while a subscription was ended", self._address)
