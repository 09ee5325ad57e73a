"""A bumble controller that behaves on the air as a real one does, where bumble's own takes short cuts.

Bumble's controller repeats the advertising data as scan response, hears everything at -50 dBm, cannot cancel a
connection, and carries 27-byte packets. This one keeps scan responses apart, is told the RSSI by the link, obeys the
cancel command, carries 251 bytes, and speaks the legacy advertising commands only, which all sensors of the house use.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from bumble import controller as bumble_controller
from bumble import hci, ll
from bumble.core import PhysicalTransport

from simulators.radio.faults import Faults
from simulators.radio.host import RadioHost
from simulators.radio.link import AirLink

ACL_LENGTH = 251
"""Bytes of an LE data packet with data length extension (Core 5.4, Vol 6, Part B, 4.5.10)."""

LONGEST_TX_TIME_US = 2120
"""Microseconds on the air of a packet of 251 bytes on LE 1M (same section)."""

ADVERTISING_UNIT_S = 0.000625
"""Advertising intervals are in units of 0.625 ms (Core 5.4, Vol 4, Part E, 7.8.5)."""

_AdvertisingType = hci.HCI_LE_Set_Advertising_Parameters_Command.AdvertisingType
_ReportType = hci.HCI_LE_Advertising_Report_Event.EventType
_REPORT_TYPES = {
    _AdvertisingType.ADV_IND: _ReportType.ADV_IND,
    _AdvertisingType.ADV_SCAN_IND: _ReportType.ADV_SCAN_IND,
    _AdvertisingType.ADV_NONCONN_IND: _ReportType.ADV_NONCONN_IND,
}
_SCANNABLE = (_AdvertisingType.ADV_IND, _AdvertisingType.ADV_SCAN_IND)
_FREQUENT = (
    hci.HCI_AclDataPacket,
    hci.HCI_Number_Of_Completed_Packets_Event,
    hci.HCI_LE_Advertising_Report_Event,
)


@dataclass
class Advertisement(ll.AdvInd):
    """One advertising event: the data, and what a scan request would be answered."""

    scan_response: bytes = b""
    advertising_type: int = _AdvertisingType.ADV_IND


class _Advertiser(bumble_controller.LegacyAdvertiser):
    """Advertises at the interval that was asked for, with the scan response beside the data."""

    def _on_timer_fired(self) -> None:
        self.send_advertising_data()
        interval_s = max(self.advertising_interval_min, 0x20) * ADVERTISING_UNIT_S
        self.timer_handle = asyncio.get_running_loop().call_later(interval_s, self._on_timer_fired)

    def send_advertising_data(self) -> None:
        if self.enabled and self.advertising_type in _REPORT_TYPES:
            advertisement = Advertisement(
                advertiser_address=self.address,
                data=self.advertising_data,
                scan_response=self.scan_response_data,
                advertising_type=self.advertising_type,
            )
            self.controller.link.send_advertising_pdu(self.controller, advertisement)


class RadioController(bumble_controller.Controller):
    """One radio on the air, of a peripheral or of an adapter.

    Parameters
    ----------
    name
        Shown in bumble's logs.
    link
        The air it shares with the others.
    public_address
        Its public device address.
    faults
        What is wrong with it; None for an adapter, which has its own (`deaf`).
    rssi_dbm
        How strongly others hear it.
    """

    acl_data_packet_length = ACL_LENGTH
    le_acl_data_packet_length = ACL_LENGTH
    supported_max_tx_octets = ACL_LENGTH
    supported_max_tx_time = LONGEST_TX_TIME_US
    supported_max_rx_octets = ACL_LENGTH
    supported_max_rx_time = LONGEST_TX_TIME_US
    suggested_max_tx_octets = ACL_LENGTH
    suggested_max_tx_time = LONGEST_TX_TIME_US
    le_features = bumble_controller.Controller.le_features & ~(
        hci.LeFeatureMask.LE_EXTENDED_ADVERTISING | hci.LeFeatureMask.LE_PERIODIC_ADVERTISING
    )

    link: AirLink

    def __init__(
        self,
        name: str,
        link: AirLink,
        *,
        public_address: str,
        faults: Faults | None = None,
        rssi_dbm: int = 0,
    ) -> None:
        super().__init__(name, link=link, public_address=public_address)
        self.faults = faults
        self.rssi_dbm = rssi_dbm
        self.deaf = False
        self.le_legacy_advertiser = _Advertiser(self)

    @property
    def listening(self) -> bool:
        """Whether advertising by others has any effect here now."""
        return not self.deaf and (self.le_scan_enable or self.pending_le_connection is not None)

    def hear(self, advertisement: Advertisement, rssi_dbm: int) -> None:
        """Take one advertising event off the air."""
        if not self.listening:
            return
        if self.le_scan_enable:
            self._report(advertisement, rssi_dbm)
        pending = self.pending_le_connection
        if (
            pending is not None
            and pending.peer_address == advertisement.advertiser_address
            and advertisement.advertising_type == _AdvertisingType.ADV_IND
        ):
            self.create_le_connection(advertisement.advertiser_address)

    def create_le_connection(self, peer_address: hci.Address) -> None:
        """Connect to a peripheral that has just been heard, unless it has stopped listening since or refuses."""
        command = self.pending_le_connection
        peripheral = self.link.connectable(peer_address)
        if command is None or peripheral is None or peer_address in self.le_connections:
            return
        if peripheral.faults is not None and peripheral.faults.take_refusal():
            self.fail_pending_connection(hci.HCI_ErrorCode.CONNECTION_FAILED_TO_BE_ESTABLISHED_ERROR)
            return
        self.pending_le_connection = None
        public = command.own_address_type == hci.OwnAddressType.PUBLIC
        connection = bumble_controller.Connection(
            controller=self,
            handle=self.allocate_connection_handle(),
            role=hci.Role.CENTRAL,
            self_address=self.public_address if public else self.random_address,
            peer_address=peer_address,
            link=self.link,
            transport=PhysicalTransport.LE,
            link_type=hci.HCI_Connection_Complete_Event.LinkType.ACL,
        )
        self.le_connections[peer_address] = connection
        assert isinstance(command, hci.HCI_LE_Create_Connection_Command)
        interval, latency = command.connection_interval_min, command.max_latency
        peripheral.on_le_connect_ind(
            ll.ConnectInd(
                initiator_address=connection.self_address,
                advertiser_address=peer_address,
                interval=interval,
                latency=latency,
                timeout=command.supervision_timeout,
            )
        )
        self._complete_connection(
            hci.HCI_ErrorCode.SUCCESS,
            peer_address,
            handle=connection.handle,
            interval=interval,
            latency=latency,
            timeout=command.supervision_timeout,
        )

    def fail_pending_connection(self, status: int) -> None:
        """End the attempt to connect that is under way, if any."""
        if (command := self.pending_le_connection) is not None:
            self.pending_le_connection = None
            self._complete_connection(status, command.peer_address)

    def on_hci_le_create_connection_cancel_command(
        self, _command: hci.HCI_LE_Create_Connection_Cancel_Command
    ) -> hci.HCI_StatusReturnParameters:
        """Cancel: first the command completes, then the connection, with 0x02 (Vol 4, Part E, 7.8.13)."""
        if self.pending_le_connection is None:
            return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.COMMAND_DISALLOWED_ERROR)
        asyncio.get_running_loop().call_soon(
            self.fail_pending_connection, hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR
        )
        return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.SUCCESS)

    def send_hci_packet(self, packet: hci.HCI_Packet) -> None:
        """Hand a packet to the host, as an object where there are many of its kind."""
        if isinstance(packet, _FREQUENT) and isinstance(self.host, RadioHost):
            asyncio.get_running_loop().call_soon(self.host.on_hci_packet, packet)
        else:
            super().send_hci_packet(packet)

    def on_ll_control_pdu(self, sender_address: hci.Address, packet: ll.ControlPdu) -> None:
        """Take a control PDU, unless the connection it belongs to has just ended."""
        if sender_address in self.le_connections:
            super().on_ll_control_pdu(sender_address, packet)

    def on_link_acl_data(self, sender_address: hci.Address, transport: PhysicalTransport, data: bytes) -> None:
        """Take data, unless the connection it belongs to has just ended."""
        if sender_address in self.le_connections:
            super().on_link_acl_data(sender_address, transport, data)

    def _report(self, advertisement: Advertisement, rssi_dbm: int) -> None:
        kind = _AdvertisingType(advertisement.advertising_type)
        address = advertisement.advertiser_address
        parts = [(_REPORT_TYPES[kind], advertisement.data)]
        if kind in _SCANNABLE and self.le_scan_type == hci.HCI_LE_Set_Scan_Parameters_Command.ACTIVE_SCANNING:
            parts.append((_ReportType.SCAN_RSP, advertisement.scan_response))
        reports = [
            hci.HCI_LE_Advertising_Report_Event.Report(
                event_type=event_type, address_type=address.address_type, address=address, data=data, rssi=rssi_dbm
            )
            for event_type, data in parts
        ]
        self.send_hci_packet(hci.HCI_LE_Advertising_Report_Event(reports))

    def _complete_connection(
        self, status: int, peer: hci.Address, *, handle: int = 0, interval: int = 0, latency: int = 0, timeout: int = 0
    ) -> None:
        self.send_hci_packet(
            hci.HCI_LE_Connection_Complete_Event(
                status=status,
                connection_handle=handle,
                role=hci.Role.CENTRAL,
                peer_address_type=peer.address_type,
                peer_address=peer,
                connection_interval=interval,
                peripheral_latency=latency,
                supervision_timeout=timeout,
                central_clock_accuracy=0,
            )
        )
