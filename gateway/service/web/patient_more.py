"""The patient page's larger dialogs: thresholds, and a vendor's file with a look before it is kept."""

from __future__ import annotations

from html import escape
from json import dumps
from typing import Final

from nicegui import ui

from analytics.alerts.rules import RULES
from gateway.errors import StoreRejectedError
from gateway.service.access import Action
from gateway.service.access.gate import Target
from gateway.service.records import Patient
from gateway.service.web import PageContext, parts
from gateway.service.web.patient_forms import Then, form, number_of

SHOWN: Final = (
    "spo2_low",
    "deep_nadir",
    "odi_rising",
    "burden_rising",
    "treatment_not_working",
    "mad_not_worn",
    "wear_short",
    "wear_suspect",
    "device_silent",
)
"""Rules that a clinician sets by the patient; those of devices and homes are the clinic's."""

UPLOAD_S: Final = 120.0


async def thresholds(at: PageContext, patient: Patient, then: Then) -> None:
    """The patient's own thresholds over the clinic's; an empty field is as the clinic has it."""
    records, ids = at.context.records, {"patient": patient.id}
    path = f"/patients/{patient.id}/thresholds"
    in_force, own = await at.do(
        Action.READ_ALERT,
        Target.PATIENT,
        ids,
        f"GET {path}",
        lambda: (records.thresholds.in_force(patient.clinic), records.thresholds.own("patient", patient.id)),
    )
    fields: dict[tuple[str, str], ui.input] = {}

    async def change() -> bool:
        changes: dict[tuple[str, str], float | None] = {}
        for (rule, name), field in fields.items():
            value = number_of(field, RULES[rule].parameters[name].meaning)
            if value != own.get((rule, name)):
                changes[rule, name] = value
        if not changes:
            raise StoreRejectedError("nothing was changed")
        await at.do(
            Action.TREAT,
            Target.PATIENT,
            ids,
            f"PATCH {path}",
            lambda: records.thresholds.change("patient", patient.id, changes),
        )
        parts.done(f"{len(changes)} changed.")
        await then()
        return True

    with form("The patient's own thresholds", "Change", change):
        ui.label("An empty field is as the clinic has it, which stands in it in grey.").classes("sl-muted")
        for rule in SHOWN:
            with ui.expansion(RULES[rule].title).classes("w-full").props("dense"):
                for name, parameter in RULES[rule].parameters.items():
                    value = own.get((rule, name))
                    label = f"{parameter.meaning}, {parameter.unit}" if parameter.unit else parameter.meaning
                    field = ui.input(label, value="" if value is None else f"{value:g}")
                    usual = f"{in_force[rule][name]:g}"
                    fields[rule, name] = field.props(f'outlined dense stack-label placeholder="{usual}"')


def import_file(patient: Patient, then: Then) -> None:
    """Look at a vendor's file, then keep it. The browser sends it to the API, whose gate decides."""
    looked: dict[str, str] = {}

    async def ask(deed: str) -> dict[str, object]:
        given = (deed, patient.id, patient.zone, looked.get("sha", ""))
        call = f"somnolinkImport({', '.join(dumps(one) for one in given)})"
        answer = await ui.run_javascript(f"return await {call}", timeout=UPLOAD_S)
        if not isinstance(answer, dict) or "error" in answer:
            said = answer.get("error") if isinstance(answer, dict) else None
            raise StoreRejectedError(str(said or "the file was not taken"))
        return answer

    async def look() -> None:
        told = await ask("preview")
        looked["sha"] = str(told.get("sha256", ""))
        shown.clear()
        with shown:
            rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in preview_rows(told))
            ui.html(f'<dl class="sl-facts">{rows}</dl>', sanitize=False)

    async def keep() -> bool:
        if not looked:
            raise StoreRejectedError("look at the file first")
        told = await ask("keep")
        parts.done("Kept." if told.get("new") else "All of it was there already.")
        await then()
        return True

    with form("Import a file of a device", "Keep it", keep):
        ui.label("O2Ring and O2 Max CSV, Viatom binary, EDF, HDF5, wear logs. Nothing is kept before you have looked.")
        ui.html('<input type="file" id="sl-import" aria-label="File">', sanitize=False)
        ui.html(
            '<label class="sl-field">First sample, only for a file that holds no start'
            '<input type="datetime-local" id="sl-import-start"></label>',
            sanitize=False,
        )
        parts.button("Look at it", look)
        shown = ui.element("div").props('aria-live="polite"')


def preview_rows(told: dict[str, object]) -> list[tuple[str, str]]:
    """What a file is, as rows of name and value."""
    rows = [(name, str(told[name])) for name in ("name", "kind", "format", "start", "end", "samples") if told.get(name)]
    indices = told.get("indices")
    if isinstance(indices, dict):
        rows += [(str(name), f"{value:.2f}") for name, value in indices.items() if isinstance(value, (int, float))]
    notes = told.get("notes")
    if isinstance(notes, list):
        rows += [("note", str(note)) for note in notes]
    return rows
