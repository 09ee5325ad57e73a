"""Dating of records by the clock of a device that counts its boots: ticks of each boot, tied to UTC by anchors. Pure.

An anchor's `epoch` is here the boot counter without its wrap at 65536. Between two anchors of one boot the tick is
interpolated linearly, outside of them it goes at the nominal rate (docs/edge-protocol.md, Time). A boot that no contact
fell into lies between what is known before and behind it.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gateway.home.collect.dating import ABSURD_PPM, DRIFT_PPM
from gateway.home.outbox.ledger import Anchor

BOOTS: Final = 1 << 16
"""The devices' counter has 16 bits."""

UNBOUNDED_MS: Final = 10 * 365 * 86_400_000
"""Stated where nothing says when a boot began at the earliest: ten years, more than a device lives."""

EARLIEST_MS: Final = 946_684_800_000
LATEST_MS: Final = 7_258_118_400_000
"""2000 to 2200: a tick that makes no sense dates no record out of what can be stored; its doubt grows by as much."""

MEASURED_OVER_MS: Final = 3_600_000
"""Anchors closer than this tell no drift: half a connection interval each is 10 ppm of an hour."""

MEASURED_WITHIN_MS: Final = 2 * 86_400_000
"""Drift follows the temperature: that of the last days is the one to go on with."""

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Dates:
    """UTC milliseconds and the half width of the interval that holds the truth, one of each a record.

    Shorter than what was to be dated where the rest cannot be dated yet.
    """

    utc_ms: Ints
    uncertainty_ms: Ints


def epoch_at_contact(anchors: Sequence[Anchor], boot: int, tick_ms: int) -> int:
    """Return the epoch of a contact: the next one, from the last on, that shows as `boot`.

    A clock of the same boot that reads less than it did is another boot's: the counter went all the way round.
    """
    if not anchors:
        return boot
    last = anchors[-1]
    epoch = last.epoch + (boot - last.epoch) % BOOTS
    return epoch + BOOTS if epoch == last.epoch and tick_ms < last.tick else epoch


def epochs_of(boot: Ints, present: int) -> Ints:
    """Boot counters of records without their wrap: the last such boot up to the present one."""
    return np.asarray(present - (present - boot) % BOOTS)


def drift_ppm(anchors: Sequence[Anchor]) -> float | None:
    """How much slower than ours a device's clock runs, by the last anchors of its present boot; None: not known."""
    if not anchors:
        return None
    own = _coherent([anchor for anchor in anchors if anchor.epoch == anchors[-1].epoch])
    last = own[-1]
    first = next((anchor for anchor in own if last.tick - anchor.tick <= MEASURED_WITHIN_MS), last)
    span = last.tick - first.tick
    if span < MEASURED_OVER_MS:
        return None
    return (last.utc_ms - first.utc_ms - span) / span * 1e6


def date_boot(anchors: Sequence[Anchor], tick_ms: Ints, *, rate_ppm: float = 0.0) -> Dates:
    """Date ticks of one boot.

    Parameters
    ----------
    anchors : sequence of Anchor
        Of that boot, in order of their ticks; not empty.
    tick_ms : array of int64, shape (n,)
    rate_ppm : float
        How much slower than nominal the clock is taken to run outside of the anchors.

    Returns
    -------
    Dates
        The stated uncertainty holds for any clock whose rate stays within `DRIFT_PPM`, however it changes: between
        anchors with mean drift d that are T apart, p behind the first, by at most
        max(min(p (D - d), (T - p)(D + d)), min(p (D + d), (T - p)(D - d))) beside the anchors' own.
    """
    own = _coherent(anchors)
    at = np.array([anchor.tick for anchor in own], np.int64)
    utc = np.array([anchor.utc_ms for anchor in own], np.int64)
    doubt = np.array([anchor.uncertainty_ms for anchor in own], np.int64)
    left = np.searchsorted(at, tick_ms, side="right") - 1
    inside = (left >= 0) & (left < at.size - 1)
    left = left.clip(0)
    right = np.where(inside, left + 1, left)
    offset = utc[left] - at[left]
    passed = (tick_ms - at[left]).astype(np.float64)
    span = np.where(inside, at[right] - at[left], 1).astype(np.float64)
    slip = ((utc[right] - at[right]) - offset).astype(np.float64)
    measured = slip / span
    bound = DRIFT_PPM / 1e6
    most = np.maximum(bound, np.abs(measured))
    ahead, back = most - measured, most + measured
    bend = np.maximum(
        np.minimum(passed * ahead, (span - passed) * back), np.minimum(passed * back, (span - passed) * ahead)
    )
    away = np.abs(passed) * (bound + abs(rate_ppm) / 1e6)
    moved = np.where(inside, passed * measured, passed * rate_ppm / 1e6)
    beyond = np.where(inside, bend, away)
    return Dates(
        tick_ms + offset + np.rint(moved).astype(np.int64),
        np.maximum(doubt[left], doubt[right]) + np.ceil(beyond).astype(np.int64),
    )


