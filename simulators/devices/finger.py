"""What a finger sensor is worn on: traces of a night or of a recording, asked at any moments."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulators.physiology import Night

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Times = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Readings at some moments, each of shape (n,).

    Attributes
    ----------
    spo2_pct, pulse_bpm, perfusion_pct : array of float64
        In whole steps of the sensor (1 %, 1 bpm, 0.1 %); NaN where there is none.
    motion : array of uint8
        0..254.
    worn, poor : array of bool
        A finger is in the sensor; the signal is poor.
    """

    spo2_pct: Floats
    pulse_bpm: Floats
    perfusion_pct: Floats
    motion: NDArray[np.uint8]
    worn: Bools
    poor: Bools

    @property
    def size(self) -> int:
        """How many."""
        return self.worn.size

    @staticmethod
    def concatenate(parts: Iterable[Samples]) -> Samples:
        """Several in a row, at least one."""
        columns = zip(
            *((s.spo2_pct, s.pulse_bpm, s.perfusion_pct, s.motion, s.worn, s.poor) for s in parts), strict=True
        )
        return Samples(*(np.concatenate(column) for column in columns))

    def slice(self, first: int, after: int) -> Samples:
        """Return those from `first` to before `after`."""
        cut = slice(first, after)
        return Samples(
            self.spo2_pct[cut],
            self.pulse_bpm[cut],
            self.perfusion_pct[cut],
            self.motion[cut],
            self.worn[cut],
            self.poor[cut],
        )


def nothing(size: int) -> Samples:
    """No finger, `size` times."""
    missing = np.full(size, np.nan)
    none = np.zeros(size, dtype=np.bool_)
    return Samples(missing, missing, missing, np.zeros(size, dtype=np.uint8), none, none)


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """Evenly sampled readings from `start_utc_ms` on; each holds for `step_ms`."""

    start_utc_ms: int
    step_ms: int
    samples: Samples

    @property
    def end_utc_ms(self) -> int:
        """When the last one ends."""
        return self.start_utc_ms + self.samples.size * self.step_ms

    @staticmethod
    def of_night(night: Night) -> Trace:
        """Round a sleeper's night to the steps in which finger sensors read: whole per cents and beats."""
        return Trace(
            night.start_utc_ms,
            1000,
            Samples(
                spo2_pct=np.rint(night.spo2_pct),
                pulse_bpm=np.rint(night.pulse_bpm),
                perfusion_pct=np.where(night.finger_off, np.nan, np.rint(night.perfusion_pct * 10.0) / 10.0),
                motion=np.minimum(night.motion, 254).astype(np.uint8),
                worn=~night.finger_off,
                poor=night.poor_signal,
            ),
        )


class Finger:
    """Traces, one after the other, with no finger between them."""

    def __init__(self, traces: Iterable[Trace] = ()) -> None:
        self._traces: list[Trace] = []
        for trace in traces:
            self.wear(trace)

    def wear(self, trace: Trace) -> None:
        """Add a trace.

        Raises
        ------
        ValueError
            It begins before the last one ends.
        """
        if self._traces and trace.start_utc_ms < self._traces[-1].end_utc_ms:
            raise ValueError("a trace begins after the one before it has ended")
        self._traces.append(trace)

    def at(self, utc_ms: Times) -> Samples:
        """Return the readings at true moments in order of time, shape (n,)."""
        parts: list[Samples] = []
        done = 0
        for trace in self._traces:
            first, after = np.searchsorted(utc_ms, [trace.start_utc_ms, trace.end_utc_ms]).tolist()
            if after <= done:
                continue
            if first > done:
                parts.append(nothing(first - done))
            index = (utc_ms[first:after] - trace.start_utc_ms) // trace.step_ms
            s = trace.samples
            parts.append(
                Samples(
                    s.spo2_pct[index],
                    s.pulse_bpm[index],
                    s.perfusion_pct[index],
                    s.motion[index],
                    s.worn[index],
                    s.poor[index],
                )
            )
            done = after
        if done < utc_ms.size:
            parts.append(nothing(utc_ms.size - done))
        return Samples.concatenate(parts) if parts else nothing(0)

    def now(self, utc_ms: int) -> Samples:
        """Return the one reading at a true moment."""
        for trace in reversed(self._traces):
            if trace.start_utc_ms <= utc_ms < trace.end_utc_ms:
                index = (utc_ms - trace.start_utc_ms) // trace.step_ms
                return trace.samples.slice(index, index + 1)
        return nothing(1)
