"""A patient's rights: what they consented to, to have all that is held of them, and to be erased."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import StreamingResponse

from gateway.service.api.context import ClinicId, Context, PatientId, refusing
from gateway.service.api.guard import Caller
from gateway.service.api.models_privacy import ConsentIn, ConsentOut, ConsentsOut, ErasureOut
from gateway.service.exchange.whole import export_whole, name_of


def router(context: Context) -> APIRouter:
    """Routes of a patient's consents, export and erasure, and of a clinic's erasures."""
    routes = APIRouter(tags=["privacy"])
    records = context.records

    @routes.get("/patients/{patient}/consents")
    def list_consents(patient: PatientId) -> ConsentsOut:
        """What the patient agreed to, and how that came about."""
        context.patient(patient)
        return ConsentsOut.of(records.consents.history(patient))

    @routes.post("/patients/{patient}/consents", status_code=201)
    def record_consent(patient: PatientId, given: ConsentIn, who: Caller) -> ConsentOut:
        """Note a consent given or withdrawn. Care that is withdrawn takes the devices back and ends the follow-up."""
        context.patient(patient)
        with refusing():
            made = records.consents.record(patient, given.said(), by=who.on_record, at_ms=context.clock.utc_ms())
        return ConsentOut.of(made)

    @routes.get(
        "/patients/{patient}/export",
        response_class=StreamingResponse,
        responses={200: {"content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}}},
    )
    def get_export(patient: PatientId) -> StreamingResponse:
        """All that is held of the patient, as one ZIP with a manifest; it is made while it is sent."""
        known = context.patient(patient)
        now_ms = context.clock.utc_ms()
        headers = {"Content-Disposition": f'attachment; filename="{name_of(known, now_ms)}"'}
        pieces = export_whole(records, context.store, known, now_ms=now_ms)
        return StreamingResponse(pieces, media_type="application/zip", headers=headers)

    @routes.delete("/patients/{patient}", status_code=202)
    def erase(
        patient: PatientId,
        who: Caller,
        confirm: Annotated[str, Query(max_length=64, description="The patient's id once more")],
    ) -> ErasureOut:
        """Erase a patient for good: records, results, samples, account. The answer is the erasure, which goes on."""
        if confirm != patient:
            raise HTTPException(422, "to erase a patient for good, give the same id as confirm")
        context.patient(patient)
        with refusing():
            asked = records.erasures.ask(patient, by=who.on_record, at_ms=context.clock.utc_ms())
        if context.erase is not None:
            context.erase()
        return ErasureOut.of(asked)

    @routes.get("/clinics/{clinic}/erasures")
    def list_erasures(clinic: ClinicId) -> list[ErasureOut]:
        """The clinic's erasures, by opaque ids, the oldest first: asked for, under way, done."""
        context.clinic(clinic)
        return [ErasureOut.of(one) for one in records.erasures.list(clinic=clinic)]

    return routes
