"""Rules on nights: each fires once, stays quiet just under, ends, and lives with missing and late nights."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from analytics.alerts.findings import Episode
from analytics.alerts.nights import NightFacts, evaluate, start, step
from analytics.alerts.thresholds import in_force

FIRST = date(2026, 3, 1)
BERLIN = ZoneInfo("Europe/Berlin")


def night(number: int, **facts: float | bool | None) -> NightFacts:
    """Night `number`, 22:00 to 06:00 in Berlin: the clocks change in the night of the 28th."""
    evening = FIRST + timedelta(days=number)
    start_ms = round(datetime.combine(evening, time(22), BERLIN).astimezone(UTC).timestamp() * 1000)
    end_ms = round(datetime.combine(evening + timedelta(days=1), time(6), BERLIN).astimezone(UTC).timestamp() * 1000)
    return NightFacts(evening, start_ms, end_ms, **{"valid_h": 7.0, **facts})  # type: ignore[arg-type]


def series(name: str, values: Sequence[float | None]) -> list[NightFacts]:
    return [night(number, **{name: value}) for number, value in enumerate(values)]


def episodes(nights: Sequence[NightFacts], rule: str, **own: float) -> list[Episode]:
    thresholds = in_force({(rule, name): value for name, value in own.items()})
    return [one for one in evaluate(nights, thresholds) if one.rule == rule]


def spans(found: list[Episode], nights: Sequence[NightFacts]) -> list[tuple[int, int | None]]:
    """Numbers of the nights with which each episode was raised and ended."""
    ends = [one.end_ms for one in nights]
    return [(ends.index(one.at_ms), None if one.over_ms is None else ends.index(one.over_ms)) for one in found]


@pytest.mark.parametrize(
    ("rule", "name", "values", "expected"),
    [
        ("deep_nadir", "nadir_pct", [85, 80.0, 80, 82, 83, 83.1, 85], [(1, 5)]),
        ("deep_nadir", "nadir_pct", [80.1, 81, 82], []),
        ("odi_rising", "odi", [10] * 7 + [15, 15, 15, 15], [(9, None)]),
        ("odi_rising", "odi", [10] * 7 + [14.9, 30, 30], []),
        ("odi_rising", "odi", [4] * 7 + [8.9, 8.9, 8.9], []),
        ("odi_rising", "odi", [4] * 7 + [9, 9, 9], [(9, None)]),
        ("odi_rising", "odi", [10] * 6 + [30, 30, 30], []),
        ("odi_rising", "odi", [10] * 7 + [20] * 30, [(9, None)]),
        ("odi_rising", "odi", [10] * 7 + [20, 20, 20, 12, 12, 13, 12, 12, 12], [(9, 15)]),
        ("odi_rising", "odi", [0] * 7 + [6, 6, 6], [(9, None)]),
        ("burden_rising", "burden", [40] * 7 + [60, 60, 60, 40, 40, 40], [(9, 12)]),
        ("mad_not_worn", "wear_min", [0, 29, 10, 0], [(2, None)]),
        ("mad_not_worn", "wear_min", [0, 0, 30, 0, 0], []),
        ("mad_not_worn", "wear_min", [0, 0, 0, 59, 60], [(2, 4)]),
        ("mad_not_worn", "wear_min", [0, None, 0, None, 0], [(4, None)]),
        ("mad_not_worn", "wear_min", [None] * 20, []),
        ("wear_short", "wear_min", [240] * 5 + [239, 239], []),
        ("wear_short", "wear_min", [240] * 4 + [239, 239, 239], [(6, None)]),
        ("wear_short", "wear_min", [240] * 4 + [0, 0, 0, 240, 240, 240, 240, 240], [(6, 11)]),
        ("wear_short", "wear_min", [0, 0, 0, 0], []),
        ("wear_short", "wear_min", [240, 240, None, 0, 240, 240, None], []),
        ("wear_suspect", "suspect_min", [0, 29, 30, 40, 15, 14], [(2, 5)]),
        ("wear_suspect", "suspect_min", [29.9] * 5, []),
    ],
)
def test_fires_once_stays_quiet_just_under_and_ends(
    rule: str, name: str, values: list[float | None], expected: list[tuple[int, int | None]]
) -> None:
    nights = series(name, values)
    assert spans(episodes(nights, rule), nights) == expected


def test_a_night_of_few_valid_hours_neither_raises_a_rise_nor_ends_a_nadir() -> None:
    nights = [*series("odi", [10] * 7 + [30, 30]), night(9, odi=30, valid_h=3.9), night(10, odi=30)]
    assert spans(episodes(nights, "odi_rising"), nights) == [(10, None)]
    nights = [night(0, nadir_pct=70), night(1, nadir_pct=95, valid_h=3.9), night(2, nadir_pct=95)]
    assert spans(episodes(nights, "deep_nadir"), nights) == [(0, 2)]


def test_a_running_night_may_raise_a_nadir_but_ends_nothing() -> None:
    running = night(1, nadir_pct=95, final=False)
    assert episodes([night(0, nadir_pct=70), running], "deep_nadir")[0].over_ms is None
    nights = [night(0, nadir_pct=90), night(1, nadir_pct=70, final=False)]
    assert spans(episodes(nights, "deep_nadir"), nights) == [(1, None)]
    assert episodes([*series("wear_min", [0, 0]), night(2, wear_min=0, final=False)], "mad_not_worn") == []


def test_worse_is_a_higher_grade_with_its_own_values() -> None:
    (one,) = episodes(series("nadir_pct", [80, 75, 70, 60, 72]), "deep_nadir")
    assert (one.grade, one.values["nadir_pct"]) == (3, 60)
    assert episodes(series("odi", [10] * 7 + [30] * 3), "odi_rising")[0].grade == 3
    assert episodes(series("wear_min", [0] * 6), "mad_not_worn")[0].grade == 2


def treated(odi: float, count: int, wear_min: float = 400, first: int = 3) -> list[NightFacts]:
    return [night(first + number, odi=odi, wear_min=wear_min) for number in range(count)]


def test_treatment_is_judged_against_the_nights_without_it() -> None:
    untreated = [night(number, odi=30.0, wear_min=0.0) for number in range(3)]
    rule = "treatment_not_working"
    assert episodes(untreated + treated(15.0, 5), rule) == [], "half is not above half"
    (one,) = episodes(untreated + treated(15.1, 5), rule)
    assert one.values == {"treated": 15.1, "untreated": 30.0, "share_pct": pytest.approx(50.333, abs=0.001)}
    assert episodes(untreated + treated(15.1, 4), rule) == []
    assert episodes(untreated + treated(15.1, 5, wear_min=239), rule) == []
    assert episodes(untreated[1:] + treated(15.1, 5), rule) == [], "two nights are no baseline"
    assert episodes(untreated + treated(31.0, 5), rule)[0].grade == 2
    nights = untreated + treated(20.0, 5) + treated(14.0, 2, first=8) + treated(13.4, 5, first=10)
    assert spans(episodes(nights, rule), nights) == [(7, 12)], "over below 45 % in the median of five"


def test_a_recorded_untreated_index_beats_the_nights() -> None:
    nights = treated(16.0, 5)
    found = evaluate(nights, in_force(), untreated_index=31.0)
    assert [one.rule for one in found] == ["treatment_not_working"]
    assert evaluate(nights, in_force(), untreated_index=33.0) == ()
    assert evaluate(nights, in_force(), untreated_index=0.0) == ()


def test_late_nights_give_what_nights_in_time_give() -> None:
    nights = series("wear_min", [0, 400, 0, 0, 0])
    state, found = start(), ()
    for one in (nights[0], nights[2], nights[3], nights[1], nights[4]):
        state, found = step(state, one, in_force())
    assert found == evaluate(nights, in_force())
    assert spans([one for one in found if one.rule == "mad_not_worn"], nights) == [(4, None)]


def test_a_night_that_comes_anew_takes_the_place_of_the_old() -> None:
    state, found = start(), ()
    for one in series("wear_min", [0, 0, 0]):
        state, found = step(state, one, in_force())
    assert len(found) == 1
    state, found = step(state, night(1, wear_min=300), in_force())
    assert [one.rule for one in found] == []
    assert len(state.nights) == 3


def test_nights_of_long_ago_no_longer_count() -> None:
    state, _ = step(start(), night(0, nadir_pct=70), in_force())
    state, _ = step(state, night(120, wear_min=0), in_force())
    assert len(state.nights) == 2
    state, _ = step(state, night(121, wear_min=0), in_force())
    assert [one.night for one in state.nights] == [FIRST + timedelta(days=120), FIRST + timedelta(days=121)]


def test_the_night_in_which_the_clocks_change_is_a_night() -> None:
    nights = series("wear_min", [400] * 26 + [0, 0, 0, 0, 400])
    lengths = [(one.end_ms - one.start_ms) // 3_600_000 for one in nights[26:30]]
    assert lengths == [8, 7, 8, 8], "28 March 2026: one hour less"
    (one,) = episodes(nights, "mad_not_worn")
    assert (one.from_ms, one.at_ms, one.over_ms) == (nights[26].start_ms, nights[28].end_ms, nights[30].end_ms)


def test_a_rule_that_is_switched_off_says_nothing() -> None:
    assert episodes(series("wear_min", [0] * 9), "mad_not_worn", enabled=0) == []
