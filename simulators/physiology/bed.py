"""The bed with its strip under the mattress: nights in, counts at 50 Hz out, the truth beside them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from itertools import pairwise
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from simulators.physiology.bed_truth import BedEpochs, StayTruth, epochs_of, stay_truth
from simulators.physiology.night import Night
from simulators.physiology.occupant import Occupant, settle
from simulators.physiology.rr import clean_rr
from simulators.physiology.series import Series
from simulators.physiology.sleeper import Sleeper
from simulators.physiology.tossing import RATE_HZ

PERIOD_MS: Final = 1000 // RATE_HZ
RAW_BITS: Final = 24
"""Width of `counts` unless another is asked for: wide enough that nothing clips."""

_BED, _PARTNER = 0xBED0, 0xBED2
_BLOCK: Final = 60 * RATE_HZ
_BLOCKS_KEPT: Final = 8
_J_COUNTS: Final = 120.0
"""Counts of a supine J wave at a gain of 1."""
_PARTNER_SHARE: Final = 0.45
"""What reaches the strip from the other side of the mattress."""


class Bed:
    """A bed in which the same sleepers lie as wear the other sensors.

    The strip is AC-coupled (0.05 Hz), so that lying still shows nothing of one's weight, and a turn a swing that comes
    back. Samples stand on a grid of 20 ms since 1970; each is a function of its place there alone, so that any cutting
    gives the same counts.

    Parameters
    ----------
    occupants : sequence of Occupant
        In order of time; those of the second person have their share in `share`.
    seed : int
        Of the sensor's noise.
    noise_counts : float
        Its noise floor, RMS, at a gain of 1.
    """

    def __init__(
        self, sleeper: Sequence[Occupant], partner: Sequence[Occupant], seed: int, noise_counts: float = 4.0
    ) -> None:
        self._sleeper = tuple(sleeper)
        self._partner = tuple(partner)
        self._seed = seed
        self._noise_counts = noise_counts
        self._blocks: OrderedDict[int, Series] = OrderedDict()

    @classmethod
    def of_nights(
        cls,
        nights: Sequence[Night],
        seed: int,
        *,
        rr_ms: Series | None = None,
        second_person: bool = False,
        noise_counts: float = 4.0,
    ) -> Self:
        """Lay a sleeper's nights into a bed.

        Parameters
        ----------
        nights : sequence of Night
            Of one sleeper, in order of time, an hour or more apart.
        seed : int
            Of the bed: how they lie on the strip, and its noise.
        rr_ms : array, shape (k,), optional
            RR intervals of a real heart in ms, as recorded; they are cleaned, run on from night to night, and start
            over at their end. Without them the heart follows each night's pulse.
        second_person : bool
            Whether another one sleeps beside them.
        noise_counts : float
            The sensor's noise floor, RMS, at a gain of 1.

        Raises
        ------
        ValueError
            If nights overlap or stand out of order, `seed` or `noise_counts` is negative, or `rr_ms` is no heart's.
        """
        if seed < 0 or noise_counts < 0:
            raise ValueError(f"seed and noise must not be negative: {seed}, {noise_counts:g}")
        for before, after in pairwise(nights):
            if after.start_utc_ms - before.end_utc_ms < 3_600_000:
                raise ValueError("nights in one bed come in order of time, an hour or more apart")
        heart = None if rr_ms is None else clean_rr(np.asarray(rr_ms, dtype=np.float64))
        sleeper, partner, skip = [], [], 0
        for night in nights:
            # Drawn from the night's own number: another night before it leaves it as it was.
            stream = np.random.SeedSequence([_BED, seed, night.seed, night.index])
            sleeper.append(settle(stream, night, heart, skip))
            skip += sleeper[-1].beats_s.size
            if second_person:
                late_ms = int(np.random.default_rng([_PARTNER, seed, night.index]).integers(-1800, 1800)) * 1000
                other = Sleeper(seed + _PARTNER, "healthy").night(
                    night.start_utc_ms + late_ms, night.duration_s, index=night.index
                )
                partner.append(settle(np.random.SeedSequence([_PARTNER, seed, night.index, 1]), other, None, 0))
        return cls(sleeper, partner, seed, noise_counts)

    @property
    def stays(self) -> tuple[StayTruth, ...]:
        """Truth of the sleeper's nights."""
        return tuple(stay_truth(occupant) for occupant in self._sleeper)

    @property
    def partner_stays(self) -> tuple[StayTruth, ...]:
        """Truth of the second person's nights; empty if there is none."""
        return tuple(stay_truth(occupant) for occupant in self._partner)

    def epochs(self, start_utc_ms: int, n: int) -> BedEpochs:
        """Truth of the sleeper in `n` epochs of 10 s from `start_utc_ms` on."""
        return epochs_of(self._sleeper, start_utc_ms, n)

    def counts(self, start_utc_ms: int, n: int, *, gain: float = 1.0, width: int = RAW_BITS) -> NDArray[np.int32]:
        """Read the strip.

        Parameters
        ----------
        start_utc_ms : int
            UTC milliseconds of the first sample; it is taken at the last grid point of 20 ms at or before.
        n : int
            Samples wanted.
        gain : float
            Of the amplifier before the converter.
        width : int
            Bits of the converter: what lies beyond its rails is clipped to them.

        Returns
        -------
        array of int32, shape (n,)
        """
        first = start_utc_ms // PERIOD_MS
        parts = []
        while n > 0:
            block, offset = divmod(first, _BLOCK)
            part = self._block(block)[offset : offset + n]
            parts.append(part)
            first += part.size
            n -= part.size
        analog = np.concatenate(parts) if parts else np.empty(0)
        rail = float(1 << (width - 1))
        return np.clip(np.rint(gain * analog), -rail, rail - 1).astype(np.int32)

    def _block(self, number: int) -> Series:
        if number in self._blocks:
            self._blocks.move_to_end(number)
            return self._blocks[number]
        first, first_ms = number * _BLOCK, number * _BLOCK * PERIOD_MS
        made = self._noise(number)
        for share, occupants in ((1.0, self._sleeper), (_PARTNER_SHARE, self._partner)):
            for occupant in occupants:
                if occupant.start_ms - 60_000 < first_ms + 60_000 and first_ms < occupant.end_ms + 60_000:
                    made += _J_COUNTS * share * occupant.signal(first - occupant.start_ms // PERIOD_MS, _BLOCK)
        self._blocks[number] = made
        if len(self._blocks) > _BLOCKS_KEPT:
            self._blocks.popitem(last=False)
        return made

    def _noise(self, number: int) -> Series:
        """White noise, and half as much of a wander over seconds that runs on from block to block."""
        white = np.random.default_rng([_BED, self._seed, number]).standard_normal(_BLOCK)
        wander = np.concatenate([self._knots(number), self._knots(number + 1)[:1]])
        slow = np.interp(np.arange(_BLOCK) / RATE_HZ, np.arange(wander.size, dtype=np.float64), wander)
        return np.asarray(self._noise_counts * (white + 0.5 * slow))

    def _knots(self, number: int) -> Series:
        return np.random.default_rng([_BED, self._seed, number, 1]).standard_normal(_BLOCK // RATE_HZ)
