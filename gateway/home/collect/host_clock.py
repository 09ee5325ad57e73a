"""Steps of the gateway's own clock: a small computer without a battery-backed clock starts wrong and is set later."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
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


class _Timex(ctypes.Structure):
    """The beginning of adjtimex(2)'s `struct timex`; what follows is more than any Linux fills (208 bytes in all)."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror_us", ctypes.c_long),
        ("esterror_us", ctypes.c_long),
        ("rest", ctypes.c_char * 256),
    )


@dataclass(frozen=True, slots=True)
class HostClock:
    """What the kernel says of this computer's clock.

    Attributes
    ----------
    kept : bool
        Whether something (NTP) keeps it right; True where it cannot be asked.
    error_ms : int or None
        By how much it may be off; None where nothing keeps it, or it cannot be asked.
    """

    kept: bool
    error_ms: int | None


def host_clock() -> HostClock:
    """Ask the kernel."""
    try:
        ask = ctypes.CDLL(None).adjtimex
    except (OSError, AttributeError):
        return HostClock(True, None)
    # All zeros: no mode, so nothing is changed and no privilege is needed.
    told = _Timex()
    kept = bool(ask(ctypes.byref(told)) != TIME_ERROR)
    return HostClock(kept, round(told.maxerror_us / 1000) if kept else None)


def synchronised() -> bool:
    """Whether the kernel says that something keeps this computer's clock; True where it cannot be asked."""
    return host_clock().kept
