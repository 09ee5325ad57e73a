"""What a recorder delivers: dated readings at uneven times."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

FLAG_IN_CASE: Final = 1
"""The device lies in its case: certainly not worn."""


@dataclass(frozen=True, slots=True, eq=False)
class WearChunk:
    """Readings of one device: any number, at any times.

    Parameters
    ----------
    t_ms
        UTC milliseconds, int64, shape (n,).
    temperature
        degC, float32, shape (n,); NaN missing.
    accel
        Mean acceleration in mg, int16, shape (n, 3): x to the front of the face, y to its left, z to the crown, at
        rest 1000 mg upward; zeros missing. Shape (0, 3) where the device has none.
    motion
        RMS of the acceleration about its mean, mg, uint16, shape (n,), or empty.
    flags
        Bits, uint16, shape (n,), or empty; only `FLAG_IN_CASE` is looked at.

    Raises
    ------
    ValueError
        For columns of unequal length.
    """

    t_ms: NDArray[np.int64]
    temperature: NDArray[np.float32]
    accel: NDArray[np.int16] = field(default_factory=lambda: np.empty((0, 3), np.int16))
    motion: NDArray[np.uint16] = field(default_factory=lambda: np.empty(0, np.uint16))
    flags: NDArray[np.uint16] = field(default_factory=lambda: np.empty(0, np.uint16))

    def __post_init__(self) -> None:
        n = len(self.t_ms)
        if len(self.temperature) != n or any(len(x) not in (0, n) for x in (self.accel, self.motion, self.flags)):
            raise ValueError("the columns of a wear chunk differ in length")
        if self.accel.ndim != 2 or self.accel.shape[1] != 3:
            raise ValueError(f"acceleration has three axes: shape (n, 3), not {self.accel.shape}")
