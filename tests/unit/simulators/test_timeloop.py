"""Simulated time: exact, in order, and standing still while anything is under way."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from gateway.clock import Clock
from simulators import timeloop
from simulators.timeloop import JumpingLoop, SimulatedClock, StalledError, run

EPOCH_MS = 1_750_000_000_000
NIGHT_S = 8 * 3600


def test_a_night_of_one_second_sleeps_passes_at_its_own_times() -> None:
    async def main(clock: SimulatedClock) -> list[tuple[float, int]]:
        seen = []
        for _ in range(NIGHT_S):
            await clock.sleep(1.0)
            seen.append((clock.monotonic_s(), clock.utc_ms()))
        return seen

    seen = run(main, epoch_ms=EPOCH_MS)
    assert seen == [(float(s), EPOCH_MS + 1000 * s) for s in range(1, NIGHT_S + 1)]


def test_the_clock_is_a_clock() -> None:
    loop = JumpingLoop()
    try:
        clock: Clock = SimulatedClock(loop, epoch_ms=EPOCH_MS)
        assert clock.utc_ms() == EPOCH_MS
        assert clock.monotonic_s() == 0.0
    finally:
        loop.close()


def test_timers_fire_in_the_order_of_their_times_not_of_their_setting() -> None:
    async def main(clock: SimulatedClock) -> list[tuple[str, float]]:
        fired: list[tuple[str, float]] = []

        async def wait(name: str, seconds: float) -> None:
            await clock.sleep(seconds)
            fired.append((name, clock.monotonic_s()))

        await asyncio.gather(wait("late", 3600.0), wait("early", 0.1), wait("middle", 59.9), wait("early too", 0.1))
        return fired

    assert run(main, epoch_ms=0) == [("early", 0.1), ("early too", 0.1), ("middle", 59.9), ("late", 3600.0)]


def test_a_timeout_jumps_to_its_own_moment() -> None:
    async def main(clock: SimulatedClock) -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(20.0):
                await asyncio.get_running_loop().create_future()
        return clock.monotonic_s()

    assert run(main, epoch_ms=0) == 20.0


def test_many_cancelled_timers_do_not_mislead_the_jump() -> None:
    """asyncio rebuilds its heap of timers when most of them are cancelled."""

    async def main(clock: SimulatedClock) -> float:
        loop = asyncio.get_running_loop()
        for handle in [loop.call_later(0.5 + i, lambda: None) for i in range(300)]:
            handle.cancel()
        await clock.sleep(1000.0)
        return clock.monotonic_s()

    assert run(main, epoch_ms=0) == 1000.0


def test_what_main_raises_is_raised() -> None:
    async def main(clock: SimulatedClock) -> None:
        raise LookupError("lost")

    with pytest.raises(LookupError, match="lost"):
        run(main, epoch_ms=0)


class TestHeldTime:
    def test_work_on_a_thread_holds_time(self) -> None:
        async def main(clock: SimulatedClock) -> tuple[float, bool]:
            timer = asyncio.create_task(clock.sleep(1e-6))
            await asyncio.sleep(0)
            await asyncio.to_thread(time.sleep, 0.05)
            return clock.monotonic_s(), timer.done()

        assert run(main, epoch_ms=0) == (0.0, False)

    def test_work_on_a_thread_holds_time_even_when_nobody_waits_for_it_any_more(self) -> None:
        async def main(clock: SimulatedClock) -> list[str]:
            order: list[str] = []
            release = threading.Event()

            def work() -> None:
                release.wait()
                order.append("work")

            waiting = asyncio.create_task(asyncio.to_thread(work))
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            threading.Timer(0.05, release.set).start()
            await clock.sleep(1.0)
            order.append("timer")
            return order

        assert run(main, epoch_ms=0) == ["work", "timer"]

    def test_work_cancelled_before_it_got_a_thread_holds_nothing(self) -> None:
        async def main(clock: SimulatedClock) -> float:
            from concurrent.futures import ThreadPoolExecutor

            loop = asyncio.get_running_loop()
            with ThreadPoolExecutor(max_workers=1) as pool:
                first = loop.run_in_executor(pool, time.sleep, 0.02)
                queued = loop.run_in_executor(pool, time.sleep, 60.0)
                await asyncio.sleep(0)
                queued.cancel()
                await first
                await clock.sleep(5.0)
            return clock.monotonic_s()

        assert run(main, epoch_ms=0, grace_s=60.0) == 5.0

    def test_a_token_taken_on_a_thread_holds_time_until_it_is_given_back(self) -> None:
        async def main(clock: SimulatedClock) -> list[float]:
            taken = threading.Event()
            at_release: list[float] = []

            def elsewhere() -> None:
                with clock.busy():
                    taken.set()
                    time.sleep(0.05)
                    at_release.append(clock.monotonic_s())

            thread = threading.Thread(target=elsewhere)
            thread.start()
            taken.wait()
            await clock.sleep(1.0)
            thread.join()
            return [*at_release, clock.monotonic_s()]

        assert run(main, epoch_ms=0) == [0.0, 1.0]

    def test_time_passes_only_when_the_last_of_several_tokens_is_back(self) -> None:
        async def main(clock: SimulatedClock) -> tuple[bool, float]:
            with clock.busy():
                with clock.busy():
                    pass
                timer = asyncio.create_task(clock.sleep(1.0))
                for _ in range(50):
                    await asyncio.sleep(0)
                held = not timer.done()
            await timer
            return held, clock.monotonic_s()

        assert run(main, epoch_ms=0) == (True, 1.0)

    def test_a_token_within_its_grace_is_no_overrun(self) -> None:
        async def main(clock: SimulatedClock) -> tuple[float, int]:
            token = clock.busy()
            token.__enter__()
            threading.Timer(0.05, lambda: token.__exit__(None, None, None)).start()
            await clock.sleep(1.0)
            return clock.monotonic_s(), clock.overruns

        assert run(main, epoch_ms=0, grace_s=30.0) == (1.0, 0)

    def test_a_token_beyond_its_grace_no_longer_stops_time_and_is_counted(self) -> None:
        async def main(clock: SimulatedClock) -> tuple[float, int]:
            with clock.busy():  # a peer that never answers
                await clock.sleep(1.0)
                await clock.sleep(1.0)
            return clock.monotonic_s(), clock.overruns

        assert run(main, epoch_ms=0, grace_s=0.05) == (2.0, 1)

    def test_traffic_between_two_sockets_of_the_loop_holds_time(self) -> None:
        async def main(clock: SimulatedClock) -> tuple[int, float]:
            async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                while line := await reader.readline():
                    writer.write(line)
                    await writer.drain()
                writer.close()

            server = await asyncio.start_server(echo, "127.0.0.1", 0)
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            timer = asyncio.create_task(clock.sleep(1e-6))
            for number in range(200):
                writer.write(b"%d\n" % number)
                assert await reader.readline() == b"%d\n" % number
            echoed_at = clock.monotonic_s()
            assert not timer.done()
            writer.close()
            server.close()
            return 200, echoed_at

        assert run(main, epoch_ms=0) == (200, 0.0)


class TestStall:
    def test_a_loop_in_which_nothing_can_happen_any_more_says_so(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(timeloop, "STALLED_S", 0.05)

        async def main(_: SimulatedClock) -> None:
            await asyncio.Event().wait()

        with pytest.raises(StalledError, match="no timer is set"):
            run(main, epoch_ms=0)

    def test_a_thread_that_takes_its_time_is_no_stall(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(timeloop, "STALLED_S", 20.0)

        async def main(_: SimulatedClock) -> str:
            return await asyncio.to_thread(lambda: time.sleep(0.2) or "done")

        assert run(main, epoch_ms=0, grace_s=0.01) == "done"


class TestPace:
    def test_paced_time_goes_on_between_timers_and_reaches_them_exactly(self) -> None:
        async def main(clock: SimulatedClock) -> list[float]:
            seen = []
            for _ in range(20):
                await clock.sleep(1.0)
                seen.append(clock.monotonic_s())
            return seen

        seen = run(main, epoch_ms=0, pace=1000.0)
        assert all(later - earlier >= 1.0 for earlier, later in zip([0.0, *seen], seen, strict=False))

    def test_pace_bounds_how_fast_time_may_pass(self) -> None:
        async def main(clock: SimulatedClock) -> tuple[float, float]:
            started = time.monotonic()
            await clock.sleep(6.0)
            return time.monotonic() - started, clock.monotonic_s()

        real_s, simulated_s = run(main, epoch_ms=0, pace=60.0)
        assert simulated_s >= 6.0
        assert real_s >= 0.099

    def test_pace_can_be_lifted_by_another_thread_while_the_loop_sleeps(self) -> None:
        async def main(clock: SimulatedClock) -> float:
            def lift() -> None:
                clock.pace = None

            threading.Timer(0.05, lift).start()
            await clock.sleep(3600.0)  # an hour, if it were not lifted
            return clock.monotonic_s()

        assert run(main, epoch_ms=0, pace=1.0) == 3600.0

    def test_held_time_stands_still_when_paced_too(self) -> None:
        async def main(clock: SimulatedClock) -> float:
            timer = asyncio.create_task(clock.sleep(0.001))
            await asyncio.sleep(0)
            before = clock.monotonic_s()
            await asyncio.to_thread(time.sleep, 0.05)
            held = clock.monotonic_s() - before
            await timer
            return held

        # On its way into the thread the loop may have waited for a moment, at a thousandth of a second a second.
        assert run(main, epoch_ms=0, pace=0.001) < 0.001

    @pytest.mark.parametrize("pace", [0.0, -1.0])
    def test_a_pace_that_is_none_is_refused(self, pace: float) -> None:
        with pytest.raises(ValueError, match="pace"):
            JumpingLoop(pace=pace)
