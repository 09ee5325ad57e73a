"""A patient's night of ring, recorder and bed sensor over the change to summer time, analysed as by the service."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gateway.service.access import Access, Principal
from gateway.service.ingest.nights import Nights
from gateway.service.ingest.wear import WearNights
from gateway.service.nights import night_bounds
from gateway.service.records import Contact, NightResult, Patient, Records, State, Stretch
from gateway.service.store.base import SampleStore
from gateway.service.store.sqlite import SqliteStore
from gateway.wire.messages import Batch, ClockInfo
from tests.integration.api.conftest import SetClock
from tests.integration.api.synthetic import make_night

ZONE: Final = "Europe/Berlin"
NIGHT: Final = date(2026, 3, 28)
NOON_MS, NEXT_NOON_MS = night_bounds(NIGHT, ZONE)
RING, MAD, STRIP = "o2ring-00000000a1", "mad-00000000a1", "bed-00000000a1"
GATEWAY: Final = "home-1"
HOUR_MS: Final = 3_600_000
MINUTE_MS: Final = 60_000
START_MS: Final = int(datetime(2026, 3, 28, 21, 30, tzinfo=UTC).timestamp()) * 1000
"""22:30 in Berlin; the clocks go forward at 02:00."""
SIZE: Final = 28_800
END_MS: Final = START_MS + SIZE * 1000
HOLES: Final = (6_000, 19_000)
"""Seconds at which the finger is out for 200 s."""
BATCH: Final = 1200
WORN: Final = ((-10, 330), (372, 470))
"""Minutes from the first sample, in the mouth; from 150 to 190 no reading came."""
MAD_HOLE: Final = (150, 190)
PROGRAM: Final = Principal("program", frozenset({"read"}))

_ACCEL: Final = {"supine": (980, 60, 120), "left": (90, -970, 150), "right": (60, 975, 130), "upright": (80, 40, 990)}
POSTURES: Final = (("upright", -10), ("supine", 0), ("left", 70), ("supine", 140), ("right", 240), ("supine", 300))
"""From these minutes on."""


class Quiet:
    """Nobody listens."""

    def night(self, result: NightResult, *, again: bool = False) -> None: ...
    def running_night(self, result: NightResult, nadir_pct: float) -> None: ...


@dataclass
class Home:
    """Records and samples of one patient, and what brings more."""

    folder: Path
    zone: str = ZONE
    clock: SetClock = field(default_factory=SetClock)
    seen: int = 0

    def __post_init__(self) -> None:
        self.store: SampleStore = SqliteStore(self.folder / "samples.db")
        self.records = Records(self.folder / "records.db")
        self.access = Access(self.records)
        for device, model in ((RING, "O2Ring"), (MAD, "Recorder"), (STRIP, None)):
            self.records.devices.enrol(GATEWAY, device, zone=self.zone, at_ms=0, model=model, firmware="1.2.0")
        self.patient = self.add_patient("Case 17")
        self.nights = Nights(self.records, self.store, self.clock)
        self.samples = make_night()

    def add_patient(self, name: str) -> Patient:
        return self.records.people.add_patient(
            "clinic", name, zone=self.zone, at_ms=0, sex="female", birth_year=1971, untreated_index=27.0
        )

    def assign(self, *devices: str) -> None:
        for device in devices:
            self.records.assignments.assign(device, self.patient.id, from_ms=0)

    def ring(self, until: int = SIZE, *, close: bool = True) -> None:
        """The ring's samples arrive live, up to a second of the night; a closed night is over."""
        batches = [
            Batch(
                device=RING,
                kind="oximetry",
                origin="live",
                session="night",
                seq=begin // BATCH,
                t0_ms=START_MS + begin * 1000,
                dt_ms=1000,
                columns={
                    "spo2": self.samples.spo2[begin : begin + BATCH].copy(),
                    "pulse": self.samples.pulse[begin : begin + BATCH].copy(),
                },
                clock=ClockInfo("arrival", 500),
            )
            for begin in range(self.seen, until, BATCH)
        ]
        self.store.append(batches)
        self.clock.now_ms = START_MS + until * 1000 + 3_000
        self.nights.feed([(batch, self.zone) for batch in batches])
        # What has streamed is written when its time has come; `settle` would close the night.
        if close:
            self.nights.tick(settle=True)
        else:
            self.nights._write(list(self.nights._nights), 0.0)
        self.records.devices.contact([Contact(RING, self.clock.now_ms, battery_pct=64.0)])
        self.seen = until

    def mad(self) -> None:
        """The recorder is read out in the morning: a reading every five minutes."""
        minutes = np.arange(-120, 540, 5)
        minutes = minutes[(minutes <= MAD_HOLE[0]) | (minutes >= MAD_HOLE[1])]
        rng = np.random.default_rng(5)
        temperature = np.full(minutes.size, 21.5)
        for begin, end in WORN:
            warm = 1 - np.exp(-np.clip(minutes - begin, 0, None) * 60 / 160)
            inside = (minutes >= begin) & (minutes < end)
            temperature[inside] = 21.5 + 14.2 * warm[inside]
            after = (minutes >= end) & (minutes < end + 42)
            temperature[after] = 21.5 + 14.2 * np.exp(-(minutes[after] - end) * 60 / 330)
        temperature += rng.normal(0, 0.05, minutes.size)
        accel = np.tile(np.array((20, 30, 995)), (minutes.size, 1))
        for posture, begin in POSTURES:
            accel[minutes >= begin] = _ACCEL[posture]
        accel = (accel + rng.normal(0, 25, accel.shape)).astype("<i2")
        batch = Batch(
            device=MAD,
            kind="wear",
            origin="stored",
            session="mad",
            seq=0,
            t0_ms=START_MS + int(minutes[0]) * MINUTE_MS,
            t_ms=((minutes - minutes[0]) * MINUTE_MS).astype("<i4"),
            columns={
                "temperature": temperature.astype("<f4"),
                "accel_x": accel[:, 0].copy(),
                "accel_y": accel[:, 1].copy(),
                "accel_z": accel[:, 2].copy(),
                "motion": rng.integers(2, 40, minutes.size).astype("<u2"),
                "flags": np.zeros(minutes.size, "<u2"),
            },
            clock=ClockInfo("anchors", 2000),
            last=True,
        )
        self.store.append([batch])
        wear = WearNights(self.records, self.store, self.clock, Quiet())
        wear.feed([(batch, self.zone)])
        wear.tick(settle=True)
        self.records.devices.contact([Contact(MAD, self.clock.now_ms, battery_pct=71.0)])

    def bed(self, state: State = State.CLOSED) -> None:
        """The strip's epochs, as the service makes them of its waveform, and the night's summary."""
        bed_epochs(self.store)
        events = [
            Stretch("disturbance", one.start_ms - 15_000, one.nadir_ms - 8_000)
            for one in self.samples.desaturations[::2]
        ]
        begin, end = START_MS - 15 * MINUTE_MS, END_MS + 8 * MINUTE_MS
        indices = {
            "bedtime_ms": float(begin),
            "rise_ms": float(end),
            "in_bed_min": (end - begin) / MINUTE_MS,
            "sleep_min": 431.0,
            "recorded_h": 8.6,
            "heart_rate_bpm": 60.0,
            "respiration_rate_per_min": 14.2,
            "movement_pct": 4.0,
            "disturbances": float(len(events)),
            "disturbance_index": len(events) / 7.1,
            "ambiguous": 0.0,
        }
        result = NightResult(
            STRIP, NIGHT, "bed", "1", self.zone, state, begin - 10 * MINUTE_MS, end + MINUTE_MS, 0.0, indices, END_MS
        )
        self.records.results.replace_night(result, (), events)

    def earlier(self, nights_before: int) -> None:
        """A night of the ring before (or, negative, after) this one, with a result and no samples."""
        start_ms = START_MS - nights_before * 24 * HOUR_MS
        night = NIGHT - timedelta(nights_before)
        indices = {"odi3": 12.0, "odi4": 7.0, "t90_pct": 1.0}
        self.records.results.replace_night(
            NightResult(
                RING,
                night,
                "peak",
                "1",
                self.zone,
                State.CLOSED,
                start_ms,
                start_ms + 8 * HOUR_MS,
                28_000.0,
                indices,
                1,
            ),
            (),
        )

    def close(self) -> None:
        self.store.close()
        self.records.close()


