"""Carries erasures out, one after the other, whoever asked for them; what a kill broke off is taken up again."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

from gateway.clock import Clock
from gateway.errors import StoreError, StoreUnavailableError
from gateway.service.erasure.work import close, steps
from gateway.service.records import Erasure, Records
from gateway.service.store.base import SampleStore

LOOK_EVERY_S: Final = 1.0
"""How soon an erasure is seen that another process asked for."""

AGAIN_S: Final = 10.0
"""After a failure."""

BUDGET_S: Final = 0.2
"""So long the intake waits for steps of an erasure, at a time."""

Forget = Callable[[str, set[str]], None]
"""Has the analytics let go of a patient and of the nights of devices."""

Inside = Callable[[Callable[[], bool]], bool]
"""Calls something where no analysis runs at the same time, and gives back what it gave."""

log = logging.getLogger(__name__)


def carry_out(
    records: Records,
    store: SampleStore,
    clock: Clock,
    erasure: Erasure,
    *,
    forget: Forget | None = None,
    inside: Inside | None = None,
) -> Erasure:
    """Carry one erasure out, from wherever it was left.

    Parameters
    ----------
    forget, inside
        The running analytics; None where none run.

    Raises
    ------
    StoreError
        As `steps` and `close`; it is noted with the erasure, which stays to be gone on with.
    """
    going = steps(records, store, erasure, now_ms=clock.utc_ms())

    def advance() -> bool:
        until_s = time.monotonic() + BUDGET_S
        for devices in going:
            if forget is not None and devices:
                forget(erasure.patient, devices)
            if time.monotonic() >= until_s:
                return True
        return False

    try:
        while inside(advance) if inside is not None else advance():
            pass
        return close(records, store, erasure, now_ms=clock.utc_ms())
    except StoreError as error:
        records.erasures.note(erasure.id, {}, problem=str(error)[:500])
        raise


class ErasureJob:
    """Carries erasures out on a thread of its own, from the start on.

    Attributes
    ----------
    counters : dict of str to int
        Since the start, for the metrics.
    """

    def __init__(self, records: Records, store: SampleStore, clock: Clock, *, forget: Forget, inside: Inside) -> None:
        self._records = records
        self._store = store
        self._clock = clock
        self._forget = forget
        self._inside = inside
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="erasures", daemon=True)
        self.counters: dict[str, int] = {"erasures_done": 0, "erasures_failed": 0}

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """Look now: something was asked for."""
        self._wake.set()

    def stop(self) -> None:
        """End behind the step under way; the rest is taken up at the next start. May be called without a start."""
        self._stop.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        wait_s = 0.0
        while not self._stop.is_set():
            self._wake.wait(wait_s)
            self._wake.clear()
            wait_s = LOOK_EVERY_S
            if self._stop.is_set():
                return
            try:
                for erasure in self._records.erasures.list(unfinished=True):
                    carry_out(
                        self._records,
                        self._store,
                        self._clock,
                        erasure,
                        forget=self._forget,
                        inside=self._guarded,
                    )
                    self.counters["erasures_done"] += 1
                    log.info("%s is erased (%s)", erasure.patient, erasure.id)
            except StoreError as error:
                if self._stop.is_set():
                    return
                log.warning("an erasure waits: %s", error)
                self.counters["erasures_failed"] += 1
                wait_s = AGAIN_S

    def _guarded(self, step: Callable[[], bool]) -> bool:
        if self._stop.is_set():
            raise StoreUnavailableError("the service stops; the erasure goes on at the next start")
        return self._inside(step)
