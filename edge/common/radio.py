"""The radio of a device: made when it is first wanted, served from the main loop, off in between."""

import gc

from edge.common.bonds import Bonds
from edge.common.control import ControlPoint
from edge.common.gatt import GattServer
from edge.common.power import PAIRING_ADVERTISING_MS

CONNECTED_IDLE_MS = 20
"""Pause of the main loop while there is something to do for a peer: about one connection interval."""
CONNECTED_QUIET_MS = 1000
"""While there is not: each round of the loop costs as much as a packet. A frame of the bed sensor takes 3 s to fill."""
LINGER_MS = 300
"""After a peer's last request, how long the next one is waited for at the short pause."""
ADVERTISING_IDLE_MS = 200


class Radio:
    """GATT server and control point of one device.

    Parameters
    ----------
    device, store
        `Device` and its `Store`.
    """

    def __init__(self, device: object, store: object):
        self._device = device
        self._store = store
        self._server = None
        self._lingers_until = 0

    @property
    def connected(self) -> bool:
        """Whether a peer is connected."""
        return self._server is not None and self._server.connected

    def serve(self, interval_ms: int, pairing: bool) -> int:
        """Be found every `interval_ms` (0: silent) and do what peers ask; returns for how many ms the loop may rest.

        0 means that the radio is silent and nobody is connected: the board may sleep.
        """
        if self._server is None:
            if not interval_ms and not pairing:
                return 0
            self._server = self._start()
        server = self._server
        server.pairing = pairing
        server.advertise(PAIRING_ADVERTISING_MS if pairing else interval_ms)
        asked = server.asked
        if asked:
            gc.collect()  # so that what is made now and stays does not lie behind what the last look and answer left
        server.pump()
        if server.connected:
            now_ms = self._device.now()[1]
            if asked:
                self._lingers_until = now_ms + LINGER_MS
            return CONNECTED_IDLE_MS if server.busy or now_ms < self._lingers_until else CONNECTED_QUIET_MS
        return ADVERTISING_IDLE_MS if interval_ms or pairing else 0

    def _start(self) -> object:
        gc.collect()  # as in `serve`; what is made here stays as long as the radio does
        import bluetooth  # here, since a wake in the mouth must not pay for a radio that stays silent

        device = self._device
        control = ControlPoint(device.log, device.secret(), device.now, device.add_anchor)
        return GattServer(bluetooth.BLE(), bluetooth.UUID, control, Bonds(self._store), device)
