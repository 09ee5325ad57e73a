"""A Bluetooth adapter with what BlueZ does behind it: devices known, discovery shared, connections one at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import cached_property

from bleak.backends.client import BaseBleakClient
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import BaseBleakScanner
from bumble import core, hci
from bumble.device import Connection, Device

from simulators.radio import errors
from simulators.radio.client import VirtualClient
from simulators.radio.controller import RadioController
from simulators.radio.host import EVENT_ADVERTISING
from simulators.radio.known import KnownDevice
from simulators.radio.scanner import VirtualScanner

Listener = Callable[[KnownDevice], None]

MTU_OFFER = 517
"""ATT MTU that BlueZ offers on each connection (`ExchangeMTU` in main.conf)."""


class Adapter:
    """One adapter on the air; made by `Ether.adapter`.

    Parameters
    ----------
    name
        As BlueZ would call it, such as ``hci0``.
    device
        Bumble's host, powered on.
    controller
        Its radio.
    mtu_offer
        ATT MTU to offer on each connection, 23 to 517; 23 exchanges none.
    """

    def __init__(self, name: str, device: Device, controller: RadioController, *, mtu_offer: int = MTU_OFFER) -> None:
        self.name = name
        self.mtu_offer = mtu_offer
        self._device = device
        self._controller = controller
        self._known: dict[str, KnownDevice] = {}
        self._listeners: dict[Listener, bool] = {}
        self._connecting = asyncio.Lock()
        self._scanning = asyncio.Lock()
        self._commands: set[asyncio.Task[None]] = set()
        self._powered = True
        self._present = True
        device.host.on(EVENT_ADVERTISING, self._on_advertising)

    # What a gateway is given.

    @cached_property
    def client_class(self) -> type[BaseBleakClient]:
        """The class to give bleak as `BleakClient(..., backend=)`."""
        return type(f"VirtualClient_{self.name}", (VirtualClient,), {"adapter": self})

    @cached_property
    def scanner_class(self) -> type[BaseBleakScanner]:
        """The class to give bleak as `BleakScanner(backend=)`."""
        return type(f"VirtualScanner_{self.name}", (VirtualScanner,), {"adapter": self})

    def ble_device_from_address(self, address: str) -> BLEDevice | None:
        """Find a device that this adapter has heard since it was plugged in."""
        known = self._known.get(address.upper())
        return None if known is None else known.ble_device()

    async def settle(self) -> None:
        """Return when no command is under way any more."""
        await asyncio.gather(*self._commands, return_exceptions=True)

    # What can befall it.

    @property
    def powered(self) -> bool:
        """Whether it is plugged in and has power."""
        return self._powered and self._present

    def power_off(self) -> None:
        """Switch it off: its links end on both sides, scanning stops and does not start again by itself."""
        self._powered = False
        self._stop_radio()

    def power_on(self) -> None:
        """Switch it on again; a wedge is cured by it."""
        self._powered = True
        self.unwedge()

    async def power_cycle(self, off_s: float = 1.0) -> None:
        """Switch it off, and on again after `off_s` seconds."""
        self.power_off()
        await asyncio.sleep(off_s)
        self.power_on()

    def unplug(self) -> None:
        """Take it away: as `power_off`, and all that it knew is forgotten, bonds excepted."""
        self._present = False
        self._stop_radio()
        self._known.clear()

    def plug_in(self) -> None:
        """Put it back, with power."""
        self._present = True
        self.power_on()

    def wedge(self) -> None:
        """Let its firmware hang: scanners hear nothing and connections time out, with no error; links stay up."""
        self._controller.deaf = True

    @property
    def wedged(self) -> bool:
        """Whether its firmware hangs."""
        return self._controller.deaf

    def unwedge(self) -> None:
        """End `wedge`; so does switching it off and on."""
        self._controller.deaf = False

    # What the client and the scanner need.

    def known(self, address: str) -> KnownDevice | None:
        """Find what is known of a device."""
        return self._known.get(address.upper())

    def forget(self, address: str) -> None:
        """Forget a device until it is heard again."""
        self._known.pop(address.upper(), None)

    def link_to(self, address: str) -> Connection | None:
        """Find the connection to a device that is up now."""
        for connection in self._device.connections.values():
            if connection.peer_address.to_string(False) == address.upper():
                return connection
        return None

    async def bonded(self, address: str) -> bool:
        """Whether there is a key for a device."""
        keystore = self._device.keystore
        known = self.known(address)
        return keystore is not None and known is not None and await keystore.get(str(known.address)) is not None

    async def unbond(self, address: str) -> None:
        """Throw away the key for a device."""
        keystore = self._device.keystore
        if keystore is not None and await self.bonded(address):
            await keystore.delete(str(self._known[address.upper()].address))

    async def add_listener(self, listener: Listener, *, active: bool) -> None:
        """Tell `listener` of every advertising event from now on; the first listener starts the scan.

        Raises
        ------
        BleakBluetoothNotAvailableError
            The adapter has no power, or is not there.
        """
        if not self._present:
            raise errors.no_adapter()
        if not self._powered:
            raise errors.powered_off(self.name)
        self._listeners[listener] = active
        try:
            await asyncio.shield(self._scan())
        except BaseException:
            self._listeners.pop(listener, None)
            self._scan()
            raise

    async def remove_listener(self, listener: Listener) -> None:
        """Tell `listener` no more; the last one stops the scan."""
        if self._listeners.pop(listener, None) is not None and self.powered:
            await asyncio.shield(self._scan())

    async def connect(self, address: str) -> Connection:
        """Connect to a known device, in turn with the other attempts; may be cancelled at any time.

        Raises
        ------
        BleakDeviceNotFoundError
            The device is not known.
        BleakDBusError
            The adapter has no power, or the device refused.
        """
        async with self._connecting:
            known = self.known(address)
            if known is None:
                raise errors.unknown_device(address)
            if not self.powered:
                raise errors.not_ready()
            if (link := self.link_to(address)) is not None:
                return link
            attempt = asyncio.ensure_future(
                self._device.connect_le(known.address, own_address_type=hci.OwnAddressType.PUBLIC, timeout=None)
            )
            try:
                return await asyncio.shield(attempt)
            except asyncio.CancelledError:
                await self._cancel(attempt)
                raise
            except core.ConnectionError as error:
                if not self.powered:
                    raise errors.not_ready() from error
                raise errors.failed("le-connection-abort-by-remote") from error

    async def _cancel(self, attempt: asyncio.Future[Connection]) -> None:
        try:
            await self._device.send_sync_command(hci.HCI_LE_Create_Connection_Cancel_Command())
        except hci.HCI_Error:
            pass  # it has just come about, or failed by itself
        try:
            connection = await attempt
        except core.ConnectionError:
            return
        await connection.disconnect()

    def _scan(self) -> asyncio.Task[None]:
        """Scan as the listeners want it, to be awaited shielded.

        A command is never taken back once the controller has it: its answer would come for nobody. And whoever is
        cancelled while he waits for it must hear of that, which bumble's own waiting can lose (`asyncio.wait_for`
        before Python 3.12 returns a result that has just come instead).
        """
        task = asyncio.get_running_loop().create_task(self._obey_listeners())
        self._commands.add(task)
        task.add_done_callback(self._commands.discard)
        return task

    async def _obey_listeners(self) -> None:
        async with self._scanning:
            wanted = bool(self._listeners) and self.powered
            active = any(self._listeners.values())
            if self._device.is_scanning and (not wanted or self._device.scanning_is_passive == active):
                await self._device.stop_scanning()
            if wanted and not self._device.is_scanning:
                await self._device.start_scanning(active=active)

    def _stop_radio(self) -> None:
        controller = self._controller
        controller.le_scan_enable = False
        self._device.scanning = False
        self._listeners.clear()
        controller.fail_pending_connection(hci.HCI_ErrorCode.OPERATION_CANCELLED_BY_HOST_ERROR)
        controller.link.end_connections(
            controller,
            hci.HCI_ErrorCode.CONNECTION_TERMINATED_BY_LOCAL_HOST_ERROR,
            hci.HCI_ErrorCode.REMOTE_DEVICE_TERMINATED_CONNECTION_DUE_TO_POWER_OFF_ERROR,
        )

    def _on_advertising(self, reports: Sequence[hci.HCI_LE_Advertising_Report_Event.Report]) -> None:
        if not self._listeners:
            return
        heard = reports[0].address
        address = heard.to_string(False)
        known = self._known.get(address)
        if known is None:
            known = self._known[address] = KnownDevice(self.name, heard)
        known.hear(b"".join(report.data for report in reports), reports[0].rssi)
        for listener in list(self._listeners):
            listener(known)
