"""Values of alerts, their history and webhooks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from analytics.alerts.lifecycle import State as AlertState
from gateway.service.records.values import Severity


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose condition it is: a patient, a device or a gateway.

    Attributes
    ----------
    id : str
        Id of the one that the rule's scope names.
    clinic : str
        Whose feed tells of it.
    patient, device, gateway : str or None
        All that are known to be concerned; the gateway's data time is the alert's time.
    """

    id: str
    clinic: str
    patient: str | None = None
    device: str | None = None
    gateway: str | None = None


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that a person should look at.

    Attributes
    ----------
    kind : str
        The rule that raised it, such as ``spo2_low``.
    subject : str
        Id of the patient, device or gateway that it is about.
    evidence : mapping
        Values by name, of the interval from `from_ms` to `to_ms`.
    grade : int
        How far past the rule's limit; 1 and up.
    count : int
        How often it was raised since it opened.
    raised_ms, last_ms, acknowledged_ms, resolved_ms, snoozed_until_ms, escalate_ms
        Data time, UTC.
    late, withdrawn : bool
        Raised by late data; taken back by late data.
    """

    id: str
    clinic: str
    kind: str
    subject: str
    patient: str | None
    device: str | None
    gateway: str | None
    state: AlertState
    severity: Severity
    message: str
    evidence: Mapping[str, str | float | None]
    from_ms: int
    to_ms: int
    grade: int
    count: int
    late: bool
    withdrawn: bool
    raised_ms: int
    last_ms: int
    acknowledged_ms: int | None
    resolved_ms: int | None
    snoozed_until_ms: int | None
    escalate_ms: int | None
    assigned_to: str | None


@dataclass(frozen=True, slots=True)
class AlertEvent:
    """One thing that happened to an alert, in its history.

    Attributes
    ----------
    at_ms, recorded_ms : int
        Data time, and the service's own time when it was written down.
    who : str or None
        None: the data, or time.
    detail : str
        The comment's text, the assignee, or empty.
    """

    number: int
    event: str
    at_ms: int
    recorded_ms: int
    state: AlertState
    grade: int
    late: bool
    who: str | None
    detail: str


@dataclass(frozen=True, slots=True)
class Webhook:
    """An address that is told of a clinic's alerts.

    Attributes
    ----------
    secret_ref : str
        Where the secret is: ``env:NAME`` or ``file:/PATH``.
    seq : int
        The last event that it took, or that was given up.
    tries, next_ms : int
        Failed tries at the next event, and when it is tried again (the service's own time).
    given_up : int
        Events that it never took.
    problem : str
        Why the last try failed; empty after one that did not.
    """

    id: str
    clinic: str
    url: str
    secret_ref: str
    created_ms: int
    disabled_ms: int | None
    seq: int
    tries: int
    next_ms: int
    given_up: int
    problem: str
