"""A night as a finger oximeter records it: whole per cents, its motion and its flags, one row a second."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulators.physiology.night import Night

MISSING: Final = 255
_NO_FINGER, _POOR_SIGNAL = 1, 4


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """One night at 1 Hz, three columns of uint8, shape (seconds,) each.

    Attributes
    ----------
    spo2
        Whole per cent; `MISSING` without a finger.
    motion
        0..254.
    flags
        Bits as in oximetry batches: 1 no finger, 4 poor signal.
    """

    spo2: NDArray[np.uint8]
    motion: NDArray[np.uint8]
    flags: NDArray[np.uint8]


def trace_of(night: Night) -> Trace:
    """What the oximeter keeps of `night`."""
    spo2 = np.where(night.finger_off, MISSING, np.nan_to_num(np.rint(night.spo2_pct), nan=MISSING))
    return Trace(
        spo2=spo2.astype(np.uint8),
        motion=np.minimum(night.motion, MISSING - 1).astype(np.uint8),
        flags=(night.finger_off * _NO_FINGER + night.poor_signal * _POOR_SIGNAL).astype(np.uint8),
    )
