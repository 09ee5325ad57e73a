"""The desaturation as a value, and as a row of an array."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

EVENT_DTYPE: Final = np.dtype(
    [
        ("start_s", "<i4"),
        ("nadir_s", "<i4"),
        ("end_s", "<i4"),
        ("baseline_pct", "<f4"),
        ("nadir_pct", "<f4"),
        ("depth_pct", "<f4"),
        ("area_pct_s", "<f4"),
        ("confidence", "<f4"),
    ]
)
"""One desaturation in the kernels' form: seconds count from the first sample of the recording."""

Events = NDArray[Any]
"""A structured array of `EVENT_DTYPE`."""


@dataclass(frozen=True, slots=True)
class Desaturation:
    """One fall of oxygen saturation and the recovery that ended it.

    Attributes
    ----------
    start_ms, nadir_ms, end_ms
        Last second at the baseline, first second at the lowest value, first second of the recovery; UTC milliseconds
        (or milliseconds from the recording's start, whichever the chunks were dated with).
    baseline_pct, nadir_pct, depth_pct
        SpO2 at the start, at the nadir, and their difference; %.
    area_pct_s
        Area between the baseline and the signal from start to end, valid seconds only; % s.
    confidence
        0..1: how much the shape and the company of the event look like a breathing event's (see `peak`).
    """

    start_ms: int
    nadir_ms: int
    end_ms: int
    baseline_pct: float
    nadir_pct: float
    depth_pct: float
    area_pct_s: float
    confidence: float


def from_rows(
    rows: Iterable[tuple[int, int, int, float, float, float, float, float]], origin_ms: int
) -> tuple[Desaturation, ...]:
    """Desaturations of kernel rows (``Events.tolist()``), dated from `origin_ms`, the time of second 0."""
    return tuple(
        Desaturation(origin_ms + 1000 * start, origin_ms + 1000 * nadir, origin_ms + 1000 * end, *values)
        for start, nadir, end, *values in rows
    )
