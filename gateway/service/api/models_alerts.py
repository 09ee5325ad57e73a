"""The documents of alerts, thresholds, the feed and webhooks."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, Field

from analytics.alerts.rules import Rule
from gateway.service.api.models_people import Given, Name, Text
from gateway.service.records import Alert, AlertEvent, AlertState, Role, Severity, Webhook


class EvidenceOut(BaseModel):
    """What the data said: the rule's values over an interval, and where to see them."""

    from_ms: int
    to_ms: int
    values: dict[str, str | float | None]


class AlertOut(BaseModel):
    """An alert. Times are UTC milliseconds by the data's time."""

    id: str
    clinic: str
    rule: str
    title: str
    subject: str
    patient: str | None
    device: str | None
    gateway: str | None
    state: AlertState
    severity: Severity
    message: str
    evidence: EvidenceOut
    grade: int = Field(description="How far past the rule's limit, 1 and up")
    count: int = Field(description="How often it was raised: again with each higher grade")
    late: bool = Field(description="Raised by data that came after later data had been judged")
    withdrawn: bool = Field(description="By the data as they are now it never was so")
    raised_ms: int
    last_ms: int
    acknowledged_ms: int | None
    resolved_ms: int | None
    snoozed_until_ms: int | None
    escalate_ms: int | None
    assigned_to: str | None
    link: str

    @classmethod
    def of(cls, alert: Alert, title: str) -> Self:
        """From the records' value."""
        return cls(
            id=alert.id,
            clinic=alert.clinic,
            rule=alert.kind,
            title=title,
            subject=alert.subject,
            patient=alert.patient,
            device=alert.device,
            gateway=alert.gateway,
            state=alert.state,
            severity=alert.severity,
            message=alert.message,
            evidence=EvidenceOut(from_ms=alert.from_ms, to_ms=alert.to_ms, values=dict(alert.evidence)),
            grade=alert.grade,
            count=alert.count,
            late=alert.late,
            withdrawn=alert.withdrawn,
            raised_ms=alert.raised_ms,
            last_ms=alert.last_ms,
            acknowledged_ms=alert.acknowledged_ms,
            resolved_ms=alert.resolved_ms,
            snoozed_until_ms=alert.snoozed_until_ms,
            escalate_ms=alert.escalate_ms,
            assigned_to=alert.assigned_to,
            link=f"/api/v1/alerts/{alert.id}",
        )


class AlertsOut(BaseModel):
    """Alerts, the newest first, and the service's time."""

    now_ms: int
    alerts: list[AlertOut]


class AlertEventOut(BaseModel):
    """One thing that happened to an alert; `who` is null where it was the data, or time."""

    number: int
    event: str
    at_ms: int
    recorded_ms: int
    state: AlertState
    grade: int
    late: bool
    who: str | None
    detail: str

    @classmethod
    def of(cls, one: AlertEvent) -> Self:
        """From the records' value."""
        return cls(
            number=one.number,
            event=one.event,
            at_ms=one.at_ms,
            recorded_ms=one.recorded_ms,
            state=one.state,
            grade=one.grade,
            late=one.late,
            who=one.who,
            detail=one.detail,
        )


class SnoozeIn(Given):
    """For how long an alert is to rest: up to 90 days."""

    minutes: Annotated[int, Field(ge=1, le=129_600)]


class AssignIn(Given):
    """Who takes care of an alert; null: nobody."""

    to: Name | None


class CarerOut(BaseModel):
    """A user who sees an alert and may take care of it."""

    id: str
    name: str
    role: Role


class CommentIn(Given):
    """A comment. It is in the alert's history alone, never in the feed."""

    text: Annotated[Text, Field(min_length=1)]


class ParameterOut(BaseModel):
    """A threshold: in force, as the clinic or patient has it of its own, the rule's default, and its range."""

    value: float
    own: float | None
    default: float
    least: float
    most: float
    unit: str
    meaning: str


class RuleOut(BaseModel):
    """A rule with the thresholds of somebody."""

    rule: str
    title: str
    scope: str
    needs: str
    parameters: dict[str, ParameterOut]

    @classmethod
    def of(cls, rule: Rule, in_force: dict[str, float], own: dict[tuple[str, str], float]) -> Self:
        """From the catalogue, what is in force and what somebody has of its own."""
        return cls(
            rule=rule.name,
            title=rule.title,
            scope=rule.scope,
            needs=rule.needs,
            parameters={
                name: ParameterOut(
                    value=in_force[name],
                    own=own.get((rule.name, name)),
                    default=one.default,
                    least=one.least,
                    most=one.most,
                    unit=one.unit,
                    meaning=one.meaning,
                )
                for name, one in rule.parameters.items()
            },
        )


ThresholdsIn = dict[str, dict[str, float | None]]
"""rule -> threshold -> value; null takes a threshold of one's own back."""


class EvidenceEventOut(BaseModel):
    """Evidence as the feed tells it."""

    from_ms: int
    to_ms: int
    values: dict[str, float | str | None]


class FeedEventOut(BaseModel):
    """One event of the feed, as on MQTT and to webhooks."""

    id: int
    clinic: str
    event: str
    alert: str
    rule: str
    state: str
    severity: str
    grade: int
    patient: str | None
    device: str | None
    gateway: str | None
    at_ms: int
    recorded_ms: int
    late: bool
    withdrawn: bool
    message: str
    evidence: EvidenceEventOut
    link: str
    v: int


class FeedOut(BaseModel):
    """Events, in order; `last` is the id to go on from."""

    last: int
    events: list[FeedEventOut]


class WebhookIn(Given):
    """An address to be told of a clinic's alerts; the secret stays where `secret_ref` points."""

    url: Annotated[str, Field(max_length=2000, description="https://...; http:// on the service's machine alone")]
    secret_ref: Annotated[str, Field(max_length=1000, description="env:SOMNOLINK_WEBHOOK_... or file:/...")]


class WebhookOut(BaseModel):
    """A webhook and how it is doing."""

    id: str
    clinic: str
    url: str
    created_ms: int
    disabled_ms: int | None
    last: int = Field(description="Id of the last event that it took, or that was given up")
    tries: int
    next_ms: int
    given_up: int
    problem: str

    @classmethod
    def of(cls, one: Webhook) -> Self:
        """From the records' value."""
        return cls(
            id=one.id,
            clinic=one.clinic,
            url=one.url,
            created_ms=one.created_ms,
            disabled_ms=one.disabled_ms,
            last=one.seq,
            tries=one.tries,
            next_ms=one.next_ms,
            given_up=one.given_up,
            problem=one.problem,
        )