def bed_epochs(store: SampleStore, device: str = STRIP, seed: int = 9) -> NDArray[np.float32]:
    """Epochs of ten seconds from a quarter of an hour before the first sample to after the last; the heart rates."""
    rng = np.random.default_rng(seed)
    first = START_MS - 25 * MINUTE_MS
    count = (SIZE + 34 * 60) // 10
    places = np.arange(count)
    lying = (places >= 60) & (places < count - 12) & ~((places > 2100) & (places < 2130))
    heart = (60 + 5 * np.sin(places / 260 + 1) + rng.normal(0, 0.8, count)).astype("<f4")
    breath = (14.2 + 1.2 * np.sin(places / 400) + rng.normal(0, 0.4, count)).astype("<f4")
    movement = np.where(rng.random(count) < 0.03, rng.uniform(0.2, 1.0, count), 0.0).astype("<f4")
    heart[~lying] = breath[~lying] = np.nan
    breath[rng.random(count) < 0.05] = np.nan
    movement[~lying] = 0.0
    columns = {
        "heart_rate": heart,
        "respiration_rate": breath,
        "movement": movement,
        "presence": lying.astype("u1"),
        "coverage": np.where(np.isnan(heart), 0.0, 0.95).astype("<f4"),
    }
    batch = Batch(
        device=device,
        kind="bed",
        origin="live",
        session="bed-1",
        seq=0,
        t0_ms=first,
        dt_ms=10_000,
        columns=columns,
        clock=ClockInfo("arrival", 500),
    )
    store.append([batch])
    return heart


def whole(folder: Path) -> Home:
    """Everything there is of the night, and a night before and after."""
    home = Home(folder)
    home.assign(RING, MAD, STRIP)
    home.ring()
    home.mad()
    home.bed()
    home.earlier(1)
    home.earlier(-2)
    return home
