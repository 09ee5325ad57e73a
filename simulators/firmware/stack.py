"""A Bluetooth stack as MicroPython's `bluetooth` has it below: NimBLE, its part played by a bumble peripheral.

What NimBLE does and this does too: values lie in the stack; a write is cut to its characteristic's buffer, without an
error; a notification takes one of a dozen buffers until the radio has sent it, some in each connection event;
advertising ends with a connection; secrets are stored before the encryption is reported; a bond that the firmware does
not keep breaks nothing by itself.
"""

from __future__ import annotations

import asyncio
import logging
import struct
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from bumble import att, core, hci
from bumble.device import Connection, Device
from bumble.gatt import Characteristic, CharacteristicValue, Service
from bumble.gatt_server import Server
from bumble.pairing import PairingConfig, PairingDelegate

from simulators.firmware.bonds import FirmwareKeyStore, address_bytes
from simulators.firmware.port import codes

CONNECT, DISCONNECT, WRITTEN, READING = 1, 2, 3, 4
INDICATED, MTU, ENCRYPTION = 20, 21, 28
"""MicroPython's numbers of the interrupts (its documentation, `bluetooth`, Event Handling)."""

BUFFERS: Final = 12
"""Notifications that wait at most: NimBLE's buffers on the ESP32 (`MYNEWT_VAL_MSYS_1_BLOCK_COUNT`)."""
PACKETS_AN_EVENT: Final = 6
"""Packets that a central takes in one connection event; phones and BlueZ with common controllers take four to seven."""
DEFAULT_BUFFER: Final = 20
"""Bytes kept of a write unless told otherwise (`MP_BLUETOOTH_DEFAULT_ATTR_LEN`)."""
ENDING_S: Final = 60.0
"""In which the radio has done what was asked of it last; a link that is lost is noticed sooner."""
SLOWEST_S: Final = 0.05
"""A connection interval, where the connection does not tell: the longest that BlueZ asks for by default."""

_READ_ENCRYPTED, _WRITE_ENCRYPTED = 0x0200, 0x1000
_PROPERTIES: Final = 0xFF
_READ, _WRITES = 0x02, 0x0C
_NOTIFIED = 1

_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class Sent:
    """What has been handed to the radio since the beginning; for accounts of efficiency.

    Attributes
    ----------
    notifications, indications : int
    att_bytes : int
        Of both, with opcode and handle: all of the ATT PDU.
    """

    notifications: int = 0
    indications: int = 0
    att_bytes: int = 0


@dataclass(frozen=True, slots=True)
class _Push:
    indicated: bool
    subscribers_only: bool
    handle: int
    value: bytes


@dataclass(slots=True)
class _Link:
    connection: Connection
    waiting: deque[_Push] = field(default_factory=deque)
    timer: asyncio.TimerHandle | None = None


