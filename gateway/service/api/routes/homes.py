"""Homes: codes to join by, their states, revoking and letting in again; data that wait for an assignment."""

from __future__ import annotations

import logging
import math
from typing import Annotated, Final

from fastapi import APIRouter, HTTPException, Path, Request, Response

from gateway.errors import BrokerError, ConfigurationError
from gateway.service.api.context import ClinicId, Context, HomeId, refusing
from gateway.service.api.guard import Caller
from gateway.service.api.models import ProblemOut
from gateway.service.api.models_homes import (
    CodeOut,
    HomeChange,
    HomeChangedOut,
    HomeOut,
    HomesOut,
    InvitationOut,
    InviteIn,
    JoinIn,
    JoinOut,
    WaitingOut,
)
from gateway.service.api.rate import Buckets, RateLimit, client_of
from gateway.service.records import Home
from gateway.service.unassigned import unassigned
from gateway.service.views.stock import clinic_devices

CodeId = Annotated[str, Path(pattern=r"^j-[0-9a-f]{12}$", description="Id of the code; not its text")]

WRONG: Final = RateLimit(per_s=1 / 60, burst=10)
"""Codes that are none, of one address: ten at once, then one a minute. Somebody who mistypes needs fewer."""

NOT_VALID: Final = "this code is not valid: it may be mistyped, used, withdrawn or old. Ask the clinic for a new one"
"""The same for every reason: who guesses learns nothing."""

_LOG = logging.getLogger(__name__)


def router(context: Context) -> APIRouter:
    """Routes ``/homes``, ``/unassigned`` and those of a clinic's codes."""
    routes = APIRouter(tags=["homes"])
    _joining(routes, context)
    _codes(routes, context)
    _homes(routes, context)
    _unassigned(routes, context)
    return routes


def _joining(routes: APIRouter, context: Context) -> None:
    wrong = Buckets(WRONG, context.clock.monotonic_s)

    @routes.post("/homes/join", responses={409: {"model": ProblemOut}})
    def join(given: JoinIn, request: Request) -> JoinOut:
        """Let a box in by a one-time code. The same box may ask again while the code lasts, for the same answer."""
        client = client_of(request.scope)
        wait_s = wrong.wait_s(client)
        if wait_s > 0:
            headers = {"Retry-After": str(math.ceil(wait_s))}
            raise HTTPException(429, "too many wrong codes from this address; try again later", headers)
        try:
            joined = context.enrolment.join(given.code, given.box, address=_address(request))
        except BrokerError as error:
            _LOG.warning("a home that joins has no account at the broker yet: %s", error)
            headers = {"Retry-After": "5"}
            raise HTTPException(503, "the clinic's broker does not answer; try again in a minute", headers) from None
        except ConfigurationError as error:
            raise HTTPException(409, str(error)) from None
        if joined is None:
            wrong.charge(client)
            raise HTTPException(403, NOT_VALID)
        return JoinOut.of(joined)


def _codes(routes: APIRouter, context: Context) -> None:
    @routes.post("/clinics/{clinic}/homes", status_code=201, responses={409: {"model": ProblemOut}})
    def invite(clinic: ClinicId, given: InviteIn, who: Caller, request: Request) -> InvitationOut:
        """Make a one-time code by which one box becomes a home of the clinic. Its text is shown this once."""
        if not context.enrolment.by_code:
            raise HTTPException(409, "homes do not join by a code here: broker.dynamic_security is off")
        known = None if given.home is None else context.records.homes.home(given.home)
        if given.home is not None and (known is None or known.clinic != clinic):
            raise HTTPException(422, f"no such home: {given.home}")
        with refusing():
            made = context.enrolment.invite(
                clinic,
                given.name,
                by=who.name,
                url=str(request.base_url).rstrip("/"),
                minutes=given.minutes,
                gateway=given.home,
            )
        return InvitationOut.of_new(made)

    @routes.get("/clinics/{clinic}/homes/codes")
    def list_codes(clinic: ClinicId) -> list[CodeOut]:
        """A clinic's codes, the newest first; not their text."""
        return [CodeOut.of(one) for one in context.records.homes.codes(clinic=clinic)]

    @routes.delete("/homes/codes/{code}", status_code=204)
    def withdraw(code: CodeId) -> Response:
        """Take a code back: nobody joins by it any more. Who has joined stays: revoke the home."""
        with refusing():
            context.records.homes.withdraw(code, at_ms=context.clock.utc_ms())
        return Response(status_code=204)


def _homes(routes: APIRouter, context: Context) -> None:
    @routes.get("/homes")
    def list_homes(who: Caller) -> HomesOut:
        """The homes of the caller's clinic (of every clinic, to a program), by id, each as it last said."""
        homes = context.records.homes.homes(clinic=None if who.user is None else who.user.clinic)
        return HomesOut(now_ms=context.clock.utc_ms(), by_code=context.enrolment.by_code, homes=_told(context, homes))

    @routes.get("/homes/{home}")
    def get_home(home: HomeId) -> HomeOut:
        """One home."""
        return _one(context, home)

    @routes.patch("/homes/{home}")
    def change_home(home: HomeId, given: HomeChange) -> HomeChangedOut:
        """Revoke a home, at once, or let it in again."""
        with refusing():
            change = context.enrolment.revoke if given.revoked else context.enrolment.let_in
            _, at_broker = change(home)
        return HomeChangedOut(**_one(context, home).model_dump(), at_broker=at_broker)

    @routes.delete("/homes/{home}")
    def revoke_home(home: HomeId) -> HomeChangedOut:
        """Revoke a home, at once. What it has sent stays; PATCH lets it in again."""
        with refusing():
            _, at_broker = context.enrolment.revoke(home)
        return HomeChangedOut(**_one(context, home).model_dump(), at_broker=at_broker)


def _unassigned(routes: APIRouter, context: Context) -> None:
    @routes.get("/unassigned")
    def list_unassigned(who: Caller) -> list[WaitingOut]:
        """What the clinic's devices measured while nobody had them. An assignment makes it somebody's."""
        devices = clinic_devices(context.records, who)
        found = unassigned(context.records, context.store, devices)
        return [WaitingOut.of(one, devices[one.device]) for one in found]


def _told(context: Context, homes: list[Home]) -> list[HomeOut]:
    states = context.records.states.gateways()
    devices: dict[str, list[str]] = {}
    for device in context.records.devices.list():
        devices.setdefault(device.gateway_id, []).append(device.id)
    return [HomeOut.of(one, states.get(one.id), devices.get(one.id, [])) for one in homes]


def _one(context: Context, home: str) -> HomeOut:
    found = context.records.homes.home(home)
    if found is None:
        raise HTTPException(404, f"no such home: {home}")
    return _told(context, [found])[0]


def _address(request: Request) -> str:
    return "" if request.client is None else request.client.host
