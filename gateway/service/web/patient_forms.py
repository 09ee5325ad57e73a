"""What staff do about a patient: dialogs, each of whose deeds goes through the gate as the API's request would."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from typing import Final

from nicegui import ui

from analytics.adherence.follow_up import Kind, MarkKind
from gateway.errors import StoreRejectedError
from gateway.service.access import RULES, Action
from gateway.service.access.gate import Target
from gateway.service.care import make_patient, set_archived
from gateway.service.exchange.report.wording import SEVERITIES, SIDE_EFFECTS
from gateway.service.handing_out import give_device
from gateway.service.nights import local_date, night_of
from gateway.service.records import Assignment, Patient, SideEffectKind, TreatmentStep
from gateway.service.web import PageContext, parts

Then = Callable[[], Awaitable[None]]
"""What follows a deed: the page is read anew."""

SEXES: Final = {"": "not said", "female": "female", "male": "male", "other": "other"}


def may(at: PageContext, action: Action) -> bool:
    """Whether somebody of the user's role does that at all: else no button offers it. The gate decides."""
    return at.user.role in RULES[action]


@contextmanager
def form(title: str, deed: str, on_done: Callable[[], Awaitable[bool]]) -> Iterator[ui.dialog]:
    """A dialog with fields, put into the block, and a button; it closes when `on_done` says that it is done."""
    with ui.dialog() as dialog, ui.element("div").classes("sl-card sl-dialog wide").props('role="document"'):
        parts.heading(title)
        with ui.element("div").classes("sl-form"):
            yield dialog

        async def submit() -> None:
            if await on_done():
                dialog.close()

        with ui.element("div").classes("sl-row"):
            parts.button(deed, submit, "main")
            parts.button("Cancel", dialog.close)
    dialog.on("hide", dialog.delete)
    dialog.open()


def number_of(field: ui.input, name: str, *, whole: bool = False) -> float | None:
    """What was typed in as a number; None if nothing was.

    Raises
    ------
    StoreRejectedError
        It is none.
    """
    text = str(field.value or "").strip().replace(",", ".")
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if value != value or (whole and value != int(value)):
        raise StoreRejectedError(f"{name} is a {'whole ' if whole else ''}number")
    return value


def day_of(field: ui.input, name: str) -> date:
    """What was typed in as a date.

    Raises
    ------
    StoreRejectedError
        It is none.
    """
    try:
        return date.fromisoformat(str(field.value or ""))
    except ValueError:
        raise StoreRejectedError(f"{name} is a date such as 2026-03-28") from None


def new_patient(at: PageContext) -> None:
    """Make a patient, and go there."""

    async def make() -> bool:
        typed, place = str(name.value or "").strip(), str(zone.value or "").strip()
        if not typed:
            raise StoreRejectedError("a patient has a name")
        year, index = number_of(born, "a year of birth", whole=True), number_of(study, "an index")
        made = await at.do(
            Action.MAKE_PATIENT,
            Target.LIST,
            {},
            "POST /patients",
            lambda: make_patient(
                at.context.records,
                at.access,
                at.who,
                at.user.clinic,
                typed[:200],
                zone=place,
                at_ms=at.context.clock.utc_ms(),
                sex=str(sex.value) or None,
                birth_year=None if year is None else int(year),
                untreated_index=index,
            ),
        )
        ui.navigate.to(f"/patients/{made.id}")
        return True

    with form("New patient", "Make the patient", make):
        name = ui.input("Name: a pseudonym, or your own number").props("outlined autofocus maxlength=200")
        zone = ui.input("Zone they live in", value=at.zone).props("outlined")
        sex = ui.select(SEXES, value="", label="Sex").props("outlined")
        born = ui.input("Year of birth").props("outlined inputmode=numeric")
        study = ui.input("Index without treatment by a sleep study, /h").props("outlined inputmode=decimal")


def edit(at: PageContext, patient: Patient, goal_h: float, then: Then) -> None:
    """Change a patient; the wear goal is the patient's threshold of the rule about short wear."""

    async def change() -> bool:
        records = at.context.records
        year, index = number_of(born, "a year of birth", whole=True), number_of(study, "an index")
        changed = replace(
            patient,
            name=str(name.value or "").strip()[:200] or patient.name,
            zone=str(zone.value or "").strip(),
            sex=str(sex.value) or None,
            birth_year=None if year is None else int(year),
            untreated_index=index,
        )
        ids, path = {"patient": patient.id}, f"/patients/{patient.id}"
        await at.do(
            Action.CHANGE_PATIENT,
            Target.PATIENT,
            ids,
            f"PATCH {path}",
            lambda: records.people.change_patient(changed),
        )
        wanted = number_of(goal, "a goal") if goal is not None else None
        if wanted is not None and wanted != goal_h:
            await at.do(
                Action.TREAT,
                Target.PATIENT,
                ids,
                f"PATCH {path}/thresholds",
                lambda: records.thresholds.change("patient", patient.id, {("wear_short", "goal_h"): wanted}),
            )
        parts.done("Changed.")
        await then()
        return True

    with form("Change the patient", "Change", change):
        name = ui.input("Name", value=patient.name).props("outlined maxlength=200")
        zone = ui.input("Zone they live in", value=patient.zone).props("outlined")
        sex = ui.select(SEXES, value=patient.sex or "", label="Sex").props("outlined")
        born = ui.input("Year of birth", value=str(patient.birth_year or "")).props("outlined inputmode=numeric")
        known = "" if patient.untreated_index is None else f"{patient.untreated_index:g}"
        study = ui.input("Index without treatment, /h", value=known).props("outlined inputmode=decimal")
        goal = None
        if may(at, Action.TREAT):
            goal = ui.input("Wear goal, hours a night", value=f"{goal_h:g}").props("outlined inputmode=decimal")


