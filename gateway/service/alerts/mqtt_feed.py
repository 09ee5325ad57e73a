"""The feed's way out over MQTT: every event on its clinic's topic, in order, at least once.

A connection of its own, on a thread of its own: whatever happens here, the intake goes on. The place in the feed is
kept when the broker has taken an event, so a kill repeats a few and leaves none out.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from typing import Final

from gateway.errors import BrokerError, ConfigurationError, StoreError
from gateway.service.records import Records
from gateway.wire.client import BrokerAddress, Connection
from gateway.wire.feed import encode_event
from gateway.wire.topics import feed

NAME: Final = "mqtt"
LOOK_EVERY_S: Final = 5.0
"""Events of this process are heard of at once; those that another process wrote are found at the next look."""

BACKOFF_FIRST_S: Final = 0.5
BACKOFF_MOST_S: Final = 15.0
KEEP_EVERY_S: Final = 0.5
"""How often the place in the feed is written while events stream."""

AT_ONCE: Final = 200
TAKEN_WITHIN_S: Final = 20.0
"""A broker that takes nothing for this long is left and connected to anew."""

log = logging.getLogger(__name__)


class MqttFeed:
    """Publishes the feed until stopped."""

    def __init__(self, records: Records, address: BrokerAddress) -> None:
        self._records = records
        self._address = address
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._lost = threading.Event()
        self._taken: set[int] = set()
        self._told = threading.Condition()
        self._connection: Connection | None = None
        self._kept_s = 0.0
        self._opened = False
        self._thread = threading.Thread(target=self._run, name="mqtt-feed", daemon=True)
        self.problem: str | None = None
        self.published = 0

    def start(self) -> None:
        """Begin."""
        self._records.alerts.listen(self._wake.set)
        self._thread.start()

    def stop(self) -> None:
        """End; what is not published yet is published after the next start."""
        self._records.alerts.unlisten(self._wake.set)
        self._stop.set()
        self._wake.set()
        with self._told:
            self._told.notify()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        wait_s = BACKOFF_FIRST_S
        while not self._stop.is_set():
            try:
                self._serve()
                wait_s = BACKOFF_FIRST_S
            except (BrokerError, ConfigurationError, StoreError) as error:
                if self.problem != str(error) and self._opened:  # the first is told by the service's line
                    log.warning("alert feed: %s", error)
                self.problem = str(error)
                self._stop.wait(wait_s)
                wait_s = min(BACKOFF_MOST_S, wait_s * 2)

    def _serve(self) -> None:
        self._lost.clear()
        self._taken.clear()
        connection = Connection(
            self._address,
            f"somnolink-feed-{secrets.token_hex(4)}",
            on_message=lambda _message: None,
            on_lost=self._on_lost,
            on_published=self._on_taken,
        )
        connection.open()
        self._opened = True
        try:
            self.problem = None
            place = kept = self._records.feed.cursor(NAME)
            while not self._stop.is_set() and not self._lost.is_set():
                self._wake.clear()
                place = self._publish(connection, place)
                if place != kept and (time.monotonic() - self._kept_s >= KEEP_EVERY_S or not self._wake.is_set()):
                    self._records.feed.set_cursor(NAME, place)
                    kept, self._kept_s = place, time.monotonic()
                self._wake.wait(LOOK_EVERY_S)
            if place != kept:
                self._records.feed.set_cursor(NAME, place)
        finally:
            connection.close()
        if self._lost.is_set() and not self._stop.is_set():
            raise BrokerError(f"connection to the broker at {self._address} lost")

    def _publish(self, connection: Connection, place: int) -> int:
        """Publish what there is; returns the last event that the broker took."""
        while not self._stop.is_set() and not self._lost.is_set():
            events = self._records.feed.after(place, limit=AT_ONCE)
            if not events:
                break
            sent = [(event.id, connection.publish(feed(event.clinic), encode_event(event))) for event in events]
            for seq, mid in sent:
                if not self._wait_for(mid):
                    return place
                place = seq
                self.published += 1
        return place

    def _on_taken(self, mid: int) -> None:
        with self._told:
            self._taken.add(mid)
            self._told.notify()

    def _on_lost(self, _reason: str) -> None:
        self._lost.set()
        self._wake.set()
        with self._told:
            self._told.notify()

    def _wait_for(self, mid: int) -> bool:
        """Whether the broker took a message; the thread sleeps until it says so."""
        until_s = time.monotonic() + TAKEN_WITHIN_S
        with self._told:
            while mid not in self._taken:
                left_s = until_s - time.monotonic()
                if self._lost.is_set() or self._stop.is_set():
                    return False
                if left_s <= 0 or not self._told.wait(left_s):
                    raise BrokerError(f"broker at {self._address} took no event for {TAKEN_WITHIN_S:.0f} s")
            self._taken.discard(mid)
        return True
