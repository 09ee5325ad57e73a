"""The process that talks to the broker: ``python -m gateway.service.link.process FD``, FD being its end of the pipe.

It keeps nothing: what it has not handed over, the broker has. It ends with its parent, however that ends; the broker
then publishes the last will.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from collections import deque
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from gateway.clock import SystemClock
from gateway.service.link.connection import BrokerSide
from gateway.service.link.frames import Answer, Arrived, Close, Log, Open, Pipe, State
from gateway.wire.client import BrokerAddress, Message

GATHER_S: Final = 0.001
"""How long messages are gathered: one word for many costs both ends less than one for each."""

MAX_HELD: Final = 256
"""Messages that wait for the pipe; past it the network thread waits, and so, by its window, does the broker."""

log = logging.getLogger(__name__)


class Relay:
    """Hands messages up the pipe and answers down to the broker."""

    def __init__(self, pipe: Pipe, opening: Open) -> None:
        self._pipe = pipe
        self._token = opening.first_token
        self._held: deque[tuple[int, Message]] = deque()
        self._some = threading.Event()
        self._unanswered: dict[int, Message] = {}
        ca_file = None if opening.ca_file is None else Path(opening.ca_file)
        address = BrokerAddress(opening.host, opening.port, opening.tls, opening.username, opening.password, ca_file)
        self._broker = BrokerSide(address, SystemClock(), self._arrived, self._state)

    def run(self) -> None:
        """Work until told to end; the parent's end is the end."""
        threading.Thread(target=self._hand_over, name="hand-over", daemon=True).start()
        self._broker.start()
        while True:
            match self._pipe.receive_down():
                case Answer(publish, done):
                    for topic, payload in publish:
                        self._broker.publish(topic, payload)
                    for token in done:
                        message = self._unanswered.pop(token, None)
                        if message is not None:
                            self._broker.done(message)
                    if self._pipe.silent(2 * GATHER_S):
                        self._broker.tell()
                case Close():
                    self._broker.stop()
                    return
                case Open():
                    log.error("opened twice")

    def _arrived(self, message: Message) -> None:
        while len(self._held) >= MAX_HELD:
            time.sleep(GATHER_S)
        self._token += 1
        self._unanswered[self._token] = message
        self._held.append((self._token, message))
        if not self._some.is_set():  # setting it takes a lock
            self._some.set()

    def _hand_over(self) -> None:
        try:
            while True:
                self._some.wait()
                time.sleep(GATHER_S)
                self._some.clear()
                batch = []
                while self._held:
                    token, message = self._held.popleft()
                    batch.append((token, message.topic, message.payload, message.qos, message.retained))
                if batch:
                    self._pipe.send(Arrived(batch))
        except OSError:
            os._exit(1)  # the parent is gone

    def _state(self, problem: str | None, connections: int) -> None:
        try:
            self._pipe.send(State(problem, connections))
        except OSError:
            os._exit(1)


class _Forward(logging.Handler):
    """The log is the parent's, with its format and its level."""

    def __init__(self, pipe: Pipe) -> None:
        super().__init__()
        self._pipe = pipe

    def emit(self, record: logging.LogRecord) -> None:
        """Send a line."""
        try:
            self._pipe.send(Log(record.levelno, record.getMessage()))
        except OSError:
            os._exit(1)


def main() -> None:
    """Run; the first word on the pipe says where the broker is."""
    # A terminal's Ctrl-C and a supervisor's SIGTERM reach the parent too, which ends this one in good order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    pipe = Pipe(Connection(int(sys.argv[1])))
    logging.basicConfig(level=logging.INFO, handlers=[_Forward(pipe)])
    try:
        opening = pipe.receive_down()
        if isinstance(opening, Open):
            pipe.send(State("not connected yet", 0))
            Relay(pipe, opening).run()
    except (EOFError, OSError):
        os._exit(1)  # no goodbye: that the service is gone is the last will's to say


if __name__ == "__main__":
    main()
