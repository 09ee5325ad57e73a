"""The demo clinic: simulated patients with weeks of nights behind them, brought in by the same intake as real ones.

It is labelled as simulated wherever its name stands, and made in the demo's own store and records alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from multiprocessing import get_context
from typing import TYPE_CHECKING, Final

from gateway.clock import SystemClock
from gateway.demo import stories
from gateway.demo.history import Past, home_of, recorder_of, ring_of, sleep
from gateway.demo.stories import CLINIC, CLINIC_NAME, NIGHTS, STORIES, ZONE, Story
from gateway.service.nights import night_bounds
from gateway.wire import topics
from gateway.wire.client import Message
from gateway.wire.codec import GatewayStatus, encode_status

if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.service.records import Alert, Patient, Records
    from gateway.service.store.base import SampleStore

SHOWN: Final = {
    "dentist": stories.DENTIST,
    "physician": stories.PHYSICIAN,
    "administrator": stories.ADMINISTRATOR,
    "patient": stories.PATIENT,
}
"""Who may be shown around, by a word for them: what they sign in with."""

SETTLE_S: Final = 300.0
SEEN_AFTER_MS: Final = 3 * 3_600_000
"""After an alert was raised, how long somebody took to see it."""

Progress = Callable[[int, int], None]
"""Told how many nights are made, and of how many."""


@dataclass(frozen=True, slots=True)
class DemoClinic:
    """What was made: the patient whose home is live, and who may be shown around, by a word for them."""

    live: str
    users: Mapping[str, str]


class _Nobody:
    """The homes of the past want no answer."""

    def answer(self, acks: Mapping[str, bytes], messages: Sequence[Message]) -> None:
        """Nothing."""


def make_clinic(
    records: Records,
    store: SampleStore,
    clock: Clock,
    *,
    seed: int,
    last: date,
    live_gateway: str,
    progress: Progress = lambda _done, _all: None,
) -> DemoClinic:
    """Make the clinic with its people, and live through the nights up to `last`.

    Raises
    ------
    StoreError
        Store or records do not take it.
    """
    before = _made_before(records)
    if before is not None:
        return before
    now_ms = clock.utc_ms()
    first_ms = night_bounds(last - timedelta(days=NIGHTS), ZONE)[0]
    if not any(one.id == CLINIC for one in records.people.clinics()):
        records.people.add_clinic(CLINIC, CLINIC_NAME, at_ms=first_ms)
    patients = {story.key: _person(records, story, last, first_ms) for story in STORIES}
    live = records.people.add_patient(
        CLINIC, stories.LIVE_NAME, zone=ZONE, at_ms=first_ms, sex="female", birth_year=1972
    )
    users = _people(records, [*patients.values(), live], patients[STORIES[0].key], first_ms)
    records.devices.gateway_seen(live_gateway, now_ms, name="Live home (simulated)")
    records.people.set_gateway_clinic(live_gateway, CLINIC)
    _live_through(records, store, clock, seed, last, progress)
    _handle(records, now_ms)
    return DemoClinic(live.id, users)


def give_live_devices(records: Records, gateway: str, patient: str, *, from_ms: int) -> None:
    """Give the devices that have shown up in the live home to its patient."""
    held = {one.device for one in records.assignments.list()}
    for device in records.devices.list():
        if device.gateway_id == gateway and device.id not in held:
            records.assignments.assign(device.id, patient, from_ms=from_ms)


def _made_before(records: Records) -> DemoClinic | None:
    """The clinic of an earlier run, in a folder that was kept."""
    live = [one for one in records.people.patients(clinic=CLINIC) if one.name == stories.LIVE_NAME]
    users = {word: records.users.named(name) for word, name in SHOWN.items()}
    if not live or None in users.values():
        return None
    return DemoClinic(live[0].id, {word: user.id for word, user in users.items() if user is not None})


def _person(records: Records, story: Story, last: date, first_ms: int) -> Patient:
    from gateway.service.records import Purpose, Said

    person = records.people.add_patient(
        CLINIC,
        story.name,
        zone=ZONE,
        at_ms=first_ms,
        sex=story.sex,
        birth_year=story.birth_year,
        untreated_index=story.untreated_index,
    )
    home = home_of(story.key)
    records.devices.gateway_seen(home, first_ms, name=f"Home of {story.name}")
    records.people.set_gateway_clinic(home, CLINIC)
    nights = [last - timedelta(days=NIGHTS - 1 - number) for number in range(NIGHTS)]
    fitted_ms = night_bounds(nights[min(story.advancement_mm)], ZONE)[0]
    for device, model, from_ms in (
        (ring_of(story.key), "O2Ring", first_ms),
        (recorder_of(story.key), "MAD recorder", fitted_ms),
    ):
        records.devices.enrol(home, device, zone=ZONE, at_ms=from_ms, model=model, firmware="1.0.0")
        records.assignments.assign(device, person.id, from_ms=from_ms)
    for number, advancement_mm in story.advancement_mm.items():
        at_ms = night_bounds(nights[number], ZONE)[0]
        note = "start of treatment" if number == min(story.advancement_mm) else "titration"
        records.treatment.put_step(person.id, nights[number], advancement_mm, at_ms=at_ms, note=note)
    for number, (kind, severity, note) in story.side_effects.items():
        at_ms = night_bounds(nights[number], ZONE)[1]
        records.treatment.add_side_effect(person.id, nights[number], kind, severity, at_ms=at_ms, note=note)
    for purpose in (Purpose.CARE, Purpose.SHARING):
        records.consents.record(
            person.id, Said(purpose, True, first_ms, "2026-01"), by=stories.DENTIST, at_ms=first_ms + 60_000
        )
    return person


def _people(records: Records, patients: Sequence[Patient], shown: Patient, first_ms: int) -> dict[str, str]:
    from gateway.service.records import Role

    team = records.teams.add(CLINIC, "Sleep and MAD")
    for one in patients:
        records.teams.put_patient(team.id, one.id, belongs=True)
    made = {}
    for word, name in SHOWN.items():
        role = Role(word)
        patient = shown.id if role is Role.PATIENT else None
        user = records.users.add(CLINIC, name, role, at_ms=first_ms, patient=patient)
        made[word] = user.id
        if role in (Role.DENTIST, Role.PHYSICIAN):
            records.teams.put_user(team.id, user.id, belongs=True)
    return made


class _Then(SystemClock):
    """The service's clock in the nights that are told: devices were heard and alerts raised then, not just now."""

    at_ms = 0

    def utc_ms(self) -> int:
        """What is told of is now."""
        return self.at_ms


