"""A night's samples on one even grid, as EDF+ and FHIR's sampled data need them: what is missing stays missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gateway.errors import ConfigurationError
from gateway.service.store.base import Samples
from gateway.wire.messages import MISSING_MOTION

MOST_SLOTS: Final = 500_000
"""Two days at 2 Hz: a night is never longer, so a wrong clock cannot fill the memory."""
_USUAL_MS: Final = 1000


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Samples at `t0_ms + n * dt_ms`, float64, NaN where there is none.

    Attributes
    ----------
    columns : mapping of str to float64 array, shape (n,)
        Columns with at least one value.
    moved_ms : int
        The farthest that any sample's time was moved to reach the grid: 0 for one even recording.
    dropped : int
        Samples that found their place taken; of two the first stays.
    """

    t0_ms: int
    dt_ms: int
    columns: Mapping[str, NDArray[np.float64]]
    moved_ms: int
    dropped: int


def on_grid(samples: Samples, names: tuple[str, ...]) -> Grid:
    """Lay samples on the grid of their own most frequent interval, from the first on.

    Raises
    ------
    ConfigurationError
        Without a sample, or for a night of more than `MOST_SLOTS` slots.
    """
    if not len(samples):
        raise ConfigurationError("no sample of that night is in the store")
    steps = np.diff(samples.t_ms)
    steps = steps[(steps > 0) & (steps <= 10_000)]
    dt_ms = _USUAL_MS
    if steps.size:
        values, counts = np.unique(steps, return_counts=True)
        dt_ms = int(values[np.argmax(counts)])
    t0_ms = int(samples.t_ms[0])
    slots = np.rint((samples.t_ms - t0_ms) / dt_ms).astype(np.int64)
    size = int(slots[-1]) + 1
    if size > MOST_SLOTS:
        raise ConfigurationError(f"{size} samples are more than a night has ({MOST_SLOTS} at most)")
    taken, first = np.unique(slots, return_index=True)
    columns: dict[str, NDArray[np.float64]] = {}
    for name in names:
        values = samples.columns[name].astype(np.float64)
        if name == "motion":
            values[values == MISSING_MOTION] = np.nan
        if np.isfinite(values).any():
            columns[name] = np.full(size, np.nan)
            columns[name][taken] = values[first]
    moved = np.abs(samples.t_ms[first] - (t0_ms + taken * dt_ms))
    return Grid(t0_ms, dt_ms, columns, int(moved.max()), int(slots.size - taken.size))
