"""The feed's way out over HTTP: server-sent events that go on where the listener left off.

Format and ``Last-Event-ID`` as in the HTML standard, section 9.2.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Final

from starlette.concurrency import run_in_threadpool

from gateway.errors import StoreError
from gateway.service.records import Records
from gateway.wire.feed import FeedEvent, encode_event

BEAT_S: Final = 15.0
"""A comment is sent this often when nothing happens, so that a dead line is noticed; then the feed is looked at too."""

LONGEST_S: Final = 900.0
"""A stream ends after this, and the listener comes again: so a token that was revoked is not heard of for long."""

AT_ONCE: Final = 200


class FeedHub:
    """Wakes the streams of one HTTP application when the feed grows."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._lock = threading.Lock()
        self._waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()
        self._closed = False
        records.alerts.listen(self._notify)

    def close(self) -> None:
        """End every stream, at once."""
        self._closed = True
        self._records.alerts.unlisten(self._notify)
        self._notify()

    @property
    def listeners(self) -> int:
        """How many streams are open."""
        return len(self._waiting)

    def _notify(self) -> None:
        with self._lock:
            for loop, event in self._waiting:
                if not loop.is_closed():
                    loop.call_soon_threadsafe(event.set)

    async def stream(
        self, clinic: str, after: int, seen: Callable[[Sequence[FeedEvent]], Sequence[FeedEvent]]
    ) -> AsyncIterator[bytes]:
        """Give a clinic's events behind `after` that `seen` lets through, then each as it happens."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + LONGEST_S
        with self._listening() as event:
            yield b"retry: 2000\n\n"
            while not self._closed and loop.time() < until_s:
                event.clear()
                try:
                    found = await run_in_threadpool(self._records.feed.after, after, clinic=clinic, limit=AT_ONCE)
                    shown = await run_in_threadpool(seen, found) if found else found
                except StoreError:
                    return  # the listener comes again
                for one in shown:
                    yield encode_sse(one)
                after = found[-1].id if found else after
                if found:
                    continue
                try:
                    async with asyncio.timeout(BEAT_S):
                        await event.wait()
                except TimeoutError:
                    yield b": nothing new\n\n"

    async def changes(self) -> AsyncIterator[None]:
        """Give a sign at once, whenever the feed has grown, and every `BEAT_S`; until the application stops."""
        with self._listening() as event:
            while not self._closed:
                event.clear()
                yield
                with suppress(TimeoutError):
                    async with asyncio.timeout(BEAT_S):
                        await event.wait()

    @contextmanager
    def _listening(self) -> Iterator[asyncio.Event]:
        """An event of the running loop that is set whenever the feed grows."""
        entry = (asyncio.get_running_loop(), asyncio.Event())
        with self._lock:
            self._waiting.add(entry)
        try:
            yield entry[1]
        finally:
            with self._lock:
                self._waiting.discard(entry)


def encode_sse(event: FeedEvent) -> bytes:
    """One event as it goes over the line: JSON has no line breaks."""
    return b"id: %d\nevent: alert\ndata: %s\n\n" % (event.id, encode_event(event))
