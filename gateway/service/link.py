"""The service's connection to the broker: subscribes, hands over, answers, comes back after a loss."""

from __future__ import annotations

import logging
import secrets
import threading
from collections import deque
from typing import Final

from gateway.clock import Clock
from gateway.errors import BrokerError, ConfigurationError
from gateway.service.ingest.ingest import Ingest, Reply
from gateway.wire import topics
from gateway.wire.client import BrokerAddress, Connection, Message, Will
from gateway.wire.codec import ServiceStatus, encode_status

BACKOFF_FIRST_S: Final = 0.5
BACKOFF_MOST_S: Final = 15.0
"""Between tries at a broker that is away: a clinic's service is one, so it may be eager."""

log = logging.getLogger(__name__)


class ServiceLink:
    """Keeps a connection, on a thread of its own.

    A message that was not acknowledged when a connection was lost is not answered on the next: its gateway sends it
    again when it sees that the service is another instance. So each connection is an instance.
    """

    def __init__(self, address: BrokerAddress, clock: Clock) -> None:
        self._address = address
        self._clock = clock
        self._connection: Connection | None = None
        self._lost = threading.Event()
        self._stop = threading.Event()
        self._first = threading.Event()
        self._ingest: Ingest | None = None
        self._done: deque[Message] = deque()
        self._thread = threading.Thread(target=self._run, name="service-link", daemon=True)
        self.problem: str | None = "not connected yet"
        self.connections = 0

    @property
    def reply(self) -> Reply:
        """How ingest answers."""
        return Reply(self._publish, self._acknowledge)

    def start(self, ingest: Ingest, *, wait_s: float = 0.0) -> None:
        """Begin; with `wait_s`, return once connected.

        Raises
        ------
        BrokerError
            Not connected within `wait_s`.
        """
        self._ingest = ingest
        self._thread.start()
        if wait_s and not self._first.wait(wait_s):
            raise BrokerError(self.problem or f"no broker at {self._address}")

    def stop(self) -> None:
        """Say goodbye and end."""
        self._stop.set()
        self._lost.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        wait_s = BACKOFF_FIRST_S
        while not self._stop.is_set():
            try:
                self._serve()
                wait_s = BACKOFF_FIRST_S
            except (BrokerError, ConfigurationError) as error:
                # Who waits for the first connection is told by `start`.
                if self.problem != str(error) and self._first.is_set():
                    log.warning("%s", error)
                self.problem = str(error)
            self._stop.wait(wait_s)
            wait_s = min(BACKOFF_MOST_S, wait_s * 2)

    def _serve(self) -> None:
        assert self._ingest is not None, "start sets it"
        self._lost.clear()
        if self._stop.is_set():  # between the last look and the line above
            return
        connection = Connection(
            self._address,
            f"somnolink-service-{secrets.token_hex(4)}",
            on_message=self._received,
            on_lost=lambda _reason: self._lost.set(),
            will=Will(topics.SERVICE_STATUS, encode_status(ServiceStatus(online=False))),
            manual_acknowledgement=True,
        )
        # Known before it is open: what is retained comes at once, and is acknowledged by the ingest's thread.
        self._connection = connection
        try:
            connection.open([topics.ALL_BATCHES, topics.ALL_STATUS])
        except BrokerError:
            self._connection = None
            raise
        self.connections += 1
        self.problem = None
        try:
            # After the subscription: a gateway that sends again at this word is heard.
            status = ServiceStatus(online=True, instance=secrets.token_hex(8), since_ms=self._clock.utc_ms())
            connection.publish(topics.SERVICE_STATUS, encode_status(status), retain=True)
            log.info("connected to the broker at %s", self._address)
            self._first.set()
            self._lost.wait()
            if self._stop.is_set():
                connection.publish(topics.SERVICE_STATUS, encode_status(ServiceStatus(online=False)), retain=True)
            else:
                self.problem = f"connection to the broker at {self._address} lost"
                log.warning("%s", self.problem)
        finally:
            self._connection = None
            connection.close()

    def _publish(self, gateway: str, payload: bytes) -> None:
        connection = self._connection
        if connection is None:
            return
        try:
            connection.publish(topics.ack(gateway), payload)
        except BrokerError as error:
            log.debug("an acknowledgement was not sent: %s", error)

    def _received(self, message: Message) -> None:
        """Take a message, on the network thread."""
        assert self._ingest is not None, "start sets it"
        self._acknowledge_done()
        self._ingest.offer(message)

    def _acknowledge(self, message: Message) -> None:
        """Note that a message is dealt with, on the ingest's thread.

        The network thread tells the broker when it next has something in hand: from another thread each word would wake
        it, and both would wait for each other. Only when nothing more waits is it told from here.
        """
        self._done.append(message)
        if self._ingest is None or self._ingest.waiting == 0:
            self._acknowledge_done()

    def _acknowledge_done(self) -> None:
        connection = self._connection
        while self._done:
            try:
                message = self._done.popleft()
            except IndexError:  # the other thread was quicker
                return
            if connection is not None:
                connection.acknowledge(message)
