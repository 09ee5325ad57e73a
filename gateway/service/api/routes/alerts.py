"""Alerts: what is open, what happened, and what people do about it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request

from analytics.alerts.rules import RULES
from gateway.service.alerts.home_time import HomeTimes
from gateway.service.api.context import CODE_PATTERN, DEVICE_PATTERN, AlertId, Context, refusing, who_asks
from gateway.service.api.guard import Caller
from gateway.service.api.models_alerts import AlertEventOut, AlertOut, AlertsOut, AssignIn, CommentIn, SnoozeIn
from gateway.service.records import Alert, AlertState

MS_PER_MIN = 60_000


def router(context: Context) -> APIRouter:
    """Routes under ``/alerts``."""
    routes = APIRouter(prefix="/alerts", tags=["alerts"])
    _look(routes, context)
    _act(routes, context)
    return routes


def _look(routes: APIRouter, context: Context) -> None:
    alerts = context.records.alerts

    @routes.get("")
    def list_alerts(
        who: Caller,
        clinic: Annotated[str | None, Query(pattern=DEVICE_PATTERN)] = None,
        patient: Annotated[str | None, Query(pattern=CODE_PATTERN)] = None,
        subject: Annotated[str | None, Query(pattern=CODE_PATTERN)] = None,
        rule: Annotated[str | None, Query(pattern=CODE_PATTERN)] = None,
        state: AlertState | None = None,
        open_only: Annotated[bool, Query(alias="open", description="Those that are not over")] = False,
        unseen: Annotated[bool, Query(description="Those that nobody has acknowledged, over or not")] = False,
        limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    ) -> AlertsOut:
        """The alerts that the caller sees, the newest first."""
        found = alerts.list(
            open_only=open_only,
            unseen=unseen,
            clinic=clinic,
            patient=patient,
            subject=subject,
            kind=rule,
            state=state,
            limit=limit,
            among=context.access.patients(who),
            devices_of=context.access.clinic_of_devices(who),
        )
        return AlertsOut(now_ms=context.clock.utc_ms(), alerts=[_out(one) for one in found])

    @routes.get("/{alert}")
    def get_alert(alert: AlertId) -> AlertOut:
        """One alert."""
        return _out(context.alert(alert))

    @routes.get("/{alert}/history")
    def get_history(alert: AlertId) -> list[AlertEventOut]:
        """All that happened to it, comments included, in order."""
        context.alert(alert)
        return [AlertEventOut.of(one) for one in alerts.history(alert)]


def _act(routes: APIRouter, context: Context) -> None:
    records = context.records

    @routes.post("/{alert}/acknowledge")
    def acknowledge(alert: AlertId, request: Request) -> AlertOut:
        """Say that it was seen and is taken care of. An alert that is over can be acknowledged too."""
        known = context.alert(alert)
        with refusing():
            found = records.alerts.acknowledge(
                alert,
                who=who_asks(request),
                at_ms=_at_ms(context, known),
                recorded_ms=context.clock.utc_ms(),
                escalate_after_ms=_escalate_after_ms(context, known),
            )
        return _out(found)

    @routes.post("/{alert}/snooze")
    def snooze(alert: AlertId, given: SnoozeIn, request: Request) -> AlertOut:
        """Let it rest. It stays so, also when the condition ends and comes back before the time."""
        known = context.alert(alert)
        at_ms = _at_ms(context, known)
        with refusing():
            found = records.alerts.snooze(
                alert,
                at_ms + given.minutes * MS_PER_MIN,
                who=who_asks(request),
                at_ms=at_ms,
                recorded_ms=context.clock.utc_ms(),
                escalate_after_ms=_escalate_after_ms(context, known),
            )
        return _out(found)

    @routes.post("/{alert}/assign")
    def assign(alert: AlertId, given: AssignIn, request: Request) -> AlertOut:
        """Say who takes care of it."""
        known = context.alert(alert)
        return _out(
            records.alerts.assign(
                alert,
                given.to,
                who=who_asks(request),
                at_ms=_at_ms(context, known),
                recorded_ms=context.clock.utc_ms(),
            )
        )

    @routes.post("/{alert}/comments", status_code=201)
    def comment(alert: AlertId, given: CommentIn, request: Request) -> AlertOut:
        """Add a comment."""
        known = context.alert(alert)
        return _out(
            records.alerts.comment(
                alert,
                given.text,
                who=who_asks(request),
                at_ms=_at_ms(context, known),
                recorded_ms=context.clock.utc_ms(),
            )
        )


def _out(alert: Alert) -> AlertOut:
    rule = RULES.get(alert.kind)
    return AlertOut.of(alert, alert.kind if rule is None else rule.title)


def _at_ms(context: Context, alert: Alert) -> int:
    """What time it is in the alert's home, where its timers run; never before what has happened already."""
    times = HomeTimes(context.clock, context.records.data_times.all())
    return max(times.now_ms(alert.gateway), alert.last_ms)


def _escalate_after_ms(context: Context, alert: Alert) -> int | None:
    values = context.records.thresholds.in_force(alert.clinic, alert.patient).get(alert.kind)
    return None if values is None else round(values["escalate_min"] * MS_PER_MIN) or None
