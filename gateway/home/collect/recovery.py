"""The scanner's recovery ladder: which repair is due when nothing is heard. Pure: it is told the time, and says a rung.

A scanner that died silently is the commonest way for a home gateway to lose a night: no error comes, only no more
advertisements. The ladder goes from what costs nothing to what disturbs everything.
"""

from __future__ import annotations

from enum import Enum
from typing import Final, Protocol

SILENCE_S: Final = 90.0
"""No advertisement of anything for this long is taken for a fault (devices.md, field reports), and so is as much again
after each rung."""

LINKED_SILENCE_S: Final = 600.0
"""While a device is connected the adapter works, and a device in a connection does not advertise: only the scanner is
started again, and only now and then."""

AGAIN_S: Final = 900.0
"""Between two repairs once all were tried: a house in which nothing advertises looks the same as a fault, and a repair
at the wrong moment costs a device's few seconds on the air."""


class Rung(Enum):
    """What is to be done, least first."""

    RESCAN = "start the scanner again"
    POWER_CYCLE = "switch the Bluetooth adapter off and on"
    RESTART_SERVICE = "restart the Bluetooth service"
    REPORT = "tell somebody"


class Repairs(Protocol):
    """The rungs that need more than bleak. Each raises `DeviceError` where it cannot be done."""

    async def power_cycle(self) -> None:
        """Switch the adapter off and on; its links end."""

    async def restart_service(self) -> None:
        """Restart what drives the adapter; its links end."""


class NoRepairs:
    """Where the platform offers none (a proxy, macOS): starting the scanner again is all there is."""

    async def power_cycle(self) -> None:
        """Do nothing."""

    async def restart_service(self) -> None:
        """Do nothing."""


LADDER: Final = (Rung.RESCAN, Rung.POWER_CYCLE, Rung.RESTART_SERVICE, Rung.REPORT)


class Ladder:
    """Counts the rungs climbed since something was last heard.

    Parameters
    ----------
    now_s : float
        Monotonic seconds, as in every call.
    """

    def __init__(self, now_s: float) -> None:
        self._since_s = now_s
        self._climbed = 0

    @property
    def reported(self) -> bool:
        """Whether all was tried and nothing helped yet."""
        return self._climbed >= len(LADDER)

    def heard(self, now_s: float) -> None:
        """Come down: the radio works."""
        self._since_s = now_s
        self._climbed = 0

    def due(self, now_s: float, *, linked: bool) -> Rung | None:
        """Return the rung that is due, once; None while there is reason for patience.

        Parameters
        ----------
        linked : bool
            Whether a device is connected: repairs that would end its link are not due then.
        """
        silent_s = now_s - self._since_s
        if linked:
            if silent_s < LINKED_SILENCE_S:
                return None
            self._since_s = now_s
            return Rung.RESCAN
        if silent_s < (AGAIN_S if self.reported else SILENCE_S):
            return None
        self._since_s = now_s
        # Once somebody is told, the repairs come by turns.
        rung = LADDER[self._climbed % (len(LADDER) - 1)] if self.reported else LADDER[self._climbed]
        self._climbed += 1
        return rung
