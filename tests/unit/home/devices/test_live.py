"""Passing on what is measured: nothing held back is lost, whatever ends the stream."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from gateway.home.devices.live import MEASURED, NOMINAL_MS, pass_on
from gateway.home.devices.notified import LinkLostError, SilentError
from gateway.home.devices.reading import OximeterReading
from simulators.timeloop import SimulatedClock, run
from tests.unit.home.devices.desk import MemoryDesk, as_any


def readings(
    clock: SimulatedClock, count: int, then: Exception, *, every_s: float = 2.0, valued: int | None = None
) -> Callable[[], Awaitable[OximeterReading]]:
    """`count` readings, the first `valued` with a value, then an error."""
    made = 0

    async def next_reading() -> OximeterReading:
        nonlocal made
        await clock.sleep(every_s)
        if made == count:
            raise then
        made += 1
        with_value = valued is None or made <= valued
        return OximeterReading(spo2_pct=90.0 + made % 10 if with_value else None, worn=with_value)

    return next_reading


def told(story: Callable[[MemoryDesk], Awaitable[None]]) -> MemoryDesk:
    async def main(clock: SimulatedClock) -> MemoryDesk:
        desk = MemoryDesk(clock)
        await story(desk)
        return desk

    return run(main, epoch_ms=0)


@pytest.mark.parametrize("count", range(8))
def test_a_lost_link_ends_the_stream_with_all_that_came(count: int) -> None:
    """Also before the interval could be measured."""

    async def story(desk: MemoryDesk) -> None:
        up = await pass_on(readings(desk.clock, count, LinkLostError("gone")), as_any(desk))
        assert not up

    streams = told(story).streams
    assert [at for stream in streams for at, _ in stream.rows] == [2000 * n for n in range(1, count + 1)]
    assert all(stream.closed for stream in streams)
    if count:
        assert streams[0].dt_ms == (2000 if count >= MEASURED else NOMINAL_MS)


@pytest.mark.parametrize("after_s", [3, 7, 13])
def test_a_cancelled_stream_has_all_that_came(after_s: int) -> None:
    async def story(desk: MemoryDesk) -> None:
        task = asyncio.create_task(pass_on(readings(desk.clock, 99, LinkLostError("")), as_any(desk)))
        await desk.clock.sleep(after_s)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled()

    rows = [row for stream in told(story).streams for row in stream.rows]
    assert len(rows) == after_s // 2


def test_a_device_that_stopped_is_an_error_behind_what_came() -> None:
    async def story(desk: MemoryDesk) -> None:
        with pytest.raises(SilentError):
            await pass_on(readings(desk.clock, 6, SilentError("nothing")), as_any(desk), dt_ms=2000)

    assert [len(stream.rows) for stream in told(story).streams] == [6]


@pytest.mark.parametrize(("off_s", "expected"), [(20, 5 + 10), (None, 60)])
def test_no_value_for_a_while_ends_the_stream_where_that_is_asked_for(off_s: float | None, expected: int) -> None:
    async def story(desk: MemoryDesk) -> None:
        source = readings(desk.clock, 60, LinkLostError(""), valued=5)
        up = await pass_on(source, as_any(desk), dt_ms=2000, off_finger_s=off_s)
        assert up == (off_s is not None)

    assert [len(stream.rows) for stream in told(story).streams] == [expected]


def test_what_was_read_before_comes_first() -> None:
    async def story(desk: MemoryDesk) -> None:
        held = ((500, OximeterReading(spo2_pct=91.0)),)
        await pass_on(readings(desk.clock, 2, LinkLostError("")), as_any(desk), dt_ms=2000, held=held)

    [stream] = told(story).streams
    assert [at for at, _ in stream.rows] == [500, 2000, 4000]


def test_a_link_that_is_held_all_night_reports_its_battery_meanwhile() -> None:
    async def story(desk: MemoryDesk) -> None:
        await pass_on(readings(desk.clock, 1000, LinkLostError("")), as_any(desk), dt_ms=2000)

    assert told(story).reports == 3  # 2000 s
