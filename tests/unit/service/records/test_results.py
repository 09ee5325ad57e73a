"""Results are written whole, again without harm, and read newest first."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date

import pytest

from gateway.errors import StoreRejectedError
from gateway.service.records import Desaturation, NightResult, NightUpdate, Records, State

RING = "o2ring-0011223344"
NIGHT = date(2026, 3, 10)
RESULT = NightResult(
    device=RING,
    night=NIGHT,
    profile="peak",
    version="1",
    zone="Europe/Berlin",
    state=State.RUNNING,
    start_ms=1_000,
    end_ms=2_000,
    valid_s=900.0,
    indices={"odi3": 12.5, "odi4": 7.25, "t90_pct": 3.0, "mean_spo2": 94.5, "min_spo2": 81.0, "sd_spo2": 1.5},
    updated_ms=5_000,
)


def fall(start_ms: int, depth: float = 4.0) -> Desaturation:
    return Desaturation(start_ms, start_ms + 20_000, start_ms + 40_000, 96.0, 96.0 - depth, depth, 80.0, 0.9)


@pytest.fixture(autouse=True)
def enrolled(records: Records) -> None:
    records.devices.enrol("home-1", RING, zone="Europe/Berlin", at_ms=1)


def test_what_is_written_is_read_back(records: Records) -> None:
    records.results.replace_night(RESULT, [fall(2), fall(1)])
    assert records.results.night(RING, NIGHT) == RESULT
    assert records.results.desaturations(RESULT) == [fall(1), fall(2)]


def test_writing_it_again_is_the_same_as_once(records: Records) -> None:
    for _ in range(2):
        records.results.replace_night(RESULT, [fall(1), fall(2)])
    assert records.results.nights() == [RESULT]
    assert records.results.desaturations(RESULT) == [fall(1), fall(2)]


def test_replacing_a_night_takes_its_old_desaturations_away(records: Records) -> None:
    records.results.replace_night(RESULT, [fall(1), fall(2)])
    revised = replace(RESULT, state=State.REVISED, updated_ms=9_000)
    records.results.replace_night(revised, [fall(3)])
    assert records.results.desaturations(revised) == [fall(3)]
    assert records.results.night(RING, NIGHT) == revised


def test_a_running_night_grows_by_what_is_new(records: Records) -> None:
    records.results.upsert_running([NightUpdate(RESULT, (fall(1),))])
    later = replace(RESULT, end_ms=3_000, indices={**RESULT.indices, "odi4": 9.0})
    records.results.upsert_running([NightUpdate(later, (fall(2),))])
    records.results.upsert_running([NightUpdate(later, (fall(2, depth=5.0),))])
    assert records.results.desaturations(RESULT) == [fall(1), fall(2, depth=5.0)]
    assert records.results.running() == [later]


def test_two_updates_of_a_night_in_one_group_are_one_row(records: Records) -> None:
    later = replace(RESULT, end_ms=3_000)
    records.results.upsert_running([NightUpdate(RESULT, (fall(1),)), NightUpdate(later, (fall(2),))])
    assert records.results.nights() == [later]
    assert records.results.desaturations(later) == [fall(1), fall(2)]
    records.results.upsert_running([])


def test_analyses_live_side_by_side_and_the_last_made_is_shown(records: Records) -> None:
    other = replace(RESULT, profile="aasm", updated_ms=6_000, state=State.CLOSED)
    records.results.replace_night(RESULT, [fall(1)])
    records.results.replace_night(other, [])
    assert records.results.night(RING, NIGHT) == other
    assert records.results.nights() == [other]
    assert records.results.night(RING, NIGHT, profile="peak") == RESULT
    assert records.results.night(RING, NIGHT, profile="peak", version="2") is None
    assert records.results.desaturations(RESULT) == [fall(1)]
    assert records.results.counts() == {State.RUNNING: 1, State.CLOSED: 1, State.REVISED: 0}


def test_what_is_not_a_number_is_stored_as_missing(records: Records) -> None:
    records.results.replace_night(replace(RESULT, indices={"odi3": math.nan, "odi4": math.inf, "t90_pct": None}), [])
    night = records.results.night(RING, NIGHT)
    assert night is not None
    assert night.indices == {"odi3": None, "odi4": None, "t90_pct": None}


def test_an_unknown_device_has_no_results(records: Records) -> None:
    strange = replace(RESULT, device="o2ring-ffffffffff")
    with pytest.raises(StoreRejectedError):
        records.results.upsert_running([NightUpdate(RESULT), NightUpdate(strange)])
    assert records.results.nights() == []


def test_two_desaturations_cannot_start_at_once(records: Records) -> None:
    records.results.replace_night(RESULT, [fall(7)])
    with pytest.raises(StoreRejectedError):
        records.results.replace_night(replace(RESULT, end_ms=9_999), [fall(1), fall(1)])
    assert records.results.night(RING, NIGHT) == RESULT
    assert records.results.desaturations(RESULT) == [fall(7)]


def test_nights_are_listed_newest_first_within_both_ends(records: Records) -> None:
    records.devices.enrol("home-1", "o2ring-aaaaaaaaaa", zone="UTC", at_ms=1)
    days = [replace(RESULT, night=date(2026, 3, day)) for day in (9, 10, 11, 12)]
    for one in [*days, replace(days[1], device="o2ring-aaaaaaaaaa")]:
        records.results.replace_night(one, [])
    listed = records.results.nights(device=RING, first=date(2026, 3, 10), last=date(2026, 3, 11))
    assert [one.night.day for one in listed] == [11, 10]
    assert [(one.night.day, one.device) for one in records.results.nights(limit=3)] == [
        (12, RING),
        (11, RING),
        (10, RING),
    ]
