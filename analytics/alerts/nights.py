"""Rules on a patient's nights: a fold over the nights in order of date, so a late night is as good as one in time.

A rule's word on a night depends on that night, on those before it and on whether it held before (hysteresis). Given the
same set of nights the episodes are the same, whatever the order in which they came.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from statistics import median
from typing import Final

import msgspec

from analytics.alerts.findings import Episode
from analytics.alerts.thresholds import Thresholds

WINDOW_DAYS: Final = 120
"""Nights older than this before the latest no longer count."""

OWN_WINDOW: Final = 30
"""A patient's own median is of at most so many nights: a season, not a life."""

RISE_GRADES: Final = (1.0, 1.5, 2.0)
NIGHTS_GRADES: Final = (1, 2, 4)
"""Multiples of the threshold at which the grade rises."""


class NightFacts(msgspec.Struct, frozen=True):
    """What is known of one night of one patient; None: no data, which is never the same as zero.

    Attributes
    ----------
    start_ms, end_ms : int
        UTC of its first and last data.
    final : bool
        False while it runs: then it may raise, but not end, and only `deep_nadir` looks at it.
    valid_h : float or None
        Hours of valid SpO2.
    odi, burden : float or None
        Desaturations per hour and hypoxic burden (% min/h).
    nadir_pct : float or None
        Deepest nadir of a desaturation that can be believed; the lowest SpO2 where there is none.
    wear_min, suspect_min : float or None
        Wear of the MAD, and the part of it that is suspect; minutes.
    """

    night: date
    start_ms: int
    end_ms: int
    final: bool = True
    valid_h: float | None = None
    odi: float | None = None
    burden: float | None = None
    nadir_pct: float | None = None
    wear_min: float | None = None
    suspect_min: float | None = None


class PatientState(msgspec.Struct, frozen=True):
    """A patient's nights, in order of date, one a date."""

    nights: tuple[NightFacts, ...] = ()


class Said(msgspec.Struct, frozen=True):
    """A rule's word on a night. `memory` is what the rule keeps while it holds."""

    holds: bool
    from_ms: int = 0
    values: dict[str, float | None] = {}  # msgspec copies an empty default
    grade: int = 1
    memory: float = 0.0


Judge = Callable[[Sequence[NightFacts], float | None, Mapping[str, float], float | None], Said | None]
"""(nights so far, memory if it holds, thresholds, untreated index) -> word on the last night, None for none."""


def start() -> PatientState:
    """A patient without nights."""
    return PatientState()


def step(
    state: PatientState, night: NightFacts, thresholds: Thresholds, *, untreated_index: float | None = None
) -> tuple[PatientState, tuple[Episode, ...]]:
    """Take a night, new or anew.

    Returns
    -------
    (PatientState, tuple of Episode)
        All episodes that the nights now tell, in order of rule and time.
    """
    dates = [one.night for one in state.nights]
    at = bisect_left(dates, night.night)
    kept = list(state.nights)
    kept[at : at + (at < len(dates) and dates[at] == night.night)] = [night]
    oldest = kept[-1].night - timedelta(days=WINDOW_DAYS)
    nights = tuple(one for one in kept if one.night >= oldest)
    return PatientState(nights), evaluate(nights, thresholds, untreated_index=untreated_index)


def evaluate(
    nights: Sequence[NightFacts], thresholds: Thresholds, *, untreated_index: float | None = None
) -> tuple[Episode, ...]:
    """All episodes that a patient's nights tell.

    Parameters
    ----------
    nights : sequence of NightFacts
        In order of date.
    untreated_index : float or None
        Index without treatment as recorded, /h.
    """
    found: list[Episode] = []
    for rule, judge in _JUDGES.items():
        if thresholds[rule]["enabled"]:
            found += _fold(rule, judge, nights, thresholds[rule], untreated_index)
    return tuple(found)


def _fold(
    rule: str,
    judge: Judge,
    nights: Sequence[NightFacts],
    thresholds: Mapping[str, float],
    untreated_index: float | None,
) -> list[Episode]:
    found: list[Episode] = []
    memory: float | None = None
    considered: list[NightFacts] = []
    for night in nights:
        if not night.final and rule != "deep_nadir":
            continue
        considered.append(night)
        said = judge(considered, memory, thresholds, untreated_index)
        if not night.final:
            # What is known of a running night may raise; it is not looked back upon.
            considered.pop()
            if said is not None and not said.holds:
                said = None
        if said is None:
            continue
        if said.holds and memory is None:
            found.append(Episode(rule, said.from_ms, night.end_ms, night.end_ms, None, said.grade, said.values))
            memory = said.memory
        elif said.holds:
            last = found[-1]
            worse = said.grade > last.grade
            found[-1] = msgspec.structs.replace(
                last,
                latest_ms=night.end_ms,
                grade=max(last.grade, said.grade),
                values=said.values if worse else last.values,
            )
        elif memory is not None:
            found[-1] = msgspec.structs.replace(found[-1], over_ms=night.end_ms)
            memory = None
    return found


def _deep_nadir(
    nights: Sequence[NightFacts], memory: float | None, t: Mapping[str, float], _untreated: float | None
) -> Said | None:
    night = nights[-1]
    if night.nadir_pct is None:
        return None
    limit = t["limit_pct"]
    if night.nadir_pct <= limit:
        grade = 1 + int((limit - night.nadir_pct) / t["grade_pct"])
        return Said(True, night.start_ms, {"nadir_pct": night.nadir_pct, "limit_pct": limit}, grade)
    enough = night.valid_h is not None and night.valid_h >= t["valid_h"]
    if memory is not None and enough and night.nadir_pct > limit + t["margin_pct"]:
        return Said(False)
    return None


