"""A bumble host beside its controller in one process, fast enough for whole nights.

Bumble's own host and controller write every packet out for a log that nobody reads, and take it to bytes and back. Of
the packets that come by the ten thousand in a night (data, completions, advertising reports) this host and
`RadioController` hand over the objects, by `call_soon` as bumble does; all others go as bytes.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from bumble import hci
from bumble.host import Host
from bumble.transport.common import AsyncPipeSink

if TYPE_CHECKING:
    from simulators.radio.controller import RadioController

EVENT_ADVERTISING = "advertising_event"
"""Emitted with the reports of one advertising event: the advertising, and what came in answer to a scan request."""


class RadioHost(Host):
    """The host of one `RadioController`.

    Parameters
    ----------
    controller
        The radio it drives.
    """

    def __init__(self, controller: RadioController) -> None:
        self._radio = controller
        super().__init__(controller, AsyncPipeSink(controller))

    def send_hci_packet(self, packet: hci.HCI_Packet) -> None:
        """Hand a packet to the controller."""
        if isinstance(packet, hci.HCI_AclDataPacket):
            asyncio.get_running_loop().call_soon(self._radio.on_hci_acl_data_packet, packet)
        elif self.hci_sink is not None:
            self.hci_sink.on_packet(bytes(packet))

    def on_hci_packet(self, packet: hci.HCI_Packet) -> None:
        """Take a packet from the controller."""
        if isinstance(packet, hci.HCI_AclDataPacket):
            self.on_hci_acl_data_packet(packet)
        elif isinstance(packet, hci.HCI_LE_Advertising_Report_Event):
            self.emit(EVENT_ADVERTISING, packet.reports)
        elif isinstance(packet, hci.HCI_Number_Of_Completed_Packets_Event):
            self.on_hci_number_of_completed_packets_event(packet)
        else:
            super().on_hci_packet(packet)
