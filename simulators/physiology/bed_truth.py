"""What really went on in a bed, for comparison with what a sensor's analysis says of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulators.physiology.breathing import RespiratoryEvent
from simulators.physiology.hypnogram import EPOCH_S as STAGE_S
from simulators.physiology.hypnogram import Stage
from simulators.physiology.occupant import Occupant
from simulators.physiology.series import Series

EPOCH_S: Final = 10
_BREATHING: Final = 0.3
"""Flow below which a second holds no breath worth a rate."""


@dataclass(frozen=True, slots=True, eq=False)
class BedEpochs:
    """Truth in epochs of 10 s, each of shape (n,).

    Attributes
    ----------
    start_ms : int
        UTC milliseconds of the first epoch's start.
    heart_rate_bpm, respiration_rate_per_min : arrays
        Beats and breaths over the epoch, parts counted, times 6; NaN where the bed was empty for any of it, and for
        breaths where they stopped for a third of it or more.
    present : array
        Share of the epoch on the mattress.
    moving : array
        Share of it in movement.
    asleep : array of bool
        Not awake by the hypnogram.
    """

    start_ms: int
    heart_rate_bpm: Series
    respiration_rate_per_min: Series
    present: Series
    moving: Series
    asleep: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class StayTruth:
    """One night in bed; UTC milliseconds throughout.

    Attributes
    ----------
    bedtime_ms, rise_ms : int
        Got in for the night, and up in the morning.
    beats_ms : array, shape (k,)
        R peaks while on the mattress.
    present_ms, movements_ms : arrays, shape (m, 2)
        From and to.
    events : tuple of RespiratoryEvent
        In seconds from `night_start_ms`.
    sleep_h, ahi : float
        Hours asleep, and events an hour of that.
    """

    bedtime_ms: int
    rise_ms: int
    night_start_ms: int
    beats_ms: Series
    present_ms: NDArray[np.int64]
    movements_ms: NDArray[np.int64]
    events: tuple[RespiratoryEvent, ...]
    sleep_h: float
    ahi: float


def stay_truth(occupant: Occupant) -> StayTruth:
    """Truth of one stay."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], occupant.present.astype(np.int8), [0]])))
    moved = np.array([[move.start_s, move.end_s] for move in occupant.moves]).reshape(-1, 2)
    second = np.minimum(occupant.beats_s.astype(np.int64), occupant.present.size - 1)
    return StayTruth(
        bedtime_ms=occupant.start_ms,
        rise_ms=occupant.end_ms,
        night_start_ms=occupant.night.start_utc_ms,
        beats_ms=occupant.start_ms + 1000.0 * occupant.beats_s[occupant.present[second]],
        present_ms=occupant.start_ms + 1000 * edges.reshape(-1, 2).astype(np.int64),
        movements_ms=occupant.start_ms + np.rint(1000 * moved).astype(np.int64),
        events=occupant.night.events,
        sleep_h=occupant.night.sleep_h,
        ahi=occupant.night.ahi,
    )


def epochs_of(occupants: Sequence[Occupant], start_utc_ms: int, n: int) -> BedEpochs:
    """Truth of `n` epochs from `start_utc_ms`, which need not be a whole second."""
    columns = [np.full(n, np.nan), np.full(n, np.nan), np.zeros(n), np.zeros(n)]
    asleep = np.zeros(n, np.bool_)
    for occupant in occupants:
        edges = (start_utc_ms - occupant.start_ms) / 1000.0 + EPOCH_S * np.arange(n + 1.0)
        _fill(occupant, edges, columns, asleep)
    heart, breath, present, moving = columns
    return BedEpochs(start_utc_ms, heart, breath, present, moving, asleep)


def _fill(occupant: Occupant, edges: Series, columns: list[Series], asleep: NDArray[np.bool_]) -> None:
    heart, breath, present, moving = columns
    seconds = np.arange(occupant.present.size + 1.0)
    share = _over(edges, seconds, occupant.present.astype(np.float64))
    whole = share > 1.0 - 1e-9
    beats = np.interp(edges, occupant.beats_s, np.arange(occupant.beats_s.size, dtype=np.float64))
    breaths = np.interp(edges, seconds, occupant.breaths)
    night = occupant.night
    flow = np.ones(occupant.present.size)
    flow[occupant.lead_s : occupant.lead_s + night.duration_s] = night.flow
    breathing = _over(edges, seconds, (flow >= _BREATHING).astype(np.float64)) > 2.0 / 3.0
    heart[whole] = 6.0 * np.diff(beats)[whole]
    breath[whole & breathing] = 6.0 * np.diff(breaths)[whole & breathing]
    present += share
    moved = np.zeros(occupant.present.size)
    for move in occupant.moves:
        moved[max(int(move.start_s), 0) : int(np.ceil(move.end_s))] = 1.0
    moving += _over(edges, seconds, moved)
    middle = 0.5 * (edges[1:] + edges[:-1]) - occupant.lead_s
    epoch = np.floor(middle / STAGE_S).astype(np.int64)
    inside = (epoch >= 0) & (epoch < night.stages.size) & (middle < night.duration_s)
    asleep[inside] = night.stages[epoch[inside]] != Stage.WAKE


def _over(edges: Series, seconds: Series, each_s: Series) -> Series:
    """Mean of a value each second over the spans between `edges`, 0 outside."""
    area = np.concatenate([[0.0], np.cumsum(each_s)])
    return np.asarray(np.diff(np.interp(edges, seconds, area)) / np.diff(edges))