def _rising(index: Callable[[NightFacts], float | None]) -> Judge:
    def judge(
        nights: Sequence[NightFacts], memory: float | None, t: Mapping[str, float], _untreated: float | None
    ) -> Said | None:
        if not _has_enough(nights[-1], index, t):
            return None
        usable = [(one, value) for one in nights if _has_enough(one, index, t) and (value := index(one)) is not None]
        wanted = round(t["nights"])
        recent = usable[-wanted:]
        if len(recent) < wanted:
            return None
        lowest = min(value for _, value in recent)
        if memory is not None:
            if max(value for _, value in recent) < memory * t["clear_ratio"]:
                return Said(False)
            own = memory
        else:
            before = [value for _, value in usable[:-wanted]][-OWN_WINDOW:]
            if len(before) < t["own_nights"]:
                return None
            own = median(before)
        if lowest < own * t["ratio"] or lowest < own + t["rise"]:
            return None
        # A median of 0 has no multiple: only the rise counts.
        grade = sum(lowest >= own * t["ratio"] * factor for factor in RISE_GRADES) if own else 1
        values: dict[str, float | None] = {"lowest": lowest, "median": own, "nights": float(wanted)}
        return Said(True, recent[0][0].start_ms, values, max(1, grade), own)

    return judge


def _has_enough(night: NightFacts, index: Callable[[NightFacts], float | None], t: Mapping[str, float]) -> bool:
    return index(night) is not None and night.valid_h is not None and night.valid_h >= t["valid_h"]


def _not_working(
    nights: Sequence[NightFacts], memory: float | None, t: Mapping[str, float], untreated: float | None
) -> Said | None:
    usable = [
        (one, one.odi, one.wear_min)
        for one in nights
        if one.odi is not None and one.wear_min is not None and one.valid_h is not None and one.valid_h >= t["valid_h"]
    ]
    on = [(one, odi) for one, odi, wear in usable if wear >= t["worn_min"]]
    if not on or on[-1][0] is not nights[-1] or len(on) < t["nights"]:
        return None
    if untreated is None:
        off = [odi for _, odi, wear in usable if wear == 0]
        if len(off) < t["untreated_nights"]:
            return None
        untreated = median(off)
    if untreated <= 0:
        return None
    recent = on[-round(t["nights"]) :]
    treated = median(odi for _, odi in recent)
    share = treated / untreated
    if share > t["share"]:
        values: dict[str, float | None] = {"treated": treated, "untreated": untreated, "share_pct": 100 * share}
        return Said(True, recent[0][0].start_ms, values, 2 if share >= 1 else 1)
    if memory is not None and share < t["share"] - t["margin"]:
        return Said(False)
    return None


def _not_worn(
    nights: Sequence[NightFacts], memory: float | None, t: Mapping[str, float], _untreated: float | None
) -> Said | None:
    if nights[-1].wear_min is None:
        return None
    if memory is not None and nights[-1].wear_min >= t["clear_min"]:
        return Said(False)
    row = 0
    first = nights[-1]
    for one in reversed(nights):
        if one.wear_min is None:
            continue
        if one.wear_min >= t["worn_min"]:
            break
        row, first = row + 1, one
    if row < t["nights"]:
        return None
    grade = sum(row >= t["nights"] * factor for factor in NIGHTS_GRADES)
    return Said(True, first.start_ms, {"nights": float(row), "worn_min": t["worn_min"]}, grade)


def _wear_short(
    nights: Sequence[NightFacts], memory: float | None, t: Mapping[str, float], _untreated: float | None
) -> Said | None:
    if nights[-1].wear_min is None:
        return None
    first = nights[-1].night - timedelta(days=round(t["window"]) - 1)
    recent = [(one, one.wear_min) for one in nights if one.night >= first and one.wear_min is not None]
    if len(recent) < t["least"]:
        return None
    goal_min = t["goal_h"] * 60
    reached = sum(wear >= goal_min for _, wear in recent)
    # With nights without data fewer are wanted, in proportion, rounded down: no data is not "not worn".
    wanted = int(min(t["wanted"], t["window"]) * len(recent) / t["window"])
    if reached < wanted:
        values: dict[str, float | None] = {
            "goal_h": t["goal_h"],
            "reached": float(reached),
            "nights": float(len(recent)),
            "mean_min": sum(wear for _, wear in recent) / len(recent),
        }
        return Said(True, recent[0][0].start_ms, values, 2 if not reached else 1)
    if memory is not None and nights[-1].wear_min >= goal_min:
        return Said(False)
    return None


def _suspect(
    nights: Sequence[NightFacts], memory: float | None, t: Mapping[str, float], _untreated: float | None
) -> Said | None:
    night = nights[-1]
    if night.suspect_min is None:
        return None
    if night.suspect_min >= t["minutes"]:
        return Said(True, night.start_ms, {"suspect_min": night.suspect_min, "wear_min": night.wear_min})
    if memory is not None and night.suspect_min < t["clear_min"]:
        return Said(False)
    return None


_JUDGES: Final[Mapping[str, Judge]] = {
    "deep_nadir": _deep_nadir,
    "odi_rising": _rising(lambda night: night.odi),
    "burden_rising": _rising(lambda night: night.burden),
    "treatment_not_working": _not_working,
    "mad_not_worn": _not_worn,
    "wear_short": _wear_short,
    "wear_suspect": _suspect,
}

RULES: Final = tuple(_JUDGES)
"""Names of the rules judged here."""
