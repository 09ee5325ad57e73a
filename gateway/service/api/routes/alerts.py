"""Alerts: what is open, what happened, and what people do about it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from analytics.alerts.rules import RULES
from gateway.service.alerts.desk import AlertDesk
from gateway.service.api.context import CODE_PATTERN, DEVICE_PATTERN, AlertId, Context, refusing
from gateway.service.api.guard import Caller
from gateway.service.api.models_alerts import (
    AlertEventOut,
    AlertOut,
    AlertsOut,
    AssignIn,
    CarerOut,
    CommentIn,
    SnoozeIn,
)
from gateway.service.records import Alert, AlertState


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
    desk = AlertDesk(context.records, context.clock)

    @routes.get("/{alert}/carers")
    def list_carers(alert: AlertId) -> list[CarerOut]:
        """Who sees the alert and may take care of it, by name: whom it can be assigned to."""
        return [CarerOut(id=one.id, name=one.name, role=one.role) for one in desk.carers(context.alert(alert))]

    @routes.post("/{alert}/acknowledge")
    def acknowledge(alert: AlertId, who: Caller) -> AlertOut:
        """Say that it was seen and is taken care of. An alert that is over can be acknowledged too."""
        with refusing():
            return _out(desk.acknowledge(context.alert(alert), who))

    @routes.post("/{alert}/snooze")
    def snooze(alert: AlertId, given: SnoozeIn, who: Caller) -> AlertOut:
        """Let it rest. It stays so, also when the condition ends and comes back before the time."""
        with refusing():
            return _out(desk.snooze(context.alert(alert), given.minutes, who))

    @routes.post("/{alert}/assign")
    def assign(alert: AlertId, given: AssignIn, who: Caller) -> AlertOut:
        """Say who takes care of it."""
        return _out(desk.assign(context.alert(alert), given.to, who))

    @routes.post("/{alert}/comments", status_code=201)
    def comment(alert: AlertId, given: CommentIn, who: Caller) -> AlertOut:
        """Add a comment."""
        return _out(desk.comment(context.alert(alert), given.text, who))


def _out(alert: Alert) -> AlertOut:
    rule = RULES.get(alert.kind)
    return AlertOut.of(alert, alert.kind if rule is None else rule.title)