def treatment_step(at: PageContext, patient: Patient, steps: tuple[TreatmentStep, ...], then: Then) -> None:
    """Note an advancement from a night on; can be undone."""
    records, path = at.context.records, f"/patients/{patient.id}/treatment-steps"
    ids = {"patient": patient.id}

    async def note() -> bool:
        night, advancement_mm = day_of(day, "the night"), number_of(mm, "an advancement")
        if advancement_mm is None:
            raise StoreRejectedError("an advancement is 0 to 20 mm")
        before = next((step for step in steps if step.night == night), None)
        text, now_ms = str(words.value or "")[:2000], at.context.clock.utc_ms()
        await at.do(
            Action.TREAT,
            Target.PATIENT,
            ids,
            f"POST {path}",
            lambda: records.treatment.put_step(patient.id, night, advancement_mm, at_ms=now_ms, note=text),
        )

        async def undo() -> None:
            if before is None:
                await take_step_back(at, patient, night)
            else:
                await at.do(
                    Action.TREAT,
                    Target.PATIENT,
                    ids,
                    f"POST {path}",
                    lambda: records.treatment.put_step(
                        patient.id, night, before.advancement_mm, at_ms=before.created_ms, note=before.note
                    ),
                )
            await then()

        parts.done(f"{advancement_mm:g} mm from the night of {night.isoformat()} on.", undo)
        await then()
        return True

    with form("Advancement of the MAD", "Note it", note):
        tonight = night_of(at.context.clock.utc_ms(), patient.zone)
        day = ui.input("From the night of", value=tonight.isoformat()).props("outlined type=date stack-label")
        mm = ui.input("Advancement, mm from the first position").props("outlined inputmode=decimal autofocus")
        words = ui.input("Note").props("outlined maxlength=2000")


async def take_step_back(at: PageContext, patient: Patient, night: date) -> None:
    """Take a treatment step back."""
    records = at.context.records
    what = f"DELETE /patients/{patient.id}/treatment-steps/{night.isoformat()}"
    ids = {"patient": patient.id}
    await at.do(Action.TREAT, Target.PATIENT, ids, what, lambda: records.treatment.remove_step(patient.id, night))


async def remove_step(at: PageContext, patient: Patient, step: TreatmentStep, then: Then) -> None:
    """Take a step back, and offer to put it again."""
    records = at.context.records
    await take_step_back(at, patient, step.night)

    async def undo() -> None:
        await at.do(
            Action.TREAT,
            Target.PATIENT,
            {"patient": patient.id},
            f"POST /patients/{patient.id}/treatment-steps",
            lambda: records.treatment.put_step(
                patient.id, step.night, step.advancement_mm, at_ms=step.created_ms, note=step.note
            ),
        )
        await then()

    parts.done(f"{step.advancement_mm:g} mm from {step.night.isoformat()} on is taken back.", undo)
    await then()


def side_effect(at: PageContext, patient: Patient, then: Then) -> None:
    """Note what the patient reported."""
    records = at.context.records

    async def note() -> bool:
        night, now_ms = day_of(day, "the night"), at.context.clock.utc_ms()
        await at.do(
            Action.REPORT_SIDE_EFFECT,
            Target.PATIENT,
            {"patient": patient.id},
            f"POST /patients/{patient.id}/side-effects",
            lambda: records.treatment.add_side_effect(
                patient.id,
                night,
                SideEffectKind(str(kind.value)),
                int(severity.value or 1),
                at_ms=now_ms,
                note=str(words.value or "")[:2000],
            ),
        )
        parts.done("Noted.")
        await then()
        return True

    with form("Side effect", "Note it", note):
        kinds = {one.value: words for one, words in SIDE_EFFECTS.items()}
        kind = ui.select(kinds, value=SideEffectKind.SORE_JAW.value, label="What").props("outlined")
        severity = ui.select(SEVERITIES, value=1, label="How severe").props("outlined")
        tonight = night_of(at.context.clock.utc_ms(), patient.zone)
        day = ui.input("On the night of", value=tonight.isoformat()).props("outlined type=date stack-label")
        words = ui.input("Note").props("outlined maxlength=2000")


