"""The lanes of a night's figure: which there are, how high, and the ranges that stay while one zooms. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from gateway.service.views.night_values import POSTURES, LaneName, NightAccount, NightLanes, Span

LEFT: Final = 62
RIGHT: Final = 16
NAME: Final = 24
"""Pixels above a lane, for its name."""
BELOW: Final = 66
"""Pixels for the axis and the slider."""
MARGIN: Final = 0.01
LEAST_MARGIN_S: Final = 30.0
NARROWEST_S: Final = 30


@dataclass(frozen=True, slots=True)
class Curve:
    """A line in a lane."""

    name: LaneName
    label: str
    unit: str
    digits: int


@dataclass(frozen=True, slots=True)
class Layout:
    """A lane: its name, height in pixels, curves, and the range that a calm night fills."""

    key: str
    title: str
    height: int
    curves: tuple[Curve, ...]
    low: float
    high: float
    step: float


LANES: Final = (
    Layout("spo2", "SpO₂ (%)", 170, (Curve("spo2", "SpO₂", "%", 0),), 85, 100, 5),
    Layout(
        "pulse",
        "Pulse, and heart by the bed (/min)",
        105,
        (Curve("pulse", "Pulse", "/min", 0), Curve("heart_rate", "Heart, bed", "/min", 0)),
        50,
        80,
        10,
    ),
    Layout("breath", "Breath, bed (/min)", 75, (Curve("respiration_rate", "Breath, bed", "/min", 1),), 5, 25, 5),
    Layout("movement", "Movement, bed (share of 10 s)", 55, (Curve("movement", "Movement, bed", "", 2),), 0, 1, 0.5),
    Layout("wear", "MAD (°C)", 85, (Curve("temperature", "MAD", "°C", 1),), 20, 40, 10),
    Layout("posture", "Posture, MAD worn", 85, (), -0.5, 4.5, 1),
)
ROWS: Final = {"upright": 4, "supine": 3, "left": 2, "right": 1, "prone": 0}
ROW_NAMES: Final = ("front", "right", "left", "back", "upright")
assert set(ROWS) == set(POSTURES)


@dataclass(frozen=True, slots=True)
class Frame:
    """What of a figure stays while one zooms: its lanes, their ranges, and the time from end to end.

    Attributes
    ----------
    start_ms, end_ms : int
        UTC.
    """

    start_ms: int
    end_ms: int
    lanes: tuple[Layout, ...]
    ranges: tuple[tuple[float, float], ...]

    @property
    def height(self) -> int:
        """Of the whole figure, pixels."""
        return sum(NAME + lane.height for lane in self.lanes) + BELOW


def frame_of(account: NightAccount, whole: NightLanes) -> Frame:
    """The frame of a night; of a running one it reaches to the next half hour, so that it does not always move."""
    recorded = account.recorded_ms or Span(whole.start_ms, whole.end_ms)
    margin_ms = round(max((recorded.end_ms - recorded.start_ms) * MARGIN, LEAST_MARGIN_S * 1000))
    start_ms, end_ms = recorded.start_ms - margin_ms, recorded.end_ms + margin_ms
    if account.state == "running":
        end_ms = -(-end_ms // 1_800_000) * 1_800_000
    start_ms = max(start_ms, account.noon_ms.start_ms)
    end_ms = max(min(end_ms, account.noon_ms.end_ms), start_ms + NARROWEST_S * 1000)
    shown = tuple(lane for lane in LANES if _has(lane, account, whole))
    return Frame(start_ms, end_ms, shown, tuple(_range(lane, whole) for lane in shown))


def _has(lane: Layout, account: NightAccount, whole: NightLanes) -> bool:
    if any(curve.name in whole.lanes for curve in lane.curves):
        return True
    also: Mapping[str, Sequence[Span]] = {
        "wear": (*account.worn, *account.unrecorded),
        "posture": whole.postures,
        "movement": whole.in_bed,
        "spo2": [account.noon_ms] if account.desaturations else [],
    }
    return bool(also.get(lane.key))


def _range(lane: Layout, whole: NightLanes) -> tuple[float, float]:
    """Whole steps around the values, and never narrower than a calm night's: so that one looks calm."""
    low, high = lane.low, lane.high
    if not lane.curves:
        return low, high
    below = 2.0 if lane.key == "spo2" else 0.0  # room for the mark below the deepest nadir
    for curve in lane.curves:
        if curve.name in whole.lanes:
            values = whole.lanes[curve.name].values
            low, high = min(low, float(np.nanmin(values)) - below), max(high, float(np.nanmax(values)))
    return lane.step * math.floor(low / lane.step), lane.step * math.ceil(high / lane.step)
