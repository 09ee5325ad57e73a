"""Sends every request through the gate before its route runs: a dependency of the whole application."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request

from gateway.clock import Clock
from gateway.errors import AccessError
from gateway.service.access import Principal
from gateway.service.access.gate import Gate
from gateway.service.api.route_rules import OPEN, ROUTE_RULES
from gateway.service.records import Records


def caller(request: Request) -> Principal:
    """Who asks, as the authentication found."""
    found: Principal = request.state.principal
    return found


Caller = Annotated[Principal, Depends(caller)]


def guard(records: Records, clock: Clock) -> Callable[[Request], None]:
    """Make the dependency that lets a request through to its route if the rules allow it, and the audit has it.

    It raises `HiddenError` or `AccessError`, which are answered as 404 and 403.
    """
    gate = Gate(records, clock)

    def check(request: Request) -> None:
        key = (request.method, request.scope["route"].path)
        if key in OPEN:
            return
        if key not in ROUTE_RULES:
            raise AccessError("nobody has said yet who may do this")
        action, target = ROUTE_RULES[key]
        gate.enter(
            caller(request),
            action,
            target,
            {**request.query_params, **request.path_params},
            address="" if request.client is None else request.client.host,
            what=f"{request.method} {request.url.path}",
        )

    return check
