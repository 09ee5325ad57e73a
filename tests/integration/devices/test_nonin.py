"""Nonin beside the bed: a memory that is wiped only when all of it is on disk, a clock, a counted stream."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from bumble.device import Connection

from gateway.errors import DeviceError
from gateway.home.devices.driver import After, Mode
from gateway.home.devices.nonin.driver import NoninDriver
from gateway.home.devices.nonin.protocol import CLEAR_MEMORY
from simulators.devices import DeviceClock, Finger, NoninOptions, NoninOximeter, Trace
from tests.integration.devices.conformance.stand import SERIAL, Stand, assert_same, local_now, placed, stand, trace


async def oximeter(side: Stand, *traces: Trace, wrong_s: float = 0.0, **options: object) -> NoninOximeter:
    own = DeviceClock(side.clock, local_now(side.clock) + timedelta(seconds=wrong_s))
    device = NoninOximeter(
        await side.ether.add_peripheral(rssi_dbm=-58),
        side.clock,
        Finger(traces),
        serial=SERIAL,
        own_clock=own,
        options=NoninOptions(**options),  # type: ignore[arg-type]  # whatever a test sets
    )
    await device.start()
    return device


async def visit(side: Stand, device: NoninOximeter, mode: Mode = "stored", most_s: float = 3600) -> After:
    return await asyncio.wait_for(side.visit(NoninDriver, device, mode), most_s)


async def values(side: Stand) -> list[tuple[float, ...]]:
    """Stored samples with a value."""
    return [row.values for row in await side.rows("oximetry", "stored") if row.values[0] > 0]


@pytest.mark.parametrize("storage_s", [1, 2, 4])
def test_the_memory_is_wiped_when_every_session_is_on_disk(storage_s: int, tmp_path: Path) -> None:
    async def story(side: Stand) -> None:
        device = await oximeter(side, trace(300), trace(200, start_s=420), storage_s=storage_s)
        await side.clock.sleep(1000)
        assert len(device.sessions) == 2
        assert await visit(side, device) is After.REST
        assert [len(names) for names in device.wiped] == [2]
        assert device.memory == {}
        sessions = {row.session for row in await side.rows("oximetry", "stored")}
        assert len(sessions) == 2
        assert len(await values(side)) == 300 // storage_s + 200 // storage_s

    stand(tmp_path, story)


@pytest.mark.parametrize("notifications", [6, 9, 12])
def test_a_playback_that_breaks_off_wipes_nothing_and_is_played_again(notifications: int, tmp_path: Path) -> None:
    async def story(side: Stand) -> None:
        device = await oximeter(side, trace(300), trace(400, start_s=420))
        await side.clock.sleep(1200)
        side.ether.faults(device.radio).drop_link_after(notifications=notifications)
        with pytest.raises(DeviceError):
            await visit(side, device)
        assert device.wiped == []
        assert await visit(side, device) is After.REST
        assert len(await values(side)) == 700
        assert len({row.t_ms for row in await side.rows("oximetry", "stored")}) == len(
            await side.rows("oximetry", "stored")
        )

    stand(tmp_path, story)


def test_a_session_that_may_go_on_is_left_alone_with_all_behind_it(tmp_path: Path) -> None:
    """The finger was taken off a minute ago, the session closed; three minutes later nobody can add to it."""

    async def story(side: Stand) -> None:
        device = await oximeter(side, trace(300))
        await side.clock.sleep(300 + 62 + 20)
        assert len(device.sessions) == 1
        assert await visit(side, device) is After.RECORDING
        assert device.wiped == []
        assert await values(side) == []
        await side.clock.sleep(180)
        assert await visit(side, device) is After.REST
        assert len(await values(side)) == 300

    stand(tmp_path, story)


def test_it_is_not_wiped_when_a_finger_was_in_it_during_the_playback(tmp_path: Path) -> None:
    async def story(side: Stand) -> None:
        device = await oximeter(side, trace(300), trace(300, start_s=805))
        await side.clock.sleep(799)
        play = device._play

        async def slowly(connection: Connection) -> None:
            await side.clock.sleep(5)  # the finger comes back at 805
            await play(connection)

        device._play = slowly  # type: ignore[method-assign]  # a long memory
        assert await visit(side, device) is After.RECORDING
        assert device.wiped == []
        assert len(await values(side)) == 300
        await side.clock.sleep(700)
        assert await visit(side, device) is After.REST
        assert len(await values(side)) == 600

    stand(tmp_path, story)


@pytest.mark.parametrize("wrong_s", [-7200.0, 300.0, 86_400.0])
def test_a_wrong_clock_dates_right_and_is_set_behind_the_pull(wrong_s: float, tmp_path: Path) -> None:
    async def story(side: Stand) -> None:
        device = await oximeter(side, trace(300), wrong_s=wrong_s)
        await side.clock.sleep(700)
        assert await visit(side, device) is After.REST
        rows = [row for row in await side.rows("oximetry", "stored") if row.values[0] > 0]
        assert_same(rows, [placed(row.values) for row in rows])
        assert len(rows) == 300
        assert abs(device.own_clock.local() - local_now(side.clock)) < timedelta(seconds=2)

    stand(tmp_path, story)


def test_a_memory_that_is_worn_is_not_played_but_looked_after_soon(tmp_path: Path) -> None:
    async def story(side: Stand) -> None:
        device = await oximeter(side, trace(600))
        await side.clock.sleep(100)
        assert await visit(side, device) is After.RECORDING
        assert device.wiped == []
        assert await values(side) == []

    stand(tmp_path, story)


def test_both_streams_while_worn_and_pulls_when_the_finger_is_gone(tmp_path: Path) -> None:
    async def story(side: Stand) -> None:
        device = await oximeter(side, trace(200))
        await side.clock.sleep(10)
        assert await visit(side, device, "both") is After.RECORDING  # the session has only just ended
        live = [row for row in await side.rows("oximetry", "live") if row.values[0] > 0]
        assert len(live) >= 185
        assert_same(live, [placed(row.values) for row in live])
        assert device.wiped == []
        await side.clock.sleep(120)
        assert await visit(side, device, "both") is After.REST
        assert len(await values(side)) == 200
        assert len(device.wiped) == 1

    stand(tmp_path, story)


def test_a_3230_has_no_memory_and_streams_in_every_mode(tmp_path: Path) -> None:
    async def story(side: Stand) -> None:
        device = await oximeter(side, trace(600), has_memory=False)
        async with side.visiting(NoninDriver, device, "stored"):
            await side.clock.sleep(20)
        assert len(await side.rows("oximetry", "live")) >= 15
        assert {known.model for known in side.known.values()} == {"3230"}

    stand(tmp_path, story)


def test_equal_readings_are_two_samples_where_the_counter_says_so(tmp_path: Path) -> None:
    """The values stay the same for a minute: only a repeated counter is a repeated notification."""

    async def story(side: Stand) -> None:
        steady = trace(1)
        minute = Trace(steady.start_utc_ms, 60_000, steady.samples)
        device = await oximeter(side, minute)
        side.ether.faults(device.radio).duplicate_notifications(probability=0.5)
        async with side.visiting(NoninDriver, device, "live"):
            await side.clock.sleep(30.3)
        rows = await side.rows("oximetry", "live")
        assert len(rows) == len(device.delivered_live)
        assert {row.values for row in rows} == {(90.0, 50.0)}

    stand(tmp_path, story)


def test_a_command_that_is_refused_is_an_error_of_the_device(tmp_path: Path) -> None:
    async def story(side: Stand) -> None:
        device = await oximeter(side, trace(300))
        await side.clock.sleep(700)
        obey = device._obey

        def refuses(command: bytes) -> object:
            return obey(b"\x60NMI\x00") if command == CLEAR_MEMORY else obey(command)

        device._obey = refuses  # type: ignore[assignment,method-assign]  # a memory that cannot be wiped
        with pytest.raises(DeviceError, match="refused"):
            await visit(side, device)
        assert len(await values(side)) == 300
        with pytest.raises(DeviceError, match="refused"):
            await visit(side, device)
        assert len(await values(side)) == 300  # played again, and not doubled

    stand(tmp_path, story)
