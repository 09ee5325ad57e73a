"""The recorders' nights as days: missing is not unused, two recorders are one mouth, midnight tears nothing apart."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from analytics.nights.report import evaluate
from gateway.service.exchange.report.values import Facts, Wear
from gateway.service.exchange.report.wear import wear_of
from gateway.service.exchange.report.wording import clock_of
from gateway.service.nights import night_bounds
from gateway.service.records import NightResult, Patient, State, Stretch, TreatmentStep

ZONE = "Europe/Berlin"
FIRST = date(2026, 3, 20)
HOUR_MS = 3_600_000


def told(
    day: int, hours: float | None, device: str = "mad-1", begin_h: float = 11.0
) -> tuple[NightResult, tuple[Stretch, ...]]:
    """A night of a recorder, worn from `begin_h` hours after noon on; None: nothing can be said."""
    night = FIRST + timedelta(day)
    begin, end = night_bounds(night, ZONE)
    indices = {"wear_min": None if hours is None else 60 * hours}
    result = NightResult(device, night, "wear", "1", ZONE, State.CLOSED, begin, end, 0.0, indices, 0)
    start_ms = begin + round(begin_h * HOUR_MS)
    wears = (Stretch("wear", start_ms, start_ms + round(hours * HOUR_MS), {"suspect": []}),) if hours else ()
    return result, wears


def facts(wear: list[tuple[NightResult, tuple[Stretch, ...]]], days: int, now_day: float) -> Facts:
    return Facts(
        patient=Patient("p-0123456789ab", "clinic", "Case", ZONE, 0),
        clinic="Clinic",
        first=FIRST,
        last=FIRST + timedelta(days - 1),
        now_ms=night_bounds(FIRST, ZONE)[0] + round(now_day * 24 * HOUR_MS),
        devices=(),
        wear=tuple(wear),
        nights=(),
        reading=evaluate(()),
        steps=(),
        side_effects=(),
        marks=(),
        unfinished=frozenset(),
        trace=None,
    )


def wear(known: Facts) -> Wear:
    found = wear_of(known)
    assert found is not None
    return found


def hours(found: Wear) -> list[float | None]:
    return [day.hours for day in found.days]


def test_nights_without_a_result_are_missing_and_those_before_the_first_recorder_are_not_there() -> None:
    found = wear(facts([told(2, 6.0), told(4, 0.0), told(6, None), told(7, 5.0)], 9, now_day=30))
    assert found.days[0].night == FIRST + timedelta(2)
    assert hours(found) == [6.0, None, 0.0, None, None, 5.0, None]
    assert (found.usage.with_data, found.usage.used, found.usage.missing) == (3, 2, 4)
    assert wear_of(facts([], 9, now_day=30)) is None


def test_the_present_night_counts_when_it_is_over_or_closed() -> None:
    known = facts([told(0, 6.0), told(1, 1.5)], 9, now_day=1.5)
    running = replace(known, unfinished=frozenset({FIRST + timedelta(1)}))
    assert hours(wear(running)) == [6.0]
    assert hours(wear(known)) == [6.0, 1.5]
    assert hours(wear(replace(running, now_ms=running.now_ms + 12 * HOUR_MS))) == [6.0, 1.5]


def test_of_two_recorders_in_one_night_the_longer_wear_counts() -> None:
    for pair in ([told(0, 3.0), told(0, 6.5, "mad-2")], [told(0, 6.5), told(0, None, "mad-2")]):
        assert hours(wear(facts(pair, 1, now_day=5))) == [6.5]


def test_a_wear_across_noon_is_inserted_once() -> None:
    first, second = told(0, 14.0, begin_h=18.0), told(1, None)
    across = first[1]
    found = wear(facts([first, (second[0], across)], 2, now_day=5))
    assert [len(day.insertions_ms) for day in found.days] == [1, 0]


def test_insertions_around_midnight_have_a_middle() -> None:
    found = wear(facts([told(day, 5.0, begin_h=begin) for day, begin in enumerate((11.5, 12.0, 12.5))], 3, now_day=9))
    assert (clock_of(found.inserted_min), clock_of(found.removed_min)) == ("00:00", "05:00")
    assert clock_of(None) == "not available"


@pytest.mark.parametrize(("good", "met"), [(20, None), (21, True)])
def test_the_best_thirty_days_count_from_the_first_step(good: int, met: bool | None) -> None:
    nights = [told(day, 4.0 if day < good + 2 else 3.99) for day in range(32)]
    known = facts(nights, 40, now_day=32)
    treated = replace(known, steps=(TreatmentStep("p", FIRST + timedelta(2), 5.0, "", 0),))
    found = wear(treated)
    assert found.payer_from == FIRST + timedelta(2)
    assert (found.payer.best_nights, found.payer.met) == (good, met)
