"""What an accelerometer between the teeth feels: gravity by the head's position, and motion."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

from simulators.physiology.chance import normal, uniform
from simulators.physiology.hypnogram import EPOCH_S, Stage
from simulators.physiology.night import Night
from simulators.physiology.posture import Posture

Vector = tuple[float, float, float]

UP: Final[dict[Posture, Vector]] = {
    Posture.UPRIGHT: (0.0, 0.0, 1.0),
    Posture.SUPINE: (1.0, 0.0, 0.0),
    Posture.PRONE: (-1.0, 0.0, 0.0),
    Posture.LEFT: (0.0, -1.0, 0.0),
    Posture.RIGHT: (0.0, 1.0, 0.0),
}
"""Which way is up in the device's axes: x to the front of the face, y to its left, z to the crown. At rest an
accelerometer feels 1 g that way."""

_TILT_RAD: Final = 0.28
"""Standard deviation of the head's turn against the trunk, per axis, anew with each position."""
_TURN_S: Final = 25.0
"""How long a turn of the body is felt in the motion."""


class Head:
    """The head of one sleeper through nights, as a pure function of the time.

    Parameters
    ----------
    nights : sequence of Night
        In order of time, not overlapping.
    seed : int
    """

    def __init__(self, nights: Sequence[Night], seed: int) -> None:
        self._nights = tuple(nights)
        self._starts = [night.start_utc_ms for night in nights]
        self._turns = [sorted(night.turns_s.tolist()) for night in nights]
        self._seed = seed

    def up(self, utc_ms: int) -> Vector:
        """Unit vector that points up, in the device's axes."""
        number, second = self._where(utc_ms)
        if number < 0:
            return self._tilted(UP[Posture.UPRIGHT], -1, utc_ms // 600_000)
        bout = bisect_right(self._turns[number], second)
        return self._tilted(UP[Posture(int(self._nights[number].posture[int(second)]))], number, bout)

    def motion_mg(self, utc_ms: int) -> float:
        """RMS of the acceleration about its mean over the last half minute, mg."""
        number, second = self._where(utc_ms)
        minute = utc_ms // 60_000
        floor = 3.0 + 3.0 * uniform(self._seed, 11, minute)
        if number < 0:
            return floor + 40.0 + 60.0 * uniform(self._seed, 12, minute)
        night = self._nights[number]
        if night.posture[int(second)] == Posture.UPRIGHT:
            return floor + 60.0 + 80.0 * uniform(self._seed, 12, minute)
        awake = night.stages[int(second) // EPOCH_S] == Stage.WAKE
        if uniform(self._seed, 13, minute) < (0.3 if awake else 0.03):  # a swallow, a twitch, an arousal
            floor += 10.0 + 50.0 * uniform(self._seed, 14, minute)
        turns = self._turns[number]
        bout = bisect_right(turns, second)
        if bout and second - turns[bout - 1] < _TURN_S:
            floor += 100.0 + 250.0 * uniform(self._seed, 15, number, bout)
        return floor

    def _where(self, utc_ms: int) -> tuple[int, float]:
        """The night in bed at that time and the second in it, or (-1, 0)."""
        number = bisect_right(self._starts, utc_ms) - 1
        if number < 0 or utc_ms >= self._nights[number].end_utc_ms:
            return -1, 0.0
        return number, (utc_ms - self._starts[number]) / 1000.0

    def _tilted(self, up: Vector, *keys: int) -> Vector:
        return unit(tuple(up[axis] + _TILT_RAD * normal(self._seed, 16 + axis, *keys) for axis in range(3)))


def unit(vector: Sequence[float]) -> Vector:
    """Make a vector of length 1."""
    x, y, z = vector
    size = math.sqrt(x * x + y * y + z * z)
    return x / size, y / size, z / size
