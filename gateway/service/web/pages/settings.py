"""A clinic's settings: when its alerts are raised, and who else is told of them."""

from __future__ import annotations

from functools import partial
from typing import Final

from nicegui import ui

from analytics.alerts.rules import RULES, Rule
from gateway.service.access import Action
from gateway.service.access.gate import Target
from gateway.service.records import Webhook
from gateway.service.web import PageContext, page, parts
from gateway.service.web.frame import frame

Own = dict[tuple[str, str], float]
"""(rule, threshold) -> what the clinic has of its own."""

_SWITCH: Final = "enabled"
_SWITCH_UNIT: Final = "0 or 1"


@page("/settings", Action.READ_THRESHOLDS, Target.CLINIC)
async def build(at: PageContext) -> None:
    """The settings of the user's clinic."""
    with frame(at, "Settings"):
        await Thresholds(at).show()
        if at.access.may(at.who, Action.MANAGE_WEBHOOKS):
            await Webhooks(at).show()


class Thresholds:
    """Every rule with its thresholds."""

    def __init__(self, at: PageContext) -> None:
        self._at = at
        self._may = at.access.may(at.who, Action.CHANGE_THRESHOLDS)
        with parts.card("When alerts are raised"):
            text = (
                "These hold for every patient who has none of their own. A field that is left empty takes the default."
            )
            ui.label(text if self._may else "These hold for every patient who has none of their own.").classes(
                "sl-muted"
            )
            self._box = ui.element("div")

    async def show(self) -> None:
        """Show what is in force by now."""
        at = self._at
        own = await at.read(lambda: at.context.records.thresholds.own("clinic", at.user.clinic))
        self._box.clear()
        with self._box:
            for rule in RULES.values():
                self._rule(rule, own)

    def _rule(self, rule: Rule, own: Own) -> None:
        changed = sum((rule.name, name) in own for name in rule.parameters)
        on = own.get((rule.name, _SWITCH), rule.parameters[_SWITCH].default) > 0
        state = "" if on else " · off"
        more = f" · {changed} of its own" if changed else ""
        with ui.expansion(f"{rule.title}{state}{more}").classes("sl-rule") as box:
            inside = ui.element("div")

        def fill() -> None:
            """Only what somebody opens: all rules together are some thousand elements."""
            if box.value and not inside.default_slot.children:
                with inside:
                    self._thresholds(rule, own)

        box.on_value_change(fill)

    def _thresholds(self, rule: Rule, own: Own) -> None:
        ui.label(f"Needs {rule.needs}.").classes("sl-muted sl-small")
        table = parts.Table("Threshold", "In force", "Own", "Default", "Range", label=rule.title)
        fields: dict[str, ui.input] = {}
        for name, one in rule.parameters.items():
            mine = own.get((rule.name, name))
            with table.row() as cell:
                with cell():
                    ui.label(one.meaning)
                with cell():
                    ui.label(_value(one.default if mine is None else mine, one.unit)).classes("sl-strong")
                with cell():
                    if self._may:
                        field = ui.input(value="" if mine is None else f"{mine:g}")
                        field.props(f'outlined dense inputmode="decimal" aria-label="{one.meaning}"')
                        fields[name] = field.classes("sl-number")
                    else:
                        ui.label(parts.MISSING if mine is None else f"{mine:g}")
                with cell():
                    ui.label(_value(one.default, one.unit))
                with cell():
                    ui.label(f"{one.least:g} to {one.most:g}")
        if self._may:
            with ui.element("div").classes("sl-row"):
                parts.button("Save", partial(self._save, rule, fields, own), "main")
                parts.button("All back to default", partial(self._change, rule, dict.fromkeys(fields), own))

    async def _save(self, rule: Rule, fields: dict[str, ui.input], own: Own) -> None:
        wanted: dict[str, float | None] = {}
        for name, field in fields.items():
            text = str(field.value or "").strip().replace(",", ".")
            try:
                wanted[name] = float(text) if text else None
            except ValueError:
                ui.notify(f"“{text}” is no number.", type="warning")
                return
        await self._change(rule, wanted, own)

    async def _change(self, rule: Rule, wanted: dict[str, float | None], own: Own) -> None:
        await self._put(rule, wanted)

        async def undo() -> None:
            await self._put(rule, {name: own.get((rule.name, name)) for name in rule.parameters})

        parts.done(f"{rule.title}: saved.", undo)

    async def _put(self, rule: Rule, wanted: dict[str, float | None]) -> None:
        at, clinic = self._at, self._at.user.clinic
        changes = {(rule.name, name): value for name, value in wanted.items()}
        await at.do(
            Action.CHANGE_THRESHOLDS,
            Target.CLINIC,
            {"clinic": clinic},
            f"PATCH /clinics/{clinic}/thresholds",
            lambda: at.context.records.thresholds.change("clinic", clinic, changes),
        )
        await self.show()


