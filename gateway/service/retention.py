"""Old samples, feed events and set-aside messages are deleted, by kind and age; results and all else are kept."""

from __future__ import annotations

import logging
import threading
from typing import Final

import msgspec

from gateway.clock import Clock
from gateway.errors import StoreError
from gateway.service.nights import night_bounds, night_of
from gateway.service.records import Records
from gateway.service.store.base import SampleStore
from gateway.settings import RetentionSettings
from gateway.wire.messages import KINDS, Kind

DAY_MS: Final = 86_400_000
FIRST_S: Final = 60.0
"""After the start there is enough to do: nights that ran are run again."""

EVERY_S: Final = 6 * 3600.0
"""A cut falls at a device's noon; within hours of it is soon enough for what was kept for a month at least."""

log = logging.getLogger(__name__)


class Deleted(msgspec.Struct, frozen=True):
    """How many went: samples of all kinds, events of the feed, set-aside messages; how many deletions failed."""

    samples: int
    events: int
    set_aside: int
    failed: int


def delete_old(kept: RetentionSettings, store: SampleStore, records: Records, now_ms: int) -> Deleted:
    """Delete what is older than the settings want it kept.

    Samples go by whole nights of their device's zone, one device and kind at a time, so that a commit that comes
    meanwhile waits for one deletion only. What fails is logged and left to the next time.

    Raises
    ------
    StoreError
        Neither the devices nor their zones can be read: nothing was deleted.
    """
    zones = {device.id: device.zone for device in records.devices.list()}
    samples = failed = 0
    for kind in KINDS:
        days = days_of(kept, kind)
        for device in store.devices() if days else []:
            zone = zones.get(device, "UTC")
            cut_ms = night_bounds(night_of(now_ms - days * DAY_MS, zone), zone)[0]
            try:
                samples += store.delete_before(cut_ms, kind=kind, device=device)
            except StoreError as error:
                failed += 1
                log.warning("old %s of %s is not deleted: %s", kind, device, error)
    events = set_aside = 0
    try:
        if kept.feed_days:
            events = records.feed.prune(now_ms - kept.feed_days * DAY_MS)
        if kept.set_aside_days:
            set_aside = records.set_aside.prune(now_ms - kept.set_aside_days * DAY_MS)
    except StoreError as error:
        failed += 1
        log.warning("old records are not deleted: %s", error)
    return Deleted(samples, events, set_aside, failed)


def days_of(kept: RetentionSettings, kind: Kind) -> int:
    """For how many days samples of a kind are kept; 0 for ever."""
    days = {
        "oximetry": kept.oximetry_days,
        "wear": kept.wear_days,
        "waveform": kept.waveform_days,
        "bed": kept.bed_days,
        "blood_pressure": kept.blood_pressure_days,
        "device": kept.device_days,
    }
    return days[kind]


class RetentionJob:
    """Runs `delete_old` on a thread of its own, some times a day.

    Attributes
    ----------
    counters : dict of str to int
        Since the start, for the metrics.
    """

    def __init__(
        self,
        kept: RetentionSettings,
        store: SampleStore,
        records: Records,
        clock: Clock,
        *,
        first_s: float = FIRST_S,
        every_s: float = EVERY_S,
    ) -> None:
        self._kept = kept
        self._store = store
        self._records = records
        self._clock = clock
        self._first_s = first_s
        self._every_s = every_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="retention", daemon=True)
        self.counters: dict[str, int] = {"retention_samples": 0, "retention_failed": 0, "retention_runs": 0}

    def start(self) -> None:
        """Begin, some time after the service's start."""
        self._thread.start()

    def stop(self) -> None:
        """End, behind the deletion under way. May be called without a start."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        wait_s = self._first_s
        while not self._stop.wait(wait_s):
            wait_s = self._every_s
            try:
                gone = delete_old(self._kept, self._store, self._records, self._clock.utc_ms())
            except StoreError as error:
                log.warning("nothing old is deleted: %s", error)
                self.counters["retention_failed"] += 1
                continue
            self.counters["retention_samples"] += gone.samples
            self.counters["retention_failed"] += gone.failed
            self.counters["retention_runs"] += 1
            if gone.samples or gone.events or gone.set_aside:
                log.info(
                    "deleted as old: %d samples, %d events of the feed, %d set-aside messages",
                    gone.samples,
                    gone.events,
                    gone.set_aside,
                )
