"""A patient's nights, joined over devices, and what they say together."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, HTTPException, Query

from gateway.service.api.context import Context, PatientId
from gateway.service.nights import night_of
from gateway.service.patient_nights import patient_nights, patient_report

USUAL: Final = timedelta(days=90)
MOST: Final = timedelta(days=800)

First = Annotated[date | None, Query(alias="from", description="First night, included; 90 nights before the last")]
Last = Annotated[date | None, Query(alias="to", description="Last night, included; the present one")]


def router(context: Context) -> APIRouter:
    """Routes ``/patients/{patient}/nights`` and ``/patients/{patient}/report``."""
    routes = APIRouter(prefix="/patients/{patient}", tags=["patients"])

    def period(zone: str, first: date | None, last: date | None) -> tuple[date, date]:
        until = last or night_of(context.clock.utc_ms(), zone)
        since = first or until - USUAL
        if not since <= until <= since + MOST:
            raise HTTPException(422, f"a period is 0 to {MOST.days} days, from the first night to the last")
        return since, until

    @routes.get("/nights")
    def list_patient_nights(patient: PatientId, first: First = None, last: Last = None) -> list[dict[str, Any]]:
        """The patient's nights over all devices, in order; units as in docs/nights.md, null where nothing is known."""
        found = context.patient(patient)
        nights = patient_nights(context.records, found, *period(found.zone, first, last))
        return [plain(night) for night in nights]

    @routes.get("/outlook")
    def get_outlook(patient: PatientId, first: First = None, last: Last = None) -> dict[str, Any]:
        """What the nights say together: means with intervals, class probabilities, with and without the MAD, changes.

        It informs and makes no diagnosis.
        """
        found = context.patient(patient)
        said: dict[str, Any] = plain(patient_report(context.records, found, *period(found.zone, first, last)))
        return said

    return routes


def plain(value: Any) -> Any:
    """Values in types that JSON knows: None for NaN."""
    return _finite(msgspec.to_builtins(value))


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
