"""Decides by the table, from the records as they are now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from gateway.errors import AccessError, HiddenError
from gateway.service.access.principal import Principal
from gateway.service.access.rules import PROGRAMS, RULES, Action, Relation
from gateway.service.records import Alert, Assignment, Device, Patient, Records, Role, User
from gateway.wire.feed import FeedEvent

Part = tuple[int, int]
"""From, until before; UTC milliseconds."""

_NEVER_MS: Final = 1 << 62


class Access:
    """Who may do what with the records. Usable from many threads at once."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def role(self, who: Principal, action: Action) -> None:
        """Return if the action is one for somebody like `who` at all, wherever it is done.

        Raises
        ------
        AccessError
            If it is not.
        """
        if who.limited and action is not Action.OWN_ACCOUNT:
            raise AccessError("this takes a second factor: set it up, or give its code")
        if (action not in PROGRAMS) if who.user is None else (who.user.role not in RULES[action]):
            raise AccessError(f"this is not for {_kind(who)}")

    def may(self, who: Principal, action: Action) -> bool:
        """Whether `role` would return: for what is shown or offered at all, not for what is done."""
        try:
            self.role(who, action)
        except AccessError:
            return False
        return True

    def session(self, who: Principal) -> None:
        """Return if `who` has signed in, rather than come with a token.

        Raises
        ------
        AccessError
            If it is a token: who gets hold of one would otherwise stay for ever.
        """
        if who.session is None:
            raise AccessError("a token does not open the account itself: sign in")

    def patient(self, who: Principal, action: Action, patient: str) -> Patient:
        """The patient, if `who` may do that with them.

        Raises
        ------
        HiddenError
            If there is no such patient, or `who` must not know.
        AccessError
            If `who` sees the patient and may not do that.
        """
        found = self._records.people.patient(patient)
        if found is None:
            raise HiddenError(f"no such patient: {patient}")
        relation = self._to_patient(who.user, found)
        if not (_allowed(who, Action.READ_PATIENT, relation) or _allowed(who, action, relation)):
            raise HiddenError(f"no such patient: {patient}")
        self._decide(who, action, relation)
        return found

    def clinic(self, who: Principal, action: Action, clinic: str) -> None:
        """Return if `who` may do that in a clinic.

        Raises
        ------
        HiddenError
            If it is another's clinic: there may be none.
        AccessError
            If it is the own, and `who` may not do that.
        """
        relation = _to_clinic(who.user, clinic)
        if who.user is not None and relation < Relation.CLINIC:
            raise HiddenError(f"no such clinic: {clinic}")
        self._decide(who, action, relation)

    def device(self, who: Principal, action: Action, device: str) -> Device:
        """The device, if `who` may do that with it now: as its wearer's, or as the clinic's while nobody has it.

        Raises
        ------
        HiddenError
            If there is no such device, or `who` must not know.
        AccessError
            If `who` sees the device and may not do that.
        """
        found = self._records.devices.get(device)
        if found is None:
            raise HiddenError(f"no such device: {device}")
        if who.user is not None:
            relation = self.to_devices(who.user, [found])[device]
            if not (_allowed(who, Action.READ_DEVICE, relation) or _allowed(who, action, relation)):
                raise HiddenError(f"no such device: {device}")
            self._decide(who, action, relation)
        return found

    def alert(self, who: Principal, action: Action, alert: str) -> Alert:
        """The alert, if `who` may do that with it. One that is about no patient is for who reads the clinic's devices.

        Raises
        ------
        HiddenError
            If there is no such alert, or `who` must not know.
        AccessError
            If `who` sees the alert and may not do that.
        """
        found = self._records.alerts.get(alert)
        if found is None or not self._sees_alert(who, found):
            raise HiddenError(f"no such alert: {alert}")
        self.role(who, action)
        return found

    def patients(self, who: Principal) -> frozenset[str] | None:
        """Ids of the patients that `who` sees; None: all there are."""
        user = who.user
        if user is None:
            return None
        if user.role is Role.PATIENT:
            return frozenset() if user.patient is None else frozenset({user.patient})
        return self._records.teams.patients_of(user.id) if user.role in RULES[Action.READ_PATIENT] else frozenset()

    def assignments(self, who: Principal, device: str | None = None) -> list[Assignment] | None:
        """Who of those that `who` sees had a device (or any) when; None: everything is seen, assigned or not."""
        seen = self.patients(who)
        if seen is None:
            return None
        return [one for one in self._records.assignments.list(device=device) if one.patient in seen]

    def parts(self, who: Principal, device: str, start_ms: int, end_ms: int) -> list[Part]:
        """The parts of a time in which a device's data are of somebody that `who` sees, in order; maybe none."""
        assignments = self.assignments(who, device)
        if assignments is None:
            return [(start_ms, end_ms)]
        cut = (
            (max(start_ms, one.from_ms), min(end_ms, _NEVER_MS if one.to_ms is None else one.to_ms))
            for one in assignments
        )
        return sorted(part for part in cut if part[0] < part[1])

    def devices(self, who: Principal, devices: Iterable[Device]) -> list[Device]:
        """Those of the devices that `who` sees."""
        told = list(devices)
        if who.user is None:
            return told
        relations = self.to_devices(who.user, told)
        return [one for one in told if _allowed(who, Action.READ_DEVICE, relations[one.id])]

    def clinic_of_devices(self, who: Principal) -> str | None:
        """The clinic all of whose devices `who` sees; None if there is none such."""
        user = who.user
        return user.clinic if user and RULES[Action.READ_DEVICE].get(user.role) is Relation.CLINIC else None

    def events(self, who: Principal, events: Sequence[FeedEvent]) -> list[FeedEvent]:
        """Those of the feed's events that `who` sees: as with alerts."""
        seen = self.patients(who)
        if seen is None:
            return list(events)
        devices_of = self.clinic_of_devices(who)
        return [one for one in events if (one.patient in seen if one.patient else one.clinic == devices_of)]

    def to_devices(self, user: User, devices: Iterable[Device]) -> dict[str, Relation]:
        """How near a user is to each device: as to who has it last or next, else as to its gateway's clinic."""
        clinics = self._records.people.gateway_clinics()
        last = {one.device: one for one in self._records.assignments.list()}
        people = {one.id: one for one in self._records.people.patients(archived=True, limit=_NEVER_MS)}
        seen = self.patients(Principal(user.name, frozenset(), user)) or frozenset()
        found = {}
        for device in devices:
            holder = last.get(device.id)
            # A device that was given back is the clinic's again; one with an end to come is still somebody's.
            if holder is None or (holder.to_ms is not None and holder.to_ms <= device.last_contact_ms):
                found[device.id] = _to_clinic(user, clinics.get(device.gateway_id, ""))
            elif holder.patient in seen:
                found[device.id] = Relation.SELF if user.role is Role.PATIENT else Relation.TEAM
            else:
                found[device.id] = _to_clinic(user, people[holder.patient].clinic)
        return found

    def _sees_alert(self, who: Principal, alert: Alert) -> bool:
        if who.user is None:
            return True
        if alert.patient is None:
            return alert.clinic == self.clinic_of_devices(who) and who.user.role in RULES[Action.READ_ALERT]
        return who.user.role in RULES[Action.READ_ALERT] and alert.patient in (self.patients(who) or ())

    def _to_patient(self, user: User | None, patient: Patient) -> Relation:
        if user is None:
            return Relation.OTHER
        if user.patient is not None:
            return Relation.SELF if user.patient == patient.id else Relation.OTHER
        if user.clinic == patient.clinic and self._records.teams.cares(user.id, patient.id):
            return Relation.TEAM
        return _to_clinic(user, patient.clinic)

    def _decide(self, who: Principal, action: Action, relation: Relation) -> None:
        if not _allowed(who, action, relation):
            raise AccessError(f"this is not for {_kind(who)}")


def _allowed(who: Principal, action: Action, relation: Relation) -> bool:
    if who.limited and action is not Action.OWN_ACCOUNT:
        return False
    if who.user is None:
        return action in PROGRAMS
    needed = RULES[action].get(who.user.role)
    return needed is not None and relation >= needed


def _to_clinic(user: User | None, clinic: str) -> Relation:
    return Relation.CLINIC if user is not None and user.clinic == clinic else Relation.OTHER


def _kind(who: Principal) -> str:
    return "a program's token" if who.user is None else f"the role {who.user.role}"
