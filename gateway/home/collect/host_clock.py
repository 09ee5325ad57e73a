"""Steps of the gateway's own clock: a small computer without a battery-backed clock starts wrong and is set later."""

from __future__ import annotations

import ctypes
from typing import Final

STEP_MS: Final = 2_000
"""A clock that is slewed moves by 500 ppm at most (adjtimex(2)), 15 ms in the time between two looks; and a ring tells
its own clock in whole seconds, so less than this does no harm."""


class StepWatch:
    """Compares UTC with monotonic time. Pure.

    Parameters
    ----------
    utc_ms : int
    monotonic_s : float
        Of the same moment, as in every call.
    """

    def __init__(self, utc_ms: int, monotonic_s: float) -> None:
        self._offset_ms = utc_ms - round(monotonic_s * 1000)
        self.since_utc_ms = utc_ms
        """When the present reckoning began, on the clock as it is now."""

    def step_ms(self, utc_ms: int, monotonic_s: float) -> int:
        """Return by how much the clock was set since the last call; 0 for less than `STEP_MS`, which is followed."""
        offset_ms = utc_ms - round(monotonic_s * 1000)
        step_ms, self._offset_ms = offset_ms - self._offset_ms, offset_ms
        if abs(step_ms) < STEP_MS:
            return 0
        self.since_utc_ms += step_ms
        return step_ms


TIME_ERROR: Final = 5
"""What adjtimex(2) returns while nobody keeps the clock right."""

_TIMEX_BYTES: Final = 256
"""More than `struct timex` takes on any Linux (208 bytes on 64 bits)."""


def synchronised() -> bool:
    """Whether the kernel says that something (NTP) keeps this computer's clock; True where it cannot be asked."""
    try:
        ask = ctypes.CDLL(None).adjtimex
    except (OSError, AttributeError):
        return True
    # All zeros: no mode, so nothing is changed and no privilege is needed.
    return bool(ask(ctypes.create_string_buffer(_TIMEX_BYTES)) != TIME_ERROR)
