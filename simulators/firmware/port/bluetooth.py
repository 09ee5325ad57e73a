"""MicroPython's `bluetooth`, peripheral's part, on a virtual radio: what NimBLE does is done by the simulation.

As on the ESP32: values lie in the stack, a write is cut to the buffer of its characteristic, notifications wait in a
bounded number of buffers (`OSError(ENOMEM)` beyond), and interrupts come between two steps of the main loop. They come
while it waits, so none splits a step.
"""

import struct

from simulators.firmware.port import codes
from simulators.firmware.port.host import HOST, Radio

_CONNECT, _DISCONNECT, _WRITTEN, _READING = 1, 2, 3, 4
_INDICATED, _MTU, _ENCRYPTION = 20, 21, 28
_GET_SECRET, _SET_SECRET = 29, 30

_ENOMEM, _ENOTCONN = 12, 128


def UUID(value: object) -> bytes:  # noqa: N802  # MicroPython's name
    """Of 16 bits by number, of 128 by text."""
    if isinstance(value, int):
        return value.to_bytes(2, "little")
    digits = str(value).replace("-", "")
    return bytes([int(digits[at : at + 2], 16) for at in range(30, -1, -2)])


def _unheard(event: int, data: tuple[object, ...]) -> object:
    del event, data
    return None


class BLE(Radio):
    """The one radio of the board."""

    def __init__(self) -> None:
        self._written: dict[int, bytes] = {}
        self._connections: list[int] = []
        self._handler = _unheard

    def active(self, on: bool) -> bool:
        """Switch on; off it goes with the board."""
        HOST.radio = self if on else Radio()
        return on

    def config(self, gap_name: str, mtu: int, bond: bool, le_secure: bool, mitm: bool, io: int) -> None:
        """Set what a server needs set."""
        HOST.put(codes.CONFIG, struct.pack("<HBBBB", mtu, bond, le_secure, mitm, io) + gap_name.encode())

    def irq(self, handler: object) -> None:
        """Call `handler(event, data)` on each event."""
        self._handler = handler  # type: ignore[assignment]  # a function, whose type MicroPython cannot name

    def gatts_register_services(
        self, services: tuple[tuple[bytes, tuple[tuple[bytes, int], ...]], ...]
    ) -> tuple[tuple[int, ...], ...]:
        """Register (UUID, ((UUID, flags), ...)) for each service; returns the values' handles in the same shape."""
        table = bytearray((len(services),))
        for uuid, characteristics in services:
            table += bytes((len(uuid),)) + uuid + bytes((len(characteristics),))
            for kind, flags in characteristics:
                table += bytes((len(kind),)) + kind + struct.pack("<H", flags)
        answer = HOST.ask(codes.SERVICES, bytes(table))
        handles = []
        at = 0
        for _, characteristics in services:
            count = len(characteristics)
            handles.append(struct.unpack_from(f"<{count}H", answer, at))
            at += 2 * count
        return tuple(handles)

    def gatts_read(self, handle: int) -> bytes:
        """Return what a peer has written last."""
        return bytes(self._written.get(handle, b""))

    def gatts_write(self, handle: int, value: bytes, update: bool = False) -> None:
        """Set what peers read; with `update`, tell those who subscribed."""
        HOST.put(codes.VALUE, struct.pack("<HB", handle, update), value)

    def gatts_set_buffer(self, handle: int, size: int) -> None:
        """Keep up to `size` bytes of a write."""
        HOST.put(codes.BUFFER, struct.pack("<HH", handle, size))

    def gatts_notify(self, connection: int, handle: int, value: bytes) -> None:
        """Send without a confirmation."""
        self._send(codes.NOTIFY, connection, handle, value)

    def gatts_indicate(self, connection: int, handle: int, value: bytes) -> None:
        """Send; an interrupt tells of the confirmation."""
        self._send(codes.INDICATE, connection, handle, value)

    def gap_advertise(self, interval_us: int | None, adv_data: bytes = b"", resp_data: bytes = b"") -> None:
        """Advertise for ever, or with None no more."""
        HOST.put(
            codes.ADVERTISE,
            struct.pack("<IB", interval_us or 0, len(adv_data)) + adv_data + resp_data,
        )

    def gap_disconnect(self, connection: int) -> bool:
        """End a connection; an interrupt tells when it has ended."""
        HOST.put(codes.DISCONNECT, struct.pack("<H", connection))
        return connection in self._connections

    def _send(self, kind: int, connection: int, handle: int, value: bytes) -> None:
        if connection not in self._connections:
            raise OSError(_ENOTCONN)
        if not HOST.free:
            raise OSError(_ENOMEM)
        HOST.free -= 1
        HOST.put(kind, struct.pack("<HH", connection, handle), value)

    def interrupt(self, event: int, body: bytes) -> bytes:
        """Call the handler with an event as MicroPython forms it."""
        handler = self._handler
        if event in (_CONNECT, _DISCONNECT):
            connection = body[0] | body[1] << 8
            if event == _CONNECT:
                self._connections.append(connection)
            elif connection in self._connections:
                self._connections.remove(connection)
            handler(event, (connection, body[2], memoryview(body)[3:]))
        elif event == _WRITTEN:
            connection, handle = struct.unpack_from("<HH", body)
            self._written[handle] = body[4:]
            handler(event, (connection, handle))
        elif event == _READING:
            handler(event, struct.unpack("<HH", body))
        elif event == _GET_SECRET:
            value = handler(event, (body[0], body[1], memoryview(body)[3:] if body[2] else None))
            return b"" if value is None else b"\x01" + bytes(value)  # type: ignore[call-overload]  # the stack gets bytes or None
        elif event == _SET_SECRET:
            key = memoryview(body)[2 : 2 + body[1]]
            value = memoryview(body)[3 + body[1] :] if body[2 + body[1]] else None
            return bytes((bool(handler(event, (body[0], key, value))),))
        elif event == _INDICATED:
            handler(event, struct.unpack("<HHB", body))
        elif event == _MTU:
            handler(event, struct.unpack("<HH", body))
        elif event == _ENCRYPTION:
            handler(event, struct.unpack("<HBBBB", body))
        return b""
