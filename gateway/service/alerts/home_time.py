"""What time it is in each home by its data, with the wall clock as fallback for silence.

A home's time is that of its latest data; while nothing comes it runs on as the wall clock does. Live, the two are the
same. A night that is replayed in a minute has its timers in the night's time, and one that was dated by a clock of the
future does not drag the timers along.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gateway.clock import Clock

AHEAD_MS: Final = 3_600_000
"""Data dated further ahead of the wall clock than this are no word on what time it is."""

HOME: Final = "home/"
DEVICE: Final = "device/"
"""Names under which data times are kept."""


class HomeTimes:
    """Data time of each home (its gateway) and of each device."""

    def __init__(self, clock: Clock, kept: Mapping[str, tuple[int, int]]) -> None:
        self._clock = clock
        self._homes = {name.removeprefix(HOME): pair for name, pair in kept.items() if name.startswith(HOME)}
        self._devices = {name.removeprefix(DEVICE): pair[0] for name, pair in kept.items() if name.startswith(DEVICE)}
        self._changed_homes: set[str] = set()
        self._changed_devices: set[str] = set()

    def heard(self, gateway: str, data_ms: int) -> None:
        """Note data of a home up to a time."""
        wall_ms = self._clock.utc_ms()
        first = gateway not in self._homes
        if data_ms <= wall_ms + AHEAD_MS and (first or data_ms >= self.now_ms(gateway, wall_ms)):
            self._homes[gateway] = (data_ms, wall_ms)
            self._changed_homes.add(gateway)

    def heard_device(self, device: str, data_ms: int) -> None:
        """Note data of a device up to a time."""
        self._devices[device] = max(data_ms, self._devices.get(device, 0))
        self._changed_devices.add(device)

    def last_of(self, device: str) -> int:
        """End of a device's latest data; 0 if it was never heard of."""
        return self._devices.get(device, 0)

    @property
    def devices(self) -> list[str]:
        """Devices that were heard of."""
        return list(self._devices)

    def now_ms(self, gateway: str | None, wall_ms: int | None = None) -> int:
        """What time it is in a home; the wall clock's where nothing is known of it."""
        wall_ms = self._clock.utc_ms() if wall_ms is None else wall_ms
        known = self._homes.get(gateway or "")
        if known is None:
            return wall_ms
        data_ms, then_ms = known
        return data_ms + max(0, wall_ms - then_ms)

    def latest_ms(self) -> int:
        """The latest that any home has."""
        wall_ms = self._clock.utc_ms()
        return max([wall_ms, *(self.now_ms(gateway, wall_ms) for gateway in self._homes)])

    def unwritten(self) -> dict[str, tuple[int, int]]:
        """What changed since the last call, to be kept."""
        homes, self._changed_homes = self._changed_homes, set()
        devices, self._changed_devices = self._changed_devices, set()
        return {
            **{HOME + gateway: self._homes[gateway] for gateway in homes},
            **{DEVICE + device: (self._devices[device], 0) for device in devices},
        }
