"""Months of wear with a contact a day, reboots, lost clocks and drift: every record once, dated as promised."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from gateway.home.devices.driver import After
from tests.integration.home.edge.bedside import Bedside, errors_ms, live_through

DAY_S = 86_400.0
EVERY_S = 900.0


async def months(side: Bedside, days: int, reboots: int, seed: int) -> tuple[int, int, int]:
    """Live through `days`; returns how many records there were, how many lay between two contacts of their boot,
    and by how many ms the worst of those was dated wrong.

    The rate follows the temperature: a mean that moves through the year within +-92 ppm, and 8 ppm over a day.
    """
    rng = np.random.default_rng(seed)
    board = side.device.board
    start_s = side.clock.monotonic_s()
    events = sorted(
        [(day * DAY_S + float(rng.uniform(0, 7200)), "contact") for day in range(days + 1)]
        + [(float(rng.uniform(0, days * DAY_S)), "reboot") for _ in range(reboots)]
        + [(at * EVERY_S, "record") for at in range(round(days * DAY_S / EVERY_S))]
    )
    boots: list[int] = []
    contacts: list[tuple[int, int]] = []
    boot = 0
    for at_s, what in events:
        now_s = side.clock.monotonic_s() - start_s
        if at_s > now_s:
            await side.clock.sleep(at_s - now_s)
        day = at_s / DAY_S
        board.set_ppm(92 * math.sin(2 * math.pi * day / 365) + 8 * math.sin(2 * math.pi * day))
        if what == "record":
            side.record(len(side.truth) % 4000)
            boots.append(boot)
        elif what == "reboot":
            side.device.reboot()
            board = side.device.board
            boot += 1
        else:
            contacts.append((side.clock.utc_ms(), boot))
            assert await side.visit() is After.SELDOM
    assert await side.visit() is After.SELDOM
    contacts.append((side.clock.utc_ms(), boot))
    found = await side.found()
    off = np.abs(errors_ms(side.truth, found))
    assert (off <= np.array([doubt for _, _, doubt in found]) + 1).all()
    times, in_boot = np.array([at for at, _ in contacts]), np.array([of for _, of in contacts])
    after = np.searchsorted(times, [at for at, _ in side.truth], side="right")
    inside = (after > 0) & (after < times.size)
    last, following = in_boot[(after - 1).clip(0)], in_boot[after.clip(max=times.size - 1)]
    inside &= (last == boots) & (following == boots)
    return off.size, int(inside.sum()), int(off[inside].max())


@pytest.mark.parametrize("seed", [1, 2])
def test_a_month_with_a_reboot_on_most_days(tmp_path: Path, seed: int) -> None:
    async def scene(side: Bedside) -> None:
        count, inside, worst_ms = await months(side, 30, 33, seed)
        assert count == 2880
        assert inside > 500
        assert worst_ms <= 2000

    live_through(tmp_path, scene)
