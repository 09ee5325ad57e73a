"""What is due of a patient: the confirming study and the yearly visits; done, postponed, taken back."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Response

from gateway.service.api.context import Context, PatientId, refusing
from gateway.service.api.guard import Caller
from gateway.service.api.models_follow_ups import FollowUpMarkIn, FollowUpMarkOut, FollowUpOut
from gateway.service.exchange.report.follow_up import as_rule
from gateway.service.nights import local_date

MarkId = Annotated[str, Path(pattern=r"^f-[0-9a-f]{12}$", description="Id of the mark")]


def router(context: Context) -> APIRouter:
    """Routes ``/patients/{patient}/follow-ups``."""
    routes = APIRouter(prefix="/patients/{patient}/follow-ups", tags=["patients"])
    records = context.records

    @routes.get("")
    def list_follow_ups(patient: PatientId) -> list[FollowUpOut]:
        """The confirming study and the two yearly visits: when each is due, and what was noted of it."""
        today = local_date(context.clock.utc_ms(), context.patient(patient).zone)
        marks = records.follow_ups.of([patient]).get(patient, [])
        found = as_rule(records.treatment.steps(patient), marks, today)
        return [FollowUpOut.of(one, [mark for mark in marks if mark.kind == one.kind]) for one in found]

    @routes.post("", status_code=201)
    def add_mark(patient: PatientId, given: FollowUpMarkIn, who: Caller) -> FollowUpMarkOut:
        """Note that one was done on a day, or is postponed until one."""
        now_ms = context.clock.utc_ms()
        if given.mark == "done" and given.day > local_date(now_ms, context.patient(patient).zone):
            raise HTTPException(422, "what is done was done today or before")
        with refusing():
            made = records.follow_ups.add(
                patient, given.kind, given.mark, given.day, who=who.name, at_ms=now_ms, note=given.note
            )
        return FollowUpMarkOut.of(made)

    @routes.delete("/{mark}", status_code=204)
    def remove_mark(patient: PatientId, mark: MarkId) -> Response:
        """Take a mark back."""
        if not records.follow_ups.remove(patient, mark):
            raise HTTPException(404, f"no such mark: {mark}")
        return Response(status_code=204)

    return routes