class Webhooks:
    """Addresses that are told of the clinic's alerts."""

    def __init__(self, at: PageContext) -> None:
        self._at = at
        with parts.card("Who else is told of alerts"):
            ui.label(
                "An address is told of each event of the feed, signed with a secret that stays where it is."
            ).classes("sl-muted")
            self._box = ui.element("div")
            with ui.element("div").classes("sl-row"):
                self._url = ui.input("Address, https://…").props('outlined dense maxlength="2000"')
                self._secret = ui.input("Its secret: env:SOMNOLINK_WEBHOOK_… or file:/…").props("outlined dense")
                for one in (self._url, self._secret):
                    one.classes("sl-grow")
                parts.button("Add", self._add, "main")

    async def show(self) -> None:
        """Show the addresses and how they are doing."""
        at = self._at
        found: list[Webhook] = await at.read(lambda: at.context.records.webhooks.list(clinic=at.user.clinic))
        self._box.clear()
        with self._box:
            if not found:
                parts.empty("Nobody else yet", "Alerts are told in the pages and over MQTT.")
                return
            table = parts.Table("Address", "How it is doing", "", label="Webhooks")
            for one in found:
                with table.row() as cell:
                    with cell():
                        ui.label(one.url)
                    with cell():
                        if one.problem:
                            parts.badge("warning", f"{one.problem} ({one.tries} tries)")
                        else:
                            parts.badge("good", f"Told up to event {one.seq}")
                        if one.given_up:
                            ui.label(f"{one.given_up} events it never took").classes("sl-small")
                    with cell():
                        parts.button("Remove", partial(self._remove, one), "danger")

    async def _add(self) -> None:
        at, clinic = self._at, self._at.user.clinic
        url, secret = str(self._url.value or "").strip(), str(self._secret.value or "").strip()
        await at.do(
            Action.MANAGE_WEBHOOKS,
            Target.CLINIC,
            {"clinic": clinic},
            f"POST /clinics/{clinic}/webhooks",
            lambda: at.context.records.webhooks.add(clinic, url, secret, at_ms=at.context.clock.utc_ms()),
        )
        self._url.set_value("")
        self._secret.set_value("")
        await self.show()
        parts.done("Added: it is told from the next event on.")

    async def _remove(self, one: Webhook) -> None:
        if await parts.confirm(f"Tell {one.url} no more?", "Remove"):
            await self._at.do(
                Action.MANAGE_WEBHOOKS,
                Target.WEBHOOK,
                {"webhook": one.id},
                f"DELETE /webhooks/{one.id}",
                lambda: self._at.context.records.webhooks.remove(one.id),
            )
            await self.show()
            parts.done("Removed.")


def _value(value: float, unit: str) -> str:
    if unit == _SWITCH_UNIT:
        return "1, yes" if value else "0, no"
    return f"{value:g} {unit}".strip()
