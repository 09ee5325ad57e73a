"""What each route takes: an action, and what it is done to. A route that does not stand here is closed to everybody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gateway.service.access import Action
from gateway.service.access.gate import Target

Rule = tuple[Action, Target]

DOORS: Final = frozenset(
    {
        ("POST", "/session"),
        ("POST", "/invitation"),
        ("GET", "/link"),
        ("GET", "/oidc"),
        ("GET", "/oidc/start"),
        ("GET", "/oidc/callback"),
        ("POST", "/homes/join"),
    }
)
"""By them people and boxes come in: each takes a password, a code or a provider's word, and tells nothing before."""

OPEN: Final = frozenset({("GET", "/health")}) | DOORS
"""The others hold no data."""

ROUTE_RULES: Final[Mapping[tuple[str, str], Rule]] = {
    ("GET", "/metrics"): (Action.READ_METRICS, Target.SERVICE),
    ("GET", "/ready"): (Action.READ_STATE, Target.SERVICE),
    ("GET", "/set-aside"): (Action.READ_SET_ASIDE, Target.SERVICE),
    ("GET", "/devices"): (Action.READ_DEVICE, Target.LIST),
    ("GET", "/devices/{device}"): (Action.READ_DEVICE, Target.DEVICE),
    ("GET", "/unassigned"): (Action.READ_UNASSIGNED, Target.LIST),
    ("GET", "/homes"): (Action.READ_HOME, Target.LIST),
    ("GET", "/homes/{home}"): (Action.READ_HOME, Target.HOME),
    ("PATCH", "/homes/{home}"): (Action.MANAGE_HOMES, Target.HOME),
    ("DELETE", "/homes/{home}"): (Action.MANAGE_HOMES, Target.HOME),
    ("GET", "/clinics/{clinic}/homes/codes"): (Action.MANAGE_HOMES, Target.CLINIC),
    ("POST", "/clinics/{clinic}/homes"): (Action.MANAGE_HOMES, Target.CLINIC),
    ("DELETE", "/homes/codes/{code}"): (Action.MANAGE_HOMES, Target.CODE),
    ("GET", "/nights"): (Action.READ_PATIENT, Target.LIST),
    ("GET", "/nights/{device}/{night}"): (Action.READ_PATIENT, Target.NIGHT),
    ("GET", "/nights/{device}/{night}/desaturations"): (Action.READ_PATIENT, Target.NIGHT),
    ("GET", "/nights/{device}/{night}/stretches"): (Action.READ_PATIENT, Target.NIGHT),
    ("GET", "/nights/{device}/{night}/samples"): (Action.READ_PATIENT, Target.NIGHT),
    ("GET", "/clinics"): (Action.READ_CLINIC, Target.LIST),
    ("GET", "/clinics/{clinic}/thresholds"): (Action.READ_THRESHOLDS, Target.CLINIC),
    ("PATCH", "/clinics/{clinic}/thresholds"): (Action.CHANGE_THRESHOLDS, Target.CLINIC),
    ("GET", "/clinics/{clinic}/webhooks"): (Action.MANAGE_WEBHOOKS, Target.CLINIC),
    ("POST", "/clinics/{clinic}/webhooks"): (Action.MANAGE_WEBHOOKS, Target.CLINIC),
    ("DELETE", "/webhooks/{webhook}"): (Action.MANAGE_WEBHOOKS, Target.WEBHOOK),
    ("GET", "/patients"): (Action.READ_PATIENT, Target.LIST),
    ("POST", "/patients"): (Action.MAKE_PATIENT, Target.LIST),
    ("GET", "/patients/{patient}"): (Action.READ_PATIENT, Target.PATIENT),
    ("PATCH", "/patients/{patient}"): (Action.CHANGE_PATIENT, Target.PATIENT),
    ("GET", "/patients/{patient}/export"): (Action.EXPORT_PATIENT, Target.PATIENT),
    ("DELETE", "/patients/{patient}"): (Action.ERASE_PATIENT, Target.PATIENT),
    ("GET", "/clinics/{clinic}/erasures"): (Action.ERASE_PATIENT, Target.CLINIC),
    ("GET", "/patients/{patient}/consents"): (Action.READ_PATIENT, Target.PATIENT),
    ("POST", "/patients/{patient}/consents"): (Action.CONSENT, Target.PATIENT),
    ("GET", "/patients/{patient}/assignments"): (Action.READ_PATIENT, Target.PATIENT),
    ("POST", "/patients/{patient}/assignments"): (Action.CHANGE_PATIENT, Target.PATIENT),
    ("PATCH", "/assignments/{assignment}"): (Action.CHANGE_PATIENT, Target.ASSIGNMENT),
    ("GET", "/patients/{patient}/treatment-steps"): (Action.READ_PATIENT, Target.PATIENT),
    ("POST", "/patients/{patient}/treatment-steps"): (Action.TREAT, Target.PATIENT),
    ("DELETE", "/patients/{patient}/treatment-steps/{night}"): (Action.TREAT, Target.PATIENT),
    ("GET", "/patients/{patient}/side-effects"): (Action.READ_PATIENT, Target.PATIENT),
    ("POST", "/patients/{patient}/side-effects"): (Action.REPORT_SIDE_EFFECT, Target.PATIENT),
    ("GET", "/patients/{patient}/thresholds"): (Action.READ_ALERT, Target.PATIENT),
    ("PATCH", "/patients/{patient}/thresholds"): (Action.TREAT, Target.PATIENT),
    ("GET", "/patients/{patient}/nights"): (Action.READ_PATIENT, Target.PATIENT),
    ("GET", "/patients/{patient}/nights/{night}/view"): (Action.READ_PATIENT, Target.PATIENT),
    ("GET", "/patients/{patient}/outlook"): (Action.READ_PATIENT, Target.PATIENT),
    ("GET", "/patients/{patient}/report"): (Action.READ_PATIENT, Target.PATIENT),
    ("GET", "/patients/{patient}/overview"): (Action.READ_PATIENT, Target.PATIENT),
    ("GET", "/patients/{patient}/follow-ups"): (Action.READ_PATIENT, Target.PATIENT),
    ("POST", "/patients/{patient}/follow-ups"): (Action.CHANGE_PATIENT, Target.PATIENT),
    ("DELETE", "/patients/{patient}/follow-ups/{mark}"): (Action.CHANGE_PATIENT, Target.PATIENT),
    ("GET", "/worklist"): (Action.READ_ALERT, Target.LIST),
    ("GET", "/me/overview"): (Action.READ_ONESELF, Target.SERVICE),
    ("POST", "/imports/preview"): (Action.MAKE_PATIENT, Target.LIST),
    ("POST", "/imports"): (Action.CHANGE_PATIENT, Target.PATIENT),
    ("GET", "/alerts"): (Action.READ_ALERT, Target.LIST),
    ("GET", "/alerts/{alert}"): (Action.READ_ALERT, Target.ALERT),
    ("GET", "/alerts/{alert}/history"): (Action.READ_ALERT, Target.ALERT),
    ("GET", "/alerts/{alert}/carers"): (Action.HANDLE_ALERT, Target.ALERT),
    ("POST", "/alerts/{alert}/acknowledge"): (Action.HANDLE_ALERT, Target.ALERT),
    ("POST", "/alerts/{alert}/snooze"): (Action.HANDLE_ALERT, Target.ALERT),
    ("POST", "/alerts/{alert}/assign"): (Action.HANDLE_ALERT, Target.ALERT),
    ("POST", "/alerts/{alert}/comments"): (Action.HANDLE_ALERT, Target.ALERT),
    ("GET", "/feed/{clinic}"): (Action.READ_FEED, Target.CLINIC),
    ("GET", "/feed/{clinic}/events"): (Action.READ_FEED, Target.CLINIC),
    ("GET", "/audit"): (Action.READ_AUDIT, Target.LIST),
    ("GET", "/audit/verification"): (Action.READ_AUDIT, Target.LIST),
    ("GET", "/me"): (Action.OWN_ACCOUNT, Target.SERVICE),
    ("GET", "/session"): (Action.OWN_ACCOUNT, Target.SESSION),
    ("DELETE", "/session"): (Action.OWN_ACCOUNT, Target.SESSION),
    ("POST", "/session/second-factor"): (Action.OWN_ACCOUNT, Target.SESSION),
    ("GET", "/sessions"): (Action.OWN_ACCOUNT, Target.SESSION),
    ("DELETE", "/sessions"): (Action.OWN_ACCOUNT, Target.SESSION),
    ("DELETE", "/sessions/{session}"): (Action.OWN_ACCOUNT, Target.SESSION),
    ("POST", "/password"): (Action.OWN_ACCOUNT, Target.SESSION),
    ("GET", "/second-factor"): (Action.OWN_ACCOUNT, Target.SESSION),
    ("POST", "/second-factor"): (Action.OWN_ACCOUNT, Target.SESSION),
    ("POST", "/second-factor/confirmation"): (Action.OWN_ACCOUNT, Target.SESSION),
    ("POST", "/second-factor/removal"): (Action.OWN_ACCOUNT, Target.SESSION),
    ("GET", "/tokens"): (Action.OWN_ACCOUNT, Target.SESSION),
    ("POST", "/tokens"): (Action.OWN_ACCOUNT, Target.SESSION),
    ("DELETE", "/tokens/{token}"): (Action.OWN_ACCOUNT, Target.SESSION),
    ("GET", "/clinics/{clinic}/users"): (Action.MANAGE_PEOPLE, Target.CLINIC),
    ("POST", "/clinics/{clinic}/users"): (Action.MANAGE_PEOPLE, Target.CLINIC),
    ("PATCH", "/users/{user}"): (Action.MANAGE_PEOPLE, Target.USER),
    ("POST", "/users/{user}/invitation"): (Action.MANAGE_PEOPLE, Target.USER),
    ("DELETE", "/users/{user}/second-factor"): (Action.MANAGE_PEOPLE, Target.USER),
    ("GET", "/clinics/{clinic}/teams"): (Action.MANAGE_PEOPLE, Target.CLINIC),
    ("POST", "/clinics/{clinic}/teams"): (Action.MANAGE_PEOPLE, Target.CLINIC),
    ("PUT", "/teams/{team}/users/{user}"): (Action.MANAGE_PEOPLE, Target.TEAM),
    ("DELETE", "/teams/{team}/users/{user}"): (Action.MANAGE_PEOPLE, Target.TEAM),
    ("PUT", "/teams/{team}/patients/{patient}"): (Action.MANAGE_PEOPLE, Target.TEAM),
    ("DELETE", "/teams/{team}/patients/{patient}"): (Action.MANAGE_PEOPLE, Target.TEAM),
}
"""(method, path without the prefix) -> what it takes."""
