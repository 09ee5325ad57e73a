"""The rules, and the thresholds of clinics and patients."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body

from analytics.alerts.rules import RULES
from gateway.service.api.context import ClinicId, Context, PatientId, refusing
from gateway.service.api.models_alerts import RuleOut, ThresholdsIn
from gateway.service.records.thresholds import Owner

Given = Annotated[ThresholdsIn, Body(description="rule -> threshold -> value; null: as without one's own")]


def router(context: Context) -> APIRouter:
    """Routes ``.../thresholds`` of clinics and patients."""
    routes = APIRouter(tags=["alerts"])
    thresholds = context.records.thresholds

    def told(owner: Owner, clinic: str, patient: str | None) -> list[RuleOut]:
        in_force = thresholds.in_force(clinic, patient)
        own = thresholds.own(owner, clinic if patient is None else patient)
        return [RuleOut.of(rule, in_force[name], own) for name, rule in RULES.items()]

    def change(owner: Owner, owner_id: str, given: ThresholdsIn) -> None:
        changes = {(rule, name): value for rule, values in given.items() for name, value in values.items()}
        with refusing():
            thresholds.change(owner, owner_id, changes)

    @routes.get("/clinics/{clinic}/thresholds")
    def get_of_clinic(clinic: ClinicId) -> list[RuleOut]:
        """Every rule with the clinic's thresholds."""
        return told("clinic", context.clinic(clinic).id, None)

    @routes.patch("/clinics/{clinic}/thresholds")
    def change_of_clinic(clinic: ClinicId, given: Given) -> list[RuleOut]:
        """Change the clinic's thresholds, all or nothing."""
        change("clinic", context.clinic(clinic).id, given)
        return told("clinic", clinic, None)

    @routes.get("/patients/{patient}/thresholds")
    def get_of_patient(patient: PatientId) -> list[RuleOut]:
        """Every rule with the patient's thresholds."""
        return told("patient", context.patient(patient).clinic, patient)

    @routes.patch("/patients/{patient}/thresholds")
    def change_of_patient(patient: PatientId, given: Given) -> list[RuleOut]:
        """Change the patient's thresholds, all or nothing."""
        change("patient", context.patient(patient).id, given)
        return told("patient", context.patient(patient).clinic, patient)

    return routes
