"""Whatever befalls the contacts with our devices, every record is handed on once, in order, dated truly."""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.home.edge.bedside import Bedside, errors_ms, live_through

STEP = st.one_of(
    st.tuples(st.just("record"), st.integers(1, 60)),
    st.tuples(st.just("contact"), st.just(0)),
    st.tuples(st.just("cut"), st.integers(0, 6)),
    st.tuples(st.just("lose"), st.integers(0, 6)),
    st.tuples(st.just("double"), st.integers(0, 6)),
    st.tuples(st.just("reboot"), st.integers(1, 20_000)),
    st.tuples(st.just("rate"), st.integers(-100, 100)),
)


async def do(side: Bedside, what: str, number: int, *, bed: bool) -> None:
    air = side.device.air
    match what:
        case "record":
            for _ in range(number):
                await side.clock.sleep(3 if bed else 60)
                if bed:
                    side.frame(len(side.truth), 20)
                else:
                    side.record(len(side.truth) % 4000)
        case "contact" | "cut":
            if what == "cut":
                air.cut_after = air.sent + max(1, number)
            await contact(side)
        case "lose":
            air.lose.add(air.sent + number)
        case "double":
            air.double.add(air.sent + number)
        case "reboot":
            await side.clock.sleep(number)
            side.device.reboot()
        case "rate":
            side.device.board.set_ppm(number)


async def contact(side: Bedside) -> None:
    """A visit of ten seconds, for a bed sensor's does not end by itself."""
    visit = asyncio.create_task(side.visit())
    await asyncio.wait([visit], timeout=10)
    if side.device.link is not None:
        side.device.link.lose()
    await visit


async def until_free(side: Bedside) -> None:
    side.device.air.lose.clear()
    side.device.air.cut_after = None
    for _ in range(4):
        await contact(side)
    assert not await side.outbox.records.kept(side.desk_id)


def check(steps: list[tuple[str, int]], *, bed: bool) -> None:
    async def scene(side: Bedside) -> None:
        for what, number in steps:
            await do(side, what, number, bed=bed)
        await until_free(side)
        kind = "waveform" if bed else "wear"
        found = await side.found(kind)  # type: ignore[arg-type]
        off = np.abs(errors_ms(side.truth, found))
        assert (off <= np.array([doubt for _, _, doubt in found]) + 1).all()
        names = [batch.name for batch in await side.batches(kind)]  # type: ignore[arg-type]
        assert len(names) == len(set(names))

    with TemporaryDirectory() as folder:
        live_through(Path(folder), scene, bed=bed)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(STEP, max_size=12))
def test_recorder(steps: list[tuple[str, int]]) -> None:
    check(steps, bed=False)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(STEP, max_size=10))
def test_bed_sensor(steps: list[tuple[str, int]]) -> None:
    check(steps, bed=True)
