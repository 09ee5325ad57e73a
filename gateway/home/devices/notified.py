"""What a driver takes off a subscription: one value, message or frame at a time; what is none is set aside."""

from __future__ import annotations

import asyncio
import itertools
import statistics
from collections import deque
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from gateway.errors import DeviceError, ProtocolError
from gateway.home.devices.driver import Desk, Link
from gateway.home.devices.stream import StreamAssembler

SILENT_S: Final = 30.0
"""A device that streams sends at least every 4 s. One that is silent for so long on a link that is up has stopped: a
new visit starts it again."""

INTERVALS_MS: Final = (250, 500, 1000, 2000, 4000)
"""Intervals that oximeters have."""

Message = TypeVar("Message")
Queue = asyncio.Queue[bytes | None]


class LinkLostError(DeviceError):
    """The link is gone: the normal end of a live stream."""


class SilentError(DeviceError):
    """Nothing came in time on a link that is up."""


class Messages(Generic[Message]):
    """Messages of a family that sends one in each notification.

    Parameters
    ----------
    decode : callable
        Turns a notification into a message, or raises `ProtocolError`.
    """

    def __init__(self, link: Link, desk: Desk, queue: Queue, decode: Callable[[bytes], Message]) -> None:
        self._address = link.address
        self._desk = desk
        self._queue = queue
        self._decode = decode

    async def next(self, *, within_s: float = SILENT_S) -> Message:
        """Return the next message.

        Raises
        ------
        LinkLostError
            The link is gone.
        SilentError
            None came in time.
        """
        try:
            async with asyncio.timeout(within_s):
                while True:
                    data = await _value(self._queue, self._address)
                    try:
                        return self._decode(data)
                    except ProtocolError as error:
                        await self._desk.set_aside(data, str(error))
        except TimeoutError:
            raise SilentError(f"{self._address}: nothing came for {within_s:.0f} s") from None

    @property
    def waiting(self) -> bool:
        """Whether a notification is there that nobody has taken; the end of the link counts."""
        return not self._queue.empty()

    def drop_late(self) -> None:
        """Forget what came so far: answers to an earlier request.

        Raises
        ------
        LinkLostError
            The link is gone.
        """
        _drop(self._queue, self._address)


class Frames(Generic[Message]):
    """Frames of a family that cuts them into notifications anyhow."""

    def __init__(self, link: Link, desk: Desk, queue: Queue, assembler: StreamAssembler[Message]) -> None:
        self._address = link.address
        self._desk = desk
        self._queue = queue
        self._assembler = assembler
        self._ready: deque[Message] = deque()

    async def next(self, *, within_s: float = SILENT_S) -> Message:
        """Return the next frame.

        Raises
        ------
        LinkLostError
            The link is gone.
        SilentError
            None came in time.
        """
        try:
            async with asyncio.timeout(within_s):
                while not self._ready:
                    data = await _value(self._queue, self._address)
                    before = self._assembler.discarded
                    self._ready.extend(self._assembler.feed(data))
                    if stray := self._assembler.discarded - before:
                        await self._desk.set_aside(data, f"{stray} bytes up to here belong to no frame")
                return self._ready.popleft()
        except TimeoutError:
            raise SilentError(f"{self._address}: nothing came for {within_s:.0f} s") from None

    def drop_late(self) -> None:
        """Forget what came so far, and halves of it: answers to an earlier request.

        Raises
        ------
        LinkLostError
            The link is gone.
        """
        self._ready.clear()
        self._assembler.reset()
        _drop(self._queue, self._address)


def interval_ms(arrivals_ms: list[int]) -> int:
    """Return the interval, of those that oximeters have, that the spacing of arrivals shows."""
    spacing = statistics.median(after - before for before, after in itertools.pairwise(arrivals_ms))
    return min(INTERVALS_MS, key=lambda interval: abs(interval - spacing))


async def _value(queue: Queue, address: str) -> bytes:
    data = await queue.get()
    if data is None:
        # Left for whoever asks next: the link does not come back within a visit.
        queue.put_nowait(None)
        raise _lost(address)
    return data


def _drop(queue: Queue, address: str) -> None:
    while not queue.empty():
        if queue.get_nowait() is None:
            queue.put_nowait(None)
            raise _lost(address)


def _lost(address: str) -> LinkLostError:
    return LinkLostError(f"{address}: the link is gone")
