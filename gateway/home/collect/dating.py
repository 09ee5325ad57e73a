"""Dating of samples: stored records from anchors, live samples from their arrival. Pure: no clock, no I/O."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.home.outbox.ledger import Anchor, Room

DRIFT_PPM: Final = 100
"""What a crystal of a cheap wearable is trusted with where no second anchor measures it (tuning fork over 0..50 C)."""

ABSURD_PPM: Final = 500
"""Anchors that imply more than this were not read off one running clock: somebody set it in between."""

OLDEST_MS: Final = 366 * 86_400_000
"""No recording is older than a year when its device is first met: one that seems to be was stamped by a clock that had
lost its time, in a later epoch."""

CLOSING_MS: Final = 900_000
"""A recording is listed some minutes after its last sample: a ring waits for the finger to come back."""

QUARTER_HOUR_MS: Final = 900_000
"""Every time zone's offset is a whole number of these."""


@dataclass(frozen=True, slots=True)
class Dated:
    """UTC milliseconds and the half width of the interval that holds the truth."""

    utc_ms: int
    uncertainty_ms: int


def date_tick(anchors: Sequence[Anchor], epoch: int, tick: int) -> Dated | None:
    """Date a reading of a device's clock.

    Parameters
    ----------
    anchors : sequence of Anchor
        Contacts with the device, any epochs, in order of epoch and tick; `tick` in milliseconds of the device's clock.
    epoch : int
        The run of the device's clock that the reading belongs to.
    tick : int
        The reading, ms.

    Returns
    -------
    Dated or None
        Interpolated linearly between the anchors around it (DESIGN, The way of the data, 3). Outside of them, the
        nearest anchor at the nominal rate, the uncertainty growing by `DRIFT_PPM`. None without an anchor.

    Notes
    -----
    A device clock that agrees with a whole time-zone offset within the uncertainty of the contact is taken at its
    word: its own time is then at least as good as ours, and a recording keeps its stamps exactly.
    """
    own = [anchor for anchor in anchors if anchor.epoch == epoch]
    if not own:
        return None
    before = [anchor for anchor in own if anchor.tick <= tick]
    after = [anchor for anchor in own if anchor.tick > tick]
    if before and after:
        left, right = before[-1], after[0]
        if not _jumped(left, right):
            share = (tick - left.tick) / (right.tick - left.tick)
            offset = (1 - share) * _offset(left) + share * _offset(right)
            return Dated(tick + round(offset), max(left.uncertainty_ms, right.uncertainty_ms))
        # The clock was set between the two contacts. The later one tells what it counts now, as the record does if
        # it came after; the jump itself is the doubt.
        jump = abs((right.utc_ms - left.utc_ms) - (right.tick - left.tick))
        return Dated(tick + _offset(right), right.uncertainty_ms + jump)
    nearest = before[-1] if before else after[0]
    away = abs(tick - nearest.tick)
    return Dated(tick + _offset(nearest), nearest.uncertainty_ms + math.ceil(away * DRIFT_PPM / 1_000_000))


def recording_epoch(anchors: Sequence[Anchor], tick0: int, tick_end: int, unseen_ms: int | None = None) -> int:
    """Tell in which run of the device's clock a recording was made, by its own stamps.

    Parameters
    ----------
    anchors : sequence of Anchor
        Not empty.
    tick0, tick_end : int
        The recording's first and last stamp, ms.
    unseen_ms : int or None
        UTC of the last contact at which the device did not have the recording yet, where that is known.

    Returns
    -------
    int
        Of the epochs in which the recording starts between the epoch before and the one after, and ends before the last
        contact: one in which it ends after `unseen_ms` if there is any; of those one that holds it to its end if there
        is any (else its clock was set while it ran: a recording keeps counting from the start that it was stamped
        with); of those the latest. The latest of all where none fits.
    """
    epochs = sorted({anchor.epoch for anchor in anchors})
    now_ms = max(anchor.utc_ms for anchor in anchors)
    fitting: list[tuple[bool, bool, int]] = []
    for position, epoch in enumerate(epochs):
        start, end = date_tick(anchors, epoch, tick0), date_tick(anchors, epoch, tick_end)
        if start is None or end is None:
            continue  # not with an epoch that has an anchor
        older = [anchor.utc_ms for anchor in anchors if anchor.epoch in epochs[:position]]
        newer = [anchor.utc_ms for anchor in anchors if anchor.epoch in epochs[position + 1 :]]
        first_ms = min(anchor.utc_ms for anchor in anchors if anchor.epoch == epoch)
        earliest, latest = max(older, default=first_ms - OLDEST_MS), min(newer, default=now_ms)
        begun = earliest - start.uncertainty_ms <= start.utc_ms <= latest + start.uncertainty_ms
        if begun and end.utc_ms <= now_ms + end.uncertainty_ms:
            fresh = unseen_ms is None or end.utc_ms >= unseen_ms - end.uncertainty_ms
            fitting.append((fresh, end.utc_ms <= latest + end.uncertainty_ms, epoch))
    return max(fitting)[2] if fitting else epochs[-1]


