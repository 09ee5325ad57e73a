"""The service at the broker: subscribes, hands over, answers, comes back after a loss."""

from __future__ import annotations

import logging
import secrets
import threading
from collections import deque
from collections.abc import Callable
from typing import Final

from gateway.clock import Clock
from gateway.errors import BrokerError, ConfigurationError
from gateway.wire import topics
from gateway.wire.client import BrokerAddress, Connection, Message, Will
from gateway.wire.codec import ServiceStatus, encode_status

BACKOFF_FIRST_S: Final = 0.5
BACKOFF_MOST_S: Final = 15.0
"""Between tries at a broker that is away: a clinic's service is one, so it may be eager."""

log = logging.getLogger(__name__)


class BrokerSide:
    """Keeps a connection, on a thread of its own.

    A message that was not acknowledged when a connection was lost is not answered on the next: its gateway sends it
    again when it sees that the service is another instance. So each connection is an instance.

    Parameters
    ----------
    on_message : callable
        Called on the network thread; one that blocks slows the broker down.
    on_state : callable
        Called when the connection came, went, or could not be made: with what is wrong (None: nothing) and the number
        of connections so far.
    """

    def __init__(
        self,
        address: BrokerAddress,
        clock: Clock,
        on_message: Callable[[Message], None],
        on_state: Callable[[str | None, int], None],
    ) -> None:
        self._address = address
        self._clock = clock
        self._on_message = on_message
        self._on_state = on_state
        self._connection: Connection | None = None
        self._lost = threading.Event()
        self._stop = threading.Event()
        self._done: deque[Message] = deque()
        self._thread = threading.Thread(target=self._run, name="broker", daemon=True)
        self._connections = 0

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Say goodbye and end."""
        self._stop.set()
        self._lost.set()
        self._thread.join()

    def publish(self, topic: str, payload: bytes) -> None:
        """Publish if there is a connection: who waits for an answer that got lost asks again."""
        connection = self._connection
        if connection is None:
            return
        try:
            connection.publish(topic, payload)
        except BrokerError as error:
            log.debug("%s was not sent: %s", topic, error)

    def done(self, message: Message) -> None:
        """Note that a message is dealt with.

        The network thread tells the broker when it next has something in hand: from another thread each word would wake
        it, and both would wait for each other. `tell` is for when nothing more comes.
        """
        self._done.append(message)

    def tell(self) -> None:
        """Tell the broker what is done."""
        connection = self._connection
        messages = []
        try:
            while True:
                messages.append(self._done.popleft())
        except IndexError:
            pass  # all, or the other thread was quicker
        if messages and connection is not None:
            connection.acknowledge(messages)

    def _run(self) -> None:
        wait_s = BACKOFF_FIRST_S
        problem = ""
        while not self._stop.is_set():
            try:
                self._serve()
                wait_s = BACKOFF_FIRST_S
            except (BrokerError, ConfigurationError) as error:
                if problem != str(error) and self._connections:  # the first is told by who waits for it
                    log.warning("%s", error)
                problem = str(error)
                self._on_state(problem, self._connections)
            self._stop.wait(wait_s)
            wait_s = min(BACKOFF_MOST_S, wait_s * 2)

    def _serve(self) -> None:
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
        # Known before it is open: what is retained comes at once, and is to be acknowledged.
        self._connection = connection
        try:
            connection.open([topics.ALL_BATCHES, topics.ALL_STATUS])
        except BrokerError:
            self._connection = None
            raise
        self._connections += 1
        try:
            # After the subscription: a gateway that sends again at this word is heard.
            status = ServiceStatus(online=True, instance=secrets.token_hex(8), since_ms=self._clock.utc_ms())
            connection.publish(topics.SERVICE_STATUS, encode_status(status), retain=True)
            log.info("connected to the broker at %s", self._address)
            self._on_state(None, self._connections)
            self._lost.wait()
            if self._stop.is_set():
                connection.publish(topics.SERVICE_STATUS, encode_status(ServiceStatus(online=False)), retain=True)
            else:
                problem = f"connection to the broker at {self._address} lost"
                log.warning("%s", problem)
                self._on_state(problem, self._connections)
        finally:
            self._connection = None
            connection.close()

    def _received(self, message: Message) -> None:
        """Take a message, on the network thread."""
        self.tell()
        self._on_message(message)
