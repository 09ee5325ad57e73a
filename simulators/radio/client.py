"""Bleak's client on the virtual radio: what BlueZ does for a program, over bumble's GATT client."""

from __future__ import annotations

import asyncio
import logging
import warnings
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

from bleak import BleakScanner
from bleak.args import SizedBuffer
from bleak.args.bluez import BlueZClientArgs
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient, NotifyCallback
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.device import BLEDevice
from bleak.exc import BleakDBusError, BleakError, BleakGATTProtocolError
from bumble import att, core, gatt, gatt_client, hci
from bumble.device import Connection
from typing_extensions import override

from simulators.radio import errors, services

if TYPE_CHECKING:
    from simulators.radio.adapter import Adapter

T = TypeVar("T")
logger = logging.getLogger(__name__)

DISCONNECT_TIMEOUT_S = 10.0
"""As bleak's BlueZ backend waits for the link to end."""

PAIRING_TIMEOUT_S = 30.0
"""A security manager that waits longer for the other gives up (Core 5.4, Vol 3, Part H, 3.4)."""

_CCCD = gatt.GATT_CLIENT_CHARACTERISTIC_CONFIGURATION_DESCRIPTOR
_Properties = gatt.Characteristic.Properties
_Characteristic = gatt_client.CharacteristicProxy[bytes]


