"""A device's own clock: it drifts, knows no zone, and may never have been set."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gateway.clock import Clock

NEVER_SET: Final = datetime(2015, 1, 1)  # noqa: DTZ001 - a device's clock has no zone
"""Where a clock that has lost its time begins to count."""


class DeviceClock:
    """Naive local time that runs `drift_ppm` fast (negative: slow).

    Parameters
    ----------
    clock : Clock
        True time.
    local : datetime or None
        What it shows now; None for a clock that was never set.
    drift_ppm : float
        Within +-1000.
    """

    def __init__(self, clock: Clock, local: datetime | None = None, *, drift_ppm: float = 0.0) -> None:
        if abs(drift_ppm) > 1000:
            raise ValueError(f"a crystal drifts by less than 1000 ppm: {drift_ppm}")
        self._clock = clock
        self._rate = 1.0 + drift_ppm * 1e-6
        self._true_ms = clock.utc_ms()
        self._local = local if local is not None else NEVER_SET
        self.is_set = local is not None

    def local(self, utc_ms: int | None = None) -> datetime:
        """What it shows now, or showed or will show at a true moment if left alone."""
        at_ms = self._clock.utc_ms() if utc_ms is None else utc_ms
        return self._local + timedelta(milliseconds=(at_ms - self._true_ms) * self._rate)

    def set(self, local: datetime) -> None:
        """Set it: it shows `local` now."""
        self._true_ms, self._local, self.is_set = self._clock.utc_ms(), local, True

    def lose(self) -> None:
        """Start over as after a pulled battery."""
        self.set(NEVER_SET)
        self.is_set = False

    def jump(self, seconds: float) -> None:
        """Show `seconds` more than a moment ago."""
        was_set = self.is_set
        self.set(self.local() + timedelta(seconds=seconds))
        self.is_set = was_set

    def true_s(self, own_s: float) -> float:
        """True seconds in `own_s` seconds of this clock."""
        return own_s / self._rate

    def ticks_ms(self, from_utc_ms: int, first: int, after: int, every_s: float) -> NDArray[np.int64]:
        """True UTC milliseconds of the ticks `first` to before `after`, `every_s` of its own apart from a moment on."""
        steps = np.arange(first, after, dtype=np.float64) * (every_s * 1000.0 / self._rate)
        return from_utc_ms + np.floor(steps + 0.5).astype(np.int64)

    def ticks_until(self, from_utc_ms: int, until_utc_ms: int, every_s: float) -> int:
        """How many such ticks there are up to and with `until_utc_ms`."""
        if until_utc_ms < from_utc_ms:
            return 0
        return int((until_utc_ms - from_utc_ms + 0.5) * self._rate / (every_s * 1000.0)) + 1
