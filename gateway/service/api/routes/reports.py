"""A patient's report as a file."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final

from fastapi import APIRouter, Query, Response

from gateway.service.api.context import Context, PatientId, refusing
from gateway.service.exchange.report.export import MEDIA_TYPES, Format, Wanted, export

Bounded = Annotated[date | None, Query(ge=date(1970, 1, 2), le=date(2199, 12, 31))]
_CONTENT: Final = {
    media_type.partition(";")[0]: {
        # A FHIR bundle; its own schema is HL7's.
        "schema": {"type": "object"} if media_type.endswith("json") else {"type": "string", "format": "binary"}
    }
    for media_type in MEDIA_TYPES.values()
}


def router(context: Context) -> APIRouter:
    """The route ``/patients/{patient}/report``."""
    routes = APIRouter(tags=["reports"])

    @routes.get("/patients/{patient}/report", response_class=Response, responses={200: {"content": _CONTENT}})
    def get_report(
        patient: PatientId,
        format: Annotated[Format, Query(description="edf is of one night; fhir is R4 JSON")] = "pdf",
        first: Annotated[
            Bounded, Query(alias="from", description="First night; 90 nights to the last if left out")
        ] = None,
        last: Annotated[Bounded, Query(alias="to", description="Last night, included; the present one")] = None,
        night: Annotated[
            Bounded, Query(description="Shown sample by sample; the last with oximetry. With csv: its samples")
        ] = None,
        identified: Annotated[bool, Query(description="Tell the name on record; else the opaque id alone")] = False,
    ) -> Response:
        """The report: pdf, csv (a row a night), fhir or edf (EDF+ of one night). It informs and makes no diagnosis."""
        known = context.patient(patient)
        wanted = Wanted(format, first, last, night, identified)
        with refusing():
            made = export(context.records, context.store, known, wanted, now_ms=context.clock.utc_ms())
        headers = {"Content-Disposition": f'attachment; filename="{made.name}"'}
        return Response(made.data, media_type=made.media_type, headers=headers)

    return routes
