"""Frames out of a stream of notifications, cut anywhere, with garbage between them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from gateway.errors import ProtocolError

Frame = TypeVar("Frame")

Measure = Callable[[bytearray, int], int | None]
"""(buffer, start) -> length in bytes of the frame that begins at `start`; None: more bytes are needed to tell; 0: none
begins there."""


class StreamAssembler(Generic[Frame]):
    """Cuts a byte stream into checked frames.

    What comes out depends on the bytes alone, never on how they were cut into pieces. Where no valid frame begins, one
    byte is skipped and counted, so a frame behind garbage, or behind a frame whose check fails, is still found.

    Parameters
    ----------
    measure : callable
        See `Measure`. The longest length it ever answers bounds the buffer.
    parse : callable
        Turns exactly the measured bytes into a frame, or raises `ProtocolError`.

    Attributes
    ----------
    discarded : int
        Bytes skipped so far because they belonged to no frame.
    """

    def __init__(self, measure: Measure, parse: Callable[[bytes], Frame]) -> None:
        self._measure = measure
        self._parse = parse
        self._buffer = bytearray()
        self.discarded = 0

    @property
    def pending(self) -> int:
        """Bytes held back because their frame is not whole yet."""
        return len(self._buffer)

    def feed(self, piece: bytes | bytearray | memoryview) -> list[Frame]:
        """Take the next piece of the stream; return the frames that it completes, in order."""
        buffer = self._buffer
        buffer += piece
        frames: list[Frame] = []
        start = 0
        while start < len(buffer):
            length = self._measure(buffer, start)
            if length is None or start + length > len(buffer):
                break
            if length > 0:
                try:
                    frames.append(self._parse(bytes(buffer[start : start + length])))
                except ProtocolError:
                    length = 0
            if length == 0:
                self.discarded += 1
            start += length or 1
        del buffer[:start]
        return frames

    def reset(self) -> None:
        """Forget an unfinished frame, as after a lost link; its bytes count as discarded."""
        self.discarded += len(self._buffer)
        self._buffer.clear()
