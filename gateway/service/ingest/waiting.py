"""Messages that wait for the worker: handed over many at a time, taken up to a group at a time, bounded."""

from __future__ import annotations

import queue
import threading
import time
from typing import Final

from gateway.wire.client import Message

MOST: Final = 1024
"""Messages in memory, and one hand more; past it the network thread waits, and so, by its window, does the broker."""

FULL_S: Final = 0.005


class WaitingMessages:
    """Any thread hands over, one takes."""

    def __init__(self) -> None:
        # A queue with a bound of its own takes a lock of Python's at each turn, which doubles its cost.
        self._queue: queue.SimpleQueue[list[Message]] = queue.SimpleQueue()
        self._offering = threading.Lock()
        self._held: list[Message] = []
        self._offered = self._taken = 0

    def __len__(self) -> int:
        return self._offered - self._taken

    def offer(self, messages: list[Message], stop: threading.Event) -> None:
        """Hand over; blocks while there is no room, until `stop` is set."""
        while len(self) >= MOST and not stop.is_set():
            time.sleep(FULL_S)
        with self._offering:
            self._offered += len(messages)
        self._queue.put(messages)

    def take(self, most: int, wait_s: float) -> list[Message]:
        """Take what waits, in order, `most` of them; none where nothing comes within `wait_s`."""
        held = self._held
        try:
            if not held:
                held += self._queue.get(timeout=wait_s)
            while len(held) < most:
                held += self._queue.get_nowait()
        except queue.Empty:
            pass
        taken, self._held = held[:most], held[most:]
        self._taken += len(taken)
        return taken
