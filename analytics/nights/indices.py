"""How the indices of several recordings of one night add up to the night's."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final

NOT_AVERAGED: Final[Mapping[str, Callable[[Iterable[float]], float]]] = MappingProxyType(
    {
        "min_spo2": min,
        "min_pct": min,
        "longest_le_88_s": max,
        "le_88_s": math.fsum,
        "seconds_le_88": math.fsum,
    }
)
"""Every other index is a rate, a share or a mean over valid time: the mean by valid time is that of the whole."""


def combined(name: str, parts: Iterable[tuple[float, float]]) -> float:
    """One index of several recordings as of one.

    Parameters
    ----------
    name
        Of the index.
    parts
        (value, valid seconds) of each; one with NaN or without a valid second says nothing.

    Returns
    -------
    float
        NaN where none says anything.
    """
    known = [(value, seconds) for value, seconds in parts if seconds > 0 and not math.isnan(value)]
    if not known:
        return math.nan
    choose = NOT_AVERAGED.get(name)
    if choose is not None:
        return choose(value for value, _ in known)
    return math.fsum(value * seconds for value, seconds in known) / math.fsum(seconds for _, seconds in known)
