"""Two patients who had the same devices one after the other, with everything that may be known of either."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np

from analytics.alerts.findings import Finding
from gateway.service.api.auth import create_token
from gateway.service.nights import night_bounds
from gateway.service.records import (
    Desaturation,
    NightResult,
    Records,
    Rejected,
    Role,
    SideEffectKind,
    State,
    Stretch,
    Subject,
)
from gateway.service.store.base import Samples, SampleStore
from gateway.wire import topics
from gateway.wire.codec import encode_batch
from gateway.wire.messages import KINDS, SCHEMA, Array, Batch, ClockInfo, Kind, Origin

HOME = "home-7"
RING, RECORDER, BED, CUFF = "o2ring-0a1b2c3d4e", "mad-0a1b2c3d4e", "bed-0a1b2c3d4e", "bp-0a1b2c3d4e"
DEVICES: dict[Kind, str] = {
    "oximetry": RING,
    "wear": RECORDER,
    "waveform": BED,
    "bed": BED,
    "blood_pressure": CUFF,
    "device": RING,
}
ZONE = "Europe/Berlin"
NIGHTS = (date(2026, 3, 3), date(2026, 3, 4), date(2026, 3, 5))
HANDED_MS = night_bounds(NIGHTS[1], ZONE)[0] + 12 * 3_600_000
"""In the middle of the second night the devices go from the one to the other."""

NOW_MS = night_bounds(NIGHTS[2], ZONE)[1] + 3_600_000
NAME, OTHER_NAME, MAIL = "Adelheid Vergessen", "Bruno Bleibt", "adelheid@example.org"
NOTE = "sore jaw, said Adelheid"
STEP_MS: dict[Kind, int] = {"oximetry": 8000, "wear": 300_000, "waveform": 20, "bed": 30_000}


def batch(kind: Kind, start_ms: int, size: int, *, origin: Origin, session: str, seq: int = 0) -> Batch:
    """Samples that tell themselves apart."""
    rng = np.random.default_rng([start_ms % (1 << 31), size, seq])
    columns: dict[str, Array] = {}
    for name, dtype in SCHEMA[kind].items():
        if dtype.kind == "f":
            columns[name] = rng.uniform(60, 99, size).astype(dtype)
        else:
            columns[name] = rng.integers(0, 100, size).astype(dtype)
    return Batch(
        device=DEVICES[kind],
        kind=kind,
        origin=origin,
        session=session,
        seq=seq,
        t0_ms=start_ms,
        dt_ms=STEP_MS.get(kind, 60_000),
        columns=columns,
        clock=ClockInfo("arrival", 500),
    )


class TwoPatients:
    """The one who is to be erased had the devices until `HANDED_MS`, the other has them from then on."""

    def __init__(self, store: SampleStore, records: Records) -> None:
        self.store, self.records = store, records
        people, assignments = records.people, records.assignments
        self.gone = people.add_patient("clinic", NAME, zone=ZONE, at_ms=1, sex="female", birth_year=1961).id
        self.stays = people.add_patient("clinic", OTHER_NAME, zone=ZONE, at_ms=1).id
        self.team = records.teams.add("clinic", "own").id
        records.teams.put_patient(self.team, self.gone, belongs=True)
        self.user = records.users.add("clinic", MAIL, Role.PATIENT, at_ms=1, patient=self.gone).id
        self.token = create_token(records, f"{MAIL} 1", ["read", "write"], created_ms=1, user=self.user)
        for device in sorted(set(DEVICES.values())):
            records.devices.enrol(HOME, device, zone=ZONE, at_ms=1)
            assignments.assign(device, self.gone, from_ms=night_bounds(NIGHTS[0], ZONE)[0], to_ms=HANDED_MS)
            assignments.assign(device, self.stays, from_ms=HANDED_MS)
        records.people.set_gateway_clinic(HOME, "clinic")
        # A home that nobody else has devices in may be called by its owner's name.
        records.devices.enrol("home-8", "o2ring-ffffffffff", zone=ZONE, at_ms=1)
        records.devices.gateway_seen("home-8", 1, name=f"Home of {NAME}")
        assignments.assign("o2ring-ffffffffff", self.gone, from_ms=1)
        for patient in (self.gone, self.stays):
            records.treatment.put_step(patient, NIGHTS[0], 3.0, at_ms=1, note=NOTE if patient == self.gone else "")
            records.treatment.add_side_effect(
                patient, NIGHTS[0], SideEffectKind.SORE_JAW, 2, at_ms=1, note=NOTE if patient == self.gone else "well"
            )
            self._alert(patient)
        records.thresholds.change("patient", self.gone, {("spo2_low", "minutes"): 7.0})
        self._samples()
        for night in NIGHTS:
            self._results(night)
        self._set_aside()

    def _alert(self, patient: str) -> None:
        values = {"level": 80.0, "minutes": 5.0, "lowest": 78.0}
        finding = Finding("spo2_low", True, HANDED_MS, HANDED_MS, HANDED_MS, values)
        subject = Subject(patient, "clinic", patient=patient, device=RING, gateway=HOME)
        self.records.alerts.tell([(subject, finding, None)], recorded_ms=HANDED_MS)

    def _samples(self) -> None:
        batches = []
        for kind in KINDS:
            dt_ms = STEP_MS.get(kind, 60_000)
            for number, night in enumerate(NIGHTS):
                midnight_ms = night_bounds(night, ZONE)[0] + 12 * 3_600_000
                before_ms, after_ms = (300_000, 300_000) if kind == "waveform" else (7_200_000, 14_400_000)
                start_ms, size = midnight_ms - before_ms, (before_ms + after_ms) // dt_ms
                origins: tuple[Origin, ...] = ("live", "stored") if kind == "oximetry" else ("stored",)
                for origin in origins:
                    session = f"{kind}-{origin}-{number}"
                    parts = range(0, size, 2700)
                    batches += [
                        batch(
                            kind,
                            start_ms + begin * dt_ms,
                            min(2700, size - begin),
                            origin=origin,
                            session=session,
                            seq=seq,
                        )
                        for seq, begin in enumerate(parts)
                    ]
        self.store.append(batches)

    def _results(self, night: date) -> None:
        start_ms = night_bounds(night, ZONE)[0] + 10 * 3_600_000
        end_ms = start_ms + 6 * 3_600_000
        for profile, device in (("peak", RING), ("wear", RECORDER), ("bed", BED)):
            result = NightResult(
                device, night, profile, "1", ZONE, State.CLOSED, start_ms, end_ms, 3.0, {"odi3": 7.0}, NOW_MS
            )
            self.records.results.replace_night(result, falls(start_ms), wears(start_ms) if profile == "wear" else ())

    def _set_aside(self) -> None:
        theirs, others = (
            encode_batch(batch("oximetry", HANDED_MS + by_ms, 60, origin="live", session=f"s{by_ms}"))
            for by_ms in (-3_600_000, 3_600_000)
        )
        rows = [
            ("bad_batch", NOW_MS, theirs),
            ("bad_batch", NOW_MS, others),
            ("bad_message", HANDED_MS - 1000, b"no CBOR, theirs"),
            ("bad_message", HANDED_MS + 1000, b"no CBOR, the other's"),
        ]
        topic = topics.batch(HOME, RING, "oximetry")
        self.records.set_aside.add([Rejected(at_ms, HOME, topic, reason, "", held) for reason, at_ms, held in rows])

    def ask(self) -> str:
        """Have the one erased; gives the erasure's id."""
        return self.records.erasures.ask(self.gone, by="chief", at_ms=NOW_MS).id

    def kept(self) -> dict[tuple[str, str], Samples]:
        """All that the store holds from the handing over on."""
        return {
            (kind, origin): self.store.read(DEVICES[kind], kind, HANDED_MS, 1 << 43, origin=origin)
            for kind in KINDS
            for origin in ("live", "stored", "resolved")
        }


def falls(start_ms: int) -> list[Desaturation]:
    """One desaturation an hour."""
    return [
        Desaturation(at_ms, at_ms + 20_000, at_ms + 40_000, 96.0, 90.0, 6.0, 90.0, 0.9)
        for at_ms in range(start_ms + 60_000, start_ms + 6 * 3_600_000, 3_600_000)
    ]


def wears(start_ms: int) -> list[Stretch]:
    """Worn in the first hour and in the last."""
    first = Stretch("wear", start_ms, start_ms + 3_600_000, {"suspect": []})
    return [first, replace(first, start_ms=start_ms + 5 * 3_600_000, end_ms=start_ms + 6 * 3_600_000)]


def same(before: dict[tuple[str, str], Samples], after: dict[tuple[str, str], Samples]) -> bool:
    """Whether samples are the same bit for bit."""
    return before.keys() == after.keys() and all(
        one.t_ms.tobytes() == after[key].t_ms.tobytes()
        and one.origin.tobytes() == after[key].origin.tobytes()
        and all(column.tobytes() == after[key].columns[name].tobytes() for name, column in one.columns.items())
        for key, one in before.items()
    )
