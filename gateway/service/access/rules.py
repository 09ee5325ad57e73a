"""The table: what each role may do, and how near the patient or the clinic must be for it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum, StrEnum
from typing import Final

from gateway.service.records import Role


class Relation(IntEnum):
    """How near somebody is to a patient or to what is a clinic's; what is nearer includes what is less near."""

    OTHER = 0
    """Another clinic's."""
    CLINIC = 1
    """Of the same clinic."""
    TEAM = 2
    """A patient of an own care team."""
    SELF = 3
    """Oneself."""


class Action(StrEnum):
    """What can be done."""

    OWN_ACCOUNT = "own_account"
    READ_ONESELF = "read_oneself"
    READ_PATIENT = "read_patient"
    MAKE_PATIENT = "make_patient"
    CHANGE_PATIENT = "change_patient"
    TREAT = "treat"
    CONSENT = "consent"
    EXPORT_PATIENT = "export_patient"
    ERASE_PATIENT = "erase_patient"
    REPORT_SIDE_EFFECT = "report_side_effect"
    READ_ALERT = "read_alert"
    HANDLE_ALERT = "handle_alert"
    READ_FEED = "read_feed"
    READ_DEVICE = "read_device"
    GIVE_DEVICE = "give_device"
    READ_HOME = "read_home"
    MANAGE_HOMES = "manage_homes"
    READ_UNASSIGNED = "read_unassigned"
    READ_CLINIC = "read_clinic"
    READ_THRESHOLDS = "read_thresholds"
    CHANGE_THRESHOLDS = "change_thresholds"
    MANAGE_WEBHOOKS = "manage_webhooks"
    MANAGE_PEOPLE = "manage_people"
    READ_AUDIT = "read_audit"
    READ_STATE = "read_state"
    READ_SET_ASIDE = "read_set_aside"
    READ_METRICS = "read_metrics"


_A, _P, _D, _C, _SELF = Role.ADMINISTRATOR, Role.PHYSICIAN, Role.DENTIST, Role.COORDINATOR, Role.PATIENT
_CARE: Final[Mapping[Role, Relation]] = {_P: Relation.TEAM, _D: Relation.TEAM, _C: Relation.TEAM}
_STAFF: Final[Mapping[Role, Relation]] = dict.fromkeys((_A, _P, _D, _C), Relation.CLINIC)

RULES: Final[Mapping[Action, Mapping[Role, Relation]]] = {
    Action.OWN_ACCOUNT: dict.fromkeys(Role, Relation.OTHER),
    Action.READ_ONESELF: {_SELF: Relation.SELF},
    Action.READ_PATIENT: {**_CARE, _SELF: Relation.SELF},
    Action.MAKE_PATIENT: {_P: Relation.CLINIC, _D: Relation.CLINIC, _C: Relation.CLINIC},
    Action.CHANGE_PATIENT: _CARE,
    Action.TREAT: {_P: Relation.TEAM, _D: Relation.TEAM},
    # The patient says it, or somebody of the team writes down what the patient said.
    Action.CONSENT: {**_CARE, _SELF: Relation.SELF},
    Action.EXPORT_PATIENT: {**_CARE, _SELF: Relation.SELF},
    # Who runs the clinic answers for what is kept; they know the patient by the opaque id.
    Action.ERASE_PATIENT: {_A: Relation.CLINIC},
    Action.REPORT_SIDE_EFFECT: {**_CARE, _SELF: Relation.SELF},
    # An alert's history holds what the staff say among themselves.
    Action.READ_ALERT: _CARE,
    Action.HANDLE_ALERT: _CARE,
    Action.READ_FEED: {_P: Relation.CLINIC, _D: Relation.CLINIC, _C: Relation.CLINIC},
    # Who keeps the stock sees every device of the clinic, but not whose nights it holds.
    Action.READ_DEVICE: {
        _A: Relation.CLINIC,
        _C: Relation.CLINIC,
        _P: Relation.TEAM,
        _D: Relation.TEAM,
        _SELF: Relation.SELF,
    },
    Action.GIVE_DEVICE: {_P: Relation.CLINIC, _D: Relation.CLINIC, _C: Relation.CLINIC},
    # Who keeps the stock, and who hands it out. A home's devices are told by their ids: not who wears them.
    Action.READ_HOME: {_A: Relation.CLINIC, _C: Relation.CLINIC},
    Action.MANAGE_HOMES: {_A: Relation.CLINIC, _C: Relation.CLINIC},
    Action.READ_UNASSIGNED: _STAFF,
    Action.READ_CLINIC: dict.fromkeys(Role, Relation.CLINIC),
    Action.READ_THRESHOLDS: _STAFF,
    Action.CHANGE_THRESHOLDS: {_A: Relation.CLINIC, _P: Relation.CLINIC},
    Action.MANAGE_WEBHOOKS: {_A: Relation.CLINIC},
    Action.MANAGE_PEOPLE: {_A: Relation.CLINIC},
    Action.READ_AUDIT: {_A: Relation.CLINIC},
    Action.READ_STATE: {_A: Relation.OTHER},
    Action.READ_SET_ASIDE: {},
    Action.READ_METRICS: {},
}
"""An administrator runs the clinic and sees no patient."""

PROGRAMS: Final = frozenset(Action) - {
    Action.OWN_ACCOUNT,
    Action.MANAGE_PEOPLE,
    Action.ERASE_PATIENT,
    Action.MANAGE_HOMES,
    Action.READ_AUDIT,
    Action.READ_ONESELF,
}
"""What a token of the service's own opens, within its scopes, whoever the patient is."""
