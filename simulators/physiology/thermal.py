"""How a small body takes the temperature of what it lies in: two first-order lags in closed form, at any instant."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Bath:
    """What the device lies in from an instant on.

    Attributes
    ----------
    start_ms : int
        UTC milliseconds.
    target_c : float
        Temperature it tends to, degC.
    tau_s : float
        Time constant of the device in it, s.
    fades_c : float
        Excess over `target_c` at the start, which itself fades with `fades_tau_s`: a mug that cools. degC.
    fades_tau_s : float
    mouth, room : float
        How much of the life of a mouth and of the wander of a room reaches the device, 0..1.
    """

    start_ms: int
    target_c: float
    tau_s: float
    fades_c: float = 0.0
    fades_tau_s: float = math.inf
    mouth: float = 0.0
    room: float = 0.0


@dataclass(frozen=True, slots=True)
class Warmth:
    """The device at an instant: its sensor's temperature in degC, and the shares of mouth and room that reach it."""

    sensor_c: float
    mouth: float
    room: float


@dataclass(frozen=True, slots=True)
class _Knot:
    """The state with which a bath begins."""

    body_c: float
    sensor_c: float
    mouth: float
    room: float


class Course:
    """The temperature of a device through a succession of baths.

    The body follows what it lies in with the bath's time constant, the sensor follows the body with its own.

    Parameters
    ----------
    baths : sequence of Bath, at least one
        In order of time. Before the first the device has its target's temperature.
    sensor_tau_s : float
        Lag of the sensor behind the body, s; unlike every bath's time constant.
    """

    def __init__(self, baths: Sequence[Bath], sensor_tau_s: float) -> None:
        self._sensor_tau_s = sensor_tau_s
        self._baths = tuple(baths)
        self._starts = [bath.start_ms for bath in baths]
        first = baths[0].target_c
        self._knots = [_Knot(first, first, baths[0].mouth, baths[0].room)]
        for bath, following in pairwise(baths):
            self._knots.append(self._follow(bath, self._knots[-1], (following.start_ms - bath.start_ms) / 1000.0))

    def at(self, utc_ms: int) -> Warmth:
        """Warmth at `utc_ms`."""
        index = max(bisect_right(self._starts, utc_ms) - 1, 0)
        elapsed_s = max(utc_ms - self._starts[index], 0) / 1000.0
        knot = self._follow(self._baths[index], self._knots[index], elapsed_s)
        return Warmth(knot.sensor_c, knot.mouth, knot.room)

    def _follow(self, bath: Bath, knot: _Knot, elapsed_s: float) -> _Knot:
        """State after `elapsed_s` in a bath: the two-pole response to a step and to an excess that fades."""
        body_left = math.exp(-elapsed_s / bath.tau_s)
        sensor_left = math.exp(-elapsed_s / self._sensor_tau_s)
        faded = bath.fades_c * math.exp(-elapsed_s / bath.fades_tau_s)
        # Gains of the slow excess through the body, and of both through the sensor.
        by_body = 1.0 / (1.0 - bath.tau_s / bath.fades_tau_s)
        by_sensor = 1.0 / (1.0 - self._sensor_tau_s / bath.fades_tau_s)
        of_step = 1.0 / (1.0 - self._sensor_tau_s / bath.tau_s)
        step = knot.body_c - bath.target_c - bath.fades_c * by_body
        rest = knot.sensor_c - bath.target_c - bath.fades_c * by_body * by_sensor - step * of_step
        return _Knot(
            body_c=bath.target_c + faded * by_body + step * body_left,
            sensor_c=bath.target_c + faded * by_body * by_sensor + step * of_step * body_left + rest * sensor_left,
            mouth=bath.mouth + (knot.mouth - bath.mouth) * body_left,
            room=bath.room + (knot.room - bath.room) * body_left,
        )
