"""A patient of a practice: 32 nights of a ring, a MAD's recorder and a bed sensor, in real records and store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import numpy as np

from gateway.service.ingest.nights import Nights
from gateway.service.nights import night_bounds
from gateway.service.records import (
    Contact,
    NightResult,
    Patient,
    Records,
    SideEffectKind,
    State,
    Stretch,
)
from gateway.service.store.base import SampleStore
from gateway.service.store.sqlite import SqliteStore
from gateway.wire.messages import Batch, ClockInfo

ZONE: Final = "Europe/Berlin"
FIRST: Final = date(2026, 3, 10)  # the clocks go forward in the night of the 28th
NIGHTS: Final = 32
LAST: Final = FIRST + timedelta(NIGHTS - 1)
TREATED: Final = 12
"""Nights before the MAD."""
MISSING, UNUSED, SUSPECT = TREATED + 4, TREATED + 7, TREATED + 9
RING, MAD, STRIP = "o2ring-00000000a1", "mad-00000000a1", "bed-00000000a1"
HOUR_MS: Final = 3_600_000
NOW_MS: Final = night_bounds(LAST, ZONE)[1] + HOUR_MS


@dataclass(frozen=True, slots=True)
class Practice:
    store: SampleStore
    records: Records
    patient: Patient


class StandingClock:
    def __init__(self, now_ms: int = NOW_MS) -> None:
        self.now_ms = now_ms

    def utc_ms(self) -> int:
        return self.now_ms

    def monotonic_s(self) -> float:
        return self.now_ms / 1000

    async def sleep(self, seconds: float) -> None:
        self.now_ms += round(seconds * 1000)

    def busy(self):  # type: ignore[no-untyped-def]  # never asked for here
        raise NotImplementedError


@contextmanager
def practice(folder: Path) -> Iterator[Practice]:
    records = Records(folder / "records.db")
    with SqliteStore(folder / "samples.db") as store:
        yield Practice(store, records, fill(store, records))
    records.close()


def fill(store: SampleStore, records: Records) -> Patient:
    for device, model in ((RING, "O2Ring"), (MAD, "Recorder"), (STRIP, None)):
        records.devices.enrol("home", device, zone=ZONE, at_ms=0, model=model, firmware="1.2.0")
    records.people.add_clinic("clinic-north", "North Street Dental Sleep", at_ms=0)
    patient = records.people.add_patient(
        "clinic-north", "Case 17", zone=ZONE, at_ms=0, sex="female", birth_year=1971, untreated_index=27.0
    )
    for device in (RING, MAD, STRIP):
        records.assignments.assign(device, patient.id, from_ms=0)
    records.treatment.put_step(patient.id, FIRST + timedelta(TREATED), 5.0, note="first fit", at_ms=1)
    records.treatment.put_step(patient.id, FIRST + timedelta(TREATED + 6), 6.5, note="one turn", at_ms=2)
    kinds = ((SideEffectKind.SORE_JAW, 2), (SideEffectKind.DRY_MOUTH, 1))
    for day, (kind, severity) in enumerate(kinds):
        records.treatment.add_side_effect(
            patient.id, FIRST + timedelta(TREATED + 2 + day), kind, severity, at_ms=3, note="in the morning"
        )
    for number in range(NIGHTS):
        _night(records, number)
    records.devices.contact([Contact(MAD, NOW_MS - HOUR_MS, battery_pct=17.0)])
    records.devices.contact([Contact(RING, NOW_MS - 3 * HOUR_MS, battery_pct=64.0)])
    records.devices.contact([Contact(STRIP, NOW_MS - 80 * HOUR_MS)])
    ring_night(store, records, LAST)
    return patient


def _night(records: Records, number: int) -> None:
    night = FIRST + timedelta(number)
    bed = night_bounds(night, ZONE)[0] + 10 * HOUR_MS + (number % 5) * 600_000
    treated = number >= TREATED
    odi3 = (9.0 if treated else 26.0) + (number * 7) % 6
    _keep(records, RING, night, "peak", bed, bed + 8 * HOUR_MS, odi3=odi3, odi4=odi3 / 2, t90_pct=odi3 / 10)
    sleep = {"bedtime_ms": float(bed), "rise_ms": float(bed + 8 * HOUR_MS), "in_bed_min": 480.0, "sleep_min": 420.0}
    _keep(records, STRIP, night, "bed", bed - HOUR_MS, bed + 9 * HOUR_MS, **sleep)
    if not treated or number == MISSING:
        return
    worn_h = 0.0 if number == UNUSED else 5.5 + (number % 4) * 0.5
    begin, end = night_bounds(night, ZONE)
    data = {"supine_min": worn_h * 18, "left_min": worn_h * 42, "right_min": 0.0, "prone_min": 0.0}
    suspect = number == SUSPECT
    wear = Stretch("wear", bed, bed + round(worn_h * HOUR_MS), {**data, "suspect": ["no motion"] if suspect else []})
    minutes = {"wear_min": 0.0 if suspect else worn_h * 60, "suspect_min": worn_h * 60 if suspect else 0.0}
    _keep(records, MAD, night, "wear", begin, end, [wear] if worn_h else [], **minutes)


def _keep(
    records: Records,
    device: str,
    night: date,
    profile: str,
    start_ms: int,
    end_ms: int,
    stretches: list[Stretch] | None = None,
    **indices: float,
) -> None:
    valid_s = (end_ms - start_ms) / 1000 if profile == "peak" else 0.0
    result = NightResult(
        device, night, profile, "1", ZONE, State.CLOSED, start_ms, end_ms, valid_s, indices, updated_ms=1
    )
    records.results.replace_night(result, (), stretches or [])


def ring_samples(size: int = 28_800, seed: int = 3) -> dict[str, np.ndarray]:
    """Whole percents and beats, as rings give them, with desaturations and a stretch without a finger."""
    rng = np.random.default_rng(seed)
    seconds = np.arange(size)
    spo2 = 95.6 + 0.7 * np.sin(seconds / 3100) + rng.normal(0, 0.2, size)
    pulse = 61 + 4 * np.sin(seconds / 2600) + rng.normal(0, 1.0, size)
    for begin in range(1200, size - 120, 420):
        spo2[begin : begin + 45] -= (3.5 + begin % 5) * np.hanning(45)
        pulse[begin + 30 : begin + 50] += 10 * np.hanning(20)
    spo2[15_000:15_200] = pulse[15_000:15_200] = np.nan
    return {"spo2": np.round(spo2).astype("<f4"), "pulse": np.round(pulse).astype("<f4")}


def ring_night(store: SampleStore, records: Records, night: date, device: str = RING) -> None:
    """The ring's samples of one night, stored and analysed as the service does it."""
    start_ms = night_bounds(night, ZONE)[0] + 10 * HOUR_MS + 1_800_000
    columns = ring_samples()
    batches = [
        Batch(
            device=device,
            kind="oximetry",
            origin="stored",
            session=f"night-{night}",
            seq=seq,
            t0_ms=start_ms + begin * 1000,
            dt_ms=1000,
            columns={name: column[begin : begin + 9600].copy() for name, column in columns.items()},
            clock=ClockInfo("device", 2000),
            last=begin + 9600 >= 28_800,
        )
        for seq, begin in enumerate(range(0, 28_800, 9600))
    ]
    store.append(batches)
    nights = Nights(records, store, StandingClock())
    nights.feed([(batch, ZONE) for batch in batches])
    nights.tick(settle=True)
