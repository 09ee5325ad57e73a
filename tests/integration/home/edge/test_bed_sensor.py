"""The gateway and a bed sensor, whose other side is the firmware itself."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np

from gateway.home.devices.driver import After
from tests.integration.home.edge.bedside import Bedside, errors_ms, live_through


async def lie(side: Bedside, frames: int, first: int = 0) -> int:
    """Frames of 150 samples, 3 s each."""
    for index in range(frames):
        await side.clock.sleep(3)
        side.frame(first + 150 * index)
    return first + 150 * frames


def test_what_was_buffered_is_stored_and_what_follows_is_live(tmp_path: Path) -> None:
    async def scene(side: Bedside) -> None:
        visit = asyncio.create_task(side.visit())
        mark = await lie(side, 100)
        assert side.device.link is not None
        side.device.link.lose()
        assert await visit is After.WATCH
        mark = await lie(side, 300, mark)
        visit = asyncio.create_task(side.visit())
        await lie(side, 100, mark)
        await side.clock.sleep(5)
        side.device.link.lose()
        assert await visit is After.WATCH
        batches = await side.batches("waveform")
        assert sum(one.size for one in batches if one.origin == "stored") >= 300 * 150
        assert sum(one.size for one in batches if one.origin == "live") >= 190 * 150
        assert np.abs(errors_ms(side.truth, await side.found("waveform"))).max() <= 60

    live_through(tmp_path, scene, bed=True)
