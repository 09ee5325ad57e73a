"""The recorders' nights as consecutive days, and every definition of adherence over them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from statistics import median

from analytics.adherence.payer import PERIOD, payer_window
from analytics.adherence.sleep_share import sleep_share
from analytics.adherence.usage import usage
from gateway.service.exchange.report.values import Facts, Wear, WearDay
from gateway.service.nights import night_of, zone_info
from gateway.service.records import Stretch

_NOON_MIN = 720
_DAY_MIN = 1440


def wear_of(facts: Facts) -> Wear | None:
    """All that the recorders say of the period; None where they never said anything up to its end."""
    told = _told(facts)
    if not told:
        return None
    begin = min(told)
    over = night_of(facts.now_ms, facts.patient.zone) - timedelta(days=1)
    # The present night is not over; one that is ahead of the clock, as in a simulation, counts once it is closed.
    closed = [night for night in told if night not in facts.unfinished]
    end = max([min(facts.last, over), *closed])
    days = tuple(told.get(night, WearDay(night, None)) for night in _dates(max(begin, facts.first), end))
    counted = [day.hours for day in days]
    treated_from = min((step.night for step in facts.steps), default=begin)
    tried = [told.get(night, WearDay(night, None)).hours for night in _dates(treated_from, end)][:PERIOD]
    joined = {night.night: night for night in facts.nights}
    sleeping = [joined.get(day.night) for day in days]
    # Wear within the sleep, not wear over all of the day, against the sleep.
    asleep = [
        None
        if night is None or night.sleep_h is None or night.wear_of_sleep_pct is None
        else (night.sleep_h * night.wear_of_sleep_pct / 100, night.sleep_h)
        for night in sleeping
    ]
    lying = sum(day.lying_min for day in days)
    zone = facts.patient.zone
    return Wear(
        days=days,
        usage=usage(counted),
        share=sleep_share([one and one[0] for one in asleep], [one and one[1] for one in asleep]),
        share_by_bed=sum(
            judged is not None and night is not None and night.sleep_of == "bed_sleep"
            for judged, night in zip(asleep, sleeping, strict=True)
        ),
        payer=payer_window(tried),
        payer_from=treated_from,
        inserted_min=_usual([min(day.insertions_ms) for day in days if day.insertions_ms], zone),
        removed_min=_usual([max(day.removals_ms) for day in days if day.removals_ms], zone),
        supine_pct=100.0 * sum(day.supine_min for day in days) / lying if lying else None,
    )


def _told(facts: Facts) -> dict[date, WearDay]:
    """The nights of which a recorder told, over all recorders: of two in one night the longer wear counts."""
    zone = facts.patient.zone
    wears: dict[tuple[str, int], Stretch] = {}
    for result, stretches in facts.wear:  # a wear across noon stands in both of its nights
        wears |= {(result.device, one.start_ms): one for one in stretches if one.kind == "wear"}
    placed: dict[tuple[str, date], list[Stretch]] = {}
    for (device, start_ms), one in sorted(wears.items()):
        if not one.data.get("suspect"):
            placed.setdefault((device, night_of(start_ms, zone)), []).append(one)
    days: dict[date, WearDay] = {}
    for result, _ in facts.wear:
        minutes = result.indices.get("wear_min")
        mine = placed.get((result.device, result.night), [])
        day = WearDay(
            night=result.night,
            hours=None if minutes is None else minutes / 60,
            suspect_h=(result.indices.get("suspect_min") or 0.0) / 60,
            insertions_ms=tuple(one.start_ms for one in mine),
            removals_ms=tuple(one.end_ms for one in mine),
            supine_min=_minutes(mine, ("supine",)),
            lying_min=_minutes(mine, ("supine", "left", "right", "prone")),
        )
        known = days.get(day.night)
        if known is None or known.hours is None or (day.hours is not None and day.hours > known.hours):
            days[day.night] = day
    return days


def _minutes(wears: Sequence[Stretch], postures: Sequence[str]) -> float:
    told = (one.data.get(f"{posture}_min") for one in wears for posture in postures)
    return sum(float(value) for value in told if isinstance(value, (int, float)))


def _usual(moments_ms: Sequence[int], zone: str) -> float | None:
    """Median wall-clock time, minutes after noon, so that times around midnight do not tear apart."""
    local = [datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(zone_info(zone)) for at_ms in moments_ms]
    after_noon = [(at.hour * 60 + at.minute + at.second / 60 - _NOON_MIN) % _DAY_MIN for at in local]
    return median(after_noon) if after_noon else None


def _dates(first: date, last: date) -> list[date]:
    return [first + timedelta(days=day) for day in range((last - first).days + 1)]
