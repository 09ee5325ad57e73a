"""The alert engine as the ingest sees it: batches, nights, gateways and time in; alerts and feed events on disk.

What a batch raises is on disk before the batch is acknowledged: after a kill the gateway sends it again, and finding
again what is known already changes nothing. Late data (a stored recording behind a live one, a night that comes days
later) are judged with all that is stored by then, and what they change is told as late.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import date
from typing import Final

from gateway.clock import Clock
from gateway.service.alerts.directory import Directory
from gateway.service.alerts.findings import Outbox
from gateway.service.alerts.home_time import HomeTimes
from gateway.service.alerts.patients import PatientWatch
from gateway.service.alerts.watch import Watch
from gateway.service.patient_nights import moment_of
from gateway.service.records import Device, NightResult, Records
from gateway.service.store.base import SampleStore
from gateway.wire.messages import Batch

KEEP_EVERY_S: Final = 5.0
"""How often the data times are kept; after a kill silence is reckoned from a time that is older by no more."""

AGAIN_EACH_TICK: Final = 5
"""Patients judged again in one tick after a change of thresholds: intake goes before."""

TIME_EVERY_S: Final = 1.0
"""How often timers are looked at; their hours and minutes can wait for a second."""

OVERDUE_S: Final = 10.0
"""Late samples are judged with their night, which is run again within 5 s; past this they are judged without it."""

FEED_KEPT_MS: Final = 90 * 86_400_000
"""Events of the feed are kept for this long for those who were away; alerts and their history stay."""

RECENT_MS: Final = 3_600_000
"""Results made within this before a restart are judged again: the kill may have come between result and judgement."""


class AlertEngine:
    """Holds the rules against what arrives. Every method is called from the ingest's thread."""

    def __init__(self, records: Records, store: SampleStore, clock: Clock) -> None:
        self._records = records
        self._clock = clock
        self._directory = Directory(records)
        self._outbox = Outbox(records, self._directory)
        self._times = HomeTimes(clock, records.data_times.all())
        self._watch = Watch(records, store, self._directory, self._times, self._outbox)
        self._patients = PatientWatch(records, self._directory, self._outbox)
        self._again: set[str] = set()
        self._kept_s = self._timed_s = 0.0
        self._prune_s = time.monotonic() + 3600
        self._deepest: dict[str, tuple[date, float]] = {}
        self.events = 0

    def recover(self) -> None:
        """Take up after a restart."""
        self._directory.refresh()
        self._watch.recover()
        recent_ms = self._clock.utc_ms() - RECENT_MS
        for result in self._records.results.nights(limit=1000):
            if result.updated_ms >= recent_ms:
                if result.kind == "oximetry":
                    self._watch.review(result.device, result.start_ms, result.end_ms)
                patient = self._directory.wearer(result.device, moment_of(result))
                if patient is not None:
                    self._again.add(patient.id)

    def feed(self, batches: Iterable[tuple[Batch, Device]]) -> None:
        """Take batches that the store has; when this returns, what they raised is on disk."""
        touched = self._directory.refresh()
        if touched:
            self._patients.forget()
            self._again |= touched
        self._watch.feed(batches)
        self._tell()

    def gateway_status(self, gateway: str, at_ms: int, pending: int) -> None:
        """Take a gateway's status, by its own time."""
        self._watch.status(gateway, at_ms, pending)
        self._tell()

    def night(self, result: NightResult, *, again: bool = False) -> None:
        """Take a night's result.

        Parameters
        ----------
        again : bool
            The night was run again from the store: its samples may differ from those that were judged as they came.
        """
        if again and result.kind == "oximetry":
            self._watch.review(result.device, result.start_ms, result.end_ms)
            self._watch.judge_again(result.device)
        patient = self._directory.wearer(result.device, moment_of(result))
        if patient is not None:
            self._patients.judge(patient, result.night)
        self._tell()

    def running_night(self, result: NightResult, nadir_pct: float) -> None:
        """Take what is new of a night that runs: the nadir of a desaturation that can be believed.

        Only one deeper than the limit, and than those before it, has the patient's nights looked at.
        """
        patient = self._directory.wearer(result.device, moment_of(result))
        if patient is None:
            return
        limit = self._directory.thresholds(patient.clinic, patient.id)["deep_nadir"]["limit_pct"]
        night, deepest = self._deepest.get(patient.id, (date.min, 0.0))
        if nadir_pct > limit or (night == result.night and nadir_pct >= deepest):
            return
        self._deepest[patient.id] = (result.night, nadir_pct)
        self._patients.judge(patient, result.night)
        self._tell()

    def tick(self, *, settle: bool = False) -> None:
        """Let time pass: silence, escalations, snoozes; judge again what waits for it."""
        touched = self._directory.refresh()
        if touched:
            self._patients.forget()
            self._again |= touched
        for device in self._watch.overdue(after_s=0.0 if settle else OVERDUE_S):
            self._watch.judge_again(device)
        for name in sorted(self._again)[: None if settle else AGAIN_EACH_TICK]:
            patient = self._directory.patient(name)
            if patient is not None:
                self._patients.judge(patient, None)
            self._again.discard(name)
        self._tell()
        now_s = time.monotonic()
        if settle or now_s - self._timed_s >= TIME_EVERY_S:
            self._timed_s = now_s
            self._watch.pass_time()
            self._tell()
            self.events += self._records.alerts.tick(
                self._times.now_ms,
                self._directory.escalate_after_ms,
                latest_ms=self._times.latest_ms(),
                recorded_ms=self._clock.utc_ms(),
            )
        if now_s >= self._prune_s:
            self._prune_s = now_s + 86_400
            self._records.feed.prune(self._clock.utc_ms() - FEED_KEPT_MS)
        if settle or now_s - self._kept_s >= KEEP_EVERY_S:
            self._records.data_times.put(self._times.unwritten())
            self._kept_s = now_s

    def forget(self, patient: str) -> None:
        """Let go of a patient who is erased: nothing that was found about them is told any more."""
        self._directory.refresh()
        self._patients.forget()
        self._watch.forget(patient)
        self._outbox.forget(patient)
        self._again.discard(patient)
        self._deepest.pop(patient, None)

    def now_ms(self, gateway: str | None) -> int:
        """Data time of a home."""
        return self._times.now_ms(gateway)

    def _tell(self) -> None:
        self.events += self._outbox.tell(self._clock.utc_ms())
