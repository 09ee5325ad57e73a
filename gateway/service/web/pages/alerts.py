"""The alerts that a user sees: who needs somebody now, kept up to date while the page is open."""

from __future__ import annotations

from typing import Final

from nicegui import ui

from gateway.service.access import Action
from gateway.service.access.gate import Target
from gateway.service.records import Severity
from gateway.service.web import PageContext, page, parts
from gateway.service.web.alert_card import AlertCard, Shown
from gateway.service.web.frame import frame
from gateway.service.web.live import follow

AT_ONCE: Final = 100

_URGENCY: Final = {Severity.URGENT: 0, Severity.WARNING: 1, Severity.INFO: 2}


@page("/alerts", Action.READ_ALERT, Target.LIST)
async def build(at: PageContext) -> None:
    """The alerts, by urgency."""
    unseen = at.query.get("show") == "unseen"
    with frame(at, "Alerts"):
        with ui.element("div").classes("sl-row sl-tabs").props('role="group" aria-label="Which alerts"'):
            for path, name, chosen in (
                ("/alerts", "Open", not unseen),
                ("/alerts?show=unseen", "Not acknowledged, also those that are over", unseen),
            ):
                ui.link(name, path).props('aria-current="true"' if chosen else "")
        count = ui.label().props('role="status"').classes("sl-muted")
        feed = Feed(at, unseen, count)
        await feed.show()
        follow(at, at.context.feed.changes(), feed.show)


class Feed:
    """The cards of all alerts that are shown."""

    def __init__(self, at: PageContext, unseen: bool, count: ui.label) -> None:
        self._at = at
        self._unseen = unseen
        self._count = count
        self._cards: dict[str, AlertCard] = {}
        self._list = ui.element("div")
        self._empty = ui.element("div")
        with self._empty:
            parts.empty(
                "No alerts",
                "When a patient's night, wear or device needs a look, it appears here at once, by urgency.",
            )

    async def show(self) -> None:
        """Bring the cards up to date."""
        found = await self._at.read(self._read)
        self._empty.set_visibility(not found)
        urgent = sum(one.alert.severity is Severity.URGENT for one in found)
        more = f"the newest {AT_ONCE}" if len(found) == AT_ONCE else str(len(found))
        self._count.set_text(f"{more} shown, {urgent} urgent" if found else "")
        for gone in self._cards.keys() - {one.alert.id for one in found}:
            self._cards.pop(gone).box.delete()
        with self._list:
            for one in found:
                card = self._cards.get(one.alert.id)
                if card is None:
                    self._cards[one.alert.id] = AlertCard(self._at, one, self.show)
                else:
                    card.put(one)
        for index, one in enumerate(found):
            box = self._cards[one.alert.id].box
            if self._list.default_slot.children[index] is not box:
                box.move(target_index=index)

    def _read(self) -> list[Shown]:
        context, access = self._at.context, self._at.access
        access.role(self._at.who, Action.READ_ALERT)
        found = context.records.alerts.list(
            open_only=not self._unseen,
            unseen=self._unseen,
            limit=AT_ONCE,
            among=access.patients(self._at.who),
            devices_of=access.clinic_of_devices(self._at.who),
        )
        people = {
            one.id: one
            for one in context.records.people.patients(archived=True, among={one.patient or "" for one in found})
        }
        now_ms = context.clock.utc_ms()
        shown = []
        for alert in sorted(found, key=lambda one: (_URGENCY[one.severity], -one.raised_ms)):
            patient = people.get(alert.patient or "")
            shown.append(Shown(alert, patient, patient.zone if patient else self._at.zone, now_ms))
        return shown
