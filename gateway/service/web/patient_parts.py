"""The sections of a patient's page; each figure with words or a table that say the same."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from html import escape
from typing import Final

from nicegui import ui

from analytics.adherence.follow_up import Kind
from analytics.nights.records import Side
from analytics.nights.summary import SETTLED_NIGHTS, Outlook
from analytics.nights.words import NAMES, UNITS, of_comparison
from gateway.service.access import Action
from gateway.service.exchange.report.wording import SEVERITIES, SIDE_EFFECTS, clock_of
from gateway.service.records import AlertState, Assignment, TreatmentStep
from gateway.service.views.patient import INDICES, NightLine, Overview
from gateway.service.views.urgency import FOLLOW_UPS
from gateway.service.web import PageContext, figures, parts, patient_forms
from gateway.service.web.parts import MISSING, Tone, number
from gateway.service.web.patient_forms import Then

_VERDICTS: Final[dict[str, tuple[Tone, str]]] = {
    "working": ("good", "The MAD is working"),
    "partly": ("warning", "The MAD is partly working"),
    "not": ("urgent", "The MAD is not working"),
    "cannot_say": ("none", "Whether the MAD works cannot be said yet"),
}
_DUE: Final[dict[str, tuple[Tone, str]]] = {
    "not_yet": ("none", "Not yet"),
    "coming": ("none", "Coming"),
    "soon": ("info", "Soon"),
    "due": ("warning", "Due"),
    "done": ("good", "Done"),
}
LISTED: Final = 14
"""Nights that are listed unfolded."""
_STATES: Final = {
    AlertState.ESCALATED: "escalated",
    AlertState.ACKNOWLEDGED: "seen",
    AlertState.SNOOZED: "resting",
}


@contextmanager
def figure(title: str, caption: str, style: str = "") -> Iterator[None]:
    """A figure whose words say what it shows."""
    with ui.element("figure").classes(f"sl-figure {style}") as box:
        box.props["aria-label"] = title
        yield
        with ui.element("figcaption"):
            ui.label(caption).classes("sl-inline")


def chart(options: figures.Options, words: str) -> ui.echart:
    """A chart, drawn as SVG, that a reader of screens hears as its words."""
    made = ui.echart(options, renderer="svg").props("role=img")
    made.props["aria-label"] = words
    return made


def table(names: Sequence[str], rows: Sequence[Sequence[str]], *, html: bool = False) -> str:
    """A table as text of HTML; cells are escaped, unless they are HTML already."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
    lines = "".join(
        "<tr>" + "".join(f"<td>{cell if html else escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f'<table class="sl-table"><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>'


def more(title: str, html: str) -> None:
    """What a figure shows, as text, folded."""
    ui.html(
        f'<details class="sl-fold"><summary>{escape(title)}</summary><div class="sl-scroll">{html}</div></details>',
        sanitize=False,
    )


def alerts(found: Overview) -> None:
    """Open alerts, each with a way to the page where they are handled."""
    with parts.card("Open alerts"):
        if not found.alerts:
            ui.label("None.").classes("sl-muted")
            return
        for one in found.alerts:
            with ui.element("div").classes("sl-row"):
                parts.severity(one.severity)
                with ui.element("div").classes("sl-grow"):
                    ui.label(one.message)
                    state = _STATES.get(one.state)
                    age = parts.ago(one.raised_ms, found.now_ms)
                    ui.label(f"{state}, {age}" if state else age).classes("sl-muted sl-small")
        ui.link("Handle them on the page of alerts", "/alerts")


def due(at: PageContext, found: Overview, then: Then) -> None:
    """Follow-ups, with what may be noted of them."""
    with parts.card("Follow-up"):
        for one in found.follow_ups:
            name = FOLLOW_UPS[one.follow_up.kind]
            with ui.element("div").classes("sl-row"):
                parts.badge(*_DUE[one.follow_up.state])
                with ui.element("div").classes("sl-grow"):
                    ui.label(name)
                    ui.label(_due_words(one.follow_up.due, one.follow_up.done, one.follow_up.postponed)).classes(
                        "sl-muted sl-small"
                    )
                if patient_forms.may(at, Action.CHANGE_PATIENT) and one.follow_up.state != "not_yet":
                    _due_buttons(at, found, one.follow_up.kind, name, then)


def _due_words(due_on: object, done: object, postponed: bool) -> str:
    told = []
    if due_on is not None:
        told.append(f"{'put off until' if postponed else 'due'} {due_on}")
    if done is not None:
        told.append(f"last done {done}")
    return ", ".join(told) or "from the first night with the MAD on"


def _due_buttons(at: PageContext, found: Overview, kind: Kind, name: str, then: Then) -> None:
    def done() -> None:
        patient_forms.follow_up(at, found.patient, kind, "done", name, then)

    def later() -> None:
        patient_forms.follow_up(at, found.patient, kind, "postponed", name, then)

    parts.button("Done", done).props["aria-label"] = f"{name}: done"
    parts.button("Put off", later).props["aria-label"] = f"{name}: put off"


def severity(found: Overview) -> None:
    """How sure each class is, at the present setting, or without the MAD while there is no other night."""
    reading = found.reading
    told = reading.treated or reading.without
    where = "with the MAD at its present setting" if reading.treated else "without the MAD"
    graded = [one for one in told if one.probabilities]
    if not graded:
        return
    with parts.card("Severity"):
        with ui.element("div").classes("sl-row"):
            ui.label(f"Long-run mean, {where}").classes("sl-muted")
            if any(one.provisional for one in graded):
                parts.badge("info", f"Provisional: fewer than {SETTLED_NIGHTS} nights")
        with ui.element("div").classes("sl-two"):
            for one in graded:
                _outlook(one)


def _outlook(one: Outlook) -> None:
    with ui.element("div"):
        ui.label(f"{NAMES[one.index].capitalize()}: {one.mean:.1f} {UNITS[one.index]}").style("font-weight: 600")
        ui.label(f"95 % interval {one.low:.1f} to {one.high:.1f}, {one.nights} nights").classes("sl-muted sl-small")
        bars = "".join(
            f'<span>{name}</span><span class="bar"><span style="width:{share:.0f}%"></span></span>'
            f"<span>{share:.0f} %</span>"
            for name, share in figures.chances(one.probabilities)
        )
        ui.html(f'<div class="sl-bars">{bars}</div>', sanitize=False)


def trend(found: Overview) -> None:
    """An index over the nights, which can be chosen."""
    known = [index for index in INDICES if any(index in night.indices and night.usable for night in found.nights)]
    if not known:
        return
    with parts.card("Trend"):
        chosen = ui.radio({index: NAMES[index] for index in known}, value=known[0]).props("inline dense")
        place = ui.element("div")

        def draw() -> None:
            index = str(chosen.value)
            told = [night for night in found.nights if index in night.indices and night.usable]
            values = [night.indices[index] for night in told]
            words = (
                f"{NAMES[index]} of {len(told)} nights, {min(values):.1f} to {max(values):.1f} {UNITS[index]};"
                " the list of nights below has each"
            )
            place.clear()
            with place, figure("Trend", "Nights with fewer than 4 valid hours are left out. Dashed: advancement set."):
                chart(figures.trend(found.nights, found.steps, index, found.first, found.last), words)
                _key({night.side for night in told})

        chosen.on_value_change(draw)
        draw()
        for one in found.reading.trends:
            if one.direction in ("rising", "falling"):
                ui.label(
                    f"{NAMES[one.index].capitalize()} is {one.direction}: {one.per_month:+.1f} {UNITS[one.index]}"
                    f" by 30 days ({one.low:+.1f} to {one.high:+.1f})."
                )


def _key(sides: set[Side]) -> None:
    signs = {"with": "●", "without": "○", "mixed": "◆", "unknown": "▲"}
    told = "".join(f"<span>{signs[side]} {words[0]}</span>" for side, words in figures.SIDES.items() if side in sides)
    ui.html(f'<div class="sl-key">{told}</div>', sanitize=False)


def calendar(found: Overview) -> None:
    """Hours of wear, night by night."""
    with parts.card("Wear"):
        if not found.calendar or found.usage is None:
            parts.empty("No wear on record", "The mouth guard's recorder has told nothing in this time.")
            return
        use = found.usage
        mean = "" if math.isnan(use.mean_h) else f", {use.mean_h:.1f} h a night"
        words = (
            f"{use.used} of {use.with_data} nights with data used{mean};"
            f" {use.goal_nights} of 4 h or more, {use.missing} without data"
        )
        ui.label(words)
        suspect = sum(cell.suspect_h > 0 for cell in found.calendar)
        with figure("Wear calendar", "A night without data is not a night without wear."):
            weeks = (found.calendar[-1].night - found.calendar[0].night).days // 7 + 2
            with ui.element("div").classes("sl-scroll"):
                made = chart(figures.calendar(found.calendar, found.goal_h), words)
                made.style(f"width: {max(260, 60 + figures.CELL * weeks)}px; height: {figures.CELL * 7 + 40}px")
            suspected = "<span><i>?</i>suspect, not counted</span>" if suspect else ""
            ui.html(
                '<div class="sl-key">'
                f'<span><i style="background:var(--sl-good)"></i>{found.goal_h:g} h or more</span>'
                '<span><i style="background:var(--sl-warn)"></i>less</span>'
                '<span><i style="border-color:var(--sl-bad)"></i>0: not worn</span>'
                f'<span><i style="border-style:dashed"></i>no data</span>{suspected}'
                "<span>the paler, the fewer hours</span></div>",
                sanitize=False,
            )
        if suspect:
            ui.label(
                f"{suspect} nights have suspect wear: warm, but without signs of a mouth. It is a reason to ask."
            ).classes("sl-muted")
        listed = "".join(f"<li>{escape(figures.cell_words(cell, found.goal_h))}</li>" for cell in found.calendar[::-1])
        more("Wear as a list", f"<ul>{listed}</ul>")


def treatment(found: Overview) -> None:
    """Nights with the MAD against nights without it."""
    with parts.card("With and without the MAD"):
        parts.badge(*_VERDICTS[found.reading.verdict])
        if not found.reading.treatment:
            ui.label("There are not both kinds of nights yet.").classes("sl-muted")
            return
        ui.label(of_comparison(found.reading.treatment[0]))
        with figure("What remains with the MAD", "Of the index without it; the line is the 95 % interval.", "low"):
            words = "; ".join(figures.remains(one) for one in found.reading.treatment)
            chart(figures.comparison(found.reading.treatment), words)
        rows = [
            (
                NAMES[one.index],
                f"{one.mean_without:.1f} {UNITS[one.index]}",
                f"{one.mean_with:.1f} {UNITS[one.index]}",
                f"{one.remaining_pct:.0f} % ({one.remaining_low_pct:.0f} to {one.remaining_high_pct:.0f})",
                f"{one.pairs} pairs of like nights"
                if one.matched
                else f"{one.nights_without} and {one.nights_with} nights, not matched",
            )
            for one in found.reading.treatment
        ]
        names = ("Index", "Without", "With", "Remains", "Compared")
        ui.html(f'<div class="sl-scroll">{table(names, rows)}</div>', sanitize=False)
        ui.label("Before and after differ in more than the MAD: an observation, no trial.").classes("sl-muted sl-small")


def timeline(at: PageContext, found: Overview, then: Then) -> None:
    """Advancement and side effects against the index."""
    with parts.card("Titration and side effects"):
        if not found.steps and not found.side_effects:
            parts.empty("No treatment on record", "Note the first advancement when the MAD is fitted.")
            return
        words = f"{len(found.steps)} settings and {len(found.side_effects)} side effects, listed below"
        with figure("Titration", "Line: advancement in mm. Dots: 3 % index. Pins: side effects."):
            chart(figures.timeline(found.nights, found.steps, found.side_effects, found.first, found.last), words)
        if found.sufficient_mm is not None:
            ui.label(f"The least advancement at which half or less of the index remains: {found.sufficient_mm:g} mm.")
        with ui.element("div").classes("sl-two"):
            with ui.element("div"):
                for step in found.steps[::-1]:
                    with ui.element("div").classes("sl-row"):
                        ui.label(f"{step.night.isoformat()}: {step.advancement_mm:g} mm")
                        ui.label(step.note).classes("sl-muted sl-grow")
                        if patient_forms.may(at, Action.TREAT):

                            async def remove(step: TreatmentStep = step) -> None:
                                await patient_forms.remove_step(at, found.patient, step, then)

                            taken = f"Take back {step.advancement_mm:g} mm from {step.night.isoformat()} on"
                            parts.button("Take back", remove).props["aria-label"] = taken
            with ui.element("div"):
                for one in found.side_effects[::-1]:
                    ui.label(
                        f"{one.night.isoformat()}: {SIDE_EFFECTS[one.kind]}, {SEVERITIES[one.severity]}"
                        f"{f' ({one.note})' if one.note else ''}"
                    )
        if found.by_advancement:
            rows = [
                (
                    f"{one.advancement_mm:g} mm",
                    str(one.nights),
                    number(one.median_index, 1, "/h"),
                    MISSING if math.isnan(one.change_pct) else f"{one.change_pct:+.0f} %",
                    number(one.mean_worn_h, 1, "h"),
                )
                for one in found.by_advancement
            ]
            more("By advancement", table(("At", "Nights", "3 % index", "Change", "Wear"), rows))


def bedtime(found: Overview) -> None:
    """How regular going to bed is."""
    bed = found.reading.bedtime
    if bed is None:
        return
    with parts.card("Bedtime"):
        told = (
            f"Usually {clock_of(bed.bedtime_min)} to {clock_of(bed.rise_min % 1440)}, by"
            f" {'the bed sensor' if bed.told_by == 'bed' else 'oximetry'}, {bed.nights} nights;"
            f" varies by {bed.bedtime_spread_min:.0f} min (bed) and {bed.rise_spread_min:.0f} min (rising) from night"
            " to night."
        )
        ui.label(told)
        if bed.direction in ("later", "earlier") and bed.shift_min is not None:
            ui.label(f"The last two weeks: {abs(bed.shift_min):.0f} min {bed.direction}.")


def devices(at: PageContext, found: Overview, held: Sequence[Assignment], then: Then) -> None:
    """Devices of the period; those the patient has can be given back."""
    with parts.card("Devices"):
        if not found.devices:
            ui.label("None in this time.").classes("sl-muted")
        for use in found.devices:
            device = use.device
            mine = next((one for one in held if one.device == device.id and one.from_ms == use.from_ms), None)
            with ui.element("div").classes("sl-row"):
                with ui.element("div").classes("sl-grow"):
                    ui.label(f"{device.model or device.family} · {device.id}")
                    battery = "" if device.battery_pct is None else f", battery {device.battery_pct:.0f} %"
                    until = "" if use.to_ms is None else f"; until {parts.moment(use.to_ms, found.patient.zone)}"
                    heard = parts.ago(device.last_contact_ms, found.now_ms)
                    ui.label(f"last contact {heard}{battery}{until}").classes("sl-muted sl-small")
                if mine is not None and patient_forms.may(at, Action.CHANGE_PATIENT):

                    async def back(one: Assignment = mine) -> None:
                        await patient_forms.take_back(at, one, then)

                    parts.button("Take back", back).props["aria-label"] = f"Take back {device.id}"


def nights(found: Overview) -> None:
    """Every night, the newest first, each a link."""
    with parts.card("Nights"):
        if not found.nights:
            ui.label("None in this time.").classes("sl-muted")
            return
        rows = [_night(found.patient.id, night) for night in found.nights[::-1]]
        names = ("Night", "MAD", "Valid", "3 % index", "4 % index", "Burden", "Below 90 %", "Wear", "On the back", "")
        ui.html(f'<div class="sl-scroll">{table(names, rows[:LISTED], html=True)}</div>', sanitize=False)
        if len(rows) > LISTED:
            more(f"{len(rows) - LISTED} nights before", table(names, rows[LISTED:], html=True))


def _night(patient: str, night: NightLine) -> tuple[str, ...]:
    def index(name: str, digits: int = 1) -> str:
        return number(night.indices.get(name), digits)

    remarks = [] if night.usable else ["short" if night.valid_h > 0 else "no oximetry"]
    remarks += [] if night.final else ["not final"]
    return (
        f'<a href="/patients/{patient}/nights/{night.night.isoformat()}">{night.night:%a %-d %b %Y}</a>',
        escape(figures.SIDES[night.side][0]),
        number(night.valid_h or None, 1, "h"),
        index("odi3"),
        index("odi4"),
        index("hypoxic_burden", 0),
        index("t90_pct"),
        number(night.wear_h, 1, "h"),
        MISSING if night.supine_pct is None else f"{night.supine_pct:.0f} %",
        ", ".join(remarks),
    )
