"""What samples, contacts and gateways say at once: SpO2, batteries, faults, clocks, uploads, silence."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Final

import msgspec
import numpy as np

from analytics.alerts import devices, spo2
from analytics.alerts.findings import Finding
from analytics.alerts.reconcile import reconcile
from gateway.service.alerts.directory import Directory
from gateway.service.alerts.findings import Outbox
from gateway.service.alerts.home_time import HomeTimes
from gateway.service.ingest.cutting import chunks_of
from gateway.service.records import Device, Patient, Records, Subject
from gateway.service.store.base import SampleStore
from gateway.wire.messages import Batch, WearFlag

LOOK_BACK_MS: Final = 86_400_000
"""Samples before the first that arrives which a state is rebuilt from: no desaturation lasts for a day."""

TELLING: Final = frozenset({"wear", "device"})
"""Kinds that tell more of their device than that it lives."""

DEVICE_RULES: Final = ("device_silent", "battery_low", "sensor_fault", "clock_lost")


class Watch:
    """Steps the rules on samples, devices and gateways. Used by the ingest's thread alone.

    States are a cache: those of SpO2 are rebuilt from the store, those of devices from their open alerts and the time
    of their latest data.
    """

    def __init__(
        self, records: Records, store: SampleStore, directory: Directory, times: HomeTimes, outbox: Outbox
    ) -> None:
        self._records = records
        self._store = store
        self._directory = directory
        self._times = times
        self._outbox = outbox
        self._spo2: dict[tuple[str, str], spo2.Spo2State] = {}
        self._devices: dict[str, devices.DeviceState] = {}
        self._entries: dict[str, Device] = {}
        self._uploads: dict[str, devices.UploadState] = {}
        self._review: dict[str, tuple[int, int, float]] = {}

    def recover(self) -> None:
        """Take up after a restart: every device's state, as its open alerts have it."""
        self._entries = {one.id: one for one in self._records.devices.list()}
        grades: dict[str, dict[str, int]] = {}
        for (rule, subject), alert in self._records.alerts.open_of(DEVICE_RULES).items():
            grades.setdefault(subject, {})[rule] = alert.grade
        for device in {*self._times.devices, *grades}:
            self._devices[device] = devices.resume(self._times.last_of(device), grades.get(device, {}))
        for (_, gateway), alert in self._records.alerts.open_of(("upload_stuck",)).items():
            self._uploads[gateway] = devices.UploadState(1 << 30, alert.from_ms, True)

    def feed(self, batches: Iterable[tuple[Batch, Device]]) -> None:
        """Take batches that the store has."""
        for batch, entry in batches:
            self._entries[entry.id] = entry
            last_ms = batch.end_ms
            self._times.heard(entry.gateway_id, last_ms)
            self._times.heard_device(entry.id, last_ms)
            self._device(batch, entry, last_ms)
            if batch.kind == "oximetry":
                self._oximetry(batch, entry)

    def status(self, gateway: str, at_ms: int, pending: int) -> None:
        """Take a gateway's word on how many batches wait there; `at_ms` is its own time."""
        if at_ms:  # a last will has no time
            self._times.heard(gateway, at_ms)
        subject = self._directory.gateway_subject(gateway)
        state = self._uploads.get(gateway, devices.UploadState())
        self._uploads[gateway], found = devices.step_upload(
            state, self._times.now_ms(gateway), pending, self._directory.of_subject(subject)
        )
        self._outbox.add(subject, found)

    def pass_time(self) -> None:
        """Let time pass for every device; its data up to now have been taken."""
        for name, state in self._devices.items():
            entry = self._entries.get(name)
            if entry is None:
                continue
            now_ms = self._times.now_ms(entry.gateway_id)
            # Silence takes an hour at the least; most devices were heard of just now.
            if now_ms - state.last_ms < 3_600_000:
                continue
            subject = self._directory.device_subject(entry, now_ms)
            if subject.patient is not None:
                self._devices[name], found = devices.on_time(state, now_ms, self._directory.of_subject(subject))
                self._outbox.add(subject, found)
            elif state.silence:  # back in the drawer: nobody waits for it
                self._devices[name] = msgspec.structs.replace(state, silence=0)
                self._outbox.add(subject, [Finding("device_silent", False, now_ms, state.last_ms, now_ms, {})])

    def review(self, device: str, from_ms: int, to_ms: int) -> None:
        """Note that a device's samples of a time are to be judged again."""
        first, last, since_s = self._review.get(device, (from_ms, to_ms, time.monotonic()))
        self._review[device] = (min(first, from_ms), max(last, to_ms), since_s)

    def judge_again(self, device: str) -> None:
        """Hold a device's samples, as the store has them now, against what was raised by them."""
        span = self._review.get(device)
        entry = self._entries.get(device) or self._records.devices.get(device)
        if span is None:
            return
        if entry is None:
            del self._review[device]
            return
        from_ms, to_ms, _ = span
        for patient in self._wearers(device, from_ms, to_ms):
            self._judge_again(entry, patient, from_ms)
        del self._review[device]

    def forget(self, patient: str) -> None:
        """Let go of a patient who is erased."""
        for key in [key for key in self._spo2 if key[1] == patient]:
            del self._spo2[key]

    def overdue(self, *, after_s: float) -> list[str]:
        """Devices that have waited for so long to be judged again."""
        now_s = time.monotonic()
        return [device for device, (_, _, since_s) in self._review.items() if now_s - since_s >= after_s]

    def _wearers(self, device: str, from_ms: int, to_ms: int) -> list[Patient]:
        found = [
            self._directory.wearer(device, moment_ms)
            for moment_ms in np.linspace(from_ms, to_ms, 9).astype(int).tolist()
        ]
        return list({one.id: one for one in found if one is not None}.values())

    def _judge_again(self, entry: Device, patient: Patient, from_ms: int) -> None:
        thresholds = self._directory.thresholds(patient.clinic, patient.id)[spo2.RULE]
        state, findings = self._run(entry.id, patient.id, from_ms - LOOK_BACK_MS, 1 << 42)
        self._spo2[entry.id, patient.id] = state
        subject = _patient_subject(patient, entry)
        known = self._records.alerts.known(spo2.RULE, patient.id, since_ms=from_ms - LOOK_BACK_MS, device=entry.id)
        told = spo2.episodes(findings) if thresholds["enabled"] else ()
        self._outbox.add(subject, reconcile(spo2.RULE, known, told, since_ms=from_ms, late=True))

    def _device(self, batch: Batch, entry: Device, last_ms: int) -> None:
        state = self._devices.get(entry.id) or devices.DeviceState()
        if batch.kind not in TELLING and not state.silence:
            self._devices[entry.id] = msgspec.structs.replace(state, last_ms=max(last_ms, state.last_ms))
            return
        subject = self._directory.device_subject(entry, last_ms)
        self._devices[entry.id], found = devices.step(
            state, _report(batch, last_ms), self._directory.of_subject(subject), self._times.now_ms(entry.gateway_id)
        )
        if found:
            self._outbox.add(subject, found)

    def _oximetry(self, batch: Batch, entry: Device) -> None:
        patient = self._directory.wearer(entry.id, batch.t0_ms)
        if patient is None or "spo2" not in batch.columns:
            return
        key = (entry.id, patient.id)
        state = self._spo2.get(key)
        if state is None:
            state, _ = self._run(entry.id, patient.id, batch.t0_ms - LOOK_BACK_MS, batch.t0_ms)
        if batch.dt_ms is None or batch.t0_ms < state.end_ms or entry.id in self._review:
            self._spo2[key] = state
            self.review(entry.id, batch.t0_ms, batch.end_ms)
            return
        thresholds = self._directory.thresholds(patient.clinic, patient.id)[spo2.RULE]
        flags = batch.columns.get("flags")
        self._spo2[key], found = spo2.step(state, batch.t0_ms, batch.dt_ms, batch.columns["spo2"], flags, thresholds)
        if found:
            self._outbox.add(_patient_subject(patient, entry), [one for one in found if self._counts(one, key)])

    def _counts(self, finding: Finding, key: tuple[str, str]) -> bool:
        """Of two devices that one patient wears, one that is well again does not speak for the other."""
        others = [state for other, state in self._spo2.items() if other[1] == key[1] and other != key]
        return finding.holds or not any(state.grade for state in others)

    def _run(self, device: str, patient: str, from_ms: int, to_ms: int) -> tuple[spo2.Spo2State, tuple[Finding, ...]]:
        """Step through what the store holds of the time in which the device was the patient's."""
        known = self._directory.patient(patient)
        assert known is not None, "the directory gave it"
        thresholds = self._directory.thresholds(known.clinic, patient)[spo2.RULE]
        state = spo2.start()
        found: tuple[Finding, ...] = ()
        samples = self._store.read(device, "oximetry", max(0, from_ms), to_ms)
        if not len(samples):
            return state, found
        for chunk in chunks_of(samples):
            wearer = self._directory.wearer(device, chunk.t0_ms)
            if wearer is not None and wearer.id == patient:
                state, more = spo2.step(state, chunk.t0_ms, chunk.dt_ms, chunk.spo2, chunk.flags, thresholds)
                found += more
        return state, found


def _patient_subject(patient: Patient, entry: Device) -> Subject:
    return Subject(patient.id, patient.clinic, patient.id, entry.id, entry.gateway_id)


def _report(batch: Batch, last_ms: int) -> devices.Report:
    """What a batch tells of its device."""
    if batch.kind == "wear" and "flags" in batch.columns:
        flags = batch.columns["flags"]
        return devices.Report(
            batch.t0_ms,
            last_ms,
            battery_flag=bool(flags[-1] & WearFlag.LOW_BATTERY),
            t_ms=batch.times_ms(),
            fault=(flags & WearFlag.SENSOR_FAULT) != 0,
            clock_lost=(flags & WearFlag.CLOCK_LOST) != 0,
        )
    battery = batch.columns.get("battery")
    if battery is None:
        return devices.Report(batch.t0_ms, last_ms)
    told = battery[~np.isnan(battery)]
    return devices.Report(batch.t0_ms, last_ms, battery_pct=float(told[-1]) if told.size else None)