class Stack:
    """The stack of one board.

    Parameters
    ----------
    radio : bumble Device
        Its place on the virtual radio; the stack takes it over.
    interrupt : callable
        Interrupts the firmware with an event and its bytes (see `simulators.firmware.port.bluetooth`); returns what it
        answers, empty where it does not run.

    Attributes
    ----------
    buffers : int
        Notifications that wait at most; fewer make the firmware meet `ENOMEM` sooner.
    sent : Sent
    """

    def __init__(self, radio: Device, interrupt: Callable[[int, bytes], bytes]) -> None:
        self.radio = radio
        self.buffers = BUFFERS
        self.sent = Sent()
        self._interrupt = interrupt
        self._table = b""
        self._values: dict[int, bytes] = {}
        self._sizes: dict[int, int] = {}
        self._characteristics: dict[int, Characteristic[bytes]] = {}
        self._links: dict[int, _Link] = {}
        self._commands: asyncio.Queue[Coroutine[Any, Any, None]] = asyncio.Queue()
        self._working: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        radio.keystore = FirmwareKeyStore(interrupt)
        radio.on(Device.EVENT_CONNECTION, self._connected)

    @property
    def free(self) -> int:
        """Buffers that are free now."""
        return max(0, self.buffers - sum(len(link.waiting) for link in self._links.values()))

    @property
    def connected(self) -> bool:
        """Whether a central is connected."""
        return bool(self._links)

    def take(self, kind: int, body: bytes) -> bytes | None:
        """Do what the firmware asks of its radio; returns the answer to what asks for one."""
        match kind:
            case codes.SERVICES:
                return self._register(body)
            case codes.CONFIG:
                self._configure(*struct.unpack_from("<HBBBB", body), name=body[6:].decode())
            case codes.VALUE:
                self._write(int.from_bytes(body[:2], "little"), body[3:], update=bool(body[2]))
            case codes.BUFFER:
                handle, size = struct.unpack("<HH", body)
                self._sizes[handle] = size
            case codes.NOTIFY | codes.INDICATE:
                number, handle = struct.unpack_from("<HH", body)
                if (link := self._links.get(number)) is not None:
                    self._queue(link, _Push(kind == codes.INDICATE, False, handle, body[4:]))
            case codes.ADVERTISE:
                interval_us, size = struct.unpack_from("<IB", body)
                self._command(self._advertise(interval_us / 1000, body[5 : 5 + size], body[5 + size :]))
            case codes.DISCONNECT:
                self._command(self._hang_up(int.from_bytes(body, "little")))
            case _:
                raise ValueError(f"no message {kind} of the firmware")
        return None

    def off(self) -> None:
        """Lose power: advertising ends, and nothing is sent any more. Links end as the air finds out."""
        for link in self._links.values():
            _stop(link)
        self._links.clear()
        if self.radio.powered_on:
            self._command(self._silence())

    async def close(self) -> None:
        """Carry out what was asked for last, and end the rest."""
        for link in self._links.values():
            _stop(link)
        if self._working is not None:
            async with asyncio.timeout(ENDING_S):  # in a simulation that goes on, what never ends would not be seen
                await self._working
        for task in list(self._tasks):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    # -- what the firmware asks for -----------------------------------------------------------------------------

    def _configure(self, mtu: int, bond: int, secure: int, mitm: int, capability: int, *, name: str) -> None:
        radio = self.radio
        radio.name = name
        radio.gatt_server.max_mtu = mtu
        delegate = PairingDelegate(PairingDelegate.IoCapability(capability))
        radio.pairing_config_factory = lambda _connection: PairingConfig(
            sc=bool(secure),
            mitm=bool(mitm),
            bonding=bool(bond),
            delegate=delegate,
            identity_address_type=PairingConfig.AddressType.RANDOM,
        )

    def _register(self, table: bytes) -> bytes:
        """Offer the services of a table; the same one again, after a sleep, keeps its handles."""
        if table != self._table:
            server = self.radio.gatt_server
            if self._table:  # another firmware: what it does not offer is gone
                self.radio.gatt_server = server = Server(self.radio)
                self.radio.add_default_services()
            self._table = table
            self._characteristics.clear()
            for uuid, entries in _parsed(table):
                service = Service(uuid, [self._characteristic(kind, flags) for kind, flags in entries])
                server.add_service(service)
                self._characteristics.update({one.handle: one for one in service.characteristics})
        self._values.clear()
        self._sizes.clear()
        return struct.pack(f"<{len(self._characteristics)}H", *self._characteristics)

    def _characteristic(self, uuid: core.UUID, flags: int) -> Characteristic[bytes]:
        permissions = Characteristic.Permissions(0)
        if flags & _READ:
            permissions |= Characteristic.Permissions.READABLE
        if flags & _WRITES:
            permissions |= Characteristic.Permissions.WRITEABLE
        if flags & _READ_ENCRYPTED:
            permissions |= Characteristic.Permissions.READ_REQUIRES_ENCRYPTION
        if flags & _WRITE_ENCRYPTED:
            permissions |= Characteristic.Permissions.WRITE_REQUIRES_ENCRYPTION
        made: Characteristic[bytes]

        def read(connection: Connection) -> bytes:
            self._interrupt(READING, struct.pack("<HH", connection.handle, made.handle))
            return self._values.get(made.handle, b"")

        def write(connection: Connection, value: bytes) -> None:
            kept = value[: self._sizes.get(made.handle, DEFAULT_BUFFER)]
            self._values[made.handle] = kept
            self._interrupt(WRITTEN, struct.pack("<HH", connection.handle, made.handle) + kept)

        made = Characteristic(
            uuid,
            Characteristic.Properties(flags & _PROPERTIES),
            permissions,
            CharacteristicValue(read=read, write=write),
        )
        return made

    def _write(self, handle: int, value: bytes, *, update: bool) -> None:
        self._values[handle] = value
        if update:
            for link in self._links.values():
                self._queue(link, _Push(False, True, handle, value))

    async def _advertise(self, interval_ms: float, data: bytes, response: bytes) -> None:
        await self._silence()
        if interval_ms and not self._links:
            await self.radio.start_advertising(
                advertising_data=data,
                scan_response_data=response,
                advertising_interval_min=interval_ms,
                advertising_interval_max=interval_ms,
            )

    async def _silence(self) -> None:
        if self.radio.is_advertising:
            await self.radio.stop_advertising()

    async def _hang_up(self, number: int) -> None:
        if (link := self._links.get(number)) is not None:
            await link.connection.disconnect()

    def _command(self, command: Coroutine[Any, Any, None]) -> None:
        """Carry out one after the other, in the order asked for."""
        self._commands.put_nowait(command)
        if self._working is None or self._working.done():
            self._working = asyncio.get_running_loop().create_task(self._work())

    async def _work(self) -> None:
        while not self._commands.empty():
            try:
                await self._commands.get_nowait()
            except (core.BaseBumbleError, hci.HCI_Error) as error:
                _LOG.debug("the radio declined: %r", error)

    # -- links --------------------------------------------------------------------------------------------------

    def _connected(self, connection: Connection) -> None:
        self._links[connection.handle] = _Link(connection)
        number = struct.pack("<H", connection.handle)
        connection.on(Connection.EVENT_DISCONNECTION, lambda _reason: self._disconnected(connection))
        connection.on(
            Connection.EVENT_CONNECTION_ATT_MTU_UPDATE,
            lambda: self._interrupt(MTU, number + struct.pack("<H", connection.att_mtu)),
        )
        connection.on(Connection.EVENT_CONNECTION_ENCRYPTION_CHANGE, lambda: self._encrypted(connection))
        connection.on(Connection.EVENT_PAIRING, lambda _keys: self._report_encryption(connection))
        self._interrupt(CONNECT, number + address_bytes(connection.peer_address))

    def _disconnected(self, connection: Connection) -> None:
        if (link := self._links.pop(connection.handle, None)) is not None:
            _stop(link)
            self._interrupt(DISCONNECT, struct.pack("<H", connection.handle) + address_bytes(connection.peer_address))

    def _encrypted(self, connection: Connection) -> None:
        # While a pairing is under way NimBLE reports at its end, when the keys are stored.
        if connection.handle not in self.radio.smp_manager.sessions:
            self._report_encryption(connection)

    def _report_encryption(self, connection: Connection) -> None:
        on = bool(connection.encryption)
        self._interrupt(ENCRYPTION, struct.pack("<HBBBB", connection.handle, on, 0, on, 16))

    def _queue(self, link: _Link, push: _Push) -> None:
        link.waiting.append(push)
        if link.timer is None:
            link.timer = asyncio.get_running_loop().call_later(_interval_s(link.connection), self._event, link)

    def _event(self, link: _Link) -> None:
        """A connection event: some packets go out, and their buffers are free again."""
        link.timer = None
        for _ in range(min(PACKETS_AN_EVENT, len(link.waiting))):
            self._push(link.connection, link.waiting.popleft())
        if link.waiting:
            link.timer = asyncio.get_running_loop().call_later(_interval_s(link.connection), self._event, link)

    def _push(self, connection: Connection, push: _Push) -> None:
        server = self.radio.gatt_server
        characteristic = self._characteristics[push.handle]
        value = push.value[: connection.att_mtu - 3]
        if push.subscribers_only and not server.read_cccd(connection, characteristic)[0] & _NOTIFIED:
            return
        self.sent.att_bytes += 3 + len(value)
        if push.indicated:
            self.sent.indications += 1
            task = asyncio.get_running_loop().create_task(self._indicate(connection, characteristic, value))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            return
        self.sent.notifications += 1
        notification = att.ATT_Handle_Value_Notification(attribute_handle=push.handle, attribute_value=value)
        server.send_gatt_pdu(connection, bytes(notification))

    async def _indicate(self, connection: Connection, characteristic: Characteristic[bytes], value: bytes) -> None:
        try:
            await connection.cancel_on_disconnection(
                self.radio.indicate_subscriber(connection, characteristic, value, force=True)
            )
        except (TimeoutError, asyncio.CancelledError):
            return  # the link's end tells the firmware
        if connection.handle in self._links:
            self._interrupt(INDICATED, struct.pack("<HHB", connection.handle, characteristic.handle, 0))


def _stop(link: _Link) -> None:
    if link.timer is not None:
        link.timer.cancel()
        link.timer = None


def _interval_s(connection: Connection) -> float:
    interval_ms = connection.parameters.connection_interval
    return interval_ms / 1000 if interval_ms else SLOWEST_S


def _parsed(table: bytes) -> Iterator[tuple[core.UUID, list[tuple[core.UUID, int]]]]:
    """The services of a table, each with its characteristics and their flags."""
    at = 1
    for _ in range(table[0]):
        uuid, at = _uuid(table, at)
        entries = []
        count, at = table[at], at + 1
        for _ in range(count):
            kind, at = _uuid(table, at)
            entries.append((kind, int.from_bytes(table[at : at + 2], "little")))
            at += 2
        yield uuid, entries


def _uuid(table: bytes, at: int) -> tuple[core.UUID, int]:
    end = at + 1 + table[at]
    return core.UUID.from_bytes(table[at + 1 : end]), end