def place_recording(
    anchors: Sequence[Anchor],
    tick0: int,
    tick_end: int,
    *,
    now_ms: int,
    unseen_ms: int | None = None,
    room: Room | None = None,
) -> tuple[int | None, Callable[[int], Dated]]:
    """Tell when a recording was made.

    Parameters
    ----------
    anchors, tick0, tick_end, unseen_ms
        As in `recording_epoch`; `unseen_ms` counts where there is no `room`.
    now_ms : int
        UTC of now: nothing was recorded later.
    room : Room or None
        Where it fits by the device's lists.

    Returns
    -------
    (int or None, callable)
        The run of the device's clock, and what dates a reading of it. None: a run that no contact fell into, as where
        the battery ran empty twice between two visits. Nothing ties that clock to UTC: the recording lies in the middle
        of its room, and half of what is left of the room is its uncertainty.
    """
    if room is not None:
        unseen_ms = room.absent_ms
    epoch = recording_epoch(anchors, tick0, tick_end, unseen_ms)

    def of_epoch(tick: int) -> Dated:
        dated = date_tick(anchors, epoch, tick)
        assert dated is not None, "recording_epoch returns an epoch that has anchors"
        return dated

    end = of_epoch(tick_end)
    if room is None or (
        end.utc_ms + end.uncertainty_ms >= room.absent_ms - CLOSING_MS and end.utc_ms - end.uncertainty_ms <= now_ms
    ):
        return epoch, of_epoch
    left_ms = room.latest_ms - room.earliest_ms - (tick_end - tick0)
    start_ms, doubt_ms = room.earliest_ms + left_ms // 2, (abs(left_ms) + 1) // 2

    def of_room(tick: int) -> Dated:
        passed = tick - tick0
        return Dated(start_ms + passed, doubt_ms + math.ceil(abs(passed) * DRIFT_PPM / 1_000_000))

    return None, of_room


def _offset(anchor: Anchor) -> int:
    """UTC minus device time at an anchor; a whole zone offset if the anchor cannot tell it from one."""
    offset = anchor.utc_ms - anchor.tick
    zone = round(offset / QUARTER_HOUR_MS) * QUARTER_HOUR_MS
    return zone if abs(offset - zone) <= anchor.uncertainty_ms else offset


def _jumped(left: Anchor, right: Anchor) -> bool:
    ticks = right.tick - left.tick
    slip = abs((right.utc_ms - left.utc_ms) - ticks)
    return slip > ticks * ABSURD_PPM / 1_000_000 + left.uncertainty_ms + right.uncertainty_ms


def continues(anchors: Sequence[Anchor], anchor: Anchor) -> bool:
    """Whether a new contact reads the same running clock as the last one of its epoch (so no new epoch is due)."""
    own = [known for known in anchors if known.epoch == anchor.epoch]
    if not own:
        return True
    last = own[-1]
    return anchor.tick >= last.tick and not _jumped(last, anchor)


class LiveDater:
    """Dates live samples as they arrive, on an even grid that follows the device's own pace.

    A sample that comes within half a step of its place on the grid gets that place: radio jitter is not time. One that
    comes later starts the grid anew (something was lost: a gap). One that comes much earlier, close behind another, is
    of a burst, as when a link delivers what it had queued: it takes the next place. Once samples come at their pace
    again, and also with a device that runs fast, the grid steps back towards their arrival, by half a step a sample,
    and never to or before what it has dated. Only when our own clock was set back does it follow it.

    Parameters
    ----------
    dt_ms : int
        The device's own interval.
    """

    def __init__(self, dt_ms: int) -> None:
        self.dt_ms = dt_ms
        self._next_ms: int | None = None
        self._arrived_ms = 0

    def place(self, arrival_ms: int) -> tuple[int, bool]:
        """Date the sample that arrives now.

        Returns
        -------
        (int, bool)
            UTC milliseconds, and whether the grid starts anew here (so the sample cannot share a batch with the last).
        """
        since_ms, self._arrived_ms = arrival_ms - self._arrived_ms, arrival_ms
        if self._next_ms is None or since_ms < -self.dt_ms:
            return self._restart(arrival_ms)
        early_ms = self._next_ms - arrival_ms
        if early_ms < -self.dt_ms / 2:
            return self._restart(arrival_ms)
        if early_ms > BURST * self.dt_ms:
            # No burst is so long: the device is faster than it was taken for.
            return self._restart(max(arrival_ms, self._next_ms - self.dt_ms + 1))
        if early_ms > self.dt_ms / 2 and since_ms >= self.dt_ms / 2:
            return self._restart(max(arrival_ms, self._next_ms - self.dt_ms // 2))
        placed = self._next_ms
        self._next_ms += self.dt_ms
        return placed, False

    def _restart(self, at_ms: int) -> tuple[int, bool]:
        self._next_ms = at_ms + self.dt_ms
        return at_ms, True


BURST: Final = 8
"""Samples that a stalled link may deliver at once: it queues a few seconds, not more."""
