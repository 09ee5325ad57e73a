"""One alert on the page of alerts: what it is, and what can be done about it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from nicegui import ui

from analytics.alerts.rules import RULES
from gateway.service.access import Action
from gateway.service.access.gate import Target
from gateway.service.alerts.desk import AlertDesk
from gateway.service.records import Alert, AlertEvent, AlertState, Patient, User
from gateway.service.web import parts
from gateway.service.web.context import PageContext

SNOOZES: Final[tuple[tuple[str, int], ...]] = (
    ("1 hour", 60),
    ("8 hours", 8 * 60),
    ("1 day", 24 * 60),
    ("3 days", 3 * 24 * 60),
    ("1 week", 7 * 24 * 60),
    ("1 month", 30 * 24 * 60),
)
"""What is offered; the API takes any number of minutes up to 90 days."""

STATES: Final[Mapping[AlertState, tuple[parts.Tone, str]]] = {
    AlertState.OPEN: ("warning", "Open"),
    AlertState.ESCALATED: ("urgent", "Escalated: not acknowledged in time"),
    AlertState.ACKNOWLEDGED: ("good", "Acknowledged"),
    AlertState.SNOOZED: ("none", "Snoozed"),
    AlertState.RESOLVED: ("good", "Over"),
}

EVENTS: Final[Mapping[str, str]] = {
    "raised": "Raised",
    "changed": "Got worse",
    "acknowledged": "Acknowledged",
    "snoozed": "Snoozed",
    "snooze_ended": "Snooze ended",
    "escalated": "Escalated",
    "assigned": "Assigned",
    "commented": "Comment",
    "resolved": "Over",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """An alert with what is told beside it."""

    alert: Alert
    patient: Patient | None
    zone: str
    now_ms: int


class AlertCard:
    """The card of one alert. `put` brings it up to date and leaves alone what somebody is typing."""

    def __init__(self, at: PageContext, shown: Shown, changed: Callable[[], Awaitable[None]]) -> None:
        self._at = at
        self._desk = AlertDesk(at.context.records, at.context.clock)
        self._changed = changed
        self.shown = shown
        with ui.element("article").classes("sl-card sl-alert") as self.box:
            self._head = ui.element("div").classes("sl-stack")
            with ui.element("div").classes("sl-row"):
                self._acknowledge = parts.button("Acknowledge", self._on_acknowledge, "main")
                self._menu("Snooze", [(name, minutes) for name, minutes in SNOOZES])
                self._assign = parts.button("Assign", self._on_choose)
                self._history = parts.button("History and comments", self._on_history)
                self._history.props('aria-expanded="false"')
            self._more = ui.element("div").classes("sl-stack sl-more")
            self._more.set_visibility(False)
        self._put()

    def put(self, shown: Shown) -> None:
        """Show it as it is by now; nothing where nothing has changed."""
        if shown.alert != self.shown.alert:
            self.shown = shown
            self._put()

    @property
    def _ids(self) -> Mapping[str, str]:
        return {"alert": self.shown.alert.id}

    def _put(self) -> None:
        alert, patient = self.shown.alert, self.shown.patient
        rule = RULES.get(alert.kind)
        title = alert.kind if rule is None else rule.title
        self.box.props["aria-label"] = title
        self._head.clear()
        with self._head:
            with ui.element("div").classes("sl-row"):
                parts.severity(alert.severity)
                parts.heading(title, 2)
                if patient is not None:
                    ui.link(patient.name, f"/patients/{patient.id}")
                else:
                    ui.label(f"Gateway {alert.gateway or alert.subject}")
            ui.label(alert.message)
            with ui.element("div").classes("sl-row sl-small sl-muted"):
                tone, state = STATES[alert.state]
                if alert.state is AlertState.SNOOZED:
                    state = f"{state} until {parts.moment(alert.snoozed_until_ms, self.shown.zone)}"
                parts.badge(tone, state)
                ui.label(f"Raised {parts.moment(alert.raised_ms, self.shown.zone)}")
                if alert.count > 1:
                    ui.label(f"{alert.count} times")
                if alert.late:
                    ui.label("Found in data that came late")
                if alert.withdrawn:
                    ui.label("Taken back: by the data as they are now it was not so")
                if alert.acknowledged_ms is not None and alert.state is not AlertState.ACKNOWLEDGED:
                    ui.label("Acknowledged before")
                ui.label(f"Assigned to {alert.assigned_to}" if alert.assigned_to else "Assigned to nobody")
        seen = alert.acknowledged_ms is not None and alert.state in (AlertState.ACKNOWLEDGED, AlertState.RESOLVED)
        self._acknowledge.set_visibility(not seen)

    def _menu(self, text: str, choices: list[tuple[str, int]]) -> None:
        with parts.button(text, lambda: None).props('aria-haspopup="menu"'), ui.menu():
            for name, minutes in choices:
                ui.menu_item(name, partial(self._on_snooze, minutes)).props('role="menuitem"')

    async def _do(self, action: Action, what: str, work: Callable[[], object]) -> None:
        await self._at.do(action, Target.ALERT, self._ids, what, work)
        await self._changed()
        if self._more.visible:
            await self._show_history()

    def _path(self, deed: str) -> str:
        return f"POST /alerts/{self.shown.alert.id}/{deed}"

    async def _on_acknowledge(self) -> None:
        alert = self.shown.alert
        work = lambda: self._desk.acknowledge(alert, self._at.who)  # noqa: E731
        await self._do(Action.HANDLE_ALERT, self._path("acknowledge"), work)
        parts.done("Acknowledged.")

    async def _on_snooze(self, minutes: int) -> None:
        alert = self.shown.alert
        work = lambda: self._desk.snooze(alert, minutes, self._at.who)  # noqa: E731
        await self._do(Action.HANDLE_ALERT, self._path("snooze"), work)
        parts.done("Snoozed.")

    async def _on_choose(self) -> None:
        alert = self.shown.alert
        found: list[User] = await self._at.do(
            Action.HANDLE_ALERT,
            Target.ALERT,
            self._ids,
            f"GET /alerts/{alert.id}/carers",
            lambda: self._desk.carers(alert),
        )
        with ui.dialog() as dialog, ui.element("div").classes("sl-card sl-dialog").props('aria-label="Assign to"'):
            parts.heading("Assign to", 2)
            for user in found:
                parts.button(user.name, partial(dialog.submit, user.name))
            parts.button("Nobody", lambda: dialog.submit(""))
            parts.button("Cancel", dialog.close)
        chosen = await parts.answer(dialog)
        if chosen is not None:
            await self._on_assign(str(chosen) or None)

    async def _on_assign(self, to: str | None) -> None:
        alert, before = self.shown.alert, self.shown.alert.assigned_to
        work = lambda: self._desk.assign(alert, to, self._at.who)  # noqa: E731
        await self._do(Action.HANDLE_ALERT, self._path("assign"), work)

        async def back() -> None:
            await self._on_assign(before)

        parts.done(f"Assigned to {to or 'nobody'}.", None if to == before else back)

    async def _on_history(self) -> None:
        show = not self._more.visible
        self._history.props(f'aria-expanded="{str(show).lower()}"')
        self._more.set_visibility(show)
        if show:
            await self._show_history()

    async def _show_history(self) -> None:
        alert = self.shown.alert
        found: list[AlertEvent] = await self._at.do(
            Action.READ_ALERT,
            Target.ALERT,
            self._ids,
            f"GET /alerts/{alert.id}/history",
            lambda: self._at.context.records.alerts.history(alert.id),
        )
        self._more.clear()
        with self._more:
            with ui.element("ol").classes("sl-history"):
                for one in found:
                    with ui.element("li"):
                        ui.label(f"{parts.moment(one.at_ms, self.shown.zone)}").classes("sl-small sl-muted")
                        ui.label(_told(one, self.shown.zone))
            text = ui.textarea("Comment").props('outlined autogrow maxlength="2000"').classes("sl-field")

            async def send() -> None:
                words = str(text.value or "").strip()
                if words:
                    work = lambda: self._desk.comment(alert, words, self._at.who)  # noqa: E731
                    await self._do(Action.HANDLE_ALERT, self._path("comments"), work)

            parts.button("Add the comment", send)


def _told(one: AlertEvent, zone: str) -> str:
    by = f" by {one.who}" if one.who else ""
    name = EVENTS.get(one.event, one.event)
    if one.event == "commented":
        return f"{one.who}: {one.detail}"
    if one.event == "assigned":
        return f"{name} to {one.detail or 'nobody'}{by}"
    if one.event == "snoozed" and one.detail.isdigit():
        return f"{name} until {parts.moment(int(one.detail), zone)}{by}"
    return f"{name}{by}"
