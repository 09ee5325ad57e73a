"""One night of oximetry as any file gives it: samples on an even grid, and what was repaired to put them there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["o2-csv", "viatom", "oxyii", "edf", "hdf5", "csv"]


UNSCORED: Final = 9
"""The sleep stage of a second that nobody scored."""


@dataclass(frozen=True, slots=True, eq=False)
class ScoredEvents:
    """Respiratory events that a person or a sleep laboratory scored.

    Attributes
    ----------
    start_s : float64 array, shape (m,)
        Seconds from the recording's first sample.
    duration_s : float64 array, shape (m,)
        Seconds, > 0.
    """

    start_s: NDArray[np.float64]
    duration_s: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """Evenly sampled oximetry.

    Attributes
    ----------
    source : str
        The file's name, without its folder.
    kind : str
        Which reader read it.
    start : datetime or None
        Time of the first sample: aware where the zone is known, naive local otherwise, None where the file gives none.
    interval_s : float
        Seconds between samples, > 0.
    spo2 : float32 array, shape (n,)
        %, NaN where missing.
    pulse : float32 array, shape (n,)
        bpm, NaN where missing.
    motion : uint8 array, shape (n,)
        The device's own units, 255 where it gives none.
    flags : uint16 array, shape (n,)
        Bits of `gateway.wire.messages.OximetryFlag`.
    events : ScoredEvents or None
        Where the file holds scored events.
    stages : int8 array, shape (seconds,), or None
        One value a second from the first sample: 0 wake, 1 to 4 non-REM, 5 REM, 9 unscored.
    notes : tuple of str
        What was repaired, assumed or left out, one sentence each.
    """

    source: str
    kind: Kind
    start: datetime | None
    interval_s: float
    spo2: NDArray[np.float32]
    pulse: NDArray[np.float32]
    motion: NDArray[np.uint8]
    flags: NDArray[np.uint16]
    events: ScoredEvents | None = None
    stages: NDArray[np.int8] | None = None
    notes: tuple[str, ...] = ()

    @property
    def duration_s(self) -> float:
        """Seconds that the samples cover, gaps included."""
        return self.spo2.size * self.interval_s
