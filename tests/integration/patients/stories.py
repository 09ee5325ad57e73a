"""A clinic of a few patients with a story each, on results alone: no sample of theirs is stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
from fastapi import FastAPI

from analytics.adherence.follow_up import Kind
from analytics.alerts.findings import Finding
from gateway.service.api import ServiceStatus, create_app
from gateway.service.nights import night_bounds
from gateway.service.records import (
    Contact,
    NightResult,
    NightUpdate,
    Records,
    Role,
    SideEffectKind,
    State,
    Stretch,
    Subject,
    User,
)
from gateway.service.sign_in import SignIn
from gateway.service.store.sqlite import SqliteStore
from tests.integration.api.conftest import SetClock

ZONE = "Europe/Berlin"
LAST = date(2026, 3, 28)  # the clocks go forward in this night
HOUR_MS = 3_600_000
NOW_MS = night_bounds(LAST, ZONE)[1] - 4 * HOUR_MS
"""08:00 on the morning after."""
CLINIC = "clinic"
STAFF = (Role.PHYSICIAN, Role.DENTIST, Role.COORDINATOR, Role.ADMINISTRATOR)


@dataclass(frozen=True)
class Story:
    """A patient: index without the MAD, what remains of it, hours worn, nights before and since it was fitted."""

    name: str
    index: float
    remains: float = 1.0
    worn_h: float = 0.0
    before: int = 0
    since: int = 0


STORIES = (
    Story("Case 101", 26.0, 0.25, 6.8, 20, 45),  # adherent, and it works
    Story("Case 102", 31.0, 0.85, 6.5, 20, 35),  # adherent, and it does not
    Story("Case 103", 22.0, 0.4, 0.0, 20, 45),  # does not wear it
    Story("Case 104", 12.0, 0.7, 5.2, 12, 20),  # many shallow events
    Story("Case 105", 18.0, 0.5, 6.0, 10, 29),  # the ring has not been heard of for days
    Story("Case 106", 0.0),  # has devices, and no night yet
    Story("Case 107", 15.0, before=5),  # few nights, no treatment
)


class Clinic:
    """The clinic, opened; `app` serves it."""

    def __init__(self, folder: Path, stories: tuple[Story, ...] = STORIES) -> None:
        self.records = Records(folder / "records.db")
        self.store = SqliteStore(folder / "samples.db")
        self.clock = SetClock()
        self.clock.now_ms = NOW_MS
        self.sign_in = SignIn(self.records, self.clock)
        self.team = self.records.teams.add(CLINIC, "North").id
        self.users: dict[Role, User] = {}
        for role in STAFF:
            self.users[role] = self.records.users.add(CLINIC, f"{role}@clinic", role, at_ms=0)
            if role is not Role.ADMINISTRATOR:
                self.records.teams.put_user(self.team, self.users[role].id, belongs=True)
        self.patients = {story.name: self._tell(number, story) for number, story in enumerate(stories)}

    def app(self) -> FastAPI:
        """The application."""
        return create_app(
            self.records,
            self.store,
            status=lambda: ServiceStatus(True, ""),
            clock=self.clock,
            zone=ZONE,
            sign_in=self.sign_in,
        )

    def patient_user(self, name: str) -> User:
        """The user that is a patient."""
        return self.records.users.add(CLINIC, f"me-{name[-3:]}", Role.PATIENT, at_ms=0, patient=self.patients[name])

    def session(self, user: User) -> str:
        """What the cookie of somebody signed in holds."""
        return self.sign_in.start_by_link(self.sign_in.link(user.id).text, address="127.0.0.1").token

    def close(self) -> None:
        """Close all."""
        self.store.close()
        self.records.close()

    def alert(self, patient: str, rule: str, days: float, **values: float) -> None:
        """Open an alert, so many days ago."""
        at_ms = NOW_MS - round(days * 24 * HOUR_MS)
        subject = Subject(patient, CLINIC, patient=patient)
        self.records.alerts.tell([(subject, Finding(rule, True, at_ms, at_ms, at_ms, values), None)], recorded_ms=at_ms)

    def _tell(self, number: int, story: Story) -> str:
        records = self.records
        made = records.people.add_patient(
            CLINIC, story.name, zone=ZONE, at_ms=NOW_MS - 100 * 24 * HOUR_MS, birth_year=1960 + number
        )
        records.teams.put_patient(self.team, made.id, belongs=True)
        gateway = f"home-{number}"
        devices = {kind: f"{kind}-00000000{number:02x}" for kind in ("o2ring", "mad", "bed")}
        for kind, device in devices.items():
            records.devices.enrol(gateway, device, zone=ZONE, at_ms=0, model=kind)
            heard = NOW_MS - (HOUR_MS if story.name != "Case 105" or kind != "o2ring" else 6 * 24 * HOUR_MS)
            records.devices.contact([Contact(device, heard, battery_pct=12.0 if number == 3 else 81.0)])
            given_ms = NOW_MS - (24 * HOUR_MS if not story.index else 100 * 24 * HOUR_MS)
            records.assignments.assign(device, made.id, from_ms=given_ms)
        self._nights(number, story, devices)
        self._treatment(made.id, story)
        return made.id

    def _treatment(self, patient: str, story: Story) -> None:
        records = self.records
        if story.since:
            begun = LAST - timedelta(story.since - 1)
            records.treatment.put_step(patient, begun, 4.0, at_ms=0, note="fitted")
            if story.since > 30:
                records.treatment.put_step(patient, begun + timedelta(20), 5.5, at_ms=1, note="little effect at 4 mm")
        if story.name == "Case 101":
            records.follow_ups.add(
                patient, Kind.STUDY, "done", LAST - timedelta(3), who="physician@clinic", at_ms=NOW_MS
            )
            records.treatment.add_side_effect(
                patient, LAST - timedelta(30), SideEffectKind.SORE_JAW, 1, at_ms=NOW_MS, note="in the morning"
            )
        elif story.name == "Case 102":
            self.alert(patient, "treatment_not_working", 9, treated=26.0, untreated=31.0, share_pct=84.0)
        elif story.name == "Case 103":
            self.alert(patient, "mad_not_worn", 4, nights=14.0, worn_min=30.0)
        elif story.name == "Case 104":
            self.alert(patient, "spo2_low", 0.2, level_pct=88.0, minutes=5.0, lowest_pct=81.0)
        elif story.name == "Case 105":
            self.alert(patient, "device_silent", 4, hours=36.0)

    def _nights(self, number: int, story: Story, devices: dict[str, str]) -> None:
        rng = np.random.default_rng(number)
        plain: list[NightResult] = []
        for back in range(story.before + story.since - 1, -1, -1):
            night = LAST - timedelta(back)
            treated = back < story.since
            worn_h = max(0.0, story.worn_h + float(rng.normal(0, 0.6))) if treated and story.worn_h else 0.0
            level = story.index * (story.remains if worn_h else 1.0) * float(rng.lognormal(0, 0.25))
            begin_ms, over_ms = night_bounds(night, ZONE)
            bed_ms = begin_ms + round((10.6 + float(rng.normal(0, 0.4))) * HOUR_MS)
            end_ms = bed_ms + round(7.4 * HOUR_MS)
            if back % 17 != 5 and not (story.name == "Case 105" and back < 6):
                share = 0.25 if story.name == "Case 104" else 0.6
                indices = {"odi3": level, "odi4": level * share, "hypoxic_burden": level * share * 2.2}
                indices["t90_pct"] = level * 0.2
                plain.append(_result(devices["o2ring"], night, "peak", bed_ms, end_ms, indices))
            indices = {"bedtime_ms": float(bed_ms), "rise_ms": float(end_ms), "in_bed_min": 444.0, "sleep_min": 410.0}
            plain.append(_result(devices["bed"], night, "bed", bed_ms - HOUR_MS, end_ms + HOUR_MS, indices))
            if treated and back % 23 != 7:
                suspect = story.name == "Case 103" and back == 29
                minutes = {"wear_min": worn_h * 60, "suspect_min": 444.0 if suspect else 0.0}
                told = _result(devices["mad"], night, "wear", begin_ms, over_ms, minutes)
                postures = {"supine_min": 100.0, "left_min": 200.0}
                if suspect:
                    wear = Stretch("wear", bed_ms, end_ms, {"suspect": ["still"]})
                    self.records.results.replace_night(told, (), [wear])
                elif worn_h:
                    wear = Stretch("wear", bed_ms, bed_ms + round(worn_h * HOUR_MS), postures)
                    self.records.results.replace_night(told, (), [wear])
                else:
                    plain.append(told)
        # All in one transaction: results with stretches alone need one each.
        self.records.results.upsert_running([NightUpdate(one) for one in plain])


def _result(
    device: str, night: date, profile: str, start_ms: int, end_ms: int, indices: dict[str, float]
) -> NightResult:
    valid_s = 7.2 * 3600 if profile == "peak" else 0.0
    return NightResult(
        device, night, profile, "1", ZONE, State.CLOSED, start_ms, end_ms, valid_s, indices, updated_ms=end_ms
    )
