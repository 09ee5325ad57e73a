"""A night that never was: known SpO2 and pulse, known desaturations, over the change to summer time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gateway.service.records import Contact, Desaturation, NightResult, Records, State
from gateway.service.store.base import SampleStore
from gateway.service.store.sqlite import SqliteStore
from gateway.wire.messages import Batch, ClockInfo

DEVICE = "o2ring-0a1b2c3d4e"
OTHER = "plx-0123456789"
GATEWAY = "home-1"
ZONE = "Europe/Berlin"
NIGHT = date(2026, 3, 28)
START_MS = int(datetime(2026, 3, 28, 21, 30, tzinfo=UTC).timestamp()) * 1000
"""22:30 in Berlin; the clocks go forward at 02:00."""

SIZE = 28_800
NOW_MS = START_MS + SIZE * 1000 + 4 * 60_000


@dataclass(frozen=True, slots=True)
class Night:
    spo2: NDArray[np.float32]
    pulse: NDArray[np.float32]
    desaturations: tuple[Desaturation, ...]


def make_night(seed: int = 7) -> Night:
    """One sample a second for eight hours; 64 desaturations; two hundred seconds without a finger, twice."""
    rng = np.random.default_rng(seed)
    seconds = np.arange(SIZE)
    spo2 = 95.5 + 0.8 * np.sin(seconds / 3100) + rng.normal(0, 0.25, SIZE)
    pulse = 62 + 5 * np.sin(seconds / 2600 + 1) + rng.normal(0, 1.0, SIZE)
    found = []
    for place in range(64):
        begin = 900 + place * 425 + int(rng.integers(0, 200))
        down, up = int(rng.integers(18, 40)), int(rng.integers(10, 22))
        depth = float(rng.uniform(3.2, 9.5) + (6 if 40 <= place < 48 else 0))
        shape = np.concatenate([np.linspace(0, 1, down) ** 1.5, np.linspace(1, 0, up)])
        part = slice(begin, begin + down + up)
        baseline = float(np.round(spo2[begin]))
        spo2[part] -= depth * shape
        pulse[begin + down : begin + down + 18] += 11 * np.hanning(18)
        found.append(
            Desaturation(
                start_ms=START_MS + begin * 1000,
                nadir_ms=START_MS + (begin + down) * 1000,
                end_ms=START_MS + (begin + down + up) * 1000,
                baseline=baseline,
                nadir=baseline - round(depth),
                depth=float(round(depth)),
                area=float(np.round(depth * (down / 2.5 + up / 2), 1)),
                confidence=0.9,
            )
        )
    for gap in (6_000, 19_000):
        spo2[gap : gap + 200] = np.nan
        pulse[gap : gap + 200] = np.nan
    return Night(np.round(spo2).astype("<f4"), np.round(pulse).astype("<f4"), tuple(found))


def fill(store: SampleStore, records: Records, *, state: State = State.CLOSED, size: int = SIZE) -> Night:
    """Put the first `size` seconds of the night into store and records, as ingest would."""
    night = make_night()
    store.append(
        [
            Batch(
                device=DEVICE,
                kind="oximetry",
                origin="live",
                session="night",
                seq=seq,
                t0_ms=START_MS + begin * 1000,
                dt_ms=1000,
                columns={
                    "spo2": night.spo2[begin : min(begin + 1200, size)].copy(),
                    "pulse": night.pulse[begin : min(begin + 1200, size)].copy(),
                },
                clock=ClockInfo("arrival", 500),
            )
            for seq, begin in enumerate(range(0, size, 1200))
        ]
    )
    records.devices.enrol(GATEWAY, DEVICE, zone=ZONE, at_ms=START_MS, model="O2Ring", firmware="1.4.2")
    records.devices.contact([Contact(DEVICE, START_MS + size * 1000, battery_pct=64.0)])
    seen = tuple(one for one in night.desaturations if one.end_ms <= START_MS + size * 1000)
    records.results.replace_night(result(night, seen, state, size), seen)
    return night


def result(night: Night, seen: tuple[Desaturation, ...], state: State, size: int = SIZE) -> NightResult:
    valid = night.spo2[:size][np.isfinite(night.spo2[:size])]
    hours = valid.size / 3600
    return NightResult(
        device=DEVICE,
        night=NIGHT,
        profile="peak",
        version="1",
        zone=ZONE,
        state=state,
        start_ms=START_MS,
        end_ms=START_MS + size * 1000,
        valid_s=float(valid.size),
        indices={
            "odi3": len(seen) / hours,
            "odi4": sum(one.depth >= 4 for one in seen) / hours,
            "t90_pct": float((valid < 90).mean() * 100),
            "mean_spo2": float(valid.mean()),
            "min_spo2": float(valid.min()),
        },
        updated_ms=START_MS + size * 1000,
    )


def open_both(folder: Path) -> tuple[SampleStore, Records]:
    return SqliteStore(folder / "samples.sqlite"), Records(folder / "records.sqlite")
