"""Holds the broker's accounts against the records: at the start, after anything that failed, and now and then."""

from __future__ import annotations

import logging
import threading
from typing import Final

from gateway.errors import BrokerError, StoreError
from gateway.service.homes.accounts import Repaired
from gateway.service.homes.enrolment import Enrolment

RETRY_S: Final = 5.0
"""Between tries at a broker that is away: somebody may have been revoked meanwhile."""

EVERY_S: Final = 60.0
"""A broker that was set up anew, or brought back from an older state, is right again after this long."""

log = logging.getLogger(__name__)


class AccountKeeper:
    """A thread that repairs until it is stopped."""

    def __init__(self, enrolment: Enrolment, *, every_s: float = EVERY_S, retry_s: float = RETRY_S) -> None:
        self._enrolment = enrolment
        self._every_s = every_s
        self._retry_s = retry_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="broker-accounts", daemon=True)
        self._problem: str | None = None
        self.repaired = 0

    def start(self) -> None:
        """Begin, if there are accounts to keep."""
        if self._enrolment.by_code:
            self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        wait_s = 0.0
        while not self._stop.wait(wait_s):
            try:
                done = self._enrolment.repair()
            except (BrokerError, StoreError) as error:
                if self._problem != str(error):
                    log.warning("the broker's accounts cannot be looked at: %s", error)
                self._problem, wait_s = str(error), self._retry_s
                continue
            self._problem, wait_s = None, self._every_s
            if done != Repaired():
                self.repaired += done.made + done.enabled + done.disabled + done.roles
                log.warning(
                    "the broker's accounts were not those of the records: %d made, %d let in, %d shut out, %d roles",
                    done.made,
                    done.enabled,
                    done.disabled,
                    done.roles,
                )
