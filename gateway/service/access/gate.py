"""The gate: whatever is read or changed passes here, asked for by a route of the API or by an event of a page alike.

It asks the rules and writes the audit, in this order, before anything is told or done::

    gate = Gate(records, clock)
    gate.enter(who, Action.READ_PATIENT, Target.PATIENT, {"patient": "p-00112233aabb"},
               address="192.0.2.7", what="GET /api/v1/patients/p-00112233aabb")
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from enum import StrEnum
from typing import Final

from gateway.clock import Clock
from gateway.errors import HiddenError
from gateway.service.access.access import Access
from gateway.service.access.principal import Principal
from gateway.service.access.rules import Action
from gateway.service.nights import night_bounds
from gateway.service.records import Records


class Target(StrEnum):
    """What something is done to; its id stands in `ids` under the target's own name."""

    LIST = "list"
    """Many: the role is checked here, and who asks is told only what they see."""
    SERVICE = "service"
    """The service itself, or who one is: the role decides."""
    SESSION = "session"
    """One's own account, which takes a session: no token opens it."""
    CLINIC = "clinic"
    PATIENT = "patient"
    DEVICE = "device"
    NIGHT = "night"
    """What a device measured in a night (ids `device` and `night`): of somebody whom the caller sees."""
    ALERT = "alert"
    ASSIGNMENT = "assignment"
    WEBHOOK = "webhook"
    USER = "user"
    TEAM = "team"
    HOME = "home"
    """A home's gateway."""
    CODE = "code"
    """A code by which a home joins, by its id."""


NOT_AUDITED: Final = frozenset({Action.OWN_ACCOUNT, Action.READ_STATE, Action.READ_SET_ASIDE, Action.READ_METRICS})
"""They tell nothing about a patient."""

Ids = Mapping[str, str]

_ID: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")


class Gate:
    """Lets through what the rules allow and the audit has. Usable from many threads at once."""

    def __init__(self, records: Records, clock: Clock) -> None:
        self._records = records
        self._clock = clock
        self._access = access = Access(records)
        self._checks: dict[Target, Callable[[Principal, Action, Ids], object]] = {
            Target.LIST: lambda who, action, _: access.role(who, action),
            Target.SERVICE: lambda who, action, _: access.role(who, action),
            Target.SESSION: lambda who, *_: access.session(who),
            Target.CLINIC: lambda who, action, ids: access.clinic(who, action, _id(ids, "clinic")),
            Target.PATIENT: lambda who, action, ids: access.patient(who, action, _id(ids, "patient")),
            Target.DEVICE: lambda who, action, ids: access.device(who, action, _id(ids, "device")),
            Target.ALERT: lambda who, action, ids: access.alert(who, action, _id(ids, "alert")),
            Target.NIGHT: lambda who, _, ids: self._night(who, ids),
            Target.ASSIGNMENT: self._assignment,
            Target.WEBHOOK: lambda who, action, ids: self._of_clinic(who, action, self._webhook(ids)),
            Target.USER: lambda who, action, ids: self._of_clinic(who, action, self._user(ids)),
            Target.TEAM: lambda who, action, ids: self._of_clinic(who, action, self._team(ids)),
            Target.HOME: lambda who, action, ids: self._of_clinic(who, action, self._home(ids)),
            Target.CODE: lambda who, action, ids: self._of_clinic(who, action, self._code(ids)),
        }

    def enter(self, who: Principal, action: Action, target: Target, ids: Ids, *, address: str, what: str) -> None:
        """Return if `who` may do that; it is in the audit then.

        Parameters
        ----------
        ids : mapping of str to str
            What it is done to: by the target's name, its id, as it was given and so maybe nonsense.
        address : str
            From where; empty if that is not known.
        what : str
            For the audit: method and path of a request, or of a page's event; no identity and no value.

        Raises
        ------
        HiddenError
            If there is nothing of that id, or `who` must not know of it.
        AccessError
            If `who` knows of it and may not do that.
        StoreError
            If it cannot be written down: then it is neither read nor done.
        """
        # The role first: who may do it to nobody learns nothing from how it is refused.
        self._access.role(who, action)
        if who.user is not None:
            self._checks[target](who, action, ids)
        if action not in NOT_AUDITED:
            self._records.audit.add(
                at_ms=self._clock.utc_ms(),
                who=who.on_record,
                account=None if who.user is None else who.user.id,
                address=address,
                action=action,
                what=what,
            )

    def _night(self, who: Principal, ids: Ids) -> None:
        device = _id(ids, "device")
        found = self._records.devices.get(device)
        try:
            night = date.fromisoformat(ids["night"])
            bounds = None if found is None else night_bounds(night, found.zone)
        except (ValueError, OverflowError):
            raise HiddenError("no such night") from None
        if bounds is None or not self._access.parts(who, device, *bounds):
            raise HiddenError(f"no such device: {device}")

    def _assignment(self, who: Principal, action: Action, ids: Ids) -> None:
        assignment = _id(ids, "assignment")
        found = self._records.assignments.get(assignment)
        try:
            self._access.patient(who, action, "" if found is None else found.patient)
        except HiddenError:
            raise HiddenError(f"no such assignment: {assignment}") from None

    def _webhook(self, ids: Ids) -> str | None:
        webhook = _id(ids, "webhook")
        return next((one.clinic for one in self._records.webhooks.list() if one.id == webhook), None)

    def _user(self, ids: Ids) -> str | None:
        found = self._records.users.get(_id(ids, "user"))
        return None if found is None else found.clinic

    def _team(self, ids: Ids) -> str | None:
        found = self._records.teams.get(_id(ids, "team"))
        return None if found is None else found.clinic

    def _home(self, ids: Ids) -> str | None:
        found = self._records.homes.home(_id(ids, "home"))
        return None if found is None else found.clinic

    def _code(self, ids: Ids) -> str | None:
        found = self._records.homes.code(_id(ids, "code"))
        return None if found is None else found.clinic

    def _of_clinic(self, who: Principal, action: Action, clinic: str | None) -> None:
        try:
            self._access.clinic(who, action, clinic or "")
        except HiddenError:
            raise HiddenError("there is nothing of that id") from None


def _id(ids: Ids, name: str) -> str:
    found = ids.get(name, "")
    if not _ID.fullmatch(found):
        raise HiddenError(f"no such {name}")
    return found
