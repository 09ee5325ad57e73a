"""One person's night in bed, from getting in to getting up: beats, breaths and movements on the time of one `Night`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from simulators.physiology import bcg
from simulators.physiology.effort import breathing_depth, breathing_rate, chest
from simulators.physiology.night import Night
from simulators.physiology.posture import Posture
from simulators.physiology.rr import beats_of_pulse, beats_of_rr
from simulators.physiology.series import Mask, Series, smooth_noise
from simulators.physiology.tossing import RATE_HZ, Movement, movements

_BEFORE_S: Final = (180, 720)
_AFTER_S: Final = (60, 300)
"""In bed before lights out and after the end of the night."""
_USUAL_PER_MIN: Final = (12.0, 17.5)
_CHEST: Final = (3.0, 7.0)
"""Height of the breathing against a supine J wave of 1."""
_SWAY: Final = 0.18
"""Share by which a beat's height follows the breath: the heart moves with the diaphragm."""
_EXIT_S: Final = 5.0
"""Getting up begins so long before the mattress is left."""


@dataclass(frozen=True, slots=True, eq=False)
class Occupant:
    """A stay in bed; times in seconds from `start_ms`, one value a second unless said.

    Attributes
    ----------
    night : Night
    start_ms : int
        UTC milliseconds at which they get in.
    lead_s : int
        Seconds from there to the night's start.
    present : array of bool, shape (seconds,)
        On the mattress.
    beats_s : array, shape (beats,)
        R peaks.
    beat_height, beat_shape : arrays, shape (beats,) and (beats, WAVES, 3)
    breaths : array, shape (seconds + 1,)
        Breaths since the start.
    chest_height : array, shape (seconds + 1,)
        Movement of the chest with each breath, a supine J wave being 1.
    moves : tuple of Movement
    """

    night: Night
    start_ms: int
    lead_s: int
    present: Mask
    beats_s: Series
    beat_height: Series
    beat_shape: Series
    breaths: Series
    chest_height: Series
    moves: tuple[Movement, ...]

    @property
    def end_ms(self) -> int:
        """UTC milliseconds at which they have got up."""
        return self.start_ms + self.present.size * 1000

    def signal(self, first: int, n: int) -> Series:
        """`n` samples at `RATE_HZ` from sample `first` after `start_ms` on; zero outside of the stay."""
        t = (first + np.arange(n)) / RATE_HZ
        total = np.zeros(n)
        seconds = self.present.size
        inside = (t >= 0) & (t < seconds)
        if inside.any():
            at = t[inside]
            knots = np.arange(self.breaths.size, dtype=np.float64)
            height = np.interp(at, knots, self.chest_height)
            total[inside] = height * chest(np.interp(at, knots, self.breaths)) * self.present[at.astype(np.int64)]
        self._add_beats(total, first, n)
        for movement in self.moves:
            begin = int(np.ceil(movement.start_s * RATE_HZ)) - first
            _add(total, begin, movement.samples)
        return total

    def _add_beats(self, total: Series, first: int, n: int) -> None:
        lo = int(np.searchsorted(self.beats_s, first / RATE_HZ - bcg.LAST_S))
        hi = int(np.searchsorted(self.beats_s, (first + n) / RATE_HZ - bcg.FIRST_S))
        if lo >= hi:
            return
        beats = self.beats_s[lo:hi]
        begin = np.ceil((beats + bcg.FIRST_S) * RATE_HZ).astype(np.int64)
        samples = begin[:, None] + np.arange(int((bcg.LAST_S - bcg.FIRST_S) * RATE_HZ))
        before = np.concatenate([beats[:1] - 1.0, beats[:-1]]) if lo == 0 else self.beats_s[lo - 1 : hi - 1]
        stretch = np.clip(beats - before, 0.4, 1.6) ** 0.2
        waves = bcg.complexes(
            samples / RATE_HZ - beats[:, None], self.beat_shape[lo:hi], self.beat_height[lo:hi], stretch
        )
        place = samples - first
        inside = (place >= 0) & (place < n)
        np.add.at(total, place[inside], waves[inside])


