"""What drivers take off a subscription: what is nothing is set aside, a lost link is told for good, waits end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from gateway.errors import ProtocolError
from gateway.home.devices.jumper.protocol import decode_notification
from gateway.home.devices.notified import Frames, LinkLostError, Messages, SilentError, interval_ms
from gateway.home.devices.pc60fw.protocol import FrameAssembler, encode_reading
from gateway.home.devices.reading import OximeterReading
from simulators.timeloop import SimulatedClock, run
from tests.unit.home.devices.desk import MemoryDesk, NamedLink, Queue, as_any

VALUES = bytes((0x81, 60, 97, 12))
FRAME = encode_reading(OximeterReading(spo2_pct=97.0, pulse_bpm=60.0, worn=True))


def told(story: Callable[[MemoryDesk, Queue], Awaitable[None]]) -> MemoryDesk:
    async def main(clock: SimulatedClock) -> MemoryDesk:
        desk = MemoryDesk(clock)
        await story(desk, asyncio.Queue())
        return desk

    return run(main, epoch_ms=0)


def messages(desk: MemoryDesk, queue: Queue) -> Messages[object]:
    return Messages(as_any(NamedLink), as_any(desk), queue, decode_notification)


def frames(desk: MemoryDesk, queue: Queue) -> Frames[object]:
    return Frames(as_any(NamedLink), as_any(desk), queue, as_any(FrameAssembler()))


def test_nonsense_between_messages_is_set_aside_with_the_decoders_reason() -> None:
    async def story(desk: MemoryDesk, queue: Queue) -> None:
        for data in (b"", b"\x81", VALUES):
            queue.put_nowait(data)
        reading = await messages(desk, queue).next()
        assert reading == decode_notification(VALUES)
        with pytest.raises(ProtocolError) as expected:
            decode_notification(b"\x81")
        assert desk.oddities[1] == (b"\x81", str(expected.value))

    assert len(told(story).oddities) == 2


def test_frames_cut_anyhow_come_whole_and_stray_bytes_are_counted() -> None:
    async def story(desk: MemoryDesk, queue: Queue) -> None:
        stream = frames(desk, queue)
        for data in (FRAME[:5], FRAME[5:] + FRAME[:1], FRAME[1:], b"\x01\x02" + FRAME):
            queue.put_nowait(data)
        assert [await stream.next() for _ in range(3)]
        assert desk.oddities == [(b"\x01\x02" + FRAME, "2 bytes up to here belong to no frame")]

    told(story)


@pytest.mark.parametrize("kind", [messages, frames])
def test_a_lost_link_is_told_every_time_behind_what_had_come(kind: Callable[..., Messages[object]]) -> None:
    async def story(desk: MemoryDesk, queue: Queue) -> None:
        source = kind(desk, queue)
        queue.put_nowait(VALUES if kind is messages else FRAME)
        queue.put_nowait(None)
        await source.next()
        for _ in range(2):
            with pytest.raises(LinkLostError, match="the link is gone"):
                await source.next()
        with pytest.raises(LinkLostError):
            source.drop_late()
        with pytest.raises(LinkLostError):
            await source.next()

    told(story)


@pytest.mark.parametrize("kind", [messages, frames])
def test_silence_ends_a_wait(kind: Callable[..., Messages[object]]) -> None:
    async def story(desk: MemoryDesk, queue: Queue) -> None:
        with pytest.raises(SilentError, match="nothing came for 7 s"):
            await kind(desk, queue).next(within_s=7)
        assert desk.clock.monotonic_s() == pytest.approx(7)

    told(story)


def test_what_is_late_is_dropped_with_halves_of_it() -> None:
    async def story(desk: MemoryDesk, queue: Queue) -> None:
        source = frames(desk, queue)
        queue.put_nowait(FRAME + FRAME + FRAME[:4])
        await source.next()
        source.drop_late()
        queue.put_nowait(FRAME)
        assert await source.next()
        with pytest.raises(SilentError):
            await source.next(within_s=1)

    assert told(story).oddities == []


@pytest.mark.parametrize(
    ("spacing_ms", "interval"),
    [(1000, 1000), (1050, 1000), (980, 1000), (1490, 1000), (1510, 2000), (240, 250), (4000, 4000), (60_000, 4000)],
)
def test_the_interval_is_the_nearest_that_oximeters_have(spacing_ms: int, interval: int) -> None:
    assert interval_ms([spacing_ms * n for n in range(4)]) == interval
    assert interval_ms([0, spacing_ms, 2 * spacing_ms, 9 * spacing_ms]) == interval  # one was lost
