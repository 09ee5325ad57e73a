"""Rule ``spo2_low``: SpO2 at or below a level for minutes, as the samples come.

Works on samples as the device gives them, its own warnings left out: no delay but that of the last sample itself. The
analytics' mask, which needs a look ahead, is not waited for. All arithmetic is in whole milliseconds and by runs of
equal samples, so any cutting of a recording gives the same findings, bit for bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from analytics.alerts.findings import Episode, Finding
from analytics.alerts.runs import runs
from analytics.oximetry.signal import (
    FLAG_CHARGING,
    FLAG_DEVICE_ARTEFACT,
    FLAG_NO_FINGER,
    FLAG_POOR_SIGNAL,
    VALID_HIGH_PCT,
    VALID_LOW_PCT,
)

RULE: Final = "spo2_low"
SUSPECT: Final = FLAG_NO_FINGER | FLAG_POOR_SIGNAL | FLAG_DEVICE_ARTEFACT | FLAG_CHARGING
"""Flags of a sample that is taken as missing. Low perfusion is not among them: it goes with true hypoxia."""

GRADES: Final = (1, 3, 6)
"""Multiples of the rule's minutes at which the grade rises: 5, 15, 30 min by default."""

_MISSING, _LOW, _MIDDLE, _HIGH = range(4)


class Spo2State(msgspec.Struct, frozen=True):
    """Where the rule stands for one device.

    Attributes
    ----------
    end_ms : int
        End of the latest sample; 0 before the first.
    from_ms, low_ms, lowest_pct
        The run at or below the level: its first sample, its time, its minimum.
    missing_ms : int
        Missing time since the last valid sample.
    high_ms : int
        While raised: time above level and margin, unbroken.
    grade : int
        0 while nothing is raised.
    """

    end_ms: int = 0
    from_ms: int = 0
    low_ms: int = 0
    lowest_pct: float = 0.0
    missing_ms: int = 0
    high_ms: int = 0
    grade: int = 0


def start() -> Spo2State:
    """State of a device of which nothing has arrived."""
    return Spo2State()


