"""With and without the MAD: nights that are alike in posture and sleep, and what lies between them.

Nights differ by posture and length more than by many a treatment, so each night with the MAD is paired with the night
without it that is most alike; what finds no partner is left out. Without enough pairs all nights are compared, and
`matched` says so. Nights before and after differ in more than the MAD (weight, season, alcohol): this is an observation
and no trial.

The verdict reads the ratio of the two long-run levels. Half is the usual line of a response (Marklund et al., Eur.
Respir. J. 54:1901222, 2019, define it with what remains); the words never say what to do, and make no diagnosis.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from analytics.nights.model import POPULATIONS, Population
from analytics.nights.records import PatientNight, Side, TreatmentStep
from analytics.nights.summary import LIKELY, counting

Floats = NDArray[np.float64]
Verdict = Literal["working", "partly", "not", "cannot_say"]
Why = Literal["", "too_few_nights", "little_to_reduce", "interval_too_wide"]

WITH_PCT: Final = 80.0
WITHOUT_PCT: Final = 20.0
"""Shares of the oximetry with the MAD in the mouth; between them a night is neither."""
LEAST_NIGHTS: Final = 3
LEAST_PAIRS: Final = 5
SUPINE_APART_PCT: Final = 20.0
SLEEP_APART_H: Final = 1.5
"""Nights further apart than this in posture or sleep are not alike."""
HALF: Final = 0.5
LITTLE: Final = 0.8
"""More than this share left is little or no effect."""


class Comparison(msgspec.Struct, frozen=True):
    """One index without and with the MAD, in its unit.

    Attributes
    ----------
    nights_without, nights_with
        How many there are of each.
    matched, pairs
        Whether pairs of like nights are compared, and how many.
    mean_without, mean_with
        Of the nights compared.
    difference, difference_low, difference_high
        With less without, and its 95 % interval (Student; Welch where not matched).
    remaining_pct, remaining_low_pct, remaining_high_pct
        Level with over level without, and its 95 % interval; 100 is no effect. From logarithms, as nights differ by
        factors, so it is not the ratio of the two means.
    p_half, p_some, p_little
        How sure it is that at most half remains, that at most 80 % remains, and that more does.
    verdict, why
        ``working``: at most half remains for sure (80 %), and the mean with it is below the moderate class. ``partly``:
        a fifth or more is gone for sure, but not that. ``not``: more than 80 % remains for sure. Else ``cannot_say``,
        and why.
    """

    index: str
    nights_without: int
    nights_with: int
    matched: bool
    pairs: int
    mean_without: float
    mean_with: float
    difference: float
    difference_low: float
    difference_high: float
    remaining_pct: float
    remaining_low_pct: float
    remaining_high_pct: float
    p_half: float
    p_some: float
    p_little: float
    verdict: Verdict
    why: Why


def side_of(night: PatientNight, steps: Sequence[TreatmentStep]) -> Side:
    """Whether a night's oximetry was made with the MAD.

    A night without a complete recorder is ``without`` before the first step of treatment and ``unknown`` after it.
    """
    share = night.mad_of_oximetry_pct
    if share is None:
        return "without" if all(night.night < step.night for step in steps) else "unknown"
    if share >= WITH_PCT:
        return "with"
    return "without" if share <= WITHOUT_PCT else "mixed"


def compare(index: str, without: Sequence[PatientNight], with_mad: Sequence[PatientNight]) -> Comparison | None:
    """Compare an index between nights without and with the MAD.

    Parameters
    ----------
    index
        One of `POPULATIONS` that has classes.
    without, with_mad
        In any order; nights with too few valid hours are left out here.

    Returns
    -------
    Comparison or None
        None where one side has no night.

    Raises
    ------
    ValueError
        For an index without classes.
    """
    population = POPULATIONS.get(index)
    if population is None or population.bands is None:
        raise ValueError(f"index {index!r} has no classes to read a treatment by")
    left = sorted(counting(without, index), key=lambda night: night.night)
    right = sorted(counting(with_mad, index), key=lambda night: night.night)
    if not left or not right:
        return None
    pairs = _pairs(left, right)
    matched = len(pairs) >= LEAST_PAIRS
    if matched:
        left, right = [a for a, _ in pairs], [b for _, b in pairs]
    x0 = np.array([night.index(index) for night in left])
    x1 = np.array([night.index(index) for night in right])
    difference, error, freedom = _difference(x0, x1, matched)
    log_ratio, log_error, log_freedom = _difference(population.scaled(x0), population.scaled(x1), matched)
    reach, log_reach = _reach(error, freedom), _reach(log_error, log_freedom)
    p_half, p_some = (_surely_below(np.log(limit), log_ratio, log_error, log_freedom) for limit in (HALF, LITTLE))
    verdict, why = _verdict(population, len(x0), len(x1), float(x0.mean()), float(x1.mean()), p_half, p_some)
    return Comparison(
        index=index,
        nights_without=len(counting(without, index)),
        nights_with=len(counting(with_mad, index)),
        matched=matched,
        pairs=len(pairs) if matched else 0,
        mean_without=float(x0.mean()),
        mean_with=float(x1.mean()),
        difference=difference,
        difference_low=difference - reach,
        difference_high=difference + reach,
        remaining_pct=100.0 * float(np.exp(log_ratio)),
        remaining_low_pct=100.0 * float(np.exp(max(log_ratio - log_reach, -_FAR))),
        remaining_high_pct=100.0 * float(np.exp(min(log_ratio + log_reach, _FAR))),
        p_half=p_half,
        p_some=p_some,
        p_little=1.0 - p_some,
        verdict=verdict,
        why=why,
    )


_FAR: Final = 20.0
"""Keeps an interval that says nothing finite."""


def _pairs(left: list[PatientNight], right: list[PatientNight]) -> list[tuple[PatientNight, PatientNight]]:
    """The most alike first, each night at most once, then by date; nights of unknown posture or sleep in none."""
    supine = np.abs(_column(left, "supine_pct")[:, None] - _column(right, "supine_pct")) / SUPINE_APART_PCT
    sleep = np.abs(_column(left, "sleep_h")[:, None] - _column(right, "sleep_h")) / SLEEP_APART_H
    same_source = np.array([night.sleep_of for night in left])[:, None] == np.array([n.sleep_of for n in right])
    i, j = np.nonzero((supine <= 1.0) & (sleep <= 1.0) & same_source)
    nearest = np.lexsort((j, i, (supine + sleep)[i, j]))
    taken_left: set[int] = set()
    taken_right: set[int] = set()
    pairs = []
    for a, b in zip(i[nearest].tolist(), j[nearest].tolist(), strict=True):
        if a not in taken_left and b not in taken_right:
            taken_left.add(a)
            taken_right.add(b)
            pairs.append((left[a], right[b]))
    return sorted(pairs, key=lambda pair: pair[1].night)


def _column(nights: list[PatientNight], name: Literal["supine_pct", "sleep_h"]) -> Floats:
    """One number of each night, NaN where it is unknown."""
    known = [night.supine_pct if name == "supine_pct" else night.sleep_h for night in nights]
    return np.array([np.nan if value is None else value for value in known])


def _difference(before: Floats, after: Floats, paired: bool) -> tuple[float, float, float]:
    """Mean difference, its standard error and degrees of freedom; the error is infinite where it cannot be told."""
    if paired:
        each = after - before
        return float(each.mean()), float(each.std(ddof=1) / np.sqrt(each.size)), each.size - 1.0
    difference = float(after.mean() - before.mean())
    if before.size < 2 or after.size < 2:
        return difference, np.inf, 1.0
    a, b = float(before.var(ddof=1)) / before.size, float(after.var(ddof=1)) / after.size
    if a + b == 0.0:
        return difference, 0.0, before.size + after.size - 2.0
    freedom = (a + b) ** 2 / (a**2 / (before.size - 1) + b**2 / (after.size - 1))
    return difference, float(np.sqrt(a + b)), freedom


def _reach(error: float, freedom: float) -> float:
    """Half of the 95 % interval."""
    return float(stdtrit(freedom, 0.975)) * error


def _surely_below(limit: float, estimate: float, error: float, freedom: float) -> float:
    """How sure it is that the true value is at most `limit`."""
    if error == 0.0:
        return 1.0 if estimate <= limit else 0.0
    return float(stdtr(freedom, (limit - estimate) / error))


def _verdict(
    population: Population, n0: int, n1: int, mean_without: float, mean_with: float, p_half: float, p_some: float
) -> tuple[Verdict, Why]:
    assert population.bands is not None
    mild, moderate, _ = population.bands
    if min(n0, n1) < LEAST_NIGHTS:
        return "cannot_say", "too_few_nights"
    if 1.0 - p_some >= LIKELY and mean_with >= mild:
        return "not", ""
    if mean_without < mild:
        return "cannot_say", "little_to_reduce"
    if p_half >= LIKELY and mean_with < moderate:
        return "working", ""
    if p_some >= LIKELY:
        return "partly", ""
    return "cannot_say", "interval_too_wide"
