"""The air between controllers: who hears whom, how strongly, and what gets lost on the way."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from bumble import att, core, hci, ll
from bumble import link as bumble_link

if TYPE_CHECKING:
    from bumble.controller import Controller

    from simulators.radio.controller import Advertisement, RadioController

SUPERVISION_TIMEOUT_S = 0.42
"""What BlueZ asks for by default (`ConnectionSupervisionTimeout` 42 in main.conf, in units of 10 ms)."""

_ATT_HEADER = 4
"""Bytes of an L2CAP basic header (length, channel) before the ATT PDU (Core 5.4, Vol 3, Part A, 3.1)."""

# Bytes of each ATT PDU before its value, for the PDUs that carry a value to the central (Vol 3, Part F, 3.4).
_VALUE_OFFSETS: dict[int, int] = {
    att.Opcode.ATT_HANDLE_VALUE_NOTIFICATION: 3,
    att.Opcode.ATT_HANDLE_VALUE_INDICATION: 3,
    att.Opcode.ATT_READ_RESPONSE: 1,
    att.Opcode.ATT_READ_BLOB_RESPONSE: 1,
}
_PUSHED = (att.Opcode.ATT_HANDLE_VALUE_NOTIFICATION, att.Opcode.ATT_HANDLE_VALUE_INDICATION)


class AirLink(bumble_link.LocalLink):
    """Carries packets between the controllers in the order in which they joined, and lets faults at them.

    Parameters
    ----------
    supervision_timeout_s
        Seconds for which a link outlives the silence of one side.
    connection_interval_s
        Data crosses at multiples of this (0.0075 at the least on a real air); 0: at once.
    """

    def __init__(
        self, *, supervision_timeout_s: float = SUPERVISION_TIMEOUT_S, connection_interval_s: float = 0.0
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # bumble leaves it untyped
        self.supervision_timeout_s = supervision_timeout_s
        self.connection_interval_s = connection_interval_s
        self._event: list[Callable[[], None]] = []
        self._radios: list[RadioController] = []  # a set's order would differ from run to run
        self._held: dict[RadioController, list[Callable[[], None]]] = {}
        self._supervision: dict[RadioController, asyncio.TimerHandle] = {}

    def add_controller(self, controller: Controller) -> None:
        """Bring a radio onto the air."""
        self._radios.append(cast("RadioController", controller))

    def remove_controller(self, controller: Controller) -> None:
        """Take a radio off the air, with all that waits for it."""
        radio = cast("RadioController", controller)
        radio.le_legacy_advertiser.stop()
        self._radios.remove(radio)
        self._end_silence(radio)

    def close(self) -> None:
        """Take every radio off the air."""
        for radio in list(self._radios):
            self.remove_controller(radio)

    def find_le_controller(self, address: hci.Address) -> Controller | None:
        """Find the radio with a connection from `address`, else with that address."""
        for radio in self._radios:
            if any(connection.self_address == address for connection in radio.le_connections.values()):
                return radio
        for radio in self._radios:
            if address in (radio.random_address, radio.public_address):
                return radio
        return None

    def connectable(self, address: hci.Address) -> RadioController | None:
        """Find the radio that takes connections at `address` now."""
        for radio in self._radios:
            advertiser = radio.le_legacy_advertiser
            if advertiser.enabled and advertiser.address == address and _audible(radio):
                return radio
        return None

    def send_advertising_pdu(self, sender_controller: Controller, packet: ll.AdvertisingPdu) -> None:
        """Let every other radio that listens hear an advertising event."""
        sender = cast("RadioController", sender_controller)
        if not _audible(sender):
            return
        loop = asyncio.get_running_loop()
        for radio in self._radios:
            if radio is not sender and radio.listening:
                loop.call_soon(radio.hear, cast("Advertisement", packet), sender.rssi_dbm)

    def send_acl_data(
        self,
        sender_controller: Controller,
        destination_address: hci.Address,
        transport: core.PhysicalTransport,
        data: bytes,
    ) -> None:
        """Carry data over an established connection; once that has ended the data is gone."""
        sender = cast("RadioController", sender_controller)
        connection = sender.le_connections.get(destination_address)
        receiver = cast("RadioController | None", self.find_le_controller(destination_address))
        if connection is None or receiver is None:
            return
        copies, lost = _fate(sender, data)
        source_address = connection.self_address

        def deliver() -> None:
            receiver.on_link_acl_data(source_address, transport, data)

        for _ in range(copies):
            self._carry(sender, receiver, deliver)
        if lost:
            self._carry(
                sender, receiver, lambda: self.end_connections(sender, hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR)
            )

    def send_ll_control_pdu(
        self, sender_address: hci.Address, receiver_address: hci.Address, packet: ll.ControlPdu
    ) -> None:
        """Carry a control PDU over an established connection; once that has ended it is gone."""
        sender = cast("RadioController | None", self.find_le_controller(sender_address))
        receiver = cast("RadioController | None", self.find_le_controller(receiver_address))
        if sender is not None and receiver is not None:
            self._carry(sender, receiver, lambda: receiver.on_ll_control_pdu(sender_address, packet))

    def end_connections(self, radio: RadioController, reason: int, peer_reason: int | None = None) -> None:
        """End every connection of a radio at once, on both sides, whatever either side knows of it.

        Parameters
        ----------
        radio
            Whose connections.
        reason
            The HCI reason that its host is given.
        peer_reason
            The HCI reason that the hosts of its peers are given; None: the same.
        """
        own = {connection.self_address for connection in radio.le_connections.values()}
        own |= {radio.random_address, radio.public_address}
        for connection in list(radio.le_connections.values()):
            radio.on_le_disconnected(connection, reason)
        for other in self._radios:
            for connection in [
                c for c in other.le_connections.values() if c.peer_address in own and other is not radio
            ]:
                other.on_le_disconnected(connection, reason if peer_reason is None else peer_reason)

    def on_silence(self, radio: RadioController, silent: bool) -> None:
        """Start or stop holding back all that a radio sends and should receive."""
        if not silent:
            for deliver in self._end_silence(radio):
                asyncio.get_running_loop().call_soon(deliver)
            return
        self._held[radio] = []
        self._supervision[radio] = asyncio.get_running_loop().call_later(
            self.supervision_timeout_s, self._time_out, radio
        )

    def _time_out(self, radio: RadioController) -> None:
        self._held[radio].clear()
        self.end_connections(radio, hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR)

    def _end_silence(self, radio: RadioController) -> list[Callable[[], None]]:
        if (timer := self._supervision.pop(radio, None)) is not None:
            timer.cancel()
        return self._held.pop(radio, [])

    def _carry(self, sender: RadioController, receiver: RadioController, deliver: Callable[[], None]) -> None:
        # The link layer repeats what was not acknowledged: silence delays, it does not lose, until the time-out.
        held = self._held.get(sender, self._held.get(receiver))
        if held is not None:
            held.append(deliver)
        elif self.connection_interval_s > 0:
            self._at_next_event(deliver)
        else:
            asyncio.get_running_loop().call_soon(deliver)

    def _at_next_event(self, deliver: Callable[[], None]) -> None:
        if not self._event:
            loop = asyncio.get_running_loop()
            events = math.floor(loop.time() / self.connection_interval_s) + 1
            loop.call_at(events * self.connection_interval_s, self._hold_event)
        self._event.append(deliver)

    def _hold_event(self) -> None:
        # What is sent in answer crosses at the next one.
        event, self._event = self._event, []
        for deliver in event:
            deliver()


def _audible(radio: RadioController) -> bool:
    return radio.faults is None or radio.faults.audible


def _fate(sender: RadioController, data: bytes) -> tuple[int, bool]:
    """How many copies of a packet arrive, and whether the link is lost behind them."""
    if sender.faults is None or len(data) <= _ATT_HEADER or int.from_bytes(data[2:4], "little") != att.ATT_CID:
        return 1, False
    opcode = data[_ATT_HEADER]
    offset = _VALUE_OFFSETS.get(opcode)
    if offset is None:
        return 1, False
    return sender.faults.on_value(len(data) - _ATT_HEADER - offset, pushed=opcode in _PUSHED)