def follow_up(at: PageContext, patient: Patient, kind: Kind, mark: MarkKind, name: str, then: Then) -> None:
    """Note that a follow-up was done, or put it off; can be undone."""
    records, path = at.context.records, f"/patients/{patient.id}/follow-ups"
    today = local_date(at.context.clock.utc_ms(), patient.zone)

    async def note() -> bool:
        chosen, now_ms = day_of(day, "the day"), at.context.clock.utc_ms()
        if mark == "done" and chosen > today:
            raise StoreRejectedError("what is done was done today or before")
        made = await at.do(
            Action.CHANGE_PATIENT,
            Target.PATIENT,
            {"patient": patient.id},
            f"POST {path}",
            lambda: records.follow_ups.add(
                patient.id, kind, mark, chosen, who=at.who.name, at_ms=now_ms, note=str(words.value or "")[:2000]
            ),
        )

        async def undo() -> None:
            await at.do(
                Action.CHANGE_PATIENT,
                Target.PATIENT,
                {"patient": patient.id},
                f"DELETE {path}/{made.id}",
                lambda: records.follow_ups.remove(patient.id, made.id),
            )
            await then()

        parts.done(f"{name}: {mark}, {chosen.isoformat()}.", undo)
        await then()
        return True

    title = f"{name}: {'done' if mark == 'done' else 'put off'}"
    with form(title, "Note it", note):
        label = "Done on" if mark == "done" else "Put off until"
        day = ui.input(label, value=today.isoformat()).props("outlined type=date stack-label autofocus")
        words = ui.input("Note").props("outlined maxlength=2000")


async def give(at: PageContext, patient: Patient, then: Then) -> None:
    """Give the patient a device of the clinic that nobody has, from now on."""
    records = at.context.records

    def free() -> dict[str, str]:
        now_ms = at.context.clock.utc_ms()
        taken = {one.device for one in records.assignments.list() if one.holds_at(now_ms)}
        found = [one for one in at.access.devices(at.who, records.devices.list()) if one.id not in taken]
        return {one.id: f"{one.model or one.family} · {one.id}" for one in found}

    devices = await at.do(Action.READ_DEVICE, Target.LIST, {}, "GET /devices", free)

    async def assign() -> bool:
        device = str(chosen.value or "").strip()
        if not device:
            raise StoreRejectedError("choose a device")
        now_ms = at.context.clock.utc_ms()
        await at.do(
            Action.CHANGE_PATIENT,
            Target.PATIENT,
            {"patient": patient.id},
            f"POST /patients/{patient.id}/assignments",
            lambda: give_device(records, at.who, device, patient, from_ms=now_ms, to_ms=None, now_ms=now_ms),
        )
        parts.done("Given.")
        await then()
        return True

    with form("Give a device", "Give it", assign):
        if devices:
            chosen: ui.select | ui.input = ui.select(devices, label="Device").props("outlined")
        else:
            ui.label("No device that you see is free. A coordinator sees all of the clinic's; you can type an id.")
            chosen = ui.input("Id of the device").props("outlined")


async def take_back(at: PageContext, assignment: Assignment, then: Then) -> None:
    """The patient gives a device back, now; can be undone."""
    records, now_ms = at.context.records, at.context.clock.utc_ms()
    ids, what = {"assignment": assignment.id}, f"PATCH /assignments/{assignment.id}"
    await at.do(
        Action.CHANGE_PATIENT,
        Target.ASSIGNMENT,
        ids,
        what,
        lambda: records.assignments.end(assignment.id, to_ms=now_ms),
    )

    async def undo() -> None:
        await at.do(
            Action.CHANGE_PATIENT,
            Target.ASSIGNMENT,
            ids,
            what,
            lambda: records.assignments.end(assignment.id, to_ms=assignment.to_ms),
        )
        await then()

    parts.done(f"{assignment.device} is given back.", undo)
    await then()


async def archive(at: PageContext, patient: Patient, archived: bool, then: Then) -> None:
    """Follow the patient no longer, or again; can be undone."""
    records, now_ms = at.context.records, at.context.clock.utc_ms()

    async def put(value: bool) -> None:
        await at.do(
            Action.CHANGE_PATIENT,
            Target.PATIENT,
            {"patient": patient.id},
            f"PATCH /patients/{patient.id}",
            lambda: set_archived(records, patient, archived=value, now_ms=now_ms),
        )

    async def undo() -> None:
        await put(not archived)
        await then()

    await put(archived)
    parts.done("No longer followed. No rule looks at the patient." if archived else "Followed again.", undo)
    await then()
