"""What is wrong with one peripheral's radio: faults on demand, declared beforehand or thrown at once."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class FaultCounts:
    """What the faults of one peripheral have done so far; the ground truth of a test."""

    links_dropped: int = 0
    connections_refused: int = 0
    notifications_duplicated: int = 0
    values_delivered: int = 0
    value_bytes_delivered: int = 0


class Faults:
    """The faults of one peripheral; got from `Ether.faults`.

    Values are what the peripheral sends of its characteristics: notifications, indications and answers to reads.

    Parameters
    ----------
    rng
        Decides on random faults.
    on_silence
        Called with True when the peripheral falls silent and with False when it is heard again.
    """

    def __init__(self, rng: random.Random, on_silence: Callable[[bool], None]) -> None:
        self.counts = FaultCounts()
        self._rng = rng
        self._on_silence = on_silence
        self._bytes_left: int | None = None
        self._notifications_left: int | None = None
        self._refusals_left = 0
        self._advertising_stopped = False
        self._silent = False
        self._duplicates_left = 0
        self._duplicate_probability = 0.0

    def drop_link_after(self, *, bytes: int | None = None, notifications: int | None = None) -> None:
        """Lose the link, once, when so much more has come through; both sides see it at once, with reason 0x08.

        Parameters
        ----------
        bytes
            The link is lost in the packet that holds the first value byte beyond this many (nothing of that packet
            arrives), or right behind the packet that ends on exactly this many.
        notifications
            The link is lost right behind this many notifications or indications, or at the first one when 0.
        """
        if (bytes is None) == (notifications is None):
            raise ValueError("give either bytes or notifications")
        if min(bytes or 0, notifications or 0) < 0:
            raise ValueError("bytes and notifications must not be negative")
        self._bytes_left, self._notifications_left = bytes, notifications

    def refuse_connections(self, count: int = 1) -> None:
        """Let the next `count` attempts to connect fail with 0x3E (connection failed to be established)."""
        self._refusals_left = count

    def stop_advertising(self) -> None:
        """Let nobody hear or reach it by its advertising; links that are up stay up."""
        self._advertising_stopped = True

    def resume_advertising(self) -> None:
        """End `stop_advertising`."""
        self._advertising_stopped = False

    def duplicate_notifications(self, count: int = 0, *, probability: float = 0.0) -> None:
        """Deliver the next `count` notifications twice, and each later one with `probability`; (0) ends it."""
        if not 0.0 <= probability <= 1.0:
            raise ValueError(f"probability must be within 0 and 1, not {probability}")
        self._duplicates_left, self._duplicate_probability = count, probability

    def silence(self) -> None:
        """Take it out of range: advertising vanishes, and links end by their supervision time-out."""
        if not self._silent:
            self._silent = True
            self._on_silence(True)

    def come_back(self) -> None:
        """Bring it back into range; a link whose time-out has not run out yet goes on, nothing of it lost."""
        if self._silent:
            self._silent = False
            self._on_silence(False)

    def clear(self) -> None:
        """End all faults; the counts stay."""
        self._bytes_left = self._notifications_left = None
        self._refusals_left = 0
        self.duplicate_notifications(0)
        self.resume_advertising()
        self.come_back()

    @property
    def silent(self) -> bool:
        """Whether it is out of range now."""
        return self._silent

    @property
    def audible(self) -> bool:
        """Whether its advertising can be heard now."""
        return not (self._silent or self._advertising_stopped)

    def take_refusal(self) -> bool:
        """Whether this attempt to connect is refused; counts it."""
        if self._refusals_left == 0:
            return False
        self._refusals_left -= 1
        self.counts.connections_refused += 1
        return True

    def on_value(self, size: int, *, pushed: bool) -> tuple[int, bool]:
        """Decide on one value on its way to the central.

        Parameters
        ----------
        size
            Bytes of the value.
        pushed
            True for a notification or an indication, False for the answer to a read.

        Returns
        -------
        How many copies arrive (0, 1, 2), and whether the link is lost behind them.
        """
        dropped = False
        if self._bytes_left is not None:
            if size > self._bytes_left or self._bytes_left == 0:
                return 0, self._drop()
            self._bytes_left -= size
            dropped = self._bytes_left == 0
        if self._notifications_left is not None and pushed:
            if self._notifications_left == 0:
                return 0, self._drop()
            self._notifications_left -= 1
            dropped = self._notifications_left == 0
        self.counts.values_delivered += 1
        self.counts.value_bytes_delivered += size
        if dropped:
            return 1, self._drop()
        return 1 + (pushed and self._take_duplicate()), False

    def _drop(self) -> bool:
        self._bytes_left = self._notifications_left = None
        self.counts.links_dropped += 1
        return True

    def _take_duplicate(self) -> bool:
        if self._duplicates_left > 0:
            self._duplicates_left -= 1
        elif self._duplicate_probability == 0.0 or self._rng.random() >= self._duplicate_probability:
            return False
        self.counts.notifications_duplicated += 1
        return True
