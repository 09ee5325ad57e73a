"""A board's clock as its crystal makes it: milliseconds since power on, a little too fast or too slow."""

from __future__ import annotations

from typing import Final

BEND_PPM: Final = 0.034
"""A tuning-fork crystal loses so many ppm for each squared degC from `TURNOVER_C` (typical of 32,768 Hz parts)."""
TURNOVER_C: Final = 25.0


class Crystal:
    """Ticks of 1 ms.

    Drift is steady until it is set anew; with `temperature_c` told now and then it follows a parabola.

    Parameters
    ----------
    now_s : float
        True seconds, of any clock that is used for all calls.
    drift_ppm : float
        Fast where positive, at `TURNOVER_C`; within +-1000.
    first_tick : int
        What it reads at power on.
    """

    def __init__(self, now_s: float, *, drift_ppm: float = 0.0, first_tick: int = 0) -> None:
        if abs(drift_ppm) > 1000:
            raise ValueError(f"a crystal drifts by less than 1000 ppm: {drift_ppm}")
        self._own_ppm = self._ppm = drift_ppm
        self._since_s = now_s
        self._ticks = float(first_tick)

    def ticks(self, now_s: float) -> float:
        """Milliseconds it reads."""
        return self._ticks + (now_s - self._since_s) * 1000.0 * (1.0 + self._ppm * 1e-6)

    def seconds(self, ticks: float) -> float:
        """True seconds in which it counts so many, if its rate stays."""
        return ticks / 1000.0 / (1.0 + self._ppm * 1e-6)

    def feel(self, now_s: float, temperature_c: float) -> None:
        """Go on at the rate of a temperature."""
        self._ticks, self._since_s = self.ticks(now_s), now_s
        self._ppm = self._own_ppm - BEND_PPM * (temperature_c - TURNOVER_C) ** 2
