"""What the pages of people show, as JSON: the worklist, a patient's overview, one's own page."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query

from gateway.service.api.context import Context, PatientId, refusing
from gateway.service.api.guard import Caller
from gateway.service.api.routes.patient_nights import plain
from gateway.service.exchange.report.gather import usual_period
from gateway.service.views.own import own_view
from gateway.service.views.patient import BANDS, overview
from gateway.service.views.worklist import Sort, worklist

Team = Annotated[str | None, Query(pattern=r"^t-[0-9a-f]{12}$", description="Only patients of this care team")]
Search = Annotated[str, Query(max_length=200, description="Words that a line must hold, in any case")]
First = Annotated[date | None, Query(alias="from", description="First night, included; 90 nights up to the last")]
Last = Annotated[date | None, Query(alias="to", description="Last night, included; the present one")]


def router(context: Context) -> APIRouter:
    """Routes ``/worklist``, ``/patients/{patient}/overview`` and ``/me/overview``."""
    routes = APIRouter(tags=["views"])
    records = context.records

    @routes.get("/worklist")
    def get_worklist(
        who: Caller,
        team: Team = None,
        sort: Sort = "urgency",
        descending: Annotated[bool, Query(description="The other way round")] = False,
        search: Search = "",
        needing: Annotated[bool, Query(description="Only those who need attention")] = False,
        limit: Annotated[int, Query(ge=1, le=10_000)] = 200,
        offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    ) -> dict[str, Any]:
        """The caller's patients: who needs attention and why, the most urgent first; who needs nothing comes last.

        `total` and `needing` count all of them, not only the lines given.
        """
        found = worklist(
            records,
            context.access,
            who,
            now_ms=context.clock.utc_ms(),
            team=team,
            sort=sort,
            descending=descending,
            search=search,
        )
        lines = [line for line in found.lines if line.urgency or not needing][offset : offset + limit]
        said: dict[str, Any] = plain(
            {
                "now_ms": found.now_ms,
                "total": found.total,
                "needing": found.needing,
                "teams": found.teams,
                "lines": lines,
            }
        )
        return said

    @routes.get("/patients/{patient}/overview")
    def get_overview(who: Caller, patient: PatientId, first: First = None, last: Last = None) -> dict[str, Any]:
        """Many nights of a patient: trend, wear calendar, with and without the MAD, titration, what is due, alerts.

        `alerts` is null where they are not for the caller. It informs and makes no diagnosis.
        """
        found = context.patient(patient)
        now_ms = context.clock.utc_ms()
        with refusing():
            period = usual_period(found, now_ms, first, last)
        made = overview(records, context.access, who, found, period, now_ms=now_ms)
        said: dict[str, Any] = plain(made)
        return {**said, "bands": plain(BANDS)}

    @routes.get("/me/overview")
    def get_own(who: Caller) -> dict[str, Any]:
        """A patient's own page: is everything arriving, how was last night, wear goal, what comes next, whom to ask."""
        patient = None if who.user is None else who.user.patient
        if patient is None:
            raise HTTPException(403, "this is for patients")
        said: dict[str, Any] = plain(own_view(records, context.patient(patient), now_ms=context.clock.utc_ms()))
        return said

    return routes
