"""The records: people, gateways, devices, results, alerts, set-aside messages and API tokens.

In SQLite or PostgreSQL.
"""

from __future__ import annotations

from pathlib import Path

from analytics.adherence.follow_up import Kind as FollowUpKind
from analytics.alerts.lifecycle import State as AlertState
from gateway.service.records.alerts import Alerts
from gateway.service.records.assignments import Assignments
from gateway.service.records.attempts import Attempts, Tally
from gateway.service.records.audit import Audit, AuditEntry, Seal
from gateway.service.records.consents import Consents, Said
from gateway.service.records.credentials import Credentials
from gateway.service.records.data_time import DataTimes
from gateway.service.records.database import Database
from gateway.service.records.devices import Devices
from gateway.service.records.digests import Digests
from gateway.service.records.erasures import Erasures
from gateway.service.records.feed import Feed
from gateway.service.records.follow_up import FollowUps
from gateway.service.records.homes import Homes
from gateway.service.records.patient_nights import NightSpan, PatientNights
from gateway.service.records.people import People
from gateway.service.records.results import Results
from gateway.service.records.roster import Roster
from gateway.service.records.sessions import Sessions
from gateway.service.records.set_aside import SetAsides
from gateway.service.records.states import States
from gateway.service.records.teams import Teams
from gateway.service.records.thresholds import Thresholds
from gateway.service.records.tokens import Tokens
from gateway.service.records.treatment import Treatment
from gateway.service.records.users import Users
from gateway.service.records.values import (
    MAIN_INDICES,
    MAX_PAYLOAD,
    ApiToken,
    Contact,
    Desaturation,
    Device,
    Gateway,
    NightKind,
    NightResult,
    NightUpdate,
    Refusal,
    Rejected,
    SetAside,
    Severity,
    State,
    Stretch,
)
from gateway.service.records.values_accounts import Role, Team, User
from gateway.service.records.values_alerts import Alert, AlertEvent, Subject, Webhook
from gateway.service.records.values_consent import Consent, Purpose
from gateway.service.records.values_erasure import ErasedTime, Erasure, ErasureState
from gateway.service.records.values_homes import Account, DeviceState, GatewayState, Home, JoinCode
from gateway.service.records.values_people import (
    Assignment,
    Clinic,
    FollowUpMark,
    Patient,
    SideEffect,
    SideEffectKind,
    TreatmentStep,
)
from gateway.service.records.values_sign_in import CodeKind, SecondFactor, SignInSession, SignInWay
from gateway.service.records.webhooks import Webhooks

__all__ = [
    "MAIN_INDICES",
    "MAX_PAYLOAD",
    "Account",
    "Alert",
    "AlertEvent",
    "AlertState",
    "ApiToken",
    "Assignment",
    "AuditEntry",
    "Clinic",
    "CodeKind",
    "Consent",
    "Contact",
    "Desaturation",
    "Device",
    "DeviceState",
    "ErasedTime",
    "Erasure",
    "ErasureState",
    "FollowUpKind",
    "FollowUpMark",
    "Gateway",
    "GatewayState",
    "Home",
    "JoinCode",
    "NightKind",
    "NightResult",
    "NightSpan",
    "NightUpdate",
    "Patient",
    "Purpose",
    "Records",
    "Refusal",
    "Rejected",
    "Role",
    "Said",
    "Seal",
    "SecondFactor",
    "SetAside",
    "Severity",
    "SideEffect",
    "SideEffectKind",
    "SignInSession",
    "SignInWay",
    "State",
    "Stretch",
    "Subject",
    "Tally",
    "Team",
    "TreatmentStep",
    "User",
    "Webhook",
]


class Records:
    """The records database, opened and brought up to date.

    Every part may be used from many threads at once; each writing call is one durable transaction, retried by nobody:
    on `StoreUnavailableError` the caller may call again, as every one is idempotent or counts again.

    Parameters
    ----------
    url : str or Path
        Path of an SQLite file, ``sqlite:///PATH`` or ``postgresql://USER:PASSWORD@HOST/NAME``.

    password : str or None
        PostgreSQL's password, where it does not stand in the URL (where logs and process lists could show it).

    Attributes
    ----------
    devices : Devices
        Gateways and devices, and who may speak for which.
    results : Results
        Nights, indices, desaturations.
    people, assignments, treatment
        Clinics, patients, who had which device when, and how they are treated.
    follow_ups : FollowUps
        What was done or postponed of the follow-ups that are due.
    patient_nights : PatientNights
    digests, roster
        The latest nights of many devices at once; whole clinics in few queries.
    alerts, feed, thresholds, webhooks, data_times
        Alerts with their history, and all that goes with them.
    set_aside : SetAsides
    tokens : Tokens
    users, teams
        Who may sign in, and which users care for which patients.
    credentials, sessions, attempts
        What users sign in with, where they are signed in, and what was tried in vain.
    homes, states
        Homes that join and are revoked; how gateways and devices are.
    audit : Audit
        Who read or changed what.
    consents : Consents
        What patients agreed to.
    erasures : Erasures
        Patients who were erased, and what of their devices is not to come back.

    Raises
    ------
    ConfigurationError
        If the URL is none, its driver is missing, or another version of somnolink wrote the database.
    StoreUnavailableError
        If the database cannot be opened.
    """

    def __init__(self, url: str | Path, *, password: str | None = None) -> None:
        self._database = Database(str(url), password)
        self.devices = Devices(self._database)
        self.results = Results(self._database)
        self.people = People(self._database)
        self.assignments = Assignments(self._database)
        self.treatment = Treatment(self._database)
        self.follow_ups = FollowUps(self._database)
        self.digests = Digests(self._database)
        self.roster = Roster(self._database)
        self.patient_nights = PatientNights(self._database, self.results)
        self.alerts = Alerts(self._database)
        self.feed = Feed(self._database)
        self.thresholds = Thresholds(self._database)
        self.webhooks = Webhooks(self._database)
        self.data_times = DataTimes(self._database)
        self.set_aside = SetAsides(self._database)
        self.tokens = Tokens(self._database)
        self.users = Users(self._database)
        self.teams = Teams(self._database)
        self.credentials = Credentials(self._database)
        self.sessions = Sessions(self._database)
        self.attempts = Attempts(self._database)
        self.homes = Homes(self._database)
        self.states = States(self._database)
        self.audit = Audit(self._database)
        self.consents = Consents(self._database, self.assignments)
        self.erasures = Erasures(self._database, self.assignments)

    def check(self) -> None:
        """Return if the database answers.

        Raises
        ------
        StoreUnavailableError
            If it does not.
        """
        self._database.check()

    def close(self) -> None:
        """Give all connections back; the records are not to be used again."""
        self._database.close()