def step(
    state: Spo2State,
    t0_ms: int,
    dt_ms: int,
    spo2: NDArray[np.float32],
    flags: NDArray[np.uint16] | None,
    thresholds: Mapping[str, float],
) -> tuple[Spo2State, tuple[Finding, ...]]:
    """Take evenly sampled SpO2.

    Parameters
    ----------
    t0_ms, dt_ms : int
        UTC of the first sample, and the interval.
    spo2 : array of float32, shape (n,)
        %; NaN missing. Outside of 50 to 100 it is taken as missing.
    flags : array of uint16, shape (n,), or None
        Bits of the `flags` column of kind oximetry.
    thresholds : mapping
        Of rule `spo2_low`, in force.

    Returns
    -------
    (Spo2State, tuple of Finding)
        Samples that begin before the end of the latest one are passed over: late data run the night again.
    """
    if state.end_ms and t0_ms < state.end_ms:
        known = -(-(state.end_ms - t0_ms) // dt_ms)
        t0_ms += known * dt_ms
        spo2 = spo2[known:]
        flags = None if flags is None else flags[known:]
    if not spo2.size:
        return state, ()
    end_ms = t0_ms + spo2.size * dt_ms
    # Nearly every batch: nothing under way, and no sample is low. A NaN is passed over.
    if not state.low_ms and not state.grade and np.fmin.reduce(spo2) > thresholds["level_pct"]:
        return Spo2State(end_ms), ()
    codes = _codes(spo2, flags, thresholds)
    walk = _Walk(state, thresholds)
    if state.end_ms and t0_ms > state.end_ms:
        walk.missing(t0_ms - state.end_ms)
    for code, first, stop in runs(codes):
        at_ms = t0_ms + first * dt_ms
        if code == _MISSING:
            walk.missing((stop - first) * dt_ms)
        elif code == _LOW:
            walk.low(at_ms, dt_ms, spo2[first:stop])
        elif code == _MIDDLE:
            walk.middle()
        else:
            walk.high(at_ms, dt_ms, stop - first)
    return walk.state(end_ms), tuple(walk.findings)


def episodes(findings: tuple[Finding, ...]) -> tuple[Episode, ...]:
    """What the findings of a whole recording tell: one episode from each raise to its end."""
    found: list[Episode] = []
    for one in findings:
        if not one.holds:
            found[-1] = msgspec.structs.replace(found[-1], over_ms=one.at_ms)
        elif found and found[-1].over_ms is None:
            found[-1] = msgspec.structs.replace(
                found[-1], latest_ms=one.to_ms, grade=one.grade, values=one.values, from_ms=one.from_ms
            )
        else:
            found.append(Episode(RULE, one.from_ms, one.at_ms, one.to_ms, None, one.grade, one.values))
    return tuple(found)


def _codes(
    spo2: NDArray[np.float32], flags: NDArray[np.uint16] | None, thresholds: Mapping[str, float]
) -> NDArray[np.uint8]:
    level = thresholds["level_pct"]
    codes = np.full(spo2.size, _MIDDLE, np.uint8)
    codes[spo2 <= level] = _LOW
    codes[spo2 > level + thresholds["margin_pct"]] = _HIGH
    valid = (spo2 >= VALID_LOW_PCT) & (spo2 <= VALID_HIGH_PCT)
    if flags is not None and flags.size:
        valid &= (flags & SUSPECT) == 0
    codes[~valid] = _MISSING
    return codes


class _Walk:
    """One step's walk over runs; holds what changes."""

    def __init__(self, state: Spo2State, thresholds: Mapping[str, float]) -> None:
        self._from_ms = state.from_ms
        self._low_ms = state.low_ms
        self._lowest = state.lowest_pct
        self._missing_ms = state.missing_ms
        self._high_ms = state.high_ms
        self._grade = state.grade
        self._level = thresholds["level_pct"]
        self._limit_ms = round(thresholds["minutes"] * 60_000)
        self._clear_ms = max(1, round(thresholds["clear_min"] * 60_000))
        self._gap_ms = round(thresholds["gap_s"] * 1000)
        self.findings: list[Finding] = []

    def state(self, end_ms: int) -> Spo2State:
        """Where it ends; one form for "nothing under way", whatever came before."""
        if not self._low_ms and not self._grade:
            return Spo2State(end_ms)
        return Spo2State(
            end_ms, self._from_ms, self._low_ms, self._lowest, self._missing_ms, self._high_ms, self._grade
        )

    def missing(self, lasting_ms: int) -> None:
        self._missing_ms += lasting_ms
        if self._missing_ms > self._gap_ms:
            self._high_ms = 0
            if not self._grade:
                self._low_ms = 0

    def middle(self) -> None:
        self._missing_ms = self._high_ms = 0
        if not self._grade:
            self._low_ms = 0

    def low(self, at_ms: int, dt_ms: int, spo2: NDArray[np.float32]) -> None:
        self._missing_ms = self._high_ms = 0
        if not self._low_ms:
            self._from_ms, self._lowest = at_ms, float(spo2[0])
        taken = 0
        while self._grade < len(GRADES):
            # Samples of this run until the next grade is reached.
            wanted = max(1, -(-(GRADES[self._grade] * self._limit_ms - self._low_ms) // dt_ms))
            if taken + wanted > spo2.size:
                break
            self._take(spo2[taken : taken + wanted], dt_ms)
            taken += wanted
            self._grade += 1
            self._say(at_ms + taken * dt_ms, holds=True)
        if taken < spo2.size:
            self._take(spo2[taken:], dt_ms)

    def _take(self, spo2: NDArray[np.float32], dt_ms: int) -> None:
        self._lowest = min(self._lowest, float(spo2.min()))
        self._low_ms += spo2.size * dt_ms

    def high(self, at_ms: int, dt_ms: int, count: int) -> None:
        self._missing_ms = 0
        if not self._grade:
            self._low_ms = 0
            return
        wanted = -(-(self._clear_ms - self._high_ms) // dt_ms)
        if count < wanted:
            self._high_ms += count * dt_ms
            return
        self._say(at_ms + wanted * dt_ms, holds=False)
        self._grade = self._low_ms = self._high_ms = 0

    def _say(self, at_ms: int, *, holds: bool) -> None:
        values: dict[str, float | None] = {
            "level_pct": self._level,
            "minutes": self._low_ms / 60_000,
            "lowest_pct": self._lowest,
        }
        self.findings.append(Finding(RULE, holds, at_ms, self._from_ms, at_ms, values, max(1, self._grade)))
