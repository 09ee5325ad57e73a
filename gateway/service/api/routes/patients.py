"""Clinics, patients, which devices they have, and how they are treated."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Query, Response

from gateway.service.api.context import DEVICE_PATTERN, Context, NightDate, PatientId, refusing
from gateway.service.api.guard import Caller
from gateway.service.api.models_people import (
    AssignmentEnd,
    AssignmentIn,
    AssignmentOut,
    ClinicOut,
    PatientChange,
    PatientIn,
    PatientOut,
    SideEffectIn,
    SideEffectOut,
    TreatmentStepIn,
    TreatmentStepOut,
)
from gateway.service.care import make_patient
from gateway.service.handing_out import give_device

AssignmentId = Annotated[str, Path(pattern=r"^a-[0-9a-f]{12}$", description="Id of the assignment")]


def router(context: Context) -> APIRouter:
    """Routes ``/clinics``, ``/patients`` and ``/assignments``."""
    routes = APIRouter()
    _people(routes, context)
    _assignments(routes, context)
    _treatment(routes, context)
    return routes


def _people(routes: APIRouter, context: Context) -> None:
    people = context.records.people

    @routes.get("/clinics", tags=["patients"])
    def list_clinics(who: Caller) -> list[ClinicOut]:
        """Every clinic, to a program; one's own, to a user."""
        return [ClinicOut.of(one) for one in people.clinics() if who.user is None or one.id == who.user.clinic]

    @routes.get("/patients", tags=["patients"])
    def list_patients(
        who: Caller,
        clinic: Annotated[str | None, Query(pattern=DEVICE_PATTERN)] = None,
        archived: Annotated[bool, Query(description="Those that are no longer followed too")] = False,
        limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
    ) -> list[PatientOut]:
        """The patients that the caller sees, by name."""
        among = context.access.patients(who)
        found = people.patients(clinic=clinic, archived=archived, limit=limit, among=among)
        return [PatientOut.of(one) for one in found]

    @routes.post("/patients", status_code=201, tags=["patients"])
    def add_patient(given: PatientIn, who: Caller) -> PatientOut:
        """Make a patient; the id is random and tells nothing. Whose care teams the maker is in care for the patient."""
        with refusing():
            made = make_patient(
                context.records, context.access, who, **given.model_dump(), at_ms=context.clock.utc_ms()
            )
        return PatientOut.of(made)

    @routes.get("/patients/{patient}", tags=["patients"])
    def get_patient(patient: PatientId) -> PatientOut:
        """One patient."""
        return PatientOut.of(context.patient(patient))

    @routes.patch("/patients/{patient}", tags=["patients"])
    def change_patient(patient: PatientId, given: PatientChange) -> PatientOut:
        """Change what is given; what is left out stays, null takes a value away."""
        known = context.patient(patient)
        changes = given.model_dump(exclude_unset=True)
        archived = changes.pop("archived", None)
        for name in ("name", "zone"):
            if name in changes and changes[name] is None:
                raise HTTPException(422, f"a patient has a {name}")
        if archived is not None:
            changes["archived_ms"] = (known.archived_ms or context.clock.utc_ms()) if archived else None
        with refusing():
            return PatientOut.of(people.change_patient(replace(known, **changes)))


def _assignments(routes: APIRouter, context: Context) -> None:
    records = context.records

    @routes.get("/patients/{patient}/assignments", tags=["patients"])
    def list_assignments(patient: PatientId) -> list[AssignmentOut]:
        """Which devices the patient had when, the oldest first."""
        context.patient(patient)
        return [AssignmentOut.of(one) for one in records.assignments.list(patient=patient)]

    @routes.post("/patients/{patient}/assignments", status_code=201, tags=["patients"])
    def assign(patient: PatientId, given: AssignmentIn, who: Caller) -> AssignmentOut:
        """Give the patient a device. Its coming nights are counted in the patient's zone."""
        known = context.patient(patient)
        with refusing():
            made = give_device(
                records,
                who,
                given.device,
                known,
                from_ms=given.from_ms,
                to_ms=given.to_ms,
                now_ms=context.clock.utc_ms(),
            )
        return AssignmentOut.of(made)

    @routes.patch("/assignments/{assignment}", tags=["patients"])
    def end_assignment(assignment: AssignmentId, given: AssignmentEnd) -> AssignmentOut:
        """Say when an assignment ends, or that it does not."""
        if records.assignments.get(assignment) is None:
            raise HTTPException(404, f"no such assignment: {assignment}")
        with refusing():
            return AssignmentOut.of(records.assignments.end(assignment, to_ms=given.to_ms))


def _treatment(routes: APIRouter, context: Context) -> None:
    treatment = context.records.treatment

    @routes.get("/patients/{patient}/treatment-steps", tags=["patients"])
    def list_steps(patient: PatientId) -> list[TreatmentStepOut]:
        """The advancement of the MAD, in order of date."""
        context.patient(patient)
        return [TreatmentStepOut.of(one) for one in treatment.steps(patient)]

    @routes.post("/patients/{patient}/treatment-steps", status_code=201, tags=["patients"])
    def put_step(patient: PatientId, given: TreatmentStepIn) -> TreatmentStepOut:
        """Note an advancement; one a night, the last said wins."""
        context.patient(patient)
        with refusing():
            step = treatment.put_step(
                patient, given.night, given.advancement_mm, at_ms=context.clock.utc_ms(), note=given.note
            )
        return TreatmentStepOut.of(step)

    @routes.delete("/patients/{patient}/treatment-steps/{night}", status_code=204, tags=["patients"])
    def remove_step(patient: PatientId, night: NightDate) -> Response:
        """Take a step back."""
        context.patient(patient)
        if not treatment.remove_step(patient, night):
            raise HTTPException(404, f"no treatment step from the night of {night.isoformat()}")
        return Response(status_code=204)

    @routes.get("/patients/{patient}/side-effects", tags=["patients"])
    def list_side_effects(patient: PatientId) -> list[SideEffectOut]:
        """Reported side effects, in order of date."""
        context.patient(patient)
        return [SideEffectOut.of(one) for one in treatment.side_effects(patient)]

    @routes.post("/patients/{patient}/side-effects", status_code=201, tags=["patients"])
    def add_side_effect(patient: PatientId, given: SideEffectIn) -> SideEffectOut:
        """Note a side effect."""
        context.patient(patient)
        with refusing():
            one = treatment.add_side_effect(
                patient, given.night, given.kind, given.severity, at_ms=context.clock.utc_ms(), note=given.note
            )
        return SideEffectOut.of(one)
