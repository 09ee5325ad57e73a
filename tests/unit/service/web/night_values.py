"""A night as values, without records and store."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np

from gateway.service.nights import night_bounds
from gateway.service.records import Desaturation, State
from gateway.service.views.night_values import Index, Lane, Lying, NightAccount, NightLanes, Source, Span, Worn

ZONE = "Europe/Berlin"
HOUR_MS = 3_600_000


def account(night: str = "2026-03-28", **changed: Any) -> NightAccount:
    """A closed night of eight hours from half past ten, with two desaturations."""
    day = date.fromisoformat(night)
    noon = Span(*night_bounds(day, ZONE))
    start_ms = noon.start_ms + 10 * HOUR_MS + HOUR_MS // 2
    end_ms = start_ms + 8 * HOUR_MS
    falls = tuple(
        Desaturation(start_ms + at, start_ms + at + 30_000, start_ms + at + 50_000, 96.0, 96.0 - by, by, 120.0, 0.9)
        for at, by in ((HOUR_MS, 4.0), (5 * HOUR_MS, 9.5))
    )
    source = Source(
        "o2ring-1", "O2Ring", "oximetry", "peak", "1", State.CLOSED, start_ms, end_ms, True, None, False, False
    )
    made = NightAccount(
        patient="p-0123456789ab",
        night=day,
        zone=ZONE,
        noon_ms=noon,
        recorded_ms=Span(start_ms, end_ms),
        now_ms=noon.end_ms,
        last_ms=end_ms,
        state="closed",
        previous=None,
        next=None,
        sources=(source,),
        indices=(Index("odi3", "oximetry", "3 % desaturation index", 6.8, "/h", 1, "Per valid hour.", "mild"),),
        reading=None,
        notes=(),
        missing_h=0.1,
        desaturations=falls,
        disturbances=(),
        worn=(),
        unrecorded=(),
    )
    return replace(made, **changed)


def lane(start_ms: int, values: list[float], step_ms: int = 1000, gap_ms: float = 2_500.0) -> Lane:
    t_ms = start_ms + np.arange(len(values), dtype=np.int64) * step_ms
    return Lane(t_ms, np.array(values, float), len(values), 0.0, gap_ms)


def part(told: NightAccount, **changed: Any) -> NightLanes:
    """SpO2 and pulse of a minute."""
    assert told.recorded_ms is not None
    start_ms = told.recorded_ms.start_ms
    made = NightLanes(
        start_ms,
        told.recorded_ms.end_ms,
        {"spo2": lane(start_ms, [96.0, 95.0, 84.0]), "pulse": lane(start_ms, [60.0, 61.0, 62.0])},
        (),
        (),
        (),
    )
    return replace(made, **changed)


def worn(told: NightAccount, *reasons: str) -> Worn:
    assert told.recorded_ms is not None
    return Worn(told.recorded_ms.start_ms, told.recorded_ms.end_ms, reasons)


def lying(told: NightAccount, posture: Any, begin_h: float, end_h: float) -> Lying:
    assert told.recorded_ms is not None
    start_ms = told.recorded_ms.start_ms
    return Lying(start_ms + round(begin_h * HOUR_MS), start_ms + round(end_h * HOUR_MS), posture)