def _add(total: Series, begin: int, samples: Series) -> None:
    first, after = max(begin, 0), min(begin + samples.size, total.size)
    if first < after:
        total[first:after] += samples[first - begin : after - begin]


def settle(stream: np.random.SeedSequence, night: Night, rr_ms: Series | None, skip: int) -> Occupant:
    """Put the sleeper of `night` to bed.

    Parameters
    ----------
    stream : numpy.random.SeedSequence
        Of this stay alone; each part draws from a stream of its own.
    rr_ms : array, shape (k,), optional
        Clean intervals of a real heart, in ms, to be used instead of the night's pulse.
    skip : int
        Which of them to begin with.
    """
    of_times, of_rate, of_depth, of_moves, of_shapes, of_beats = (
        np.random.default_rng(each) for each in stream.spawn(6)
    )
    lead_s, after_s = int(of_times.integers(*_BEFORE_S)), int(of_times.integers(*_AFTER_S))
    size = lead_s + night.duration_s + after_s
    second = np.arange(size) - lead_s
    within = np.clip(second, 0, night.duration_s - 1)
    asleep = (second >= 0) & (second < night.duration_s)
    present = np.where(asleep, night.posture[within] != Posture.UPRIGHT, True)

    changes = np.flatnonzero(np.diff(present.astype(np.int8)))
    out_s, in_s = changes[~present[changes + 1]] + 1.0, changes[present[changes + 1]] + 1.0
    edges_s = np.concatenate([[0.0], out_s - _EXIT_S, in_s, [size - _EXIT_S]])
    turns_s = night.turns_s + lead_s
    if edges_s.size and turns_s.size:
        turns_s = turns_s[np.abs(turns_s[:, None] - edges_s[None]).min(axis=1) > 2.0 * _EXIT_S]
    motion = np.where(asleep & present, night.motion[within], 0.0)
    moves = movements(of_moves, turns_s, motion, edges_s)

    rate = breathing_rate(of_rate, night.stages, float(of_rate.uniform(*_USUAL_PER_MIN)), night.duration_s)
    breaths = np.concatenate([[0.0], np.cumsum(rate[within] / 60.0)])
    depth = breathing_depth(of_depth, night.flow, night.events, night.stages)
    depth = np.where(asleep, depth[within], 1.0)

    # A new way of lying begins with every turn.
    starts_s = np.concatenate([[0.0], np.sort(np.concatenate([turns_s, in_s]))])
    lain = np.minimum(night.posture[np.clip((starts_s + 1 - lead_s).astype(np.int64), 0, night.duration_s - 1)], 3)
    shapes = bcg.lying_shapes(of_shapes, lain.astype(np.float64))
    chests = of_shapes.uniform(*_CHEST) * np.exp(0.25 * of_shapes.standard_normal(starts_s.size))
    lying = np.searchsorted(starts_s, np.arange(size), side="right") - 1
    chest_height = chests[lying] * depth

    if rr_ms is None:
        beats_s = beats_of_pulse(of_beats, night.heart_rate_bpm[within], breaths[:-1])
    else:
        beats_s = beats_of_rr(rr_ms, skip, float(size))
    at = np.minimum(beats_s.astype(np.int64), size - 1)
    beat_height = 1.0 + _SWAY * np.cos(2.0 * np.pi * np.interp(beats_s, np.arange(size + 1.0), breaths) + 0.7)
    beat_height *= np.exp(0.08 * of_beats.standard_normal(beats_s.size))
    beat_height *= 1.0 + 0.1 * smooth_noise(of_beats, size, 120.0)[at].clip(-3, 3)
    return Occupant(
        night=night,
        start_ms=night.start_utc_ms - lead_s * 1000,
        lead_s=lead_s,
        present=present,
        beats_s=beats_s,
        beat_height=beat_height * present[at],
        beat_shape=shapes[lying[at]],
        breaths=breaths,
        chest_height=np.append(chest_height, chest_height[-1]),
        moves=moves,
    )
