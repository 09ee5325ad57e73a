"""Two clinics, two teams in the first, one user of each role in each place, one patient whom the tables are about."""

from __future__ import annotations

from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path

import argon2
import httpx
from fastapi import FastAPI

from gateway.service.api import ServiceStatus, create_app, create_token
from gateway.service.records import Role
from gateway.service.sign_in import SignIn
from gateway.service.sign_in.passwords import Passwords
from tests.integration.api import synthetic
from tests.integration.api.conftest import SetClock

QUICK = argon2.Parameters(argon2.Type.ID, 19, 16, 32, time_cost=1, memory_cost=8, parallelism=1)
"""Hashes that take no time: how long the real ones take is not what these tests are about."""

NO_SESSION, NO_TOKEN = "s-000000000000", "000000000000"
"""Ids of nobody's, which `ask_in_session` replaces by those of who asks."""

PLACES = ("near", "clinic", "elsewhere")
"""The patient's own team (or the patient); another team (or patient) of the same clinic; another clinic."""

STAFF = tuple(role for role in Role if role is not Role.PATIENT)


@dataclass
class Scene:
    """A served application with somebody of everything."""

    folder: Path
    url: str = ""
    tokens: dict[tuple[Role, str], str] = field(default_factory=dict)
    sessions: dict[tuple[Role, str], str] = field(default_factory=dict)
    raised_ms: int = synthetic.START_MS

    def __post_init__(self) -> None:
        # One for all requests: making one takes longer than most answers. It keeps no cookie from one to the next.
        self._client = httpx.Client(timeout=20, cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])))
        self.store, self.records = synthetic.open_both(self.folder)
        synthetic.fill(self.store, self.records)
        records, people, teams = self.records, self.records.people, self.records.teams
        self.clock = SetClock()
        self.sign_in = SignIn(records, self.clock, passwords=Passwords(QUICK))
        people.add_clinic("clinic-far", "Elsewhere", at_ms=0)
        self.patient = people.add_patient("clinic", "The Patient", zone=synthetic.ZONE, at_ms=0).id
        self.other = people.add_patient("clinic", "The Other", zone=synthetic.ZONE, at_ms=0).id
        self.far = people.add_patient("clinic-far", "The Far", zone=synthetic.ZONE, at_ms=0).id
        self.assignment = records.assignments.assign(synthetic.DEVICE, self.patient, from_ms=0).id
        self.team = teams.add("clinic", "own").id
        self.spare = teams.add("clinic", "other").id
        far_team = teams.add("clinic-far", "own").id
        for team, patient in ((self.team, self.patient), (self.spare, self.other), (far_team, self.far)):
            teams.put_patient(team, patient, belongs=True)
        for place, team, patient in zip(
            PLACES, (self.team, self.spare, far_team), (self.patient, self.other, self.far), strict=True
        ):
            clinic = "clinic-far" if place == "elsewhere" else "clinic"
            for role in Role:
                who = patient if role is Role.PATIENT else None
                user = records.users.add(clinic, f"{role}@{place}", role, at_ms=0, patient=who)
                if role not in (Role.PATIENT, Role.ADMINISTRATOR):
                    teams.put_user(team, user.id, belongs=True)
                self.tokens[role, place] = create_token(
                    records, user.name, ["read", "write"], created_ms=0, user=user.id
                )
        self.user = records.users.add("clinic", "somebody", Role.DENTIST, at_ms=0).id
        self.program = create_token(records, "program", ["read", "write"], created_ms=0)
        records.people.set_gateway_clinic(synthetic.GATEWAY, "clinic")
        self.alert = self.alert_about(self.patient)
        self.code = records.homes.add_code(
            "0" * 64, clinic="clinic", gateway="home-new", name="", made_by="", created_ms=0, expires_ms=1
        ).id

    def session(self, role: Role, place: str) -> str:
        """A session of somebody, for a browser's cookie; the one that was made first, while it lasts."""
        known = self.sessions.get((role, place), "")
        if self.sign_in.principal(known, used=False) is None:
            self.sessions[role, place] = known = self.new_session(role, place)
        return known

    def new_session(self, role: Role, place: str) -> str:
        """Another session of somebody."""
        user = self.records.users.named(f"{role}@{place}")
        assert user is not None
        return self.sign_in.start_by_link(self.sign_in.link(user.id).text, address="").token

    def alert_anew(self) -> str:
        """An alert about the patient that nobody has seen; the one before is over."""
        self.records.alerts.resolve("spo2_low", self.patient, at_ms=self.raised_ms)
        self.raised_ms += 60_000
        return self.alert_about(self.patient, self.raised_ms)

    def alert_about(self, patient: str, at_ms: int = synthetic.START_MS) -> str:
        """An open alert about a patient, with its event in the feed."""
        from analytics.alerts.findings import Finding
        from gateway.service.records import Subject

        subject = Subject(patient, "clinic", patient=patient, device=synthetic.DEVICE, gateway=synthetic.GATEWAY)
        values = {"level_pct": 80.0, "minutes": 5.0, "lowest_pct": 78.0}
        finding = Finding("spo2_low", True, at_ms, at_ms, at_ms, values)
        self.records.alerts.tell([(subject, finding, None)], recorded_ms=at_ms)
        return self.records.alerts.list(patient=patient)[0].id

    def app(self) -> FastAPI:
        """The application."""
        status = ServiceStatus(True, "")
        return create_app(self.records, self.store, status=lambda: status, clock=self.clock, sign_in=self.sign_in)

    def ask_in_session(self, method: str, path: str, key: tuple[Role, str], body: object = None) -> httpx.Response:
        """One request of a page, in a new session of a user."""
        user = self.records.users.named("{}@{}".format(*key))
        assert user is not None
        started = self.sign_in.start_by_link(self.sign_in.link(user.id).text, address="")
        path = path.replace(NO_SESSION, started.principal.session or "")
        if NO_TOKEN in path:
            self.sign_in.account.make_token(started.principal, "own", ["read"], 1, address="")
            path = path.replace(NO_TOKEN, self.sign_in.account.tokens(started.principal)[-1].id)
        headers = {"Cookie": f"somnolink_session={started.token}", "Sec-Fetch-Site": "same-origin"}
        return self._client.request(method, f"{self.url}{path}", headers=headers, json=body)

    def ask(self, method: str, path: str, token: str | None, body: object = None) -> httpx.Response:
        """One request; of a stream only its beginning."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        with self._client.stream(method, f"{self.url}{path}", headers=headers, json=body) as answer:
            if not answer.headers.get("content-type", "").startswith("text/event-stream"):
                answer.read()
        return answer
