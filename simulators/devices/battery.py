"""A battery that empties with time, faster or slower by what the device does."""

from __future__ import annotations

from gateway.clock import Clock


class Battery:
    """Charge in %.

    Parameters
    ----------
    clock : Clock
    life_h : float
        Hours from full to empty, until `draw` says otherwise.
    level_pct : float
        Now.
    """

    def __init__(self, clock: Clock, *, life_h: float, level_pct: float = 100.0) -> None:
        if life_h <= 0 or not 0 <= level_pct <= 100:
            raise ValueError(f"a battery lasts longer than 0 h and holds 0 to 100 %: {life_h} h, {level_pct} %")
        self._clock = clock
        self._life_h = life_h
        self._since_ms = clock.utc_ms()
        self._level_pct = level_pct

    @property
    def level_pct(self) -> float:
        """0 to 100."""
        used = (self._clock.utc_ms() - self._since_ms) / 36_000.0 / self._life_h
        return max(0.0, self._level_pct - used)

    @property
    def shown_pct(self) -> int:
        """As a device shows it: whole per cents."""
        return round(self.level_pct)

    @property
    def empty(self) -> bool:
        """Whether the device has no power."""
        return self.level_pct <= 0.0

    def draw(self, life_h: float) -> None:
        """Draw as much from now on as would empty a full one in `life_h` hours."""
        if life_h != self._life_h:
            self.charge(self.level_pct)
            self._life_h = life_h

    def charge(self, level_pct: float = 100.0) -> None:
        """Fill it (or, below the present level, use it up) to `level_pct`."""
        self._since_ms, self._level_pct = self._clock.utc_ms(), level_pct