class VirtualClient(BaseBleakClient):
    """A client bound to one adapter; `Adapter.client_class` makes the bound class.

    Parameters
    ----------
    address_or_ble_device, disconnected_callback, timeout
        As bleak's own.
    services
        UUIDs of the services to discover; None: all.
    bluez
        Taken and not needed: the adapter is bound.
    """

    adapter: ClassVar[Adapter]

    def __init__(
        self,
        address_or_ble_device: BLEDevice | str,
        services: set[str] | None = None,
        *,
        disconnected_callback: Callable[[], None] | None,
        timeout: float,
        bluez: BlueZClientArgs | None = None,  # noqa: ARG002 (bleak hands it over)
        **kwargs: Any,  # noqa: ARG002 (bleak hands over those of every platform)
    ) -> None:
        super().__init__(address_or_ble_device, disconnected_callback=disconnected_callback, timeout=timeout)
        self._requested_services = services
        self._given_device = isinstance(address_or_ble_device, BLEDevice)
        self._link: Connection | None = None
        self._link_ended: asyncio.Future[None] | None = None
        self._notifying: dict[int, Callable[[bytes], None]] = {}
        self._operations: set[asyncio.Task[Any]] = set()
        self._mtu_size: int | None = None

    # Connectivity

    @property
    @override
    def name(self) -> str:
        """The device's name, else its address with dashes.

        Raises
        ------
        BleakError
            The device is not known to the adapter.
        """
        known = self.adapter.known(self.address)
        if known is None:
            raise errors.not_connected()
        return known.alias

    @property
    @override
    def mtu_size(self) -> int:
        """23, with a warning, as with BlueZ, which does not tell: use `max_write_without_response_size`."""
        if self._mtu_size is None:
            warnings.warn(
                "Using default MTU value. Call _acquire_mtu() or set _mtu_size first to avoid this warning.",
                stacklevel=2,
            )
            return att.ATT_DEFAULT_MTU
        return self._mtu_size

    async def _acquire_mtu(self) -> None:
        self._mtu_size = self._connected_link().att_mtu

    @property
    @override
    def is_connected(self) -> bool:
        """Whether the link is up, as far as the adapter knows."""
        return self._link is not None

    @override
    async def connect(self, pair: bool, dangerous_use_bleak_cache: bool = False, **kwargs: Any) -> None:
        """Connect, exchange the MTU, encrypt where there is a bond, and discover the services.

        Parameters
        ----------
        pair
            Pair before discovering the services, unless there is a bond.
        dangerous_use_bleak_cache
            Taken and not obeyed: the services are discovered anew each time.
        **kwargs
            `timeout` in seconds overrides the constructor's.

        Raises
        ------
        BleakError
            The client is connected already.
        BleakDeviceNotFoundError
            The device is unknown to the adapter (or, given by address, was not heard in time).
        BleakDBusError
            The device refused, the link ended too soon, pairing failed, or the adapter has no power.
        TimeoutError
            It took too long.
        """
        if self.is_connected:
            raise BleakError("Client is already connected")
        timeout = kwargs.get("timeout", self._timeout)
        if not self._given_device and self.adapter.known(self.address) is None:
            found = await BleakScanner.find_device_by_address(
                self.address, timeout=timeout, backend=self.adapter.scanner_class
            )
            if found is None:
                raise errors.unknown_device(self.address)
        async with asyncio.timeout(timeout):
            self._attach(await self.adapter.connect(self.address))
            try:
                await self._prepare(pair)
            except BleakGATTProtocolError as error:
                await self.disconnect()
                raise errors.failed("le-connection-abort-by-local") from error
            except BaseException:
                await self.disconnect()
                raise

    @override
    async def disconnect(self) -> None:
        """Disconnect; nothing happens if there is no link. The disconnected callback is called."""
        if self._link is None or self._link_ended is None:
            return
        link, ended = self._link, self._link_ended
        try:
            async with asyncio.timeout(DISCONNECT_TIMEOUT_S):
                await self._shielded(link.disconnect())
                await asyncio.shield(ended)
        finally:
            self._on_disconnected()

    @override
    async def pair(self, *args: Any, **kwargs: Any) -> None:
        """Pair just-works with LE Secure Connections; nothing happens if there is a bond.

        Raises
        ------
        BleakDBusError
            The peripheral refused, or the link ended.
        """
        if await self.adapter.bonded(self.address):
            return
        try:
            await self._operate(asyncio.wait_for(self._connected_link().pair(), PAIRING_TIMEOUT_S))
        except (core.ProtocolError, hci.HCI_Error, BleakGATTProtocolError, TimeoutError) as error:
            raise errors.pairing_failed() from error

    @override
    async def unpair(self) -> None:
        """Throw the bond away, end the link, and forget the device until it is heard again.

        Raises
        ------
        BleakDeviceNotFoundError
            The device is not known to the adapter.
        """
        if self.adapter.known(self.address) is None:
            raise errors.unknown_device(self.address)
        await self.adapter.unbond(self.address)
        await self.disconnect()
        self.adapter.forget(self.address)

    # Reading, writing, notifications

    @override
    async def read_gatt_char(
        self, characteristic: BleakGATTCharacteristic, *, use_cached: bool = False, **kwargs: Any
    ) -> bytearray:
        """Read a value; while it is being notified, the callback is given it too, as by BlueZ."""
        proxy = cast(_Characteristic, characteristic.obj)
        value = await self._read(proxy.handle, use_cached=use_cached)
        if not use_cached and (notify := self._notifying.get(proxy.handle)) is not None:
            notify(bytes(value))
        return value

    @override
    async def read_gatt_descriptor(
        self, descriptor: BleakGATTDescriptor, *, use_cached: bool = False, **kwargs: Any
    ) -> bytearray:
        """Read a descriptor's value."""
        return await self._read(descriptor.handle, use_cached=use_cached)

    @override
    async def write_gatt_char(self, characteristic: BleakGATTCharacteristic, data: SizedBuffer, response: bool) -> None:
        """Write a value: with response of up to 512 bytes, without of up to max_write_without_response_size."""
        link, value = self._connected_link(), bytes(data)
        if not response and len(value) > link.att_mtu - 3:
            raise errors.failed("Failed to initiate write")
        handle = cast(_Characteristic, characteristic.obj).handle
        if response:
            await self._operate(link.gatt_client.write_value(handle, value, with_response=True))
        else:  # handed to the controller at once: there is nothing to wait for, and nothing to give up
            await link.gatt_client.write_value(handle, value)

    @override
    async def write_gatt_descriptor(self, descriptor: BleakGATTDescriptor, data: SizedBuffer) -> None:
        """Write a descriptor's value, with response."""
        link = self._connected_link()
        await self._operate(link.gatt_client.write_value(descriptor.handle, bytes(data), with_response=True))

    @override
    async def start_notify(
        self, characteristic: BleakGATTCharacteristic, callback: NotifyCallback, **kwargs: Any
    ) -> None:
        """Have `callback` called with each notification, or indication where the characteristic knows only those."""
        link, proxy = self._connected_link(), cast(_Characteristic, characteristic.obj)
        cccd = proxy.get_descriptor(_CCCD)
        if cccd is None or not proxy.properties & (_Properties.NOTIFY | _Properties.INDICATE):
            raise errors.not_supported()
        if proxy.handle in self._notifying:
            raise BleakDBusError("org.bluez.Error.InProgress", ["In Progress"])
        notified = bool(proxy.properties & _Properties.NOTIFY)
        bits = (
            gatt.ClientCharacteristicConfigurationBits.NOTIFICATION
            if notified
            else gatt.ClientCharacteristicConfigurationBits.INDICATION
        )
        # Before the peripheral is told, so that its first notification finds us.
        subscriber = self._notifying[proxy.handle] = _guarded(callback)
        self._subscribers(link, proxy).setdefault(proxy.handle, set()).add(subscriber)
        try:
            await self._operate(link.gatt_client.write_value(cccd, bits.to_bytes(2, "little"), with_response=True))
        except BleakError:
            self._drop_subscriber(link, proxy)
            raise

    @override
    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        """Have the callback called no more."""
        link, proxy = self._connected_link(), cast(_Characteristic, characteristic.obj)
        cccd = proxy.get_descriptor(_CCCD)
        if cccd is None or proxy.handle not in self._notifying:
            raise errors.failed("No notify session started")
        self._drop_subscriber(link, proxy)
        if not self._subscribers(link, proxy).get(proxy.handle):
            await self._operate(link.gatt_client.write_value(cccd, bytes(2), with_response=True))

    # Within

    def _connected_link(self) -> Connection:
        if self._link is None:
            raise errors.not_connected()
        return self._link

    def _attach(self, link: Connection) -> None:
        self._link = link
        self._link_ended = asyncio.get_running_loop().create_future()
        link.once(link.EVENT_DISCONNECTION, lambda _reason: self._on_disconnected(link))

    def _on_disconnected(self, link: Connection | None = None) -> None:
        if self._link is None or (link is not None and link is not self._link):
            return
        self._link = None
        self.services = None
        self._mtu_size = None
        self._notifying.clear()
        if self._link_ended is not None and not self._link_ended.done():
            self._link_ended.set_result(None)
        if self._disconnected_callback is not None:
            self._disconnected_callback()

    async def _prepare(self, pair: bool) -> None:
        link = self._connected_link()
        offer = self.adapter.mtu_offer
        if offer > att.ATT_DEFAULT_MTU:
            await self._operate(_exchange_mtu(link.gatt_client, offer))
        if await self.adapter.bonded(self.address):
            try:
                await self._operate(asyncio.wait_for(link.encrypt(), PAIRING_TIMEOUT_S))
            except (hci.HCI_Error, TimeoutError) as error:
                raise errors.pairing_failed() from error
        elif pair:
            await self.pair()
        self.services = await self._operate(
            services.discover(link.gatt_client, self._requested_services, lambda: link.att_mtu - 3)
        )

    async def _read(self, handle: int, *, use_cached: bool) -> bytearray:
        client = self._connected_link().gatt_client
        if use_cached and handle in client.cached_values:
            return bytearray(client.cached_values[handle][1])
        return bytearray(await self._operate(client.read_value(handle)))

    async def _shielded(self, operation: Coroutine[Any, Any, T]) -> T:
        """Await an operation that goes on by itself if its caller is cancelled, as one does that D-Bus has carried off.

        A request that was taken back half-way would leave its answer to be mistaken for that of the next one.
        """
        return await asyncio.shield(self._start(operation))

    def _start(self, operation: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.get_running_loop().create_task(operation)
        self._operations.add(task)
        task.add_done_callback(self._forget_operation)
        return task

    def _forget_operation(self, task: asyncio.Task[Any]) -> None:
        self._operations.discard(task)
        if not task.cancelled() and task.exception() is not None:
            logger.debug("operation ended with %r", task.exception())

    async def _operate(self, operation: Coroutine[Any, Any, T]) -> T:
        """Await an operation on the link, and no longer than the link lasts."""
        assert self._link_ended is not None
        ended, link = self._link_ended, self._link
        task = self._start(operation)
        waited: set[asyncio.Future[Any]] = {task, ended}
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        if not task.done() or task.cancelled():
            task.cancel()
            raise errors.link_lost()
        try:
            return task.result()
        except att.ATT_Error as error:
            raise errors.from_att(error) from error
        except core.TimeoutError as error:
            # A request unanswered for 30 s ends the bearer (Core 5.4, Vol 3, Part F, 3.3.3).
            if link is not None and link is self._link:
                await self.disconnect()
            raise errors.link_lost() from error

    def _subscribers(self, link: Connection, proxy: _Characteristic) -> dict[int, set[Any]]:
        client = link.gatt_client
        notified = bool(proxy.properties & _Properties.NOTIFY)
        return cast(
            "dict[int, set[Any]]", client.notification_subscribers if notified else client.indication_subscribers
        )

    def _drop_subscriber(self, link: Connection, proxy: _Characteristic) -> None:
        subscriber = self._notifying.pop(proxy.handle, None)
        self._subscribers(link, proxy).get(proxy.handle, set()).discard(subscriber)


async def _exchange_mtu(client: gatt_client.Client, offer: int) -> None:
    try:
        await client.request_mtu(offer)
    except att.ATT_Error:
        return  # a peripheral that knows no exchange stays with 23


def _guarded(callback: NotifyCallback) -> Callable[[bytes], None]:
    """Keep a callback's exception from the radio; it is logged, as bleak's D-Bus library does."""

    def notify(value: bytes) -> None:
        try:
            callback(bytearray(value))
        except Exception:
            logger.exception("a notification callback failed")

    return notify
