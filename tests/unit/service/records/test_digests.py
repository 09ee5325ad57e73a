"""Digests of nights: always what the nights themselves say, however they came about."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
import sqlalchemy as sa

from gateway.errors import StoreUnavailableError
from gateway.service.nights import moment_ms, night_bounds
from gateway.service.records import NightResult, NightUpdate, Records, State
from gateway.service.records.digests import DAYS, NIGHT
from gateway.service.records.tables import NightRow

ZONE = "Europe/Berlin"
RING, MAD, BED = "o2ring-1", "mad-1", "bed-1"
FIRST = date(2026, 3, 1)


@pytest.fixture(autouse=True)
def enrolled(records: Records) -> None:
    for device in (RING, MAD, BED):
        records.devices.enrol("home", device, zone=ZONE, at_ms=0)


def result(
    device: str = RING, day: int = 0, *, made_ms: int = 1, profile: str = "peak", **indices: float
) -> NightResult:
    night = FIRST + timedelta(day)
    begin_ms, _ = night_bounds(night, ZONE)
    start_ms, end_ms = begin_ms + 36_000_000, begin_ms + 64_800_000
    return NightResult(
        device, night, profile, "1", ZONE, State.CLOSED, start_ms, end_ms, 7 * 3600.0, indices, updated_ms=made_ms
    )


def told(records: Records, device: str = RING) -> list[tuple[int, float]]:
    """(day, odi3) of each night in the digest."""
    nights = np.frombuffer(records.digests.of([device]).get(device, b""), NIGHT)
    return [(int(one["night"]) - FIRST.toordinal(), float(one["odi3"])) for one in nights]


def test_a_digest_says_what_the_night_says(records: Records) -> None:
    one = result(odi3=10.5, odi4=4.25, hypoxic_burden=20.0, mean_spo2=94.0)
    records.results.replace_night(one, ())
    (found,) = np.frombuffer(records.digests.of([RING])[RING], NIGHT)
    assert (found["odi3"], found["odi4"], found["hypoxic_burden"], found["valid_h"]) == (10.5, 4.25, 20.0, 7.0)
    assert math.isnan(found["wear_min"])
    assert found["moment_ms"] == moment_ms(one.night, ZONE, one.start_ms, one.end_ms)


def test_wear_has_no_valid_hours_and_the_bed_no_digest(records: Records) -> None:
    records.results.replace_night(result(MAD, profile="wear", wear_min=300.0), ())
    records.results.replace_night(result(BED, profile="bed", sleep_min=400.0), ())
    found = records.digests.of([MAD, BED])
    assert BED not in found
    (wear,) = np.frombuffer(found[MAD], NIGHT)
    assert (wear["wear_min"], math.isnan(wear["valid_h"])) == (300.0, True)


def test_what_comes_later_is_added_and_what_is_revised_replaced(records: Records) -> None:
    assert told(records) == []
    records.results.replace_night(result(day=3, made_ms=10, odi3=3.0), ())
    assert told(records) == [(3, 3.0)]
    records.results.replace_night(result(day=4, made_ms=20, odi3=4.0), ())
    records.results.replace_night(result(day=1, made_ms=30, odi3=1.0), ())
    assert told(records) == [(1, 1.0), (3, 3.0), (4, 4.0)]
    records.results.replace_night(result(day=3, made_ms=40, odi3=33.0), ())
    assert told(records) == [(1, 1.0), (3, 33.0), (4, 4.0)]


@pytest.mark.parametrize("made_ms", [9, 10])
def test_what_an_earlier_clock_made_is_found_too(records: Records, made_ms: int) -> None:
    records.results.replace_night(result(day=0, made_ms=10, odi3=1.0), ())
    assert told(records) == [(0, 1.0)]
    records.results.replace_night(result(day=1, made_ms=made_ms, odi3=2.0), ())
    assert told(records) == [(0, 1.0), (1, 2.0)]


def test_a_running_night_is_in_it_when_it_is_closed(records: Records) -> None:
    one = result(odi3=5.0)
    records.results.upsert_running([NightUpdate(replace(one, state=State.RUNNING))])
    assert told(records) == []
    records.results.replace_night(replace(one, updated_ms=2), ())
    assert told(records) == [(0, 5.0)]


def test_of_two_analyses_the_one_made_last(records: Records) -> None:
    records.results.replace_night(result(made_ms=5, odi3=1.0), ())
    records.results.replace_night(result(made_ms=7, profile="wellue", odi3=2.0), ())
    records.results.replace_night(result(made_ms=6, profile="scored", odi3=3.0), ())
    assert told(records) == [(0, 2.0)]


def test_only_the_last_weeks_are_kept(records: Records) -> None:
    records.results.upsert_running([NightUpdate(result(day=day, odi3=float(day))) for day in range(DAYS + 3)])
    days = [day for day, _ in told(records)]
    assert days == list(range(3, DAYS + 3))
    records.results.replace_night(result(day=DAYS + 3, made_ms=9, odi3=0.0), ())
    assert [day for day, _ in told(records)] == list(range(4, DAYS + 4))


def test_what_is_deleted_is_gone(records: Records) -> None:
    records.results.upsert_running([NightUpdate(result(day=day, odi3=1.0)) for day in range(4)])
    assert len(told(records)) == 4
    with records._database.write() as session:
        session.execute(sa.delete(NightRow).where(NightRow.night > FIRST + timedelta(1)))
    assert [day for day, _ in told(records)] == [0, 1]
    with records._database.write() as session:
        session.execute(sa.delete(NightRow))
    assert told(records) == []


def test_forgotten_and_made_anew(records: Records) -> None:
    records.results.replace_night(result(odi3=1.0), ())
    assert told(records) == [(0, 1.0)]
    records.digests.forget([RING, "nobody"])
    assert told(records) == [(0, 1.0)]


def test_a_database_that_cannot_be_written_still_answers(
    records: Records, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    records.results.replace_night(result(odi3=1.0), ())

    def full(_made: object) -> None:
        raise StoreUnavailableError("disk full")

    monkeypatch.setattr(records.digests, "_write", full)
    assert told(records) == [(0, 1.0)]
    assert "not kept" in caplog.text


def test_many_devices_at_once(records: Records) -> None:
    devices = [f"o2ring-{number:04d}" for number in range(900)]
    records.devices.authorise([("home", one) for one in devices], auto_enrol=True, zone=ZONE, at_ms=0)
    records.results.upsert_running([NightUpdate(result(one, odi3=float(number))) for number, one in enumerate(devices)])
    found = records.digests.of(devices)
    assert [float(np.frombuffer(found[one], NIGHT)["odi3"][0]) for one in devices] == [float(n) for n in range(900)]
