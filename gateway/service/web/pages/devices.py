"""Devices: who has them, how they are, their homes, and data that nobody had."""

from __future__ import annotations

from functools import partial

from nicegui import ui

from gateway.service.access import Action
from gateway.service.access.gate import Target
from gateway.service.handing_out import give_device
from gateway.service.records import Assignment, Patient, Role
from gateway.service.unassigned import Waiting
from gateway.service.views.stock import Stock, StockDevice, stock
from gateway.service.web import PageContext, page, parts
from gateway.service.web.frame import frame
from gateway.service.web.homes import Homes

LOW_BATTERY_PCT = 20.0


@page("/devices", Action.READ_DEVICE, Target.LIST)
async def build(at: PageContext) -> None:
    """The devices that the user sees."""
    with frame(at, "My devices" if at.user.role is Role.PATIENT else "Devices"):
        await Devices(at).show()


class Devices:
    """The page, which shows itself anew after each change."""

    def __init__(self, at: PageContext) -> None:
        self._at = at
        self._box = ui.element("div")
        self._stock: Stock | None = None

    async def show(self) -> None:
        """Show what there is by now."""
        at = self._at
        found = await at.read(lambda: stock(at.context.records, at.context.store, at.access, at.who, at.context.clock))
        self._stock = found
        self._box.clear()
        with self._box:
            with parts.card("Devices"):
                if found.devices:
                    self._devices(found)
                else:
                    parts.empty("No device yet", "A device appears here when a home has heard of it.")
            if found.waiting:
                with parts.card("Data that nobody had"):
                    ui.label(
                        "Measured while a device was nobody's. They wait, whole, until it is said whose they are."
                    ).classes("sl-muted")
                    self._waiting(found)
            if found.homes is not None:
                await Homes(at, found, self.show).show()

    def _devices(self, found: Stock) -> None:
        table = parts.Table("Device", "Who has it", "Last contact", "Battery", "Clock", "", label="Devices")
        for one in found.devices:
            device, zone = one.device, one.device.zone
            with table.row() as cell:
                with cell():
                    ui.label(device.model or device.family).classes("sl-strong")
                    ui.label(device.id).classes("sl-small sl-muted")
                    if device.firmware:
                        ui.label(f"Firmware {device.firmware}").classes("sl-small sl-muted")
                with cell():
                    _holder(one)
                with cell():
                    ui.label(parts.ago(device.last_contact_ms, found.now_ms))
                    ui.label(parts.moment(device.last_contact_ms, zone)).classes("sl-small sl-muted")
                    if one.state is not None and one.state.reachable is False:
                        parts.badge("warning", "Heard, does not talk")
                with cell():
                    low = device.battery_pct is not None and device.battery_pct <= LOW_BATTERY_PCT
                    text = parts.number(device.battery_pct, 0, "%")
                    parts.badge("warning", f"{text}, low") if low else ui.label(text)
                with cell():
                    _clock(one)
                with cell(), ui.element("div").classes("sl-row"):
                    self._actions(found, one)

    def _actions(self, found: Stock, one: StockDevice) -> None:
        if one.holder is not None and one.patient is not None and found.patients:
            parts.button("Take back", partial(self._take_back, one.holder, one.patient))
        elif one.holder is None and found.patients:
            parts.button("Give …", partial(self._give, one.device.id, found.now_ms, None))

    def _waiting(self, found: Stock) -> None:
        zones = {one.device.id: one.device.zone for one in found.devices}
        table = parts.Table("Device", "What", "From", "Until", "Nights", "", label="Data that nobody had")
        for one in found.waiting or ():
            zone = zones.get(one.device, self._at.zone)
            texts = (one.device, one.kind, parts.moment(one.from_ms, zone), parts.moment(one.to_ms, zone))
            with table.row() as cell:
                for text in (*texts, f"{one.nights}, {one.samples} samples"):
                    with cell():
                        ui.label(text)
                with cell():
                    if found.patients:
                        parts.button("Say whose …", partial(self._say_whose, one))

    async def _say_whose(self, one: Waiting) -> None:
        await self._give(one.device, one.from_ms, one.to_ms)

    async def _give(self, device: str, from_ms: int, to_ms: int | None) -> None:
        """Ask to whom, then give it: from now on, or for the time of data that wait."""
        patients = self._stock.patients if self._stock else ()
        zone = self._at.zone
        with ui.dialog() as dialog, ui.element("div").classes("sl-card sl-dialog").props('aria-label="Give"'):
            parts.heading(f"Give {device}" if to_ms is None else f"Whose data are these, of {device}?")
            if to_ms is None:
                ui.label("From now on, what it measures is this patient's.")
            else:
                ui.label(f"From {parts.moment(from_ms, zone)} until {parts.moment(to_ms, zone)}.")
            names = {one.id: one.name for one in patients}
            chosen = ui.select(names, label="Patient", with_input=True).props("outlined").classes("sl-field")
            with ui.element("div").classes("sl-row"):
                parts.button("Give", lambda: dialog.submit(chosen.value), "main")
                parts.button("Cancel", dialog.close)
        answer = await parts.answer(dialog)
        patient = next((one for one in patients if one.id == answer), None)
        if patient is not None:
            made = await self._given(device, patient, from_ms, to_ms)
            await self.show()
            parts.done(f"Given to {patient.name}." if made.to_ms is None else f"These are {patient.name}'s now.")

    async def _given(self, device: str, patient: Patient, from_ms: int, to_ms: int | None) -> Assignment:
        at = self._at
        records, clock = at.context.records, at.context.clock
        return await at.do(
            Action.CHANGE_PATIENT,
            Target.PATIENT,
            {"patient": patient.id},
            f"POST /patients/{patient.id}/assignments",
            lambda: give_device(records, at.who, device, patient, from_ms=from_ms, to_ms=to_ms, now_ms=clock.utc_ms()),
        )

    async def _take_back(self, holder: Assignment, patient: Patient) -> None:
        question = f"Take {holder.device} back from {patient.name}? What it measures from now on waits, as nobody's."
        if await parts.confirm(question, "Take back"):
            await self._ended(holder, self._at.context.clock.utc_ms())

            async def undo() -> None:
                await self._ended(holder, holder.to_ms)

            parts.done(f"Taken back from {patient.name}.", undo)

    async def _ended(self, holder: Assignment, to_ms: int | None) -> None:
        await self._at.do(
            Action.CHANGE_PATIENT,
            Target.ASSIGNMENT,
            {"assignment": holder.id},
            f"PATCH /assignments/{holder.id}",
            lambda: self._at.context.records.assignments.end(holder.id, to_ms=to_ms),
        )
        await self.show()


def _holder(one: StockDevice) -> None:
    if one.patient is not None:
        ui.link(one.patient.name, f"/patients/{one.patient.id}")
    elif one.holder is not None:
        ui.label("A patient whom you do not see").classes("sl-muted")
    else:
        ui.label("Nobody").classes("sl-muted")


def _clock(one: StockDevice) -> None:
    state = one.state
    if state is None or not state.clock:
        ui.label(parts.MISSING)
    elif state.clock == "lost":
        parts.badge("warning", "Lost")
    else:
        parts.badge("good", "Right")
    if state is not None and state.uncertainty_ms is not None:
        ui.label(f"within {state.uncertainty_ms / 1000:.1f} s").classes("sl-small sl-muted")