def date_records(
    anchors: Sequence[Anchor],
    epoch: Ints,
    tick_ms: Ints,
    *,
    since_ms: int | None = None,
    complete: bool = True,
    rate_ppm: float = 0.0,
) -> Dates:
    """Date the records of a log, whatever boots they are of.

    Parameters
    ----------
    anchors : sequence of Anchor
        All of the device, in order of epoch and tick.
    epoch, tick_ms : array of int64, shape (n,)
        Of each record, in the order in which they were recorded.
    since_ms : int or None
        The records were made after this: what was handed on before, less its uncertainty.
    complete : bool
        Nothing of the log is missing behind the last record; else a boot without an anchor may go on.
    rate_ppm : float
        As in `date_boot`.

    Returns
    -------
    Dates
        Of the first m <= n records. A boot without an anchor gets the middle of where it fits between what is known
        before and behind it, and half of that room as its uncertainty.
    """
    known: dict[int, list[Anchor]] = {}
    for anchor in anchors:
        known.setdefault(anchor.epoch, []).append(anchor)
    bounds = [0, *(np.flatnonzero(np.diff(epoch)) + 1).tolist(), epoch.size] if epoch.size else [0]
    boots = [(int(epoch[first]), slice(first, end)) for first, end in itertools.pairwise(bounds)]
    utc, doubt = np.zeros(epoch.size, np.int64), np.zeros(epoch.size, np.int64)
    done = 0
    earliest = since_ms
    for place, (number, part) in enumerate(boots):
        if number in known:
            dates = date_boot(known[number], tick_ms[part], rate_ppm=rate_ppm)
        else:
            behind = [(boot, rest) for boot, rest in boots[place:] if boot not in known]
            following = min((boot for boot in known if boot > number), default=None)
            if following is None or (not complete and place == len(boots) - 1):
                break
            unknown = [int(tick_ms[rest].max()) for boot, rest in behind if boot < following]
            start = date_boot(known[following], np.zeros(1, np.int64))
            latest = int(start.utc_ms[0] + start.uncertainty_ms[0])
            before = [anchor.utc_ms - anchor.uncertainty_ms for anchor in anchors if anchor.epoch < number]
            least = max([*before, *([] if earliest is None else [earliest])], default=None)
            dates = _date_between(least, latest, sum(unknown), tick_ms[part])
        utc[part], doubt[part] = dates.utc_ms, dates.uncertainty_ms
        done = part.stop
        earliest = int(utc[done - 1] - doubt[done - 1])
    within = utc[:done].clip(EARLIEST_MS, LATEST_MS)
    return Dates(within, doubt[:done] + np.abs(within - utc[:done]))


def _date_between(least_ms: int | None, latest_ms: int, ticks_ms: int, tick_ms: Ints) -> Dates:
    """Date a boot that began after `least_ms` and, with the boots behind it, took `ticks_ms` until `latest_ms`."""
    if least_ms is None:
        start, doubt = latest_ms - ticks_ms, UNBOUNDED_MS
    else:
        room = latest_ms - ticks_ms - least_ms
        start, doubt = least_ms + room // 2, (abs(room) + 1) // 2
    return Dates(tick_ms + start, doubt + np.ceil(tick_ms * (DRIFT_PPM / 1e6)).astype(np.int64))


def in_order(dates: Dates, lasts_ms: Ints, floor_ms: int | None) -> Dates:
    """Make dates follow each other as the records did.

    Parameters
    ----------
    lasts_ms : array of int64, shape (n,)
        From a record's date to the moment before which the next one cannot be, at least 1.
    floor_ms : int or None
        First moment that is free behind what was handed on before. Records dated before it by no more than their
        uncertainty are moved to it.

    Returns
    -------
    Dates
        A record dated later than the one behind it allows is moved before that one; what a record was moved by is
        added to its uncertainty.
    """
    before = np.concatenate(([0], np.cumsum(lasts_ms[:-1]))) if lasts_ms.size else lasts_ms
    moved = np.minimum.accumulate((dates.utc_ms - before)[::-1])[::-1]
    if floor_ms is not None and moved.size and 0 < floor_ms - moved[0] <= 2 * dates.uncertainty_ms[0] + 1000:
        moved = np.maximum(moved, floor_ms)
    utc = moved + before
    return Dates(utc, dates.uncertainty_ms + np.abs(utc - dates.utc_ms))


def _coherent(anchors: Sequence[Anchor]) -> list[Anchor]:
    """Without those that do not fit to the last ones: then our own clock was wrong, and it is right later."""
    kept: list[Anchor] = []
    for anchor in reversed(anchors):
        if not kept or not _slipped(anchor, kept[-1]):
            kept.append(anchor)
    return kept[::-1]


def _slipped(left: Anchor, right: Anchor) -> bool:
    ticks = right.tick - left.tick
    slip = abs((right.utc_ms - left.utc_ms) - ticks)
    return slip > ticks * ABSURD_PPM / 1_000_000 + left.uncertainty_ms + right.uncertainty_ms
