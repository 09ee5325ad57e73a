"""Tells systemd that the gateway is ready, how it is, and that it is not stuck (sd_notify(3), systemd.service(5))."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Self

from gateway.clock import Clock

STATUS_EVERY_S: Final = 30.0
"""How often the state is told where no watchdog asks for more."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Watchdog:
    """The line to the service manager.

    Attributes
    ----------
    address : str
        Of its datagram socket; one that begins with @ is abstract. Empty: nobody is there, and nothing is sent.
    timeout_s : float or None
        Without a sign of life for so long the service manager kills us; None: it does not watch.
    """

    address: str = ""
    timeout_s: float | None = None

    @classmethod
    def from_environment(cls, variables: Mapping[str, str] | None = None) -> Self:
        """Read `NOTIFY_SOCKET`, and `WATCHDOG_USEC` where `WATCHDOG_PID` is ours (or not given)."""
        variables = os.environ if variables is None else variables
        timeout_s = None
        try:
            if int(variables.get("WATCHDOG_PID", os.getpid())) == os.getpid():
                timeout_s = int(variables.get("WATCHDOG_USEC", 0)) / 1e6 or None
        except ValueError:
            log.warning("WATCHDOG_USEC or WATCHDOG_PID is no number: no signs of life are sent")
        return cls(variables.get("NOTIFY_SOCKET", ""), timeout_s)

    @property
    def every_s(self) -> float:
        """How often it is to be fed: at a third of its time, so that one late turn does no harm."""
        return STATUS_EVERY_S if self.timeout_s is None else min(STATUS_EVERY_S, self.timeout_s / 3)

    def tell(self, *lines: str) -> None:
        """Send `NAME=value` lines in one datagram; a service manager that is gone is no fault of ours."""
        if not self.address:
            return
        address = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
                line.setblocking(False)
                line.sendto("\n".join(lines).encode(), address)
        except OSError as error:
            log.debug("the service manager does not listen: %s", error)

    async def keep(self, clock: Clock, *, alive: Callable[[], bool], state: Callable[[], str]) -> None:
        """Say that we are ready, then tell the state and, while `alive`, give a sign of life; until cancelled.

        Parameters
        ----------
        alive : callable
            Whether all parts of the program move; while they do not, the watchdog is left to bite.
        state : callable
            One line for a person.
        """
        self.tell("READY=1", _status(state()))
        try:
            while True:
                await clock.sleep(self.every_s)
                if alive():
                    self.tell("WATCHDOG=1", _status(state()))
                else:
                    log.error("a part of the gateway is stuck: no sign of life for the service manager")
        finally:
            self.tell("STOPPING=1")


def _status(text: str) -> str:
    return "STATUS=" + " ".join(text.split())
