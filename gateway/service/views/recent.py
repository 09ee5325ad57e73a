"""The last weeks of many patients as one table of numbers: patients down, nights back across."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.nights.summary import LEAST_VALID_H
from gateway.service.records.digests import NIGHT
from gateway.service.records.roster import Held

SPAN: Final = 14
"""Nights that are averaged, and as many before them to compare with: from so many on a mean is settled."""
MONTH: Final = 30
LEAST: Final = 3
"""Nights that make a mean at all."""

Floats = NDArray[np.float64]

_NEVER_MS: Final = 1 << 62


@dataclass(frozen=True, slots=True)
class Recent:
    """The last weeks of n patients; a row each, NaN where too little is known.

    Attributes
    ----------
    newest : int64 array, shape (n,)
        Ordinal of the date of the last night with data; 0 without any.
    nights_14, nights_30 : int64 array, shape (n,)
        Nights with data of the last `SPAN` and `MONTH`.
    means, before : mapping of str to float64 array, shape (n,)
        Of ``odi4``, ``hypoxic_burden`` and ``wear_h``: over the last `SPAN` nights, and over as many before these. The
        indices are of nights with enough valid hours, the wear of nights with data of the recorder.
    """

    newest: NDArray[np.int64]
    nights_14: NDArray[np.int64]
    nights_30: NDArray[np.int64]
    means: Mapping[str, Floats]
    before: Mapping[str, Floats]


def recent(
    held: Sequence[Held], digests: Mapping[str, bytes], places: Mapping[str, int], tonight: Sequence[date]
) -> Recent:
    """Read the last weeks.

    Parameters
    ----------
    held : sequence of Held
        Who had which device when: a night counts for who had the device at its midnight.
    digests : mapping of str to bytes
        By device, as `Digests.of` gives them.
    places : mapping of str to int
        The row of each patient, 0 to n - 1.
    tonight : sequence of date, n
        The night that it is where each patient is. One that has no data yet is not counted as without.
    """
    size = len(tonight)
    told = [one for one in held if one.patient in places and digests.get(one.device)]
    parts = [digests[one.device] for one in told]
    lengths = [len(part) // NIGHT.itemsize for part in parts]
    nights = np.frombuffer(b"".join(parts), NIGHT)
    who = np.repeat(np.array([places[one.patient] for one in told], np.int64), lengths)
    begin_ms = np.repeat(np.array([one.from_ms for one in told], np.int64), lengths)
    end_ms = np.repeat(np.array([_NEVER_MS if one.to_ms is None else one.to_ms for one in told], np.int64), lengths)
    mine = (begin_ms <= nights["moment_ms"]) & (nights["moment_ms"] < end_ms)
    nights, who = nights[mine], who[mine]
    dates = nights["night"].astype(np.int64)
    newest = np.zeros(size, np.int64)
    np.maximum.at(newest, who, dates)
    # The night that it is counts from when it has data; data ahead of the clock, as of a simulation, count too.
    at = np.array([one.toordinal() for one in tonight], np.int64)
    at = np.maximum(np.where(newest >= at, at, at - 1), newest)
    age = at[who] - dates
    inside = (age >= 0) & (age < 2 * MONTH)
    nights, who, age = nights[inside], who[inside], age[inside]
    valid_h = nights["valid_h"].astype(np.float64)
    wear_h = nights["wear_min"].astype(np.float64) / 60
    there = np.zeros((size, 2 * MONTH), bool)
    there[who, age] = True
    # Of two devices in one night the one with more valid time counts, or the longer wear.
    by_valid = np.argsort(valid_h, kind="stable")
    by_valid = by_valid[valid_h[by_valid] >= LEAST_VALID_H]
    by_wear = np.argsort(wear_h, kind="stable")
    by_wear = by_wear[np.isfinite(wear_h[by_wear])]
    tables = {
        "odi4": _table(size, who, age, nights["odi4"], by_valid),
        "hypoxic_burden": _table(size, who, age, nights["hypoxic_burden"], by_valid),
        "wear_h": _table(size, who, age, wear_h, by_wear),
    }
    return Recent(
        newest=newest,
        nights_14=there[:, :SPAN].sum(axis=1),
        nights_30=there[:, :MONTH].sum(axis=1),
        means={name: _means(table[:, :SPAN]) for name, table in tables.items()},
        before={name: _means(table[:, SPAN : 2 * SPAN]) for name, table in tables.items()},
    )


def _table(
    size: int, who: NDArray[np.int64], age: NDArray[np.int64], values: NDArray[np.floating], order: NDArray[np.int64]
) -> Floats:
    table = np.full((size, 2 * MONTH), np.nan)
    table[who[order], age[order]] = values[order]  # of one place the last written stays
    return table


def _means(table: Floats) -> Floats:
    known = np.isfinite(table)
    count = known.sum(axis=1)
    total = np.where(known, table, 0.0).sum(axis=1)
    return np.where(count >= LEAST, total / np.maximum(count, 1), np.nan)
