"""A home, a patient and an engine over a real store and real records, at a clock that stands where it is put."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import httpx
import numpy as np

from gateway.service.alerts.engine import AlertEngine
from gateway.service.records import Alert, Device, NightResult, Records, State
from gateway.service.store.sqlite import SqliteStore
from gateway.wire.messages import Batch, ClockInfo

RING, RECORDER, HOME = "o2ring-0011223344", "mad-0011223344", "home-1"
T0 = 1_773_527_400_000
"""Saturday, 14 March 2026, 22:30 UTC."""

HOUR = 3_600_000


class SetClock:
    def __init__(self, now_ms: int = T0) -> None:
        self.now_ms = now_ms

    def utc_ms(self) -> int:
        return self.now_ms

    def monotonic_s(self) -> float:
        return self.now_ms / 1000

    async def sleep(self, seconds: float) -> None:
        self.now_ms += round(seconds * 1000)

    def busy(self) -> AbstractContextManager[None]:
        return nullcontext()


def trace(*parts: tuple[float, int]) -> np.ndarray:
    """Levels and how many seconds each."""
    return np.concatenate([np.full(seconds, level, np.float32) for level, seconds in parts])


class Scene:
    """One home with a ring and a recorder, one patient who has them."""

    def __init__(self, folder: Path, *, assigned: bool = True, zone: str = "UTC") -> None:
        self._folder = folder
        self.clock = SetClock()
        self.store = SqliteStore(folder / "samples.db")
        self.records = Records(folder / "records.db")
        self.entries: dict[str, Device] = {
            name: self.records.devices.enrol(HOME, name, zone=zone, at_ms=0) for name in (RING, RECORDER)
        }
        self.patient = self.records.people.add_patient("clinic", "A. Sleeper", zone=zone, at_ms=0)
        if assigned:
            for name in self.entries:
                self.records.assignments.assign(name, self.patient.id, from_ms=0)
        self._seqs: dict[str, int] = {}
        self.engine = self._engine()

    def _engine(self) -> AlertEngine:
        engine = AlertEngine(self.records, self.store, self.clock)
        engine.recover()
        return engine

    def restart(self) -> None:
        """As after a kill: nothing but what is on disk is left."""
        self.store.close()
        self.records.close()
        self.store = SqliteStore(self._folder / "samples.db")
        self.records = Records(self._folder / "records.db")
        self.engine = self._engine()

    def close(self) -> None:
        self.store.close()
        self.records.close()

    def batches(
        self, at_ms: int, spo2: np.ndarray, *, origin: str = "live", session: str = "s1", size: int = 60
    ) -> list[Batch]:
        made = []
        for first in range(0, spo2.size, size):
            part = spo2[first : first + size]
            seq = self._seqs.get(session, 0)
            self._seqs[session] = seq + 1
            columns = {"spo2": part, "flags": np.zeros(part.size, "<u2")}
            last = origin == "stored" and first + size >= spo2.size
            made.append(
                Batch(RING, "oximetry", origin, session, seq, at_ms + first * 1000, columns, ClockInfo("arrival", 500),  # type: ignore[arg-type]  # a literal, in tests
                      dt_ms=1000, last=last)
            )  # fmt: skip
        return made

    def arrive(self, batches: Sequence[Batch], *, engine: AlertEngine | None = None) -> None:
        """Store, then judge, batch by batch, the clock at the end of each."""
        self.store.append(batches)
        for batch in batches:
            self.clock.now_ms = max(self.clock.now_ms, batch.end_ms)
            (engine or self.engine).feed([(batch, self.entries[batch.device])])

    def live(self, at_ms: int, *parts: tuple[float, int]) -> list[Batch]:
        made = self.batches(at_ms, trace(*parts))
        self.arrive(made)
        return made

    def night(self, night: date, *, state: State = State.CLOSED, device: str = RING, **indices: float) -> NightResult:
        """A result on disk, told to the engine."""
        start_ms = round((night.toordinal() - date(1970, 1, 1).toordinal()) * 86_400_000) + 22 * HOUR
        valid_s = 25_200.0 if device == RING else 0.0
        result = NightResult(
            device,
            night,
            "peak" if device == RING else "wear",
            "1",
            "UTC",
            state,
            start_ms,
            start_ms + 8 * HOUR,
            valid_s,
            indices,
            start_ms + 8 * HOUR,
        )
        self.clock.now_ms = max(self.clock.now_ms, result.end_ms)
        self.records.results.replace_night(result, [])
        self.engine.night(result)
        return result

    def alerts(self, kind: str) -> list[Alert]:
        """Of one rule, the oldest first."""
        return self.records.alerts.list(kind=kind)[::-1]

    def told(self, kind: str) -> list[tuple[str, bool]]:
        """The feed's events of one rule: what happened, and whether late."""
        return [(event.event, event.late) for event in self.records.feed.after(0) if event.rule == kind]


@dataclass
class Desk:
    """The API as a clinician's program uses it."""

    scene: Scene
    url: str
    token: str

    def ask(self, method: str, path: str, body: object = None, **parameters: str | int) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}"}
        address = f"{self.url}/api/v1{path}"
        return httpx.request(method, address, json=body, headers=headers, params=parameters or None, timeout=20)

    def get(self, path: str, **parameters: str | int) -> object:
        answer = self.ask("GET", path, **parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()


def wait_for(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "not within the time"
        time.sleep(0.01)


def raise_one(records: Records, number: int) -> None:
    records.alerts.raise_alert("outbox_full", f"home-{number}", "full", at_ms=T0 + number)
