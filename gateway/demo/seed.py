"""A clinic of many simulated patients with months of nights, for measuring at full size: `somnolink seed`."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from multiprocessing import get_context
from typing import TYPE_CHECKING, Final

from gateway.demo.seed_nights import ZONE, Lived, Wanted, ids_of, live
from gateway.errors import ConfigurationError
from gateway.service.nights import night_bounds
from gateway.wire.codec import decode_batch

if TYPE_CHECKING:
    from gateway.service.records import Records
    from gateway.service.store.base import SampleStore

PREFIX: Final = "clinic-demo"
"""Only a clinic whose id begins so may be filled: no clinic of real patients is called that."""

LABEL: Final = "Demo clinic (simulated)"
TEAMS: Final = 10
AHEAD: Final = 6
"""Patients that may be waiting, lived or being lived: each has some megabytes."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be made.

    Attributes
    ----------
    patients, nights : int
    slept : int
        Nights that each patient sleeps; the others are those again, on other dates.
    sampled : int
        Newest nights that have samples.
    last : date
        Date of the latest night.
    """

    clinic: str
    patients: int
    nights: int
    seed: int
    slept: int
    sampled: int
    last: date
    processes: int = 2


@dataclass(frozen=True, slots=True)
class Made:
    """What was made: rows and samples by kind of thing."""

    patients: int
    nights: int
    desaturations: int
    batches: int


def check_clinic_is_free(records: Records, clinic: str) -> None:
    """Return if a clinic may be filled with simulated patients.

    Raises
    ------
    ConfigurationError
        Its id is not one of a demo clinic, or it has patients.
    """
    if not (clinic == PREFIX or clinic.startswith(f"{PREFIX}-")):
        raise ConfigurationError(f"simulated patients go into a clinic called {PREFIX} or {PREFIX}-..., not {clinic}")
    if records.people.patients(clinic=clinic, archived=True, limit=1):
        raise ConfigurationError(f"{clinic} has patients already; simulated ones are put among nobody")


def seed_clinic(
    records: Records, store: SampleStore, order: Order, *, now_ms: int, progress: Progress = lambda _done, _all: None
) -> Made:
    """Make the clinic.

    Raises
    ------
    ConfigurationError
        As `check_clinic_is_free`.
    StoreError
        Store or records do not take it. What was made until then stays.
    """
    check_clinic_is_free(records, order.clinic)
    first_ms = night_bounds(order.last - timedelta(days=order.nights), ZONE)[0]
    if not any(one.id == order.clinic for one in records.people.clinics()):
        records.people.add_clinic(order.clinic, LABEL, at_ms=first_ms)
    teams = _staff(records, order.clinic, first_ms)
    patients = nights = falls = batches = 0
    for lived in _lives(order):
        patient = _person(records, order, lived, teams[lived.number % len(teams)], first_ms, now_ms)
        records.results.load(lived.nights)
        store.append([decode_batch(one) for one in lived.samples])
        _alert(records, order.clinic, patient, lived, now_ms)
        patients += 1
        nights += len(lived.nights)
        falls += sum(len(found) for _, found, _ in lived.nights)
        batches += len(lived.samples)
        progress(patients, order.patients)
    return Made(patients, nights, falls, batches)


def _lives(order: Order) -> Iterator[Lived]:
    """Each patient's months, in order, lived in processes beside; few of them in memory."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    with ProcessPoolExecutor(order.processes, mp_context=get_context("spawn")) as beside:
        waiting: deque[Future[Lived]] = deque()
        for number in range(order.patients):
            wanted = Wanted(order.seed, number, order.last, order.nights, order.slept, order.sampled)
            waiting.append(beside.submit(live, wanted))
            if len(waiting) >= AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _staff(records: Records, clinic: str, at_ms: int) -> list[str]:
    """Users and care teams: a dentist for each team, a physician and a coordinator for all; gives the teams."""
    from gateway.service.records import Role

    teams = [records.teams.add(clinic, f"Team {number + 1}").id for number in range(TEAMS)]
    records.users.add(clinic, f"administrator@{clinic}", Role.ADMINISTRATOR, at_ms=at_ms)
    for role in (Role.PHYSICIAN, Role.COORDINATOR):
        user = records.users.add(clinic, f"{role}@{clinic}", role, at_ms=at_ms)
        for team in teams:
            records.teams.put_user(team, user.id, belongs=True)
    for number, team in enumerate(teams, 1):
        user = records.users.add(clinic, f"dentist{number}@{clinic}", Role.DENTIST, at_ms=at_ms)
        records.teams.put_user(team, user.id, belongs=True)
    return teams


def _person(records: Records, order: Order, lived: Lived, team: str, first_ms: int, now_ms: int) -> str:
    patient = records.people.add_patient(
        order.clinic,
        f"Simulated {lived.number + 1:04d}",
        zone=ZONE,
        at_ms=first_ms,
        sex="female" if lived.female else "male",
        birth_year=lived.birth_year,
        untreated_index=lived.untreated_index,
    ).id
    records.teams.put_patient(team, patient, belongs=True)
    home = f"home-{order.seed}-{lived.number:04d}"
    records.devices.gateway_seen(home, now_ms)
    records.people.set_gateway_clinic(home, order.clinic)
    fitted = None if lived.fitted is None else night_bounds(lived.fitted, ZONE)[0]
    for kind, device in ids_of(order.seed, lived.number).items():
        if kind != "wear" or fitted is not None:
            records.devices.enrol(home, device, zone=ZONE, at_ms=first_ms)
            records.assignments.assign(device, patient, from_ms=fitted if kind == "wear" and fitted else first_ms)
    if lived.fitted is not None:
        for number, step in enumerate((3.0, 4.5, 5.5)):
            night = lived.fitted + timedelta(days=14 * number)
            if night <= order.last:
                records.treatment.put_step(patient, night, step, at_ms=night_bounds(night, ZONE)[0])
    return patient


def _alert(records: Records, clinic: str, patient: str, lived: Lived, now_ms: int) -> None:
    """One patient in five has something open: what is said of it is the rules' own sentence."""
    from analytics.alerts.findings import Finding
    from gateway.service.records import Subject

    if lived.number % 5 == 0:
        at_ms = now_ms - (lived.number % 7 + 1) * 86_400_000
        values: dict[str, float | None] = {"lowest_pct": 71.0, "limit_pct": 80.0, "nadir_pct": 71.0}
        finding = Finding("deep_nadir", True, at_ms, at_ms, at_ms, values)
        records.alerts.tell([(Subject(patient, clinic, patient), finding, None)], recorded_ms=at_ms)
