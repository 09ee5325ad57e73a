"""What the ingest and the process that talks to the broker say to each other over their pipe."""

from __future__ import annotations

import threading
from multiprocessing.connection import Connection
from typing import Final

import msgspec


class Open(msgspec.Struct, tag=True, frozen=True):
    """The first word: where the broker is. It goes over the pipe, for a password in arguments is seen by all."""

    host: str
    port: int
    tls: bool
    username: str | None
    password: str | None
    ca_file: str | None
    first_token: int


class Answer(msgspec.Struct, tag=True, frozen=True):
    """Messages to publish, (topic, payload), and the tokens of those that are dealt with."""

    publish: list[tuple[str, bytes]]
    done: list[int]


class Close(msgspec.Struct, tag=True, frozen=True):
    """Say goodbye to the broker and end."""


class Arrived(msgspec.Struct, tag=True, frozen=True):
    """Messages from the broker: (token, topic, payload, QoS, retained). A token is never used twice."""

    messages: list[tuple[int, str, bytes, int, bool]]


class State(msgspec.Struct, tag=True, frozen=True):
    """How the connection is: what is wrong, None if nothing, and how many there have been."""

    problem: str | None
    connections: int


class Log(msgspec.Struct, tag=True, frozen=True):
    """A line for the log, which is the ingest's."""

    level: int
    text: str


Down = Open | Answer | Close
Up = Arrived | State | Log

_encoder: Final = msgspec.msgpack.Encoder()
_down: Final[msgspec.msgpack.Decoder[Down]] = msgspec.msgpack.Decoder(Down)
_up: Final[msgspec.msgpack.Decoder[Up]] = msgspec.msgpack.Decoder(Up)


class Pipe:
    """One end: any thread may send, one receives. Each call raises `OSError` or `EOFError` when the other is gone."""

    def __init__(self, end: Connection) -> None:
        self._end = end
        self._sending = threading.Lock()

    def send(self, frame: Down | Up) -> None:
        """Send; blocks while the other end does not read."""
        data = _encoder.encode(frame)
        with self._sending:
            self._end.send_bytes(data)

    def receive_down(self) -> Down:
        """Wait for what the ingest says."""
        return _down.decode(self._end.recv_bytes())

    def receive_up(self) -> Up:
        """Wait for what the process says."""
        return _up.decode(self._end.recv_bytes())

    def silent(self, wait_s: float) -> bool:
        """Whether nothing comes within `wait_s`."""
        return not self._end.poll(wait_s)

    def close(self) -> None:
        """Close this end."""
        self._end.close()
