"""Simulated time: an event loop whose clock jumps to the next timer whenever nothing is left to do.

A night of eight hours runs in seconds with the very code of the real gateway: nothing waits for a timer, yet every
timer fires in its order and at its own time. Time stands still while anything is under way: callbacks that are ready,
bytes on a socket, work on a thread, and whatever holds a `busy` token (a message on its way to a broker in another
process, say).
"""

from __future__ import annotations

import asyncio
import itertools
import selectors
import socket
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol, TypeVar, cast

T = TypeVar("T")

GRACE_S = 10.0
"""Real seconds for which a hold may stop time; a commit on a slow disk takes one, a dead peer takes for ever."""

STALLED_S = 120.0
"""Real seconds for which a loop without a timer waits for its sockets and threads: what can still come comes sooner."""

SECOND_LOOKS = 2
"""How often sockets are looked at again before a jump when they were active since the last one. Loopback delivers
within the sender's system call; the looks, each after a yield, are for traffic that another thread is passing on.
Peers in other processes need a `busy` token."""


class StalledError(RuntimeError):
    """Everything waits for something that nothing is left to bring about."""


_Ready = list[tuple[selectors.SelectorKey, int]]


class _AsyncioInside(Protocol):
    """What asyncio's base loop keeps to itself and this one must see."""

    _scheduled: list[asyncio.TimerHandle]
    _ssock: socket.socket


class _Holds:
    """The reasons for which time stands still now, each with the real moment at which its grace ends."""

    def __init__(self, grace_s: float) -> None:
        self.overruns = 0
        self._grace_s = grace_s
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._deadlines: dict[int, float] = {}

    def add(self) -> int:
        with self._lock:
            number = next(self._numbers)
            self._deadlines[number] = time.monotonic() + self._grace_s
            return number

    def remove(self, number: int) -> None:
        with self._lock:
            self._deadlines.pop(number, None)

    def remaining_s(self) -> float:
        """Real seconds until the last hold's grace ends; 0 when nothing holds time. Drops and counts overrun holds."""
        with self._lock:
            now = time.monotonic()
            for number in [number for number, deadline in self._deadlines.items() if deadline <= now]:
                del self._deadlines[number]
                self.overruns += 1
            return min(self._deadlines.values()) - now if self._deadlines else 0.0