def _live_through(
    records: Records, store: SampleStore, clock: Clock, seed: int, last: date, progress: Progress
) -> None:
    """Take the nights in as the homes would have brought them, one after the other, and have each analysed.

    They are slept in a process beside, so that both cores have something to do.
    """
    from gateway.service.ingest.ingest import Ingest

    nights = [
        Past(story, number, seed, last - timedelta(days=NIGHTS - 1 - number))
        for number in range(NIGHTS)
        for story in range(len(STORIES))
    ]
    then = _Then()
    then.at_ms = night_bounds(nights[0].day, ZONE)[0]
    ingest = Ingest(records, store, then, _Nobody(), auto_enrol=False, zone=ZONE)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as beside:
        slept = beside.map(sleep, nights)
        ingest.start()
        try:
            for done, messages in enumerate(slept, 1):
                then.at_ms = min(night_bounds(nights[done - 1].day, ZONE)[1], clock.utc_ms())
                for topic, payload in messages:
                    ingest.offer(Message(topic, payload, 0, 1))
                if done % len(STORIES) == 0:
                    ingest.settle(SETTLE_S)
                progress(done, len(nights))
            then.at_ms = clock.utc_ms()
            for story in STORIES:
                status = encode_status(GatewayStatus(online=True, since_ms=clock.utc_ms()))
                ingest.offer(Message(topics.status(home_of(story.key)), status, 0, 1))
            ingest.settle(SETTLE_S)
        finally:
            ingest.stop()


def _handle(records: Records, now_ms: int) -> None:
    """Somebody has worked here: of what is open, older alerts have been seen, and one has been talked about."""
    found: list[Alert] = sorted(records.alerts.list(clinic=CLINIC), key=lambda one: one.raised_ms)
    waiting = [one for one in found if one.resolved_ms is None]
    for one in waiting[: len(waiting) // 2]:
        at_ms = min(now_ms, one.raised_ms + SEEN_AFTER_MS)
        records.alerts.acknowledge(one.id, who=stories.DENTIST, at_ms=at_ms, recorded_ms=now_ms)
    for one in waiting[:1]:
        text = "Called; the next visit is arranged."
        records.alerts.comment(one.id, text, who=stories.DENTIST, at_ms=now_ms, recorded_ms=now_ms)
