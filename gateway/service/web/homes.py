"""Homes on the page of devices: how their gateways are, letting one join, revoking one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from nicegui import ui

from gateway.service.access import Action
from gateway.service.access.gate import Target
from gateway.service.homes import Invitation
from gateway.service.records import GatewayState, Home, JoinCode
from gateway.service.views.stock import Stock, StockHome
from gateway.service.web import parts
from gateway.service.web.context import PageContext


class Homes:
    """The part of the page that is about homes."""

    def __init__(self, at: PageContext, found: Stock, changed: Callable[[], Awaitable[None]]) -> None:
        self._at = at
        self._stock = found
        self._changed = changed
        self._manages = at.access.may(at.who, Action.MANAGE_HOMES)

    async def show(self) -> None:
        """Show it where the page is being built."""
        with parts.card("Homes"):
            if self._stock.homes:
                self._table(self._stock.homes)
            else:
                parts.empty("No home yet", "A home appears here when its box has joined by a code.")
            if self._manages:
                await self._joining()

    def _table(self, homes: tuple[StockHome, ...]) -> None:
        table = parts.Table("Home", "Gateway", "Waiting there", "Clock", "Devices", "", label="Homes")
        for one in homes:
            home, state = one.home, one.state
            with table.row() as cell:
                with cell():
                    ui.label(home.name).classes("sl-strong")
                    ui.label(home.id).classes("sl-small sl-muted")
                with cell():
                    self._presence(home, state)
                with cell():
                    ui.label(parts.MISSING if state is None else f"{state.pending} batches")
                    if state is not None and state.oldest_ms is not None:
                        ui.label(f"the oldest {parts.ago(state.oldest_ms, self._stock.now_ms)}").classes("sl-small")
                with cell():
                    _clock(state)
                with cell():
                    ui.label(str(one.devices))
                with cell():
                    if self._manages and home.revoked_ms is None:
                        parts.button("Revoke", partial(self._revoke, home), "danger")
                    elif self._manages:
                        parts.button("Let in again", partial(self._let_in, home))

    def _presence(self, home: Home, state: GatewayState | None) -> None:
        if home.revoked_ms is not None:
            parts.badge("urgent", "Revoked: nothing is taken from it")
        elif state is None:
            ui.label(f"Last heard of {parts.ago(home.last_seen_ms, self._stock.now_ms)}")
        else:
            parts.badge("good", "Online") if state.online else parts.badge("warning", "Offline")
            ui.label(f"since {parts.moment(state.since_ms, self._at.zone)}").classes("sl-small sl-muted")
            if state.radio not in ("", "ok"):
                parts.badge("warning", f"Radio {state.radio}")
            if state.version:
                ui.label(f"Version {state.version}").classes("sl-small sl-muted")

    async def _joining(self) -> None:
        at = self._at
        if not at.context.enrolment.by_code:
            ui.label("Homes do not join by a code here: their accounts at the broker are made by hand.").classes(
                "sl-muted sl-small"
            )
            return
        now_ms = self._stock.now_ms
        codes = await at.read(lambda: at.context.records.homes.codes(clinic=at.user.clinic))
        for code in codes:
            if code.open_at(now_ms):
                with ui.element("div").classes("sl-row"):
                    ui.label(f"A code for {code.name}, until {parts.moment(code.expires_ms, at.zone)}")
                    parts.button("Withdraw", partial(self._withdraw, code))
        with ui.element("div").classes("sl-row"):
            name = ui.input("What the staff call the home; nobody's name").props('outlined dense maxlength="80"')
            name.classes("sl-field")
            parts.button("Make a code", lambda: self._invite(str(name.value or "").strip()), "main")

    async def _invite(self, name: str) -> None:
        if not name:
            ui.notify("A home has a name.", type="warning")
            return
        at = self._at
        made: Invitation = await at.do(
            Action.MANAGE_HOMES,
            Target.CLINIC,
            {"clinic": at.user.clinic},
            f"POST /clinics/{at.user.clinic}/homes",
            lambda: at.context.enrolment.invite(at.user.clinic, name, by=at.who.name, url=at.url),
        )
        with ui.dialog().props("persistent") as dialog, ui.element("div").classes("sl-card sl-dialog"):
            parts.heading(f"Code for {name}")
            ui.label("It is shown this once. On the box, type the command, or scan it:")
            ui.label(made.command).classes("sl-code")
            ui.html(made.qr, sanitize=False).classes("sl-qr")
            parts.button("Done", lambda: dialog.submit(True), "main")
        if await parts.answer(dialog):
            await self._changed()

    async def _withdraw(self, code: JoinCode) -> None:
        at = self._at
        await at.do(
            Action.MANAGE_HOMES,
            Target.CODE,
            {"code": code.id},
            f"DELETE /homes/codes/{code.id}",
            lambda: at.context.records.homes.withdraw(code.id, at_ms=at.context.clock.utc_ms()),
        )
        await self._changed()
        parts.done("Withdrawn.")

    async def _revoke(self, home: Home) -> None:
        question = f"Revoke {home.name}? From now on nothing is taken from it. What it has sent stays."
        if await parts.confirm(question, "Revoke"):
            await self._change(home, revoked=True)
            parts.done(f"{home.name} is revoked.", lambda: self._change(home, revoked=False))

    async def _let_in(self, home: Home) -> None:
        await self._change(home, revoked=False)
        parts.done(f"{home.name} is let in again.")

    async def _change(self, home: Home, *, revoked: bool) -> None:
        at = self._at
        change = at.context.enrolment.revoke if revoked else at.context.enrolment.let_in
        await at.do(
            Action.MANAGE_HOMES, Target.HOME, {"home": home.id}, f"PATCH /homes/{home.id}", lambda: change(home.id)
        )
        await self._changed()


def _clock(state: GatewayState | None) -> None:
    if state is None or state.clock_set is None:
        ui.label(parts.MISSING)
    elif state.clock_set:
        parts.badge("good", "Right")
    else:
        parts.badge("warning", "Nothing keeps it right")
    if state is not None and state.clock_error_ms is not None:
        ui.label(f"within {state.clock_error_ms / 1000:.1f} s").classes("sl-small sl-muted")