class _JumpingSelector(selectors.BaseSelector):
    """A selector that, instead of sleeping, moves the loop's time on; all else it passes to a real selector."""

    def __init__(self, holds: _Holds) -> None:
        self.now = 0.0
        self.pace: float | None = None
        self.next_timer: Callable[[], float | None] = lambda: None
        self.wake_fd = -1  # the loop's own pipe, by which other threads wake it; no traffic
        self._holds = holds
        self._real = selectors.DefaultSelector()
        self._traffic = False

    def select(self, timeout: float | None = None) -> _Ready:
        ready = self._look(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if self._traffic:
            for _ in range(SECOND_LOOKS):
                time.sleep(0)
                if ready := self._look(0):
                    return ready
            self._traffic = False
        if (held_s := self._holds.remaining_s()) > 0:
            return self._look(held_s)
        if timeout is None:
            if ready := self._look(STALLED_S):
                return ready
            raise StalledError(f"no timer is set, and nothing has come from a socket or a thread for {STALLED_S:.0f} s")
        if self.pace is None:
            self._jump(timeout)
            return []
        return self._wait(timeout, self.pace)

    def _look(self, timeout: float | None) -> _Ready:
        ready = self._real.select(timeout)
        self._traffic = self._traffic or any(key.fd != self.wake_fd for key, _ in ready)
        return ready

    def _jump(self, timeout: float) -> None:
        # The timer's own time, not now + (timer - now), which differs in the last bits.
        timer = self.next_timer()
        self.now = self.now + timeout if timer is None else max(self.now, min(timer, self.now + timeout + 1e-6))

    def _wait(self, timeout: float, pace: float) -> _Ready:
        started = time.monotonic()
        ready = self._look(timeout / pace)
        elapsed = (time.monotonic() - started) * pace
        if not ready and elapsed >= timeout:
            self._jump(timeout)
        else:
            self.now += min(elapsed, timeout)
        return ready

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.modify(fileobj, events, data)

    def get_key(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.get_key(fileobj)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._real.get_map()

    def close(self) -> None:
        self._real.close()


class JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop whose `time()` starts at 0 and jumps to the next timer when nothing is ready or held.

    Parameters
    ----------
    pace
        Simulated seconds a real second, or None for as fast as possible. May be changed while the loop runs.
    grace_s
        Real seconds for which one hold may stop time. A hold that lasts longer no longer does, so that a dead peer
        cannot freeze the night.
    """

    def __init__(self, *, pace: float | None = None, grace_s: float = GRACE_S) -> None:
        self._holds = _Holds(grace_s)
        self._jumping = _JumpingSelector(self._holds)
        super().__init__(self._jumping)
        self._jumping.next_timer = self._next_timer
        self._jumping.wake_fd = cast(_AsyncioInside, self)._ssock.fileno()
        self.pace = pace

    def _next_timer(self) -> float | None:
        # asyncio's heap of timers; its cancelled heads are gone by the time the selector is asked.
        timers = cast(_AsyncioInside, self)._scheduled
        return timers[0].when() if timers else None

    def time(self) -> float:
        """Simulated seconds since the loop was made; the same during one round of callbacks when not paced."""
        return self._jumping.now

    @property
    def pace(self) -> float | None:
        """Simulated seconds a real second; None: as fast as possible."""
        return self._jumping.pace

    @pace.setter
    def pace(self, value: float | None) -> None:
        if value is not None and not value > 0:
            raise ValueError(f"pace must be above 0, not {value}")
        self._jumping.pace = value
        self._wake()

    @property
    def overruns(self) -> int:
        """How many holds outlived their grace."""
        return self._holds.overruns

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Hold time still; from any thread."""
        number = self._holds.add()
        try:
            yield
        finally:
            self._holds.remove(number)
            self._wake()

    def run_in_executor(  # type: ignore[override]  # typeshed's stub of the base is narrower than its documentation
        self, executor: Any, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        """Run `func` on a thread; time stands still until it is done and its result has reached the loop."""
        work = _HeldCall(self._holds, self._wake, func)
        try:
            future = cast("asyncio.Future[T]", super().run_in_executor(executor, work, *args))
        except BaseException:
            work.abandon()
            raise
        future.add_done_callback(work.on_future_done)
        return future

    async def shutdown_default_executor(self, *args: Any, **kwargs: Any) -> None:
        """Join the threads without letting the time-out of that jump ahead of them."""
        with self.busy():
            await super().shutdown_default_executor(*args, **kwargs)

    def _wake(self) -> None:
        # Its own thread is awake already, and looks before it jumps.
        if asyncio._get_running_loop() is not self and not self.is_closed():
            try:
                self.call_soon_threadsafe(lambda: None)
            except RuntimeError:  # closed by its own thread between the two lines
                return


class _HeldCall:
    """A call on a thread that holds time until the thread is through and the loop has heard of it.

    A future that was cancelled is done long before its thread is; one cancelled in the queue never gets a thread.
    """

    def __init__(self, holds: _Holds, wake: Callable[[], None], func: Callable[..., Any]) -> None:
        self._holds = holds
        self._wake = wake
        self._func = func
        self._number = holds.add()
        self._lock = threading.Lock()
        self._running = False
        self._heard = False

    def __call__(self, *args: Any) -> Any:
        with self._lock:
            self._running = True
        try:
            return self._func(*args)
        finally:
            with self._lock:
                self._running = False
                last = self._heard
            if last:
                self.abandon()
                self._wake()

    def on_future_done(self, _future: asyncio.Future[Any]) -> None:
        with self._lock:
            self._heard = True
            last = not self._running
        if last:
            self.abandon()

    def abandon(self) -> None:
        self._holds.remove(self._number)


class SimulatedClock:
    """The `gateway.clock.Clock` of a simulation: the time of a `JumpingLoop`, set to a date.

    Parameters
    ----------
    loop
        The loop whose time this is.
    epoch_ms
        UTC milliseconds at the loop's time 0.
    """

    def __init__(self, loop: JumpingLoop, *, epoch_ms: int) -> None:
        self._loop = loop
        self._epoch_ms = epoch_ms

    def utc_ms(self) -> int:
        """Simulated milliseconds since 1970-01-01 UTC; from any thread."""
        return self._epoch_ms + round(self._loop.time() * 1000)

    def monotonic_s(self) -> float:
        """Simulated seconds since the loop was made; from any thread."""
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds` of simulated time."""
        await asyncio.sleep(seconds)

    def busy(self) -> AbstractContextManager[None]:
        """Hold simulated time still while the context lasts; from any thread."""
        return self._loop.busy()

    @property
    def pace(self) -> float | None:
        """Simulated seconds a real second, or None for as fast as possible; may be changed at any time."""
        return self._loop.pace

    @pace.setter
    def pace(self, value: float | None) -> None:
        self._loop.pace = value

    @property
    def overruns(self) -> int:
        """How many holds outlived their grace and lost their grip on time."""
        return self._loop.overruns


def run(
    main: Callable[[SimulatedClock], Coroutine[Any, Any, T]],
    *,
    epoch_ms: int,
    pace: float | None = None,
    grace_s: float = GRACE_S,
) -> T:
    """Run a coroutine in simulated time, as `asyncio.run` does in real time.

    Parameters
    ----------
    main
        Given the clock, makes the coroutine to run.
    epoch_ms
        UTC milliseconds at which the simulation begins.
    pace
        Simulated seconds a real second, or None for as fast as possible.
    grace_s
        Real seconds for which one hold may stop time.

    Returns
    -------
    What the coroutine returned; what it raised is raised.
    """

    def new_loop() -> JumpingLoop:
        return JumpingLoop(pace=pace, grace_s=grace_s)

    with asyncio.Runner(loop_factory=new_loop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, JumpingLoop)
        return runner.run(main(SimulatedClock(loop, epoch_ms=epoch_ms)))
