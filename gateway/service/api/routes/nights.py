"""Nights, their indices and desaturations."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final

from fastapi import APIRouter, HTTPException, Query

from gateway.service.api.context import CODE_PATTERN, DEVICE_PATTERN, Context, DeviceId, NightDate
from gateway.service.api.guard import Caller
from gateway.service.api.models import (
    DesaturationOut,
    DesaturationsOut,
    NightDetailOut,
    NightOut,
    NightsOut,
    StretchesOut,
    StretchOut,
)
from gateway.service.patient_nights import own
from gateway.service.records import NightKind

Profile = Annotated[
    str | None, Query(pattern=CODE_PATTERN, description="Analysis profile; the last made result if left out")
]


ALWAYS_MS: Final = 1 << 62
"""Later than any sample."""


def router(context: Context) -> APIRouter:
    """Routes under ``/nights``, but the samples."""
    routes = APIRouter(prefix="/nights", tags=["nights"])

    @routes.get("")
    def list_nights(
        who: Caller,
        device: Annotated[str | None, Query(pattern=DEVICE_PATTERN)] = None,
        first: Annotated[date | None, Query(alias="from", description="First night, included")] = None,
        last: Annotated[date | None, Query(alias="to", description="Last night, included")] = None,
        kind: Annotated[NightKind, Query(description="What the night is told from")] = "oximetry",
        limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    ) -> NightsOut:
        """Nights with results, the newest first."""
        if first is not None and last is not None and last < first:
            raise HTTPException(422, "the last night lies before the first")
        if device is not None:
            context.device(device)
        results, assignments = context.records.results, context.access.assignments(who, device)
        if assignments is None:
            found = results.nights(device=device, first=first, last=last, kind=kind, limit=limit)
        else:
            # The newest of each device that ever was somebody's whom the caller sees, then the newest of all.
            told = [
                night
                for one in sorted({one.device for one in assignments})
                for night in own(results.nights(device=one, first=first, last=last, kind=kind), assignments)
            ]
            found = sorted(told, key=lambda night: (-night.night.toordinal(), night.device))[:limit]
        return NightsOut(now_ms=context.clock.utc_ms(), nights=[NightOut.of(night) for night in found])

    @routes.get("/{device}/{night}")
    def get_night(who: Caller, device: DeviceId, night: NightDate, profile: Profile = None) -> NightDetailOut:
        """One night with all of its indices."""
        found = NightOut.of(context.night(who, device, night, profile))
        return NightDetailOut(**found.model_dump(), now_ms=context.clock.utc_ms())

    @routes.get("/{device}/{night}/desaturations")
    def get_desaturations(who: Caller, device: DeviceId, night: NightDate, profile: Profile = None) -> DesaturationsOut:
        """The night's desaturations, in order of time."""
        found = context.night(who, device, night, profile)
        parts = context.access.parts(who, device, 0, ALWAYS_MS)
        return DesaturationsOut(
            device=found.device,
            night=found.night,
            profile=found.profile,
            version=found.version,
            state=found.state,
            desaturations=[
                DesaturationOut.of(one)
                for one in context.records.results.desaturations(found)
                if any(start_ms <= one.start_ms and one.end_ms <= end_ms for start_ms, end_ms in parts)
            ],
        )

    @routes.get("/{device}/{night}/stretches")
    def get_stretches(who: Caller, device: DeviceId, night: NightDate, profile: Profile = None) -> StretchesOut:
        """Times that the night's analysis tells of: wears of the MAD, missing data, disturbances of breath."""
        found = context.night(who, device, night, profile)
        parts = context.access.parts(who, device, 0, ALWAYS_MS)
        return StretchesOut(
            device=found.device,
            night=found.night,
            profile=found.profile,
            version=found.version,
            state=found.state,
            stretches=[
                StretchOut.of(one)
                for one in context.records.results.stretches(found)
                if any(start_ms <= one.start_ms and one.end_ms <= end_ms for start_ms, end_ms in parts)
            ],
        )

    return routes
