"""The patient's own page, in plain words."""

from __future__ import annotations

from typing import Final

from nicegui import ui

from gateway.errors import HiddenError
from gateway.service.access import Action
from gateway.service.access.gate import Target
from gateway.service.nights import night_of
from gateway.service.records import SideEffectKind
from gateway.service.views.own import Goal, OwnDevice, OwnView, own_view
from gateway.service.web import PageContext, parts
from gateway.service.web.frame import frame
from gateway.service.web.parts import Tone

SIDE_EFFECTS: Final = {
    SideEffectKind.SORE_JAW: "My jaw hurts",
    SideEffectKind.TOOTH_PAIN: "A tooth hurts",
    SideEffectKind.DRY_MOUTH: "My mouth is dry",
    SideEffectKind.SALIVA: "Too much spit",
    SideEffectKind.BITE_CHANGE: "My teeth meet differently",
    SideEffectKind.OTHER: "Something else",
}
HOW_BAD: Final = {1: "A little", 2: "Quite", 3: "Very much"}

_STATES: Final[dict[str, tuple[Tone, str]]] = {
    "fine": ("good", "Works"),
    "never": ("info", "New"),
    "battery": ("warning", "Battery low"),
    "late": ("warning", "Not heard from"),
}


async def build_own(at: PageContext) -> None:
    """The page of who is a patient."""
    found = await at.do(Action.READ_ONESELF, Target.SERVICE, {}, "GET /me/overview", lambda: _read(at))
    with frame(at, "My nights"), ui.element("div").classes("sl-own"):
        _syncing(found)
        _night(found)
        if found.goal is not None:
            _goal(found.goal)
        _next(found)
        _side_effects(at, found)
        _help(found)


def _read(at: PageContext) -> OwnView:
    patient = at.context.records.people.patient(at.user.patient or "")
    if patient is None:
        raise HiddenError("no such patient")
    return own_view(at.context.records, patient, now_ms=at.context.clock.utc_ms())


def _text(words: str, style: str = "") -> None:
    with ui.element("p").classes(style):
        ui.label(words).classes("sl-inline")


def _syncing(found: OwnView) -> None:
    with parts.card("Is everything arriving?"):
        _text(found.words, "sl-verdict")
        for one in found.devices:
            _device(one, found.now_ms)


def _device(one: OwnDevice, now_ms: int) -> None:
    with ui.element("div").classes("sl-state"):
        parts.badge(*_STATES[one.state])
        with ui.element("div").classes("sl-grow"):
            heard = "no data yet" if one.heard_ms is None else f"last data {parts.ago(one.heard_ms, now_ms)}"
            _text(f"Your {one.what}: {heard}")
            if one.advice:
                _text(one.advice)


def _night(found: OwnView) -> None:
    night = found.night
    with parts.card("How was last night?"):
        if night is None:
            _text("No night has arrived yet. After your first night you can read here how it was.")
            return
        if not night.is_last:
            _text(f"Last night has not arrived yet. This is the night of {night.night.strftime('%A, %-d %B')}:")
        for words in night.words or ("Your bed sensor saw you in bed. More is not known yet.",):
            _text(words)
        _text("Your clinic looks at the rest for you.", "sl-muted")


def _goal(goal: Goal) -> None:
    with parts.card("My goal"):
        _text(goal.words, "sl-verdict")
        with ui.element("div").classes("sl-week").props('role="list"'):
            for day in goal.days:
                style = "reached" if day.reached else "none" if day.hours is None else ""
                hours = "not known yet" if day.hours is None else f"{day.hours:.1f} hours"
                label = f"{day.night.strftime('%A')}: {hours}{', goal reached' if day.reached else ''}"
                with ui.element("div").classes(style).props(f'role="listitem" aria-label="{label}"'):
                    ui.html(f"<b>{day.night.strftime('%a')}</b>", sanitize=False)
                    ui.label("?" if day.hours is None else f"{day.hours:.1f} h{' ✓' if day.reached else ''}")
        _text("? means: nothing has arrived of that night. It does not count against you.", "sl-muted sl-small")


def _next(found: OwnView) -> None:
    with parts.card("What comes next"):
        if not found.appointments:
            _text("Nothing is planned here. Your clinic tells you when something comes.")
        for one in found.appointments:
            _text(f"{one.what}: {one.day.strftime('%-d %B %Y')}. {one.words}")


def _side_effects(at: PageContext, found: OwnView) -> None:
    with parts.card("Does anything bother you?"):
        _text("Tell your clinic here. They read it at your next visit. If it is bad, call them.")
        with ui.element("div").classes("sl-tools"):
            kind = ui.select({one.value: words for one, words in SIDE_EFFECTS.items()}, label="What").props("outlined")
            kind.classes("sl-grow")
            bad = ui.select(HOW_BAD, value=1, label="How much").props("outlined")
        note = ui.input("In your own words, if you like").props("outlined maxlength=500").classes("w-full")
        noted = ui.element("div")

        async def send() -> None:
            if not kind.value:
                ui.notify("Choose first what bothers you.", position="top")
                return
            patient, records = found.patient, at.context.records
            now_ms = at.context.clock.utc_ms()
            await at.do(
                Action.REPORT_SIDE_EFFECT,
                Target.PATIENT,
                {"patient": patient},
                f"POST /patients/{patient}/side-effects",
                lambda: records.treatment.add_side_effect(
                    patient,
                    night_of(now_ms, found.zone),
                    SideEffectKind(str(kind.value)),
                    int(bad.value or 1),
                    at_ms=now_ms,
                    note=str(note.value or "")[:500],
                ),
            )
            said = SIDE_EFFECTS[SideEffectKind(str(kind.value))]
            kind.value, note.value = None, ""
            with noted:
                _text(f"Noted: {said}. Thank you.", "sl-verdict")

        parts.button("Tell the clinic", send, "main")
        for one in found.side_effects:
            _text(
                f"{one.night.strftime('%-d %B')}: {SIDE_EFFECTS[one.kind]} ({HOW_BAD[one.severity].lower()})",
                "sl-muted",
            )


def _help(found: OwnView) -> None:
    with parts.card("Whom can I ask?"):
        teams = f" ({', '.join(found.teams)})" if found.teams else ""
        _text(f"Your clinic: {found.clinic}{teams}.")
        _text("This page is not watched day and night. If you feel ill, call your doctor or the emergency number.")
