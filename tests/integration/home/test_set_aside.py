"""What devices said that made no sense: on disk with its reason, bounded, counted over restarts."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path

import pytest

from gateway.home.collect.desk import SET_ASIDE_KEPT, Known, VisitDesk
from gateway.home.outbox import Outbox
from gateway.home.outbox import set_aside as keeping
from simulators.timeloop import SimulatedClock, run

EPOCH = 1_790_000_000_000


def desk_of(box: Outbox, clock: SimulatedClock, known: dict[str, Known]) -> VisitDesk:
    return VisitDesk(
        box,
        clock,
        family="jumper",
        address="C4:00:00:00:00:01",
        mode="stored",
        live_ms=4000,
        zone=UTC,
        known=known,
        progress=lambda *_: None,
    )


def test_it_is_there_after_a_restart_with_its_reason(tmp_path: Path) -> None:
    async def main(clock: SimulatedClock) -> None:
        box = Outbox(tmp_path / "o.db", clock)
        known: dict[str, Known] = {}
        desk = desk_of(box, clock, known)
        await desk.set_aside(b"\x00", "before it said who it is")
        device = await desk.introduce(serial="1")
        await desk.set_aside(b"\x81", "too short")
        box.close()
        box = Outbox(tmp_path / "o.db", clock)
        found = await box.set_aside.newest()
        assert [(one.device, one.data, one.reason) for one in found] == [
            (device, b"\x81", "too short"),
            ("jumper", b"\x00", "before it said who it is"),
        ]
        assert {one.at_ms for one in found} == {EPOCH}
        assert (await box.use()).counters[keeping.COUNTER] == 2
        assert known[device].set_aside == 1
        box.close()

    run(main, epoch_ms=EPOCH)


def test_a_visit_counts_all_and_writes_the_first_ones(tmp_path: Path) -> None:
    async def main(clock: SimulatedClock) -> None:
        box = Outbox(tmp_path / "o.db", clock)
        known: dict[str, Known] = {}
        desk = desk_of(box, clock, known)
        device = await desk.introduce(serial="1")
        for number in range(SET_ASIDE_KEPT + 5):
            await desk.set_aside(bytes((number,)), "why")
        assert known[device].set_aside == SET_ASIDE_KEPT + 5
        assert [one.data[0] for one in await box.set_aside.newest()] == [*reversed(range(SET_ASIDE_KEPT))]
        box.close()

    run(main, epoch_ms=EPOCH)


def test_the_newest_stay_and_long_ones_are_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "KEPT", 3)

    async def main(clock: SimulatedClock) -> None:
        box = Outbox(tmp_path / "o.db", clock)
        for number in range(5):
            await box.set_aside.keep("jumper-0", bytes((number,)) * 5000, "why")
        found = await box.set_aside.newest()
        assert [one.data[0] for one in found] == [4, 3, 2]
        assert {len(one.data) for one in found} == {keeping.MAX_BYTES}
        assert {one.reason for one in found} == {"why (5000 bytes, cut)"}
        box.close()

    run(main, epoch_ms=EPOCH)


def test_a_disk_that_refuses_ends_no_visit(tmp_path: Path) -> None:
    async def main(clock: SimulatedClock) -> None:
        box = Outbox(tmp_path / "o.db", clock)
        known: dict[str, Known] = {}
        desk = desk_of(box, clock, known)
        device = await desk.introduce(serial="1")
        trigger = "CREATE TRIGGER refuse BEFORE INSERT ON set_aside BEGIN SELECT RAISE(ROLLBACK, 'disk I/O error'); END"
        await box._journal.run(lambda database: database.execute(trigger).fetchone())
        await desk.set_aside(b"\x81", "too short")
        assert known[device].set_aside == 1
        assert await box.set_aside.newest() == []
        box.close()

    run(main, epoch_ms=EPOCH)
