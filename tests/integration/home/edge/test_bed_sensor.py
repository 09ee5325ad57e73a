"""The gateway and a bed sensor, whose other side is the firmware itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from gateway.errors import DeviceError, OutboxError
from gateway.home.devices.driver import After
from gateway.home.outbox import Limits
from gateway.wire.messages import WaveformFlag
from tests.integration.home.boxes import mend, refuse
from tests.integration.home.edge.bedside import Bedside, errors_ms, live_through


async def lie(side: Bedside, frames: int) -> None:
    """Frames of 150 samples, 3 s each, one behind the other."""
    for _ in range(frames):
        await side.clock.sleep(3)
        side.frame(len(side.truth))


@asynccontextmanager
async def held(side: Bedside, ends: object = After.WATCH) -> AsyncIterator[None]:
    """A visit that is ended by the loss of its link."""
    visit = asyncio.create_task(side.visit())
    yield
    await side.clock.sleep(2)
    if side.device.link is not None:
        side.device.link.lose()
    ended = await visit
    assert ended is ends or (isinstance(ends, type) and isinstance(ended, ends)), ended


def test_what_was_buffered_is_stored_and_what_follows_is_live(tmp_path: Path) -> None:
    async def scene(side: Bedside) -> None:
        async with held(side):
            await lie(side, 25)
        await lie(side, 70)
        async with held(side):
            await lie(side, 25)
        batches = await side.batches("waveform")
        stored = [one for one in batches if one.origin == "stored"]
        live = [one for one in batches if one.origin == "live"]
        assert 70 * 150 <= sum(one.size for one in stored) <= 73 * 150
        assert {one.session for one in stored}.isdisjoint(one.session for one in live)
        assert len({one.session for one in live}) == 2
        assert np.abs(errors_ms(side.truth, await side.found("waveform"))).max() <= 60
        # Nothing that is live lies in the time that the stored session covers.
        ends = min(one.t0_ms for one in stored), max(one.end_ms for one in stored)
        assert all(one.end_ms - 20 < ends[0] or one.t0_ms >= ends[1] for one in live)
        assert side.device.device.log.pending <= 13

    live_through(tmp_path, scene, bed=True)


def test_live_batches_arrive_while_the_link_is_up_and_are_freed_behind(tmp_path: Path) -> None:
    async def scene(side: Bedside) -> None:
        async with held(side):
            await lie(side, 40)
            assert len(await side.found("waveform")) >= 36 * 150  # four frames a commit
            await side.clock.sleep(11)
            assert len(await side.found("waveform")) == 40 * 150
            assert side.device.device.log.pending <= 12

    live_through(tmp_path, scene, bed=True)


@pytest.mark.parametrize("ppm", [-100, 100])
def test_a_night_on_a_drifting_clock_is_dated_within_what_is_stated(tmp_path: Path, ppm: float) -> None:
    async def scene(side: Bedside) -> None:
        side.device.board.set_ppm(ppm)
        async with held(side):
            for _ in range(16):
                await lie(side, 5)
                await side.clock.sleep(1800)
        found = await side.found("waveform")
        off = np.abs(errors_ms(side.truth, found))
        assert (off <= [doubt for _, _, doubt in found]).all()
        # Half an hour at 100 ppm before the drift is known, next to nothing after.
        assert off.max() <= 400
        assert off[off.size // 2 :].max() <= 60
        anchors = await side.outbox.ledger.anchors(side.desk_id)
        assert len(anchors) >= 16
        assert len(await side.batches("device")) >= 16

    live_through(tmp_path, scene, bed=True)


def test_gaps_are_marked_and_break_a_batch(tmp_path: Path) -> None:
    async def scene(side: Bedside) -> None:
        await lie(side, 3)
        await side.clock.sleep(60)
        side.frame(len(side.truth), lost=2850)
        await lie(side, 3)
        async with held(side):
            await side.clock.sleep(1)
        first, second = await side.batches("waveform")
        assert (first.size, second.size) == (450, 600)
        assert second.columns["flags"].tolist() == [int(WaveformFlag.GAP)] + [0] * 599
        assert not (first.columns["flags"] & WaveformFlag.GAP).any()
        assert (second.columns["gain"] == 3).all()
        errors_ms(side.truth, await side.found("waveform"))

    live_through(tmp_path, scene, bed=True)


@pytest.mark.parametrize("cut", [1, 2, 30, 63, 64, 65])
def test_a_cut_in_the_backlog_or_in_the_stream_costs_nothing(tmp_path: Path, cut: int) -> None:
    async def scene(side: Bedside) -> None:
        await lie(side, 60)
        before = side.device.air.sent
        side.device.air.cut_after = before + cut
        visit = asyncio.create_task(side.visit())
        await lie(side, 10)
        ended = await visit
        assert ended is After.WATCH or isinstance(ended, DeviceError)
        async with held(side):
            await lie(side, 5)
        errors_ms(side.truth, await side.found("waveform"))
        assert side.device.air.sent - before <= 75 + 7

    live_through(tmp_path, scene, bed=True)


def test_lost_and_doubled_notifications_of_the_stream_are_made_good(tmp_path: Path) -> None:
    async def scene(side: Bedside) -> None:
        side.device.air.lose = {3, 9, 10}
        side.device.air.double = {5, 12}
        async with held(side):
            await lie(side, 30)
        errors_ms(side.truth, await side.found("waveform"))

    live_through(tmp_path, scene, bed=True)


def test_what_the_disk_refuses_stays_on_the_sensor(tmp_path: Path) -> None:
    async def scene(side: Bedside) -> None:
        async with held(side, OutboxError):
            await lie(side, 12)
            await refuse(side.outbox, "INSERT")
            await lie(side, 12)
        await mend(side.outbox)
        async with held(side):
            await lie(side, 12)
        errors_ms(side.truth, await side.found("waveform"))

    live_through(tmp_path, scene, bed=True)


def test_a_sensor_that_keeps_records_to_itself_is_left_and_met_again(tmp_path: Path) -> None:
    async def scene(side: Bedside) -> None:
        visit = asyncio.create_task(side.visit())
        await lie(side, 5)
        side.device.control.data = lambda size: None
        await lie(side, 30)
        assert isinstance(await visit, DeviceError)
        side.device.reboot()
        async with held(side):
            await lie(side, 5)
        errors_ms(side.truth, await side.found("waveform"))

    live_through(tmp_path, scene, bed=True)


def test_a_quiet_sensor_is_waited_for(tmp_path: Path) -> None:
    """Its strip is unplugged: no samples, but it answers."""

    async def scene(side: Bedside) -> None:
        async with held(side):
            await lie(side, 5)
            await side.clock.sleep(600)
            await lie(side, 5)
        errors_ms(side.truth, await side.found("waveform"))

    live_through(tmp_path, scene, bed=True)


@pytest.mark.parametrize(("mtu", "fits"), [(244, False), (245, True)])
def test_an_mtu_that_holds_no_frame_is_told(tmp_path: Path, mtu: int, fits: bool) -> None:
    async def scene(side: Bedside) -> None:
        await lie(side, 5)
        side.device.air.mtu = mtu
        async with held(side, After.WATCH if fits else DeviceError):
            await side.clock.sleep(15)
        assert len(await side.found("waveform")) == (750 if fits else 0)
        assert side.device.device.log.pending == (0 if fits else 5)

    live_through(tmp_path, scene, bed=True)


def test_an_outbox_that_runs_full_leaves_the_buffer_on_the_sensor(tmp_path: Path) -> None:
    async def scene(side: Bedside) -> None:
        await lie(side, 5)
        assert await side.visit() is After.REST
        assert side.device.device.log.pending == 5

    live_through(tmp_path, scene, bed=True, limits=Limits(max_bytes=0))


def test_when_our_own_clock_is_set_what_follows_is_dated_by_the_new_one(tmp_path: Path) -> None:
    """The computer was an hour behind; the collector corrects the anchors as soon as it sees that."""

    async def scene(side: Bedside) -> None:
        async with held(side):
            await lie(side, 10)
            await side.clock.sleep(11)
            before = len(await side.found("waveform"))
            await side.outbox.ledger.shift_anchors(0, side.clock.utc_ms(), 3_600_000)
            await lie(side, 10)
        found = await side.found("waveform")
        truth = [(at, mark) for at, mark in side.truth]
        shifted = [(at + 3_600_000, mark) for at, mark in truth[before:]]
        assert np.abs(errors_ms(truth[:before] + shifted, found)).max() <= 60

    live_through(tmp_path, scene, bed=True)
