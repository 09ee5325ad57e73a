"""One patient's night over all devices, with the samples of what is looked at."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Annotated

import msgspec
import numpy as np
from fastapi import APIRouter, Query, Response

from gateway.service.api.context import Context, NightDate, PatientId
from gateway.service.api.guard import Caller
from gateway.service.api.models_night_view import NightViewOut
from gateway.service.views.night import DEFAULT_POINTS, MAX_POINTS, NightView, night_view

Moment = Annotated[int | None, Query(ge=0, lt=1 << 43)]


def router(context: Context) -> APIRouter:
    """The route ``/patients/{patient}/nights/{night}/view``."""
    routes = APIRouter(tags=["nights"])

    @routes.get(
        "/patients/{patient}/nights/{night}/view",
        response_class=Response,
        responses={200: {"model": NightViewOut, "description": "The night"}},
    )
    def get_night_view(
        who: Caller,
        patient: PatientId,
        night: NightDate,
        start_ms: Annotated[Moment, Query(description="Samples not before this, UTC; all that is recorded")] = None,
        end_ms: Annotated[Moment, Query(description="Samples before this, UTC")] = None,
        points: Annotated[
            int, Query(ge=2, le=MAX_POINTS, description="The most samples of each lane")
        ] = DEFAULT_POINTS,
    ) -> Response:
        """The night: state, indices, desaturations, wear, posture, and samples that keep every extreme.

        It informs and makes no diagnosis.
        """
        found = night_view(
            context.records,
            context.store,
            context.access,
            who,
            patient,
            night,
            now_ms=context.clock.utc_ms(),
            start_ms=start_ms,
            end_ms=end_ms,
            points=points,
        )
        return Response(document(found), media_type="application/json")

    return routes


def document(found: NightView) -> bytes:
    """The night as JSON; of the desaturations those that meet the view."""
    view = found.view
    seen = tuple(
        one for one in found.account.desaturations if one.end_ms >= view.start_ms and one.start_ms <= view.end_ms
    )
    account = replace(found.account, desaturations=seen)
    told = {one.name: getattr(account, one.name) for one in fields(account)}
    return msgspec.json.encode({**told, "view": view}, enc_hook=_plain)


def _plain(value: object) -> object:
    """An array as numbers; the encoder writes NaN as null."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    raise TypeError(f"no JSON for {type(value).__name__}")
