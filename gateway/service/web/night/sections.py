"""The parts of a night's page around its figure: head, numbers, legend, devices."""

from __future__ import annotations

from html import escape
from typing import Final
from urllib.parse import urlencode

from nicegui import ui

from gateway.service.views.night_values import NightAccount
from gateway.service.web import parts
from gateway.service.web.night import words
from gateway.service.web.night.figure import Frame
from gateway.service.web.night.numbers import numbers

FILES: Final = (("pdf", "PDF", "Report for the dentist"), ("fhir", "FHIR", "FHIR R4 bundle"))
SAMPLES: Final = (("edf", "EDF+", "This night for EDF readers"), ("csv", "CSV", "This night, sample by sample"))
ZOOM: Final = (
    ("earlier", "←", "Earlier (left arrow)"),
    ("later", "→", "Later (right arrow)"),
    ("out", "−", "Zoom out (-)"),
    ("in", "+", "Zoom in (+)"),
    ("whole", "Whole night", "Whole night (0)"),
)
LEGEND: Final = {
    "spo2": (
        ("line", "spo2", "SpO₂"),
        ("nadir", "", "Nadir"),
        ("", "band-fall", "Desaturation"),
        ("", "band-missing", "No valid data"),
    ),
    "pulse": (("line", "pulse", "Pulse"), ("line", "heart_rate", "Heart, by the bed sensor")),
    "breath": (("", "band-fall", "Disturbance of breath"),),
    "movement": (("", "band-bed", "In bed"),),
    "wear": (("", "band-worn", "MAD in the mouth"), ("", "band-suspect", "Suspect wear, not counted")),
    "posture": (("line", "supine", "On the back"), ("line", "posture", "Other posture")),
}


class Head:
    """Whose night, how fresh, the nights beside it, and its files."""

    def __init__(self, account: NightAccount, name: str) -> None:
        with ui.element("p").classes("night-alone").props('role="alert"'):
            self._loaded = ui.label()
        with ui.element("div").classes("night-head"):
            ui.link(name, f"/patients/{account.patient}").props["title"] = "The patient"
            self._when = ui.label().classes("sl-muted")
            with ui.element("span").classes("night-fresh").props('role="status"'):
                self._fresh = ui.label()
            self._lost = ui.label().classes("sl-badge warning night-alone")
            with ui.element("div").classes("night-steps"):
                for night, sign, name in ((account.previous, "←", "before"), (account.next, "→", "after")):
                    if night is not None:
                        text = words.short_name(night)
                        shown = f"{sign} {text}" if sign == "←" else f"{text} {sign}"
                        link = ui.link(shown, f"/patients/{account.patient}/nights/{night.isoformat()}")
                        link.props["aria-label"] = f"The night {name}: {text}"
        if account.recorded_ms is not None:
            _files(account)
        self.put(account)

    def put(self, account: NightAccount) -> None:
        """Bring it up to date."""
        tone, text = words.freshness(account)
        self._fresh.set_text(f"{parts.SIGNS[tone]} {text}")
        self._fresh.classes(replace=f"sl-badge {tone}")
        self._lost.set_text(f"{parts.SIGNS['warning']} {words.without_contact(account)}")
        self._loaded.set_text(f"The service cannot be reached. {words.loaded(account)} Trying again.")
        self._when.set_text(words.recorded(account))


def _files(account: NightAccount) -> None:
    """Links to the report's route."""
    night = account.night.isoformat()
    has_samples = any(one.kind == "oximetry" for one in account.sources)
    with ui.element("div").classes("night-files sl-small").style("margin-bottom: .9rem"):
        ui.label("Download").classes("sl-muted")
        for form, name, hint in (*FILES, *(SAMPLES if has_samples else ())):
            asked = {"format": form, "to": night} | ({"night": night} if has_samples else {})
            link = ui.link(name, f"/api/v1/patients/{account.patient}/report?{urlencode(asked)}")
            link.props["download"] = ""
            link.props["title"] = hint


class Numbers:
    """The night's indices with what they say, its reading, and what is to be known of it."""

    def __init__(self, account: NightAccount) -> None:
        with parts.card():
            self._box = ui.html("", sanitize=False).props('id="night-numbers"')
        self.put(account)

    def put(self, account: NightAccount) -> None:
        """Bring it up to date."""
        self._box.set_content(numbers(account))


def figure_tools(shown: Frame) -> None:
    """Legend, and the buttons that zoom."""
    with ui.element("div").classes("night-tools"):
        parts.heading("The night", 2)
        buttons = "".join(_zoom_button(*one) for one in ZOOM)
        ui.html(buttons, sanitize=False).classes("night-buttons").props('role="group" aria-label="Zoom"')
    keys = "".join(_key(*one) for lane in shown.lanes for one in LEGEND[lane.key])
    ui.html(keys, sanitize=False, tag="ul").classes("night-legend").props('aria-label="Legend"')


def _zoom_button(act: str, text: str, hint: str) -> str:
    label = "" if act == "whole" else f' aria-label="{hint.partition(" (")[0]}"'
    disabled = "" if act == "in" else " disabled"
    return f'<button type="button" class="sl-button" data-act="{act}" title="{hint}"{label}{disabled}>{text}</button>'


def _key(kind: str, colour: str, text: str) -> str:
    style = f' style="background: var(--night-{colour})"' if colour else ""
    return f'<li><i class="{kind}"{style}></i>{text}</li>'


def figure_help() -> None:
    """How to zoom."""
    ui.label(
        "Drag to zoom, wheel to zoom at the pointer, double-click for the whole night. With the keyboard, on the "
        "figure: arrows, + and −, 0. Times are those of the patient's zone. All that is marked is listed below."
    ).classes("sl-muted sl-small night-help").props('id="night-help"')


def table_tools() -> ui.label:
    """The table's heading and its order; gives the label that counts."""
    with ui.element("div").classes("night-tools"):
        with ui.element("h2").props('id="night-falls-title"'):
            count = ui.label().classes("sl-inline")
        buttons = "".join(
            f'<button type="button" class="sl-button" data-order="{order}" aria-pressed="{pressed}">{text}</button>'
            for order, text, pressed in (("time", "By time", "true"), ("depth", "By depth", "false"))
        )
        ui.html(buttons, sanitize=False).classes("night-buttons").props('role="group" aria-label="Order"')
    return count


class About:
    """Which devices and analyses this is told by, and the times of what the figure marks as bands."""

    def __init__(self, account: NightAccount) -> None:
        with parts.card("Told by"):
            self._box = ui.html("", sanitize=False).props('id="night-about"').classes("sl-small")
        self.put(account)

    def put(self, account: NightAccount) -> None:
        """Bring it up to date."""
        self._box.set_content("".join(f"<p>{escape(line)}</p>" for line in words.told_by(account)))
