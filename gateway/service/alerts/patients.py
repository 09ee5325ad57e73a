"""A patient's nights, put together from the results of all devices, and judged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Final

from analytics.alerts import nights
from analytics.alerts.nights import WINDOW_DAYS, NightFacts
from analytics.alerts.reconcile import reconcile
from gateway.service.alerts.directory import Directory
from gateway.service.alerts.findings import Outbox
from gateway.service.nights import night_bounds
from gateway.service.patient_nights import moment_of
from gateway.service.records import NightResult, Patient, Records, State, Subject

DAY_MS: Final = 86_400_000

INDICES: Final[Mapping[str, tuple[str, ...]]] = {
    "odi": ("odi3",),
    "burden": ("hypoxic_burden",),
    "wear_min": ("wear_min",),
    "suspect_min": ("suspect_min",),
}
"""Names under which results keep what rules look at."""


class PatientWatch:
    """Judges patients' nights. Used by the ingest's thread alone."""

    def __init__(self, records: Records, directory: Directory, outbox: Outbox) -> None:
        self._records = records
        self._directory = directory
        self._outbox = outbox
        self._judged: dict[str, date] = {}

    def facts(self, patient: Patient, until: date) -> list[NightFacts]:
        """What is on record of a patient's nights up to one, in order of date."""
        assignments = self._directory.assignments_of(patient.id)
        first = until - timedelta(days=WINDOW_DAYS)
        results = self._records.patient_nights.of(sorted({one.device for one in assignments}), first, until)
        mine = [
            (result, nadir)
            for result, nadir in results
            if any(one.device == result.device and one.holds_at(moment_of(result)) for one in assignments)
        ]
        by_night: dict[date, list[tuple[NightResult, float | None]]] = {}
        for result, nadir in mine:
            by_night.setdefault(result.night, []).append((result, nadir))
        return [facts_of(found) for _, found in sorted(by_night.items())]

    def judge(self, patient: Patient, night: date | None) -> None:
        """Judge a patient's nights.

        Parameters
        ----------
        night : date or None
            The one that is new or changed: it is late if a later one is on record. None: thresholds changed, or who
            wore what.
        """
        latest = self._judged.get(patient.id) or self._newest(patient)
        if latest is None:
            return
        until = max(night or latest, latest)
        facts = self.facts(patient, until)
        thresholds = self._directory.thresholds(patient.clinic, patient.id)
        found = nights.evaluate(facts, thresholds, untreated_index=patient.untreated_index)
        is_late = night is not None and night < latest
        # A threshold that changed does not bring up what is over.
        since_ms = (facts[-1].end_ms + 1 if facts else 0) if night is None else night_bounds(night, patient.zone)[0]
        window_ms = facts[0].start_ms if facts else 0
        subject = self._subject(patient, until)
        for rule in nights.RULES:
            known = self._records.alerts.known(rule, patient.id, since_ms=window_ms)
            told = reconcile(rule, known, [one for one in found if one.rule == rule], since_ms=since_ms, late=is_late)
            self._outbox.add(subject, told)
        self._judged[patient.id] = until

    def forget(self) -> None:
        """Look up anew which night is each patient's latest: assignments have changed."""
        self._judged.clear()

    def _newest(self, patient: Patient) -> date | None:
        devices = {one.device for one in self._directory.assignments_of(patient.id)}
        found = [one.night for device in devices for one in self._records.results.nights(device=device, limit=1)]
        return max(found, default=None)

    def _subject(self, patient: Patient, until: date) -> Subject:
        """The patient, in the home of a device that he has in that night."""
        moment_ms = night_bounds(until, patient.zone)[0] + DAY_MS // 2
        for one in reversed(self._directory.assignments_of(patient.id)):
            if one.holds_at(moment_ms) or one.to_ms is None:
                device = self._records.devices.get(one.device)
                return Subject(
                    patient.id, patient.clinic, patient.id, gateway=None if device is None else device.gateway_id
                )
        return Subject(patient.id, patient.clinic, patient.id)


def facts_of(results: Iterable[tuple[NightResult, float | None]]) -> NightFacts:
    """One night from the results of all devices of that night.

    Of two oximeters the one with more valid time counts; what one device does not tell another may.
    """
    ordered = sorted(results, key=lambda pair: -pair[0].valid_s)
    oximetry = [(result, nadir) for result, nadir in ordered if result.kind == "oximetry"]
    best, nadir = oximetry[0] if oximetry else ordered[0]
    lowest = best.indices.get("min_spo2") if oximetry else None
    return NightFacts(
        night=best.night,
        start_ms=min(result.start_ms for result, _ in ordered),
        end_ms=max(result.end_ms for result, _ in ordered),
        final=all(result.state is not State.RUNNING for result, _ in ordered),
        valid_h=best.valid_s / 3600 if oximetry else None,
        odi=_index([best], "odi") if oximetry else None,
        burden=_index([best], "burden") if oximetry else None,
        nadir_pct=lowest if nadir is None else nadir,
        wear_min=_index([result for result, _ in ordered], "wear_min"),
        suspect_min=_index([result for result, _ in ordered], "suspect_min"),
    )


def _index(results: Iterable[NightResult], name: str) -> float | None:
    for result in results:
        for key in INDICES[name]:
            value = result.indices.get(key)
            if value is not None:
                return value
    return None
