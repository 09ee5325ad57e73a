"""Titration: how far the jaw is held forward, what that did to the index and the wear, and what it cost the patient."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from statistics import fmean, median
from typing import Final

RESPONSE: Final = 0.5
"""A response: the index falls to half of the baseline or below (usual in trials of mandibular devices)."""
LEAST_NIGHTS: Final = 3
"""Nights at an advancement before its index is compared: one night misleads."""


class SideEffect(StrEnum):
    """What patients with a mandibular device report."""

    SORE_JAW = "sore jaw"
    SALIVA = "excess saliva"
    DRY_MOUTH = "dry mouth"
    TOOTH_PAIN = "tooth pain"
    BITE_CHANGE = "bite change"


@dataclass(frozen=True, slots=True)
class TitrationStep:
    """From the night of `since` on the jaw is advanced by `advancement_mm` (0..20)."""

    since: date
    advancement_mm: float

    def __post_init__(self) -> None:
        if not 0.0 <= self.advancement_mm <= 20.0:
            raise ValueError(f"an advancement lies between 0 and 20 mm: {self.advancement_mm:g}")


@dataclass(frozen=True, slots=True)
class SideEffectReport:
    """A side effect on a night, as the patient reported it."""

    night: date
    effect: SideEffect


@dataclass(frozen=True, slots=True)
class TreatedNight:
    """A night's index with the device (1/h, None unknown) and the hours it was worn (None unknown)."""

    night: date
    index: float | None
    worn_h: float | None


@dataclass(frozen=True, slots=True)
class AdvancementResponse:
    """All nights at one advancement, wherever they lie.

    Attributes
    ----------
    advancement_mm : float
    nights : int
        Nights at it that have an index.
    mean_index, median_index : float
        1/h; NaN without a night.
    change_pct : float
        Median index against the baseline, %; negative is better, NaN without a night.
    mean_worn_h : float
        NaN where unknown.
    side_effects : tuple of (SideEffect, int)
        Reports on nights at it, most frequent first.
    responds : bool or None
        Whether the median index is at most `RESPONSE` of the baseline; None under `LEAST_NIGHTS` nights.
    """

    advancement_mm: float
    nights: int
    mean_index: float
    median_index: float
    change_pct: float
    mean_worn_h: float
    side_effects: tuple[tuple[SideEffect, int], ...]
    responds: bool | None


def advancement_on(steps: Sequence[TitrationStep], night: date) -> float | None:
    """Advancement of a night in mm, None before the first step; of two steps on one date the later given holds."""
    ordered = sorted(steps, key=lambda step: step.since)
    number = bisect_right([step.since for step in ordered], night)
    return ordered[number - 1].advancement_mm if number else None


def response_by_advancement(
    baseline_index: float,
    steps: Sequence[TitrationStep],
    nights: Sequence[TreatedNight],
    reports: Sequence[SideEffectReport] = (),
) -> tuple[AdvancementResponse, ...]:
    """Compare advancements, the least first; nights before the first step are left out.

    Parameters
    ----------
    baseline_index : float
        Index without the device, 1/h, > 0.

    Raises
    ------
    ValueError
        For a baseline that is not positive.
    """
    if not baseline_index > 0:
        raise ValueError("the baseline index must be positive")
    at_night = [(advancement_on(steps, night.night), night) for night in nights]
    at_report = [(advancement_on(steps, report.night), report.effect) for report in reports]
    return tuple(
        _response(
            baseline_index,
            advancement_mm,
            [night for at, night in at_night if at == advancement_mm],
            [effect for at, effect in at_report if at == advancement_mm],
        )
        for advancement_mm in sorted({step.advancement_mm for step in steps})
    )


def least_sufficient_mm(responses: Sequence[AdvancementResponse]) -> float | None:
    """The least advancement that responds: further is not needed for the index. None if none does."""
    return min((one.advancement_mm for one in responses if one.responds), default=None)


def _response(
    baseline_index: float, advancement_mm: float, nights: Sequence[TreatedNight], effects: Sequence[SideEffect]
) -> AdvancementResponse:
    indices = [night.index for night in nights if night.index is not None]
    worn = [night.worn_h for night in nights if night.worn_h is not None]
    nan = float("nan")
    middle = median(indices) if indices else nan
    counts = sorted(((effect, effects.count(effect)) for effect in set(effects)), key=lambda item: (-item[1], item[0]))
    return AdvancementResponse(
        advancement_mm=advancement_mm,
        nights=len(indices),
        mean_index=fmean(indices) if indices else nan,
        median_index=middle,
        change_pct=100.0 * (middle / baseline_index - 1.0),
        mean_worn_h=fmean(worn) if worn else nan,
        side_effects=tuple(counts),
        responds=middle <= RESPONSE * baseline_index if len(indices) >= LEAST_NIGHTS else None,
    )
