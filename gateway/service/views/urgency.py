"""Why a patient needs attention, and how soon: pure.

What a rule watches is the rule's word: it stands here as its open alert, with the thresholds of the clinic and the
patient, and is judged nowhere else. What no rule watches (follow-ups, a patient without a device) is judged here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import IntEnum
from typing import Final
from zoneinfo import ZoneInfo

from analytics.adherence.follow_up import FollowUp, Kind
from gateway.service.records import Alert, AlertState, Severity

OVERDUE: Final = timedelta(days=60)
"""So long after a follow-up was due it is no longer only noted."""
NO_DATA_MS: Final = 3 * 86_400_000
"""A device that was given three days ago and told nothing: the first nights are the ones in which help is needed."""

FOLLOW_UPS: Final = {
    Kind.STUDY: "Sleep study with the MAD in place",
    Kind.DENTIST: "Yearly visit to the dentist",
    Kind.PHYSICIAN: "Yearly visit to the sleep physician",
}


class Urgency(IntEnum):
    """How soon somebody should look."""

    NONE = 0
    WATCH = 1
    """When there is time."""
    SOON = 2
    """This week."""
    NOW = 3
    """Today."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason to look.

    Attributes
    ----------
    kind : str
        The rule's name, or ``follow_up``, ``no_device``, ``no_data``.
    since_ms : int
        Since when, UTC ms.
    alert : str or None
        Id of the alert that says so.
    state : AlertState or None
        That of the alert.
    """

    kind: str
    urgency: Urgency
    text: str
    since_ms: int
    alert: str | None = None
    state: AlertState | None = None


def of_alert(alert: Alert) -> Reason:
    """An open alert: one that rests until a time needs nobody, one that somebody has seen waits for its end."""
    if alert.state is AlertState.SNOOZED:
        urgency = Urgency.NONE
    elif alert.state is AlertState.ACKNOWLEDGED:
        urgency = Urgency.WATCH
    elif alert.state is AlertState.ESCALATED or alert.severity is Severity.URGENT:
        urgency = Urgency.NOW
    else:
        urgency = Urgency.WATCH if alert.severity is Severity.INFO else Urgency.SOON
    return Reason(alert.kind, urgency, alert.message, alert.raised_ms, alert.id, alert.state)


def of_follow_ups(found: Iterable[FollowUp], today: date, zone: ZoneInfo) -> list[Reason]:
    """Follow-ups that are due."""
    reasons = []
    for one in found:
        if one.state == "due" and one.due is not None:
            urgency = Urgency.SOON if today - one.due > OVERDUE else Urgency.WATCH
            text = f"{FOLLOW_UPS[one.kind]}: due {one.due.isoformat()}"
            reasons.append(Reason("follow_up", urgency, text, _begin_ms(one.due, zone)))
    return reasons


def of_devices(given_ms: Sequence[int], without_ms: int, now_ms: int, *, has_nights: bool) -> list[Reason]:
    """A patient who has no device, or whose devices never told of a night.

    Parameters
    ----------
    given_ms : sequence of int
        Since when the patient has the devices that they have now, UTC ms.
    without_ms : int
        Since when the patient has none: when they were made, or gave the last one back; UTC ms.
    """
    if not given_ms:
        return [Reason("no_device", Urgency.WATCH, "Has no device", without_ms)]
    if has_nights:
        return []
    since_ms = min(given_ms)
    urgency = Urgency.SOON if now_ms - since_ms >= NO_DATA_MS else Urgency.WATCH
    return [Reason("no_data", urgency, "No night yet", since_ms)]


def in_order(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    """The most urgent first; of these what escalated, then what has waited the longest."""
    return tuple(
        sorted(reasons, key=lambda one: (-one.urgency, one.state is not AlertState.ESCALATED, one.since_ms, one.kind))
    )


def _begin_ms(day: date, zone: ZoneInfo) -> int:
    return int(datetime.combine(day, time(), tzinfo=zone).astimezone(UTC).timestamp()) * 1000
