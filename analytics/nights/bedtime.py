"""Bedtime and rising: how regular, and whether the last weeks moved."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from analytics.calendar import minutes_after_noon
from analytics.nights.ranks import mann_whitney_p, shift
from analytics.nights.records import Kind, PatientNight

Direction = Literal["later", "earlier", "steady", "cannot_say"]

RECENT_DAYS: Final = 14
USUAL_DAYS: Final = 60
"""The days before the recent ones that tell what is usual."""
LEAST_EACH: Final = 7
SHOWN_MIN: Final = 60.0
SURE_P: Final = 0.01
_TO_SD: Final = 1.4826
"""Median absolute deviation to SD, for a normal distribution."""


class Bedtime(msgspec.Struct, frozen=True):
    """Bedtime of a patient on the wall clock, in minutes after noon (23:00 is 660).

    Attributes
    ----------
    told_by
        The kind of sensor; only nights told by the same kind are compared.
    nights
        How many these are, of the last `RECENT_DAYS` + `USUAL_DAYS` days.
    bedtime_min, rise_min
        Medians of all of them.
    bedtime_spread_min, rise_spread_min
        Robust SD from night to night (1.4826 times the median absolute deviation).
    recent_nights, usual_nights
        Of the last `RECENT_DAYS` days, and before.
    shift_min, low_min, high_min
        How much later bedtime is recently than usual, with its 95 % interval; None with too few nights.
    p
        Of no shift; None likewise.
    direction
        ``later`` or ``earlier`` from `SHOWN_MIN` on and with `p` below `SURE_P`.
    """

    told_by: Kind
    nights: int
    bedtime_min: float
    rise_min: float
    bedtime_spread_min: float
    rise_spread_min: float
    recent_nights: int
    usual_nights: int
    shift_min: float | None
    low_min: float | None
    high_min: float | None
    p: float | None
    direction: Direction


def bedtime(nights: Sequence[PatientNight]) -> Bedtime | None:
    """Bedtime over the last weeks before the newest night that tells one; None where none does."""
    telling = sorted((night for night in nights if night.bedtime_of is not None), key=lambda night: night.night)
    if not telling:
        return None
    newest = telling[-1].night.toordinal()
    telling = [night for night in telling if newest - night.night.toordinal() < RECENT_DAYS + USUAL_DAYS]
    counts: dict[Kind, int] = {}
    for night in telling:
        if night.bedtime_of is not None:
            counts[night.bedtime_of] = counts.get(night.bedtime_of, 0) + 1
    kind = max(sorted(counts), key=lambda one: counts[one])
    used = [night for night in telling if night.bedtime_of == kind]
    to_bed = np.array([minutes_after_noon(n.bedtime_ms, n.zone) for n in used if n.bedtime_ms is not None])
    up = np.array([_after(n.rise_ms, n) for n in used if n.rise_ms is not None])
    recent = np.array([newest - night.night.toordinal() < RECENT_DAYS for night in used])
    later: tuple[float, float, float] | None = None
    p = None
    direction: Direction = "cannot_say"
    if min(recent.sum(), (~recent).sum()) >= LEAST_EACH:
        later = shift(to_bed[~recent], to_bed[recent])
        p = mann_whitney_p(to_bed[~recent], to_bed[recent])
        direction = "steady"
        if abs(later[0]) >= SHOWN_MIN and p < SURE_P:
            direction = "later" if later[0] > 0 else "earlier"
    return Bedtime(
        told_by=kind,
        nights=len(used),
        bedtime_min=float(np.median(to_bed)),
        rise_min=float(np.median(up)),
        bedtime_spread_min=_spread(to_bed),
        rise_spread_min=_spread(up),
        recent_nights=int(recent.sum()),
        usual_nights=int((~recent).sum()),
        shift_min=later[0] if later else None,
        low_min=later[1] if later else None,
        high_min=later[2] if later else None,
        p=p,
        direction=direction,
    )


def _after(rise_ms: int, night: PatientNight) -> float:
    """Wall-clock minutes after the night's noon; a recording that ends after the next noon counts on."""
    return minutes_after_noon(rise_ms, night.zone) + (1440.0 if rise_ms >= night.end_ms else 0.0)


def _spread(values: NDArray[np.float64]) -> float:
    return _TO_SD * float(np.median(np.abs(values - np.median(values))))
