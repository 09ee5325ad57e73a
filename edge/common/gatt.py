"""The GATT server on MicroPython's `bluetooth`: services, security, pacing. The control point decides; this carries.

Interrupts of the stack only put what happened into a bounded queue (a list append, which nothing can split); `pump`,
called from the main loop, takes it from there in order. So the log, the control point and the flash are touched from
one place alone. Only what the stack needs answered at once is done in the interrupt: secrets, and the clock's value.
"""

from edge.common.control import LONGEST_WRITE, WRONG_PROOFS, Link

_UUID = "e2a6000{}-5b1d-4f0c-9a57-3c8f6d2b7e10"

_READ, _WRITE, _NOTIFY, _INDICATE = 0x0002, 0x0008, 0x0010, 0x0020
_READ_ENCRYPTED, _WRITE_ENCRYPTED = 0x0200, 0x1000

_CONNECT, _DISCONNECT, _WRITTEN, _READING = 1, 2, 3, 4
_INDICATED, _MTU, _ENCRYPTION = 20, 21, 28
_GET_SECRET, _SET_SECRET = 29, 30
_PEER_SECRETS = (1, 2)  # of NimBLE's store: our keys and the peer's; 3 is what a peer subscribed to

_NO_INPUT_NO_OUTPUT = 3
PREFERRED_MTU = 247
_SMALLEST_MTU = 23
MOST_EVENTS = 16
"""Events that may wait for `pump`; a peer that sends faster than it is answered is disconnected."""
BURST = 6
"""Notifications handed over in one `pump`: half of the 12 buffers that NimBLE has on the ESP32, so some stay free."""


def advertisement() -> bytes:
    """Flags (general discoverable, no BR/EDR) and the service's UUID."""
    digits = _UUID.format(1).replace("-", "")
    uuid = bytes(int(digits[at : at + 2], 16) for at in range(30, -1, -2))
    return b"\x02\x01\x06\x11\x07" + uuid


class _Peer(Link):
    """Who is connected, and what is under way with it; made anew when it is gone.

    Apart from the server, for an object with many attributes asks the heap for one large piece.
    """

    def __init__(self):
        Link.__init__(self)
        self.connection = None
        self.address = b""
        self.mtu = _SMALLEST_MTU
        self.refused = self.new_bond = False
        self.responses = []
        self.indicating = False
        self.last_status = b""


