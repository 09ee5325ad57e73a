"""Devices, the homes that they are in, and what they measured while nobody had them."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.clock import Clock
from gateway.service.access import Access, Action, Principal
from gateway.service.records import Assignment, Device, DeviceState, GatewayState, Home, Patient, Records
from gateway.service.store.base import SampleStore
from gateway.service.unassigned import Waiting, unassigned


@dataclass(frozen=True, slots=True)
class StockDevice:
    """A device and who has it.

    Attributes
    ----------
    holder : Assignment or None
        Of now; None: nobody has it.
    patient : Patient or None
        Who has it; None also where it is a patient whom the user does not see.
    """

    device: Device
    state: DeviceState | None
    holder: Assignment | None
    patient: Patient | None


@dataclass(frozen=True, slots=True)
class StockHome:
    """A home and how its gateway is."""

    home: Home
    state: GatewayState | None
    devices: int


@dataclass(frozen=True, slots=True)
class Stock:
    """What a user sees of the devices, by id.

    Attributes
    ----------
    patients : tuple of Patient
        To whom the user may give a device, by name.
    homes, waiting : tuple or None
        None: they are not for the user's role.
    """

    now_ms: int
    devices: tuple[StockDevice, ...]
    patients: tuple[Patient, ...]
    homes: tuple[StockHome, ...] | None
    waiting: tuple[Waiting, ...] | None


def stock(records: Records, store: SampleStore, access: Access, who: Principal, clock: Clock) -> Stock:
    """Put together what a user sees of the devices."""
    now_ms = clock.utc_ms()
    devices = access.devices(who, records.devices.list())
    states = records.states.devices([one.id for one in devices])
    seen = {one.id: one for one in records.people.patients(archived=True, among=access.patients(who))}
    holders = {one.device: one for one in records.assignments.list() if one.holds_at(now_ms)}
    shown = []
    for device in devices:
        holder = holders.get(device.id)
        patient = None if holder is None else seen.get(holder.patient)
        shown.append(StockDevice(device, states.get(device.id), holder, patient))
    may_give = access.may(who, Action.GIVE_DEVICE)
    return Stock(
        now_ms,
        tuple(shown),
        tuple(one for one in seen.values() if one.archived_ms is None) if may_give else (),
        _homes(records, who, devices) if access.may(who, Action.READ_HOME) else None,
        _waiting(records, store, who) if access.may(who, Action.READ_UNASSIGNED) else None,
    )


def clinic_devices(records: Records, who: Principal) -> dict[str, Device]:
    """The devices of the homes of the user's clinic (of every clinic, to a program), by id."""
    clinics = records.people.gateway_clinics()
    return {
        one.id: one
        for one in records.devices.list()
        if who.user is None or clinics.get(one.gateway_id) == who.user.clinic
    }


def _homes(records: Records, who: Principal, devices: list[Device]) -> tuple[StockHome, ...]:
    states = records.states.gateways()
    clinic = None if who.user is None else who.user.clinic
    return tuple(
        StockHome(home, states.get(home.id), sum(device.gateway_id == home.id for device in devices))
        for home in records.homes.homes(clinic=clinic)
    )


def _waiting(records: Records, store: SampleStore, who: Principal) -> tuple[Waiting, ...]:
    return tuple(unassigned(records, store, clinic_devices(records, who)))
