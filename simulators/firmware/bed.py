"""The sensor under the mattress: its samples go to the firmware in blocks, as its own timer would queue them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from bumble.device import Device
from numpy.typing import NDArray

from gateway.clock import Clock
from simulators.firmware.device import FirmwareDevice
from simulators.radio import Ether

PERIOD_MS: Final = 20
WIDTH: Final = 12
LOWEST_GAIN: Final = 0.25
"""What gain step 0 makes of a count of the strip; a heartbeat is then just above one step of the converter."""
GAIN_DOUBLINGS: Final = 2
"""Of each further step, as the piezo strip's amplifier has it."""

MOST: Final = 400
"""Samples in one block: what the strip's queue on a board holds, less some (512)."""

_AHEAD: Final = 3000


class Strip(Protocol):
    """What lies under the mattress; `simulators.physiology.bed.Bed` is one."""

    def counts(self, start_utc_ms: int, n: int, *, gain: float, width: int) -> NDArray[np.int32]:
        """Read `n` samples at 50 Hz."""


@dataclass(slots=True)
class BootTruth:
    """What the firmware was given from one power on to the next.

    Attributes
    ----------
    utc_ms, period_ms : float
        True UTC of sample 0, and true distance of samples.
    first : int
        Number of the first sample given.
    values : bytearray
        Samples as int16, without a gap.
    gains : list of (int, int)
        From which sample on which gain held, in doublings of the lowest.
    """

    utc_ms: float
    period_ms: float
    first: int = 0
    values: bytearray = field(default_factory=bytearray)
    gains: list[tuple[int, int]] = field(default_factory=list)

    @property
    def samples(self) -> NDArray[np.int16]:
        """The samples given."""
        return np.frombuffer(bytes(self.values), "<i2")

    @property
    def utc(self) -> NDArray[np.float64]:
        """True UTC ms of each."""
        numbers = np.arange(self.first, self.first + len(self.values) // 2, dtype=np.float64)
        return self.utc_ms + numbers * self.period_ms


class VirtualBed(FirmwareDevice):
    """The bed sensor. Parameters as `FirmwareDevice`, and

    Parameters
    ----------
    strip : Strip
        What it lies on.

    Attributes
    ----------
    given : list of BootTruth
        One a boot.
    """

    program = "bed"

    def __init__(
        self,
        ether: Ether,
        radio: Device,
        clock: Clock,
        folder: Path,
        strip: Strip,
        *,
        secret: bytes,
        drift_ppm: float = 0.0,
        first_tick: int = 0,
    ) -> None:
        super().__init__(ether, radio, clock, folder, secret=secret, drift_ppm=drift_ppm, first_tick=first_tick)
        self.strip = strip
        self.given: list[BootTruth] = []
        self._taken = 0
        self._gain = 0
        self._ahead = b""
        self._ahead_at = 0

    def on_power(self) -> None:
        """Power has come: the timer starts."""
        self.given.append(BootTruth(self.clock.utc_ms(), self.crystal.seconds(PERIOD_MS) * 1000))
        self._taken = 0
        self._ahead = b""

    def on_gain(self, step: int) -> None:
        """Another gain from the next sample on."""
        self._gain = step
        self.given[-1].gains.append((self._taken, step * GAIN_DOUBLINGS))
        self._ahead = b""

    def ask(self, what: int) -> bytes:
        """Answer for a sensor; there is none but the strip."""
        raise ValueError(f"the bed sensor has no sensor {what}")

    def block(self) -> bytes:
        """Samples since the last call, behind the number of those that the queue has lost."""
        ticks = int(self.crystal.ticks(self.clock.monotonic_s())) - self.first_tick
        due = ticks // PERIOD_MS - self._taken
        if due <= 0:
            return b""
        count = min(due, MOST)
        start = 2 * (self._taken - self._ahead_at)
        if not self._ahead or start + 2 * count > len(self._ahead):
            self._ahead_at, start = self._taken, 0
            self._ahead = self._read(self._taken)
        values = self._ahead[start : start + 2 * count]
        self._taken += count
        self.given[-1].values += values
        return b"\0\0" + values

    def _read(self, first: int) -> bytes:
        """Samples from number `first` on: of the strip's grid those that are nearest in time."""
        boot = self.given[-1]
        utc_ms = boot.utc_ms + (first + np.arange(_AHEAD)) * boot.period_ms
        grid = np.floor(utc_ms / PERIOD_MS).astype(np.int64)
        counts = self.strip.counts(
            int(grid[0]) * PERIOD_MS,
            int(grid[-1] - grid[0]) + 1,
            gain=LOWEST_GAIN * 2 ** (GAIN_DOUBLINGS * self._gain),
            width=WIDTH,
        )
        return bytes(counts[grid - grid[0]].astype("<i2").tobytes())
