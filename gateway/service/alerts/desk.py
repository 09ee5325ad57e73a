"""What people do with an alert, at the time that it is in the alert's home; for the API's routes and for pages alike.

Whoever calls it has passed the gate with the alert.
"""

from __future__ import annotations

from typing import Final

from gateway.clock import Clock
from gateway.service.access import Access, Principal
from gateway.service.access.rules import RULES, Action
from gateway.service.alerts.home_time import HomeTimes
from gateway.service.records import Alert, Records, Role, User

MS_PER_MIN: Final = 60_000


class AlertDesk:
    """Handles alerts. Usable from many threads at once."""

    def __init__(self, records: Records, clock: Clock) -> None:
        self._records = records
        self._clock = clock

    def acknowledge(self, alert: Alert, who: Principal) -> Alert:
        """Say that it was seen and is taken care of; one that is over can be acknowledged too."""
        return self._records.alerts.acknowledge(
            alert.id,
            who=who.name,
            at_ms=self._at_ms(alert),
            recorded_ms=self._clock.utc_ms(),
            escalate_after_ms=self._escalate_after_ms(alert),
        )

    def snooze(self, alert: Alert, minutes: int, who: Principal) -> Alert:
        """Let it rest, also when the condition ends and comes back before the time.

        Raises
        ------
        StoreRejectedError
            If it is over, or the time is none or too long.
        """
        at_ms = self._at_ms(alert)
        return self._records.alerts.snooze(
            alert.id,
            at_ms + minutes * MS_PER_MIN,
            who=who.name,
            at_ms=at_ms,
            recorded_ms=self._clock.utc_ms(),
            escalate_after_ms=self._escalate_after_ms(alert),
        )

    def assign(self, alert: Alert, to: str | None, who: Principal) -> Alert:
        """Say who takes care of it; None: nobody."""
        at_ms, now_ms = self._at_ms(alert), self._clock.utc_ms()
        return self._records.alerts.assign(alert.id, to, who=who.name, at_ms=at_ms, recorded_ms=now_ms)

    def comment(self, alert: Alert, text: str, who: Principal) -> Alert:
        """Add a comment."""
        at_ms, now_ms = self._at_ms(alert), self._clock.utc_ms()
        return self._records.alerts.comment(alert.id, text, who=who.name, at_ms=at_ms, recorded_ms=now_ms)

    def carers(self, alert: Alert) -> list[User]:
        """Users who see the alert and may take care of it, by name."""
        access = Access(self._records)
        found = []
        for user in self._records.users.list(clinic=alert.clinic):
            if user.disabled_ms is None and user.role is not Role.PATIENT and user.role in RULES[Action.HANDLE_ALERT]:
                as_they = Principal(user.name, frozenset(), user)
                seen = access.patients(as_they) or ()
                sees = alert.patient in seen if alert.patient else access.clinic_of_devices(as_they) == alert.clinic
                if sees:
                    found.append(user)
        return found

    def _at_ms(self, alert: Alert) -> int:
        """What time it is in the alert's home, where its timers run; never before what has happened already."""
        times = HomeTimes(self._clock, self._records.data_times.all())
        return max(times.now_ms(alert.gateway), alert.last_ms)

    def _escalate_after_ms(self, alert: Alert) -> int | None:
        values = self._records.thresholds.in_force(alert.clinic, alert.patient).get(alert.kind)
        return None if values is None else round(values["escalate_min"] * MS_PER_MIN) or None
