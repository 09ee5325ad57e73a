"""A paho client that reads and writes its socket in large pieces.

paho reads a packet's first bytes one at a time and writes each packet by itself: eight system calls for a message of a
minute's samples and its confirmation, which is most of what a message costs. Here a socket of its own kind stands
between: what has come is read at once and given out from memory, what is to go is gathered until paho has written all
it has. Everything else is paho's.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Sequence
from typing import Final, cast

import paho.mqtt.client as paho
from paho.mqtt.enums import MQTTErrorCode

PIECE: Final = 65_536
"""Bytes read at once, and the most that are gathered: some 70 messages of a minute each."""

PACKETS: Final = 64
"""Packets read from memory before paho looks whether something is to be written."""

_WAIT: Final = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class BufferedSocket:
    """A non-blocking socket, plain or TLS, whose bytes come and go in large pieces.

    It has the part of `socket.socket` that paho uses.
    """

    def __init__(self, below: socket.socket) -> None:
        self._below = below
        self._come = b""
        self._at = 0
        self._to_go = bytearray()

    def fileno(self) -> int:
        """The descriptor, for select."""
        return self._below.fileno()

    def setblocking(self, flag: bool) -> None:
        """Set the socket below so."""
        self._below.setblocking(flag)

    def pending(self) -> int:
        """Bytes that can be read without the socket being readable."""
        held = len(self._come) - self._at
        return held + self._below.pending() if isinstance(self._below, ssl.SSLSocket) else held

    def recv(self, size: int) -> bytes:
        """Up to `size` bytes; empty at the end, `BlockingIOError` (or TLS's own) if there is none yet."""
        at = self._at
        if at == len(self._come):
            if size >= PIECE:
                return self._below.recv(size)
            self._come = self._below.recv(PIECE)
            at = 0
        self._at = at + size
        if self._at >= len(self._come):
            self._at = len(self._come)
        return self._come[at : self._at]

    def send(self, data: bytes | bytearray) -> int:
        """Gather bytes for `flush`; `BlockingIOError` where no more are gathered before those have gone."""
        if len(self._to_go) >= PIECE:
            self.flush()
            if len(self._to_go) >= PIECE:
                raise BlockingIOError
        self._to_go += data
        return len(data)

    @property
    def unsent(self) -> int:
        """Bytes gathered."""
        return len(self._to_go)

    def flush(self) -> None:
        """Send what was gathered, as much as goes now; `OSError` if the connection is gone."""
        # After a wait TLS wants the same bytes again; that there are more behind them by then it allows.
        while self._to_go:
            try:
                sent = self._below.send(self._to_go)
            except _WAIT:
                return
            del self._to_go[:sent]

    def close(self) -> None:
        """Send what still goes, and close."""
        try:
            self.flush()
        except OSError:
            pass  # the connection is gone, and with it whoever was to read this
        finally:
            self._below.close()


class BufferedClient(paho.Client):
    """A `paho.Client` on a `BufferedSocket`, for `loop_start`."""

    def _create_socket(self) -> paho.SocketLike:
        return cast("paho.SocketLike", BufferedSocket(cast(socket.socket, super()._create_socket())))

    @property
    def _buffered(self) -> BufferedSocket | None:
        return cast("BufferedSocket | None", self._sock)

    def confirm(self, mids: Sequence[int]) -> None:
        """Confirm messages of QoS 1 that were left to be (PUBACK: MQTT 3.1.1, 3.4).

        From the network thread all go as one piece, past paho's queue: a packet of its own, each, would cost as much as
        reading the message did.
        """
        buffered = self._buffered
        if buffered is not None and threading.current_thread() is self._thread:
            try:
                buffered.send(b"".join([b"\x40\x02" + mid.to_bytes(2, "big") for mid in mids]))
            except BlockingIOError:
                pass  # the broker does not read: they wait in paho's queue
            else:
                return
        for mid in mids:
            self.ack(mid, 1)

    def want_write(self) -> bool:
        """Whether there is something to write, in paho or gathered."""
        buffered = self._buffered
        return super().want_write() or (buffered is not None and buffered.unsent > 0)

    def loop_read(self, max_packets: int = 1) -> MQTTErrorCode:
        """Read what has come, up to `PACKETS` packets."""
        for _ in range(PACKETS):
            status = super().loop_read(max_packets)
            buffered = self._buffered
            if status != MQTTErrorCode.MQTT_ERR_SUCCESS or buffered is None or not buffered.pending():
                break
        return status

    def loop_write(self) -> MQTTErrorCode:
        """Write what there is in as few pieces as may be."""
        status = super().loop_write()
        buffered = self._buffered
        if status == MQTTErrorCode.MQTT_ERR_SUCCESS and buffered is not None:
            try:
                buffered.flush()
            except OSError:
                return self._loop_rc_handle(MQTTErrorCode.MQTT_ERR_CONN_LOST)
        return status
