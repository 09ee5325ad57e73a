"""The ingest's end of the line: keeps the process that talks to the broker, hands over what it brings."""

from __future__ import annotations

import logging
import multiprocessing
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from gateway.errors import BrokerError
from gateway.service.link.frames import Answer, Arrived, Close, Down, Log, Open, Pipe, State
from gateway.wire import topics
from gateway.wire.client import BrokerAddress, Message

RESTART_S: Final = 1.0
"""Before a process that ended by itself is started again."""

STARTING_S: Final = 30.0
"""A process that says nothing for this long does not start: a slow machine takes some seconds."""

ENDING_S: Final = 15.0
TOKENS: Final = 1 << 40
"""Of each process: an answer to a message that came by one before is none to its successor's."""

log = logging.getLogger(__name__)


class Intake(Protocol):
    """Where messages go."""

    def offer_all(self, messages: list[Message]) -> None:
        """Take messages; blocks while there is no room, which slows the broker down."""


class ServiceLink:
    """The line to a broker; a `Reply` of the ingest's."""

    def __init__(self, address: BrokerAddress) -> None:
        self._address = address
        self._intake: Intake | None = None
        self._pipe: Pipe | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._stop = threading.Event()
        self._up = threading.Event()
        self._first = threading.Event()
        self._thread = threading.Thread(target=self._run, name="service-link", daemon=True)
        self._before = 0
        self.problem: str | None = "not connected yet"
        self.connections = 0
        self.pid: int | None = None

    def start(self, intake: Intake, *, wait_s: float = 0.0) -> None:
        """Begin; with `wait_s`, return once connected.

        Raises
        ------
        BrokerError
            Not connected within `wait_s` of the process's start.
        """
        self._intake = intake
        self._thread.start()
        if wait_s:
            self._up.wait(STARTING_S)
            if not self._first.wait(wait_s):
                raise BrokerError(self.problem or f"no broker at {self._address}")

    def stop(self) -> None:
        """Say goodbye to the broker and end the process; one that does not end is killed."""
        self._stop.set()
        # Before the word: it waits for room in the pipe, which a process that hangs does not make.
        killer = threading.Timer(ENDING_S, self._kill)
        killer.daemon = True
        killer.start()
        self._send(Close())
        if self._thread.is_alive():
            self._thread.join(3 * ENDING_S)
        killer.cancel()

    def _kill(self) -> None:
        process = self._process
        if process is not None:
            log.error("the process that talks to the broker does not end; it is killed")
            process.kill()

    def answer(self, acks: Mapping[str, bytes], messages: Sequence[Message]) -> None:
        """Publish acknowledgements, by gateway, and let the broker forget messages that are dealt with."""
        publish = [(topics.ack(gateway), payload) for gateway, payload in acks.items()]
        self._send(Answer(publish, [message.mid for message in messages]))

    def publish(self, topic: str, payload: bytes) -> None:
        """Publish at QoS 1 if there is a connection; without one it is dropped."""
        self._send(Answer([(topic, payload)], []))

    def _send(self, frame: Down) -> None:
        pipe = self._pipe
        if pipe is None:
            return
        try:
            pipe.send(frame)
        except OSError as error:
            log.debug("an answer was not sent: %s", error)

    def _run(self) -> None:
        generation = 0
        while not self._stop.is_set():
            status = self._serve(generation * TOKENS)
            generation += 1
            if not self._stop.is_set():
                self._before = self.connections
                self.problem = f"the process that talks to the broker ended with status {status}"
                log.error("%s; it is started again", self.problem)
                self._stop.wait(RESTART_S)

    def _serve(self, first_token: int) -> int:
        """Run a process to its end; returns its status."""
        ours, theirs = multiprocessing.Pipe()
        process = subprocess.Popen(
            [sys.executable, "-m", "gateway.service.link.process", str(theirs.fileno())], pass_fds=[theirs.fileno()]
        )
        theirs.close()
        self.pid = process.pid
        self._process = process
        pipe = Pipe(ours)
        try:
            address = self._address
            ca_file = None if address.ca_file is None else str(address.ca_file)
            pipe.send(
                Open(address.host, address.port, address.tls, address.username, address.password, ca_file, first_token)
            )
            self._pipe = pipe
            if self._stop.is_set():  # before the process was known to `stop`
                pipe.send(Close())
            while True:
                self._take(pipe.receive_up())
        except (EOFError, OSError):
            pass  # it ended
        finally:
            self._pipe = None
            pipe.close()
            self.pid = None
        try:
            return process.wait(ENDING_S)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()
        finally:
            self._process = None

    def _take(self, frame: Arrived | State | Log) -> None:
        assert self._intake is not None, "start sets it"
        match frame:
            case Arrived(messages):
                self._intake.offer_all(
                    [Message(topic, payload, token, qos, retained) for token, topic, payload, qos, retained in messages]
                )
            case State(problem, connections):
                self.problem = problem
                self.connections = self._before + connections
                self._up.set()
                if problem is None:
                    self._first.set()
            case Log(level, text):
                log.log(level, "%s", text)
