"""A patient's nights over the API: joined over devices, each device's only while it was the patient's."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import httpx
import pytest

from gateway.clock import SystemClock
from gateway.service.api import ServiceStatus, create_app, create_token, serve
from gateway.service.nights import night_bounds
from gateway.service.patient_nights import sensor_records
from gateway.service.records import NightResult, Records, State, Stretch
from gateway.service.store.sqlite import SqliteStore

ZONE = "Europe/Berlin"
FIRST = date(2026, 3, 20)  # the clocks go forward in the night of the 28th
RING, MAD, STRIP = "o2ring-0000000001", "mad-0000000001", "bed-0000000001"
HOUR_MS = 3_600_000


def result(device: str, night: date, profile: str, begin_h: float, end_h: float, **indices: float) -> NightResult:
    noon = night_bounds(night, ZONE)[0]
    start_ms, end_ms = round(noon + begin_h * HOUR_MS), round(noon + end_h * HOUR_MS)
    valid_s = 0.0 if profile in ("wear", "bed") else (end_ms - start_ms) / 1000
    return NightResult(
        device, night, profile, "1", ZONE, State.CLOSED, start_ms, end_ms, valid_s, indices, updated_ms=1
    )


def write(records: Records, night: date, odi3: float, worn_h: float) -> None:
    """One night from ten in the evening to six, the MAD in for `worn_h` from its beginning on."""
    bedtime = night_bounds(night, ZONE)[0] + 10 * HOUR_MS
    records.results.replace_night(result(RING, night, "peak", 10, 18, odi3=odi3, odi4=odi3 / 2), ())
    bed = result(
        STRIP, night, "bed", 9, 19, bedtime_ms=bedtime, rise_ms=bedtime + 8 * HOUR_MS, in_bed_min=480, sleep_min=420
    )
    records.results.replace_night(bed, (), [Stretch("disturbance", bedtime + HOUR_MS, bedtime + HOUR_MS + 20_000)])
    wear = Stretch("wear", bedtime, bedtime + round(worn_h * HOUR_MS), {"supine_min": 60.0, "left_min": 180.0})
    told = result(MAD, night, "wear", 0, 24, wear_min=worn_h * 60)
    records.results.replace_night(told, (), [wear] if worn_h else [])


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[httpx.Client, Records]]:
    folder: Path = tmp_path_factory.mktemp("nights")
    records = Records(folder / "records.db")
    token = create_token(records, "test", ["read", "write"], created_ms=0)
    for device in (RING, MAD, STRIP):
        records.devices.enrol("home", device, zone=ZONE, at_ms=0)
    with SqliteStore(folder / "samples.db") as store:
        app = create_app(records, store, status=lambda: ServiceStatus(True, "ok", {}), clock=SystemClock())
        with (
            serve(app, "127.0.0.1", 0) as server,
            httpx.Client(base_url=server.url + "/api/v1", headers={"Authorization": f"Bearer {token}"}) as client,
        ):
            yield client, records
    records.close()


def test_nights_of_three_devices_are_one_and_the_mad_is_judged(api: tuple[httpx.Client, Records]) -> None:
    client, records = api
    patient = records.people.add_patient("clinic", "P-17", zone=ZONE, at_ms=0)
    for device in (RING, MAD, STRIP):
        records.assignments.assign(device, patient.id, from_ms=0)
    for number in range(28):
        treated = number >= 14
        write(records, FIRST + timedelta(number), (8 if treated else 24) + number % 3, 7 if treated else 0)
    records.treatment.put_step(patient.id, FIRST + timedelta(14), 5.0, note="", at_ms=1)
    period = {"from": FIRST.isoformat(), "to": (FIRST + timedelta(27)).isoformat()}
    nights = client.get(f"/patients/{patient.id}/nights", params=period).json()
    assert [one["night"] for one in nights] == [(FIRST + timedelta(number)).isoformat() for number in range(28)]
    before, after = nights[3], nights[20]
    assert (before["wear_state"], after["wear_state"]) == ("not_worn", "worn")
    assert after["wear_h"] == pytest.approx(7)
    assert after["sleep_h"] == 7
    assert after["indices"]["odi3"] == 8 + 20 % 3
    assert "clock_change" in nights[8]["notes"]
    outlook = client.get(f"/patients/{patient.id}/outlook", params=period).json()
    assert outlook["verdict"] == "working"
    assert any("diagnosis" in sentence or "MAD" in sentence for sentence in outlook["sentences"])


def test_a_device_that_was_another_patients_tells_nothing_of_that_time(api: tuple[httpx.Client, Records]) -> None:
    client, records = api
    ring = "o2ring-00000000ff"
    records.devices.enrol("home", ring, zone=ZONE, at_ms=0)
    handed_on = night_bounds(FIRST + timedelta(2), ZONE)[0]
    one = records.people.add_patient("clinic", "P-1", zone=ZONE, at_ms=0)
    other = records.people.add_patient("clinic", "P-2", zone=ZONE, at_ms=0)
    records.assignments.assign(ring, one.id, from_ms=0, to_ms=handed_on)
    records.assignments.assign(ring, other.id, from_ms=handed_on)
    for number in range(4):
        records.results.replace_night(result(ring, FIRST + timedelta(number), "peak", 10, 18, odi3=5.0), ())
    period = {"from": FIRST.isoformat(), "to": (FIRST + timedelta(9)).isoformat()}
    for patient, expected in ((one, (0, 1)), (other, (2, 3))):
        nights = client.get(f"/patients/{patient.id}/nights", params=period).json()
        assert [night["night"] for night in nights] == [(FIRST + timedelta(n)).isoformat() for n in expected]


def test_stretches_and_kinds_of_nights(api: tuple[httpx.Client, Records]) -> None:
    client, records = api
    night = FIRST + timedelta(40)
    write(records, night, 3, 4)
    found = client.get(f"/nights/{MAD}/{night}/stretches").json()
    assert [(one["kind"], one["data"]["left_min"]) for one in found["stretches"]] == [("wear", 180.0)]
    day = {"from": night.isoformat(), "to": night.isoformat()}
    listed = {
        kind: [one["device"] for one in client.get("/nights", params={**day, "kind": kind}).json()["nights"]]
        for kind in ("oximetry", "wear", "bed")
    }
    assert listed == {"oximetry": [RING], "wear": [MAD], "bed": [STRIP]}
    assert [one["device"] for one in client.get("/nights", params=day).json()["nights"]] == [RING]


def test_a_period_that_is_none_and_a_patient_that_is_none(api: tuple[httpx.Client, Records]) -> None:
    client, records = api
    patient = records.people.add_patient("clinic", "P-3", zone=ZONE, at_ms=0)
    assert client.get(f"/patients/{patient.id}/nights").json() == []
    for period in ({"from": "2026-03-20", "to": "2026-03-19"}, {"from": "2020-01-01", "to": "2026-01-01"}):
        assert client.get(f"/patients/{patient.id}/outlook", params=period).status_code == 422
    assert client.get("/patients/p-0123456789ab/nights").status_code == 404


def test_a_recorder_with_holes_and_a_suspect_wear() -> None:
    night = result(MAD, FIRST, "wear", 0, 24)
    start = night.start_ms
    gap = Stretch("missing", start + 2 * HOUR_MS, start + 5 * HOUR_MS)
    warm = Stretch("wear", start + 10 * HOUR_MS, start + 18 * HOUR_MS, {"suspect": ["no motion"]})
    told = sensor_records(night, [gap, warm])
    assert [(one.kind, (one.start_ms - start) // HOUR_MS, (one.end_ms - start) // HOUR_MS) for one in told] == [
        ("recorder", 0, 2),
        ("recorder", 5, 24),
        ("wear", 10, 18),
    ]
    assert told[-1].suspect
