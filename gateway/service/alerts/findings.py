"""Findings on their way to the records: collected while a group is worked off, told in one transaction."""

from __future__ import annotations

from collections.abc import Iterable

from analytics.alerts.findings import Finding
from gateway.service.alerts.directory import Directory
from gateway.service.records import Records, Subject


class Outbox:
    """Keeps findings until they are on disk: a try that fails loses none."""

    def __init__(self, records: Records, directory: Directory) -> None:
        self._records = records
        self._directory = directory
        self._waiting: list[tuple[Subject, Finding, int | None]] = []

    def add(self, subject: Subject, findings: Iterable[Finding]) -> None:
        """Take findings on a subject; those of a rule that is switched off there may only end an alert."""
        thresholds = self._directory.of_subject(subject)
        for finding in findings:
            if thresholds[finding.rule]["enabled"] or not finding.holds:
                after_ms = self._directory.escalate_after_ms(finding.rule, subject)
                self._waiting.append((subject, finding, after_ms))

    def forget(self, patient: str) -> None:
        """Drop what waits about a patient who is no more on record."""
        self._waiting = [one for one in self._waiting if one[0].patient != patient]

    def tell(self, recorded_ms: int) -> int:
        """Write what waits, durably; returns how many events the feed got.

        Raises
        ------
        StoreUnavailableError
            Then all of it still waits.
        """
        if not self._waiting:
            return 0
        told = self._records.alerts.tell(self._waiting, recorded_ms=recorded_ms)
        self._waiting.clear()
        return told
