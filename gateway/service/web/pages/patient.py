"""The page of a patient: many nights, the wear, the treatment, what is due, and what can be done."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from nicegui import ui

from gateway.service.access import Action
from gateway.service.access.gate import Target
from gateway.service.exchange.report.gather import usual_period
from gateway.service.records import Assignment
from gateway.service.views.patient import Overview, overview
from gateway.service.web import PageContext, page, parts, patient_forms, patient_more
from gateway.service.web.frame import frame
from gateway.service.web.patient_parts import (
    alerts,
    bedtime,
    calendar,
    devices,
    due,
    nights,
    severity,
    timeline,
    treatment,
    trend,
)

HEAD: Final = '<link rel="stylesheet" href="/static/patients.css"><script src="/static/patients.js" defer></script>'
PERIODS: Final = {30: "30 nights", 90: "90 nights", 365: "A year"}


@page("/patients/{patient}", Action.READ_PATIENT, Target.PATIENT)
async def build(at: PageContext, patient: str) -> None:
    """One patient."""
    ui.add_head_html(HEAD)
    await PatientPage(at, patient).build()


class PatientPage:
    """The page of a patient as one user has it open."""

    def __init__(self, at: PageContext, patient: str) -> None:
        self.at = at
        self.patient = patient
        asked = at.query.get("nights", "")
        self.span = int(asked) if asked.isdigit() and int(asked) in PERIODS else 90

    async def build(self) -> None:
        """Put the page together."""
        found, held = await self.at.read(self._read)
        with frame(self.at, found.patient.name):
            self.content = ui.element("div")
            self._show(found, held)

    def _read(self) -> tuple[Overview, list[Assignment]]:
        context, now_ms = self.at.context, self.at.context.clock.utc_ms()
        patient = context.patient(self.patient)
        last = usual_period(patient, now_ms, None, None)[1]
        period: tuple[date, date] = (last - timedelta(days=self.span - 1), last)
        found = overview(context.records, self.at.access, self.at.who, patient, period, now_ms=now_ms)
        held = [one for one in context.records.assignments.list(patient=patient.id) if one.holds_at(now_ms)]
        return found, held

    async def again(self) -> None:
        """Read everything anew, after something was done."""
        path = f"GET /patients/{self.patient}/overview"
        found, held = await self.at.do(Action.READ_PATIENT, Target.PATIENT, {"patient": self.patient}, path, self._read)
        self.content.clear()
        with self.content:
            self._show(found, held)

    def _show(self, found: Overview, held: list[Assignment]) -> None:
        at = self.at
        self._about(found)
        self._actions(found)
        with ui.element("div").classes("sl-two"):
            if found.alerts is not None:
                alerts(found)
            due(at, found, self.again)
        if not found.nights and not found.calendar:
            with parts.card("Nights"):
                parts.empty(
                    "No night in this time",
                    "Give the patient a device, or import a file. The first night shows here the morning after.",
                )
        else:
            self._periods()
            severity(found)
            trend(found)
            with ui.element("div").classes("sl-two"):
                calendar(found)
                treatment(found)
            timeline(at, found, self.again)
            bedtime(found)
        devices(at, found, held, self.again)
        nights(found)

    def _about(self, found: Overview) -> None:
        one = found.patient
        told = [f"nights by {one.zone}", found.clinic, one.id]
        if one.birth_year is not None:
            told.insert(0, f"born {one.birth_year}")
        if one.sex is not None:
            told.insert(0, one.sex)
        ui.label(" · ".join(told)).classes("sl-muted")
        if one.archived_ms is not None:
            with ui.element("div").classes("sl-row"):
                parts.badge("warning", "No longer followed")
                ui.label(f"since {parts.moment(one.archived_ms, one.zone)}; no rule looks at the patient")

    def _actions(self, found: Overview) -> None:
        at, one = self.at, found.patient
        with ui.element("div").classes("sl-actions"):
            if patient_forms.may(at, Action.TREAT):
                parts.button(
                    "Advancement", lambda: patient_forms.treatment_step(at, one, found.steps, self.again), "main"
                )
            if patient_forms.may(at, Action.CHANGE_PATIENT):
                parts.button("Side effect", lambda: patient_forms.side_effect(at, one, self.again))
                parts.button("Give a device", lambda: patient_forms.give(at, one, self.again))
                parts.button("Import a file", lambda: patient_more.import_file(one, self.again))
            query = f"from={found.first.isoformat()}&to={found.last.isoformat()}"
            ui.html(
                f'<a class="sl-button" href="/api/v1/patients/{one.id}/report?format=pdf&{query}" download>'
                "Report (PDF)</a>",
                sanitize=False,
            )
            if patient_forms.may(at, Action.TREAT):
                parts.button("Thresholds", lambda: patient_more.thresholds(at, one, self.again))
            if patient_forms.may(at, Action.CHANGE_PATIENT):
                parts.button("Change", lambda: patient_forms.edit(at, one, found.goal_h, self.again))
                archived = one.archived_ms is not None
                parts.button(
                    "Follow again" if archived else "Archive",
                    lambda: patient_forms.archive(at, one, not archived, self.again),
                    "plain" if archived else "danger",
                )

    def _periods(self) -> None:
        with ui.element("nav").classes("sl-row sl-small").props('aria-label="Period"'):
            for span, name in PERIODS.items():
                link = ui.link(name, f"/patients/{self.patient}?nights={span}")
                if span == self.span:
                    link.props('aria-current="true"').style("font-weight: 700")
