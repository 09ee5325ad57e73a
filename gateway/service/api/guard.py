"""Asks the access rules before any route runs: a dependency of the whole application."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Annotated, Final

from fastapi import Depends, Request

from gateway.clock import Clock
from gateway.errors import AccessError, HiddenError
from gateway.service.access import Access, Action, Principal
from gateway.service.api.route_rules import OPEN, ROUTE_RULES, Target
from gateway.service.nights import night_bounds
from gateway.service.records import Records

_ID: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def caller(request: Request) -> Principal:
    """Who asks, as the authentication found."""
    found: Principal = request.state.principal
    return found


Caller = Annotated[Principal, Depends(caller)]


NOT_AUDITED: Final = frozenset({Action.OWN_ACCOUNT, Action.READ_STATE, Action.READ_SET_ASIDE, Action.READ_METRICS})
"""They tell nothing about a patient."""


def guard(records: Records, clock: Clock) -> Callable[[Request], None]:
    """Make the dependency that lets a request through to its route if the rules allow it, and the audit has it.

    It raises `HiddenError` or `AccessError`, which are answered as 404 and 403.
    """
    access = Access(records)
    checks: dict[Target, Callable[[Principal, Action, Request], object]] = {
        Target.LIST: lambda who, action, _: access.role(who, action),
        Target.SERVICE: lambda who, action, _: access.role(who, action),
        Target.SESSION: lambda who, *_: access.session(who),
        Target.CLINIC: lambda who, action, request: access.clinic(who, action, _id(request, "clinic")),
        Target.PATIENT: lambda who, action, request: access.patient(who, action, _id(request, "patient")),
        Target.DEVICE: lambda who, action, request: access.device(who, action, _id(request, "device")),
        Target.ALERT: lambda who, action, request: access.alert(who, action, _id(request, "alert")),
        Target.NIGHT: lambda who, _, request: _night(access, records, who, request),
        Target.ASSIGNMENT: lambda who, action, request: _assignment(access, records, who, action, request),
        Target.WEBHOOK: lambda who, action, request: _of_clinic(access, who, action, _webhook(records, request)),
        Target.USER: lambda who, action, request: _of_clinic(access, who, action, _user(records, request)),
        Target.TEAM: lambda who, action, request: _of_clinic(access, who, action, _team(records, request)),
    }

    def check(request: Request) -> None:
        key = (request.method, request.scope["route"].path)
        if key in OPEN:
            return
        if key not in ROUTE_RULES:
            raise AccessError("nobody has said yet who may do this")
        action, target = ROUTE_RULES[key]
        who = caller(request)
        # The role first: who may do it to nobody learns nothing from how it is refused.
        access.role(who, action)
        if who.user is not None:
            checks[target](who, action, request)
        if action not in NOT_AUDITED:
            # Before the route runs: what cannot be written down is neither read nor done.
            records.audit.add(
                at_ms=clock.utc_ms(),
                who=who.name,
                account=None if who.user is None else who.user.id,
                address="" if request.client is None else request.client.host,
                action=action,
                what=f"{request.method} {request.url.path}",
            )

    return check


def _id(request: Request, name: str) -> str:
    found = request.path_params.get(name, request.query_params.get(name, ""))
    if not _ID.fullmatch(found):
        raise HiddenError(f"no such {name}")
    return str(found)


def _night(access: Access, records: Records, who: Principal, request: Request) -> None:
    device = _id(request, "device")
    found = records.devices.get(device)
    try:
        night = date.fromisoformat(request.path_params["night"])
        bounds = None if found is None else night_bounds(night, found.zone)
    except (ValueError, OverflowError):
        raise HiddenError("no such night") from None
    if bounds is None or not access.parts(who, device, *bounds):
        raise HiddenError(f"no such device: {device}")


def _assignment(access: Access, records: Records, who: Principal, action: Action, request: Request) -> None:
    assignment = _id(request, "assignment")
    found = records.assignments.get(assignment)
    try:
        access.patient(who, action, "" if found is None else found.patient)
    except HiddenError:
        raise HiddenError(f"no such assignment: {assignment}") from None


def _webhook(records: Records, request: Request) -> str | None:
    webhook = _id(request, "webhook")
    return next((one.clinic for one in records.webhooks.list() if one.id == webhook), None)


def _user(records: Records, request: Request) -> str | None:
    found = records.users.get(_id(request, "user"))
    return None if found is None else found.clinic


def _team(records: Records, request: Request) -> str | None:
    found = records.teams.get(_id(request, "team"))
    return None if found is None else found.clinic


def _of_clinic(access: Access, who: Principal, action: Action, clinic: str | None) -> None:
    try:
        access.clinic(who, action, clinic or "")
    except HiddenError:
        raise HiddenError("there is nothing of that id") from None