class GattServer:
    """One connection at a time: an owner's.

    Parameters
    ----------
    ble
        `bluetooth.BLE()`.
    uuid
        `bluetooth.UUID`.
    control
        The `ControlPoint`.
    bonds
        `Bonds`.
    device
        Has `information()`, `status()`, `clock()`: bytes of the characteristics; `battery_pct()` (255: unknown);
        `model` and `firmware`, text; `name`, text of at most 26 bytes.
    """

    def __init__(self, ble: object, uuid: object, control: object, bonds: object, device: object):
        self._ble = ble
        self._control = control
        self._bonds = bonds
        self._device = device
        self._events = []
        self._flooded = False
        self._peer = _Peer()
        self._advertising = 0
        self.pairing = False
        """Whether the pairing window is open: set by the device for the time after a press of its button."""
        ble.active(True)
        ble.config(
            gap_name=device.name, mtu=PREFERRED_MTU, bond=True, le_secure=True, mitm=False, io=_NO_INPUT_NO_OUTPUT
        )
        ble.irq(self._interrupt)
        services = (
            (uuid(0x180F), ((uuid(0x2A19), _READ | _NOTIFY),)),
            (uuid(0x180A), ((uuid(0x2A29), _READ), (uuid(0x2A24), _READ), (uuid(0x2A26), _READ))),
            (
                uuid(_UUID.format(1)),
                (
                    (uuid(_UUID.format(2)), _READ | _READ_ENCRYPTED),
                    (uuid(_UUID.format(3)), _READ | _READ_ENCRYPTED | _NOTIFY),
                    (uuid(_UUID.format(4)), _READ | _READ_ENCRYPTED),
                    (uuid(_UUID.format(5)), _WRITE | _WRITE_ENCRYPTED | _INDICATE),
                    (uuid(_UUID.format(6)), _NOTIFY),
                ),
            ),
        )
        (self._battery,), about, ours = ble.gatts_register_services(services)
        self._information, self._status, self._clock, self._requests, self._data = ours
        for handle, text in zip(about, ("somnolink", device.model, device.firmware)):  # noqa: B905  # MicroPython's zip
            ble.gatts_write(handle, text.encode())
        ble.gatts_set_buffer(self._requests, 2 * LONGEST_WRITE)  # longer than legal: over-length is seen as such

    @property
    def connected(self) -> bool:
        """Whether a peer is connected."""
        return self._peer.connection is not None

    @property
    def busy(self) -> bool:
        """Whether `pump` should be called again within a connection interval."""
        return bool(self._events or self._peer.responses or self._control.sending)

    @property
    def asked(self) -> bool:
        """Whether the peer has done something that `pump` has not looked at."""
        return bool(self._events)

    def advertise(self, interval_ms: int) -> None:
        """Be found every `interval_ms`, or with 0 keep silent; a connection that exists goes on."""
        if interval_ms == self._advertising and self._peer.connection is None:
            return
        self._advertising = interval_ms
        if self._peer.connection is None:
            self._restart_advertising()

    def pump(self) -> None:
        """Handle what has happened, then send what may be sent now. Not to be called from an interrupt."""
        while self._events:
            self._handle(self._events.pop(0))
        if self._flooded:
            self._flooded = False
            self._drop()
        self._bonds.flush()
        if self._peer.connection is None:
            return
        if self._peer.encrypted and self._peer.owner:
            self._show()
            self._send()
        self._answer()

    # -- in the stack's interrupt -------------------------------------------------------------------------------

    def _interrupt(self, event: int, data: tuple) -> object:
        if event == _GET_SECRET:
            kind, index, key = data
            return self._bonds.get(kind, index, None if key is None else bytes(key))
        if event == _SET_SECRET:
            return self._set_secret(*data)
        if event == _READING:
            if data[1] == self._clock and self._peer.owner and self._peer.encrypted:
                self._ble.gatts_write(self._clock, self._device.clock())
            return 0
        if event in (_CONNECT, _DISCONNECT, _WRITTEN, _INDICATED, _MTU, _ENCRYPTION):
            if event == _CONNECT:
                data = (data[0], bytes((data[1],)) + bytes(data[2]))  # the stack's buffer is reused
            elif event == _WRITTEN:
                data = (data[0], data[1], bytes(self._ble.gatts_read(data[1])))
            if event == _WRITTEN and len(self._events) >= MOST_EVENTS:
                self._flooded = True
            else:
                self._events.append((event, data))
        return None

    def _set_secret(self, kind: int, key: bytes, value: bytes) -> bool:
        known = self._peer.encrypted and kind not in _PEER_SECRETS
        new = value is not None and kind in _PEER_SECRETS and self._bonds.get(kind, 0, bytes(key)) != bytes(value)
        kept = self._bonds.set(kind, key, None if value is None else bytes(value), self.pairing or known)
        if new and kept:
            self._peer.new_bond = True
        if not kept and value is not None:
            self._peer.refused = True
        return kept

    # -- in the main loop ---------------------------------------------------------------------------------------

    def _handle(self, entry: tuple) -> None:
        event, data = entry
        if event == _CONNECT:
            if self._peer.connection is not None:
                self._ble.gap_disconnect(data[0])
                return
            self._peer.connection, self._peer.address = data
        elif data[0] != self._peer.connection:
            return
        elif event == _DISCONNECT:
            self._disconnected()
        elif event == _MTU:
            self._peer.mtu = data[1]
        elif event == _ENCRYPTION:
            self._encrypted(data[1] and data[3])
        elif event == _INDICATED:
            self._peer.indicating = False
        elif data[1] == self._requests:
            self._request(data[2])

    def _encrypted(self, bonded: bool) -> None:
        peer = self._peer
        refused, peer.refused = peer.refused, False
        if refused or not bonded:
            self._drop()
            return
        if peer.new_bond:
            peer.new_bond = False
            self._bonds.remove_owner(peer.address)
        peer.encrypted = True
        peer.owner = self._bonds.is_owner(peer.address)

    def _request(self, request: bytes) -> None:
        peer = self._peer
        was_owner = peer.owner
        response = self._control.write(peer, request)
        if peer.owner and not was_owner:
            self._bonds.add_owner(peer.address)
        if response is not None:
            peer.responses.append(response)
        if peer.wrong_proofs >= WRONG_PROOFS:
            self._drop()

    def _disconnected(self) -> None:
        self._control.disconnected()
        self._peer = _Peer()
        for handle in (self._information, self._status, self._clock):
            self._ble.gatts_write(handle, b"")
        self._restart_advertising()

    def _drop(self) -> None:
        """Break the link; the rest follows with the stack's event."""
        self._peer.encrypted = self._peer.owner = False
        if self._peer.connection is not None:
            self._ble.gap_disconnect(self._peer.connection)

    def _restart_advertising(self) -> None:
        if not self._advertising:
            self._ble.gap_advertise(None)
            return
        name = self._device.name.encode()
        self._ble.gap_advertise(
            self._advertising * 1000,
            adv_data=advertisement(),
            resp_data=bytes((len(name) + 1, 9)) + name,
        )

    def _show(self) -> None:
        status = self._device.status()
        peer = self._peer
        if status != peer.last_status:
            if not peer.last_status:
                self._ble.gatts_write(self._information, self._device.information())
                self._ble.gatts_write(self._clock, self._device.clock())
            peer.last_status = status
            self._ble.gatts_write(self._status, status, True)
            level = self._device.battery_pct()
            if level <= 100:
                self._ble.gatts_write(self._battery, bytes((level,)), True)

    def _send(self) -> None:
        for _ in range(BURST):
            frame = self._control.data(self._peer.mtu - 3)
            if frame is None:
                break
            try:
                self._ble.gatts_notify(self._peer.connection, self._data, frame)
            except OSError:  # no buffer: the same frame again at the next call
                self._control.unsend()
                return
        response = self._control.finished()
        if response is not None:
            self._peer.responses.append(response)

    def _answer(self) -> None:
        peer = self._peer
        if peer.responses and not peer.indicating:
            try:
                self._ble.gatts_indicate(peer.connection, self._requests, peer.responses[0])
            except OSError:
                return
            peer.indicating = True
            peer.responses.pop(0)
