"""The outbox keeps what it was given until the service says that it has it: over crashes, full disks and repeats."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.errors import OutboxError, OutboxFullError
from gateway.home.outbox import Limits, Outbox
from gateway.home.outbox.ledger import Anchor, Room
from gateway.wire.messages import Ack
from tests.conftest import ROOT
from tests.integration.home.boxes import DEVICE, T0, SetClock, cost, make, mend, refuse, waiting
from tests.servers.bounded import killed_after


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "outbox.db"


def open_box(path: Path, limits: Limits | None = None) -> Outbox:
    return Outbox(path, SystemClock(), limits)


class TestQueue:
    async def test_batches_come_out_in_the_order_they_went_in_and_survive_a_restart(self, path: Path) -> None:
        box = open_box(path)
        sent = [make(seq, session=session) for seq in range(3) for session in ("b", "a")]
        for batch in sent:
            await box.put([batch])
        assert await waiting(box) == sent
        box.close()
        box = open_box(path)
        assert await waiting(box) == sent
        assert [found.seq for found in await box.next((await box.next(0, 2))[-1].row, 3)] == [1, 1, 2]
        box.close()

    async def test_the_same_name_twice_is_once(self, path: Path) -> None:
        box = open_box(path)
        await box.put([make(1), make(1), make(2)])
        await box.put([make(1)])
        assert [batch.seq for batch in await waiting(box)] == [1, 2]
        await box.put([make(1, revision=1), make(1, session="other")])
        assert (await box.use()).batches == 4
        box.close()

    @pytest.mark.parametrize(
        ("ack", "left"),
        [
            (Ack(DEVICE, "s", "stored", seqs=(1, 3, 9)), [0, 2, 4]),
            (Ack(DEVICE, "s", "stored", up_to=2), [3, 4]),
            (Ack(DEVICE, "s", "stored", up_to=0, seqs=(4,)), [1, 2, 3]),
            (Ack(DEVICE, "s", "stored", up_to=4), []),
            (Ack(DEVICE, "s", "stored", up_to=4, revision=1), [0, 1, 2, 3, 4]),
            (Ack(DEVICE, "t", "stored", up_to=4), [0, 1, 2, 3, 4]),
            (Ack("plx-1", "s", "stored", up_to=4), [0, 1, 2, 3, 4]),
            (Ack(DEVICE, "s", "stored"), [0, 1, 2, 3, 4]),
        ],
    )
    async def test_what_the_service_names_is_dropped_and_nothing_else(
        self, path: Path, ack: Ack, left: list[int]
    ) -> None:
        box = open_box(path)
        await box.put([make(seq) for seq in range(5)])
        assert await box.confirm([ack]) == 5 - len(left)
        assert await box.confirm([ack]) == 0
        assert [batch.seq for batch in await waiting(box)] == left
        box.close()

    async def test_batches_that_the_service_set_aside_are_counted_also_over_a_restart(self, path: Path) -> None:
        box = open_box(path)
        await box.put([make(seq) for seq in range(3)])
        await box.confirm([Ack(DEVICE, "s", "set_aside", seqs=(0, 1)), Ack(DEVICE, "s", "stored", seqs=(2,))])
        await box.confirm([Ack(DEVICE, "s", "set_aside", seqs=(0, 1))])
        box.close()
        box = open_box(path)
        use = await box.use()
        assert (use.batches, use.used_bytes, use.counters) == (0, 0, {"set_aside_by_service": 2})
        box.close()

    async def test_who_watches_is_told_of_each_commit(self, path: Path) -> None:
        box = open_box(path)
        told: list[int] = []
        box.on_put = told.append
        await box.put([make(0), make(1)])
        await box.put([make(2)])
        assert told == [2, 1]
        box.close()


class TestLedger:
    async def test_an_item_keeps_its_session_and_what_arrived_of_it(self, path: Path) -> None:
        box = open_box(path)
        new = await box.ledger.item(DEVICE, "file", 0)
        assert (new.received, new.done, new.size) == (b"", False, 0)
        assert (await box.ledger.item(DEVICE, "file", 100)).session == new.session
        await box.ledger.keep_partial(DEVICE, "file", b"begun")
        box.close()
        box = open_box(path)
        for size in (0, 100):
            kept = await box.ledger.item(DEVICE, "file", size)
            assert (kept.session, kept.received, kept.size) == (new.session, b"begun", 100)
        grown = await box.ledger.item(DEVICE, "file", 200)
        assert (grown.session, grown.received) == (new.session, b"")
        assert (await box.ledger.item("plx-1", "file")).session != new.session
        box.close()

    async def test_a_finished_item_and_its_batches_are_one_commit(self, path: Path) -> None:
        batch = make(0, origin="stored")
        box = open_box(path, Limits(cost(batch) * 2))
        await box.ledger.item(DEVICE, "file", 9)
        await box.ledger.keep_partial(DEVICE, "file", b"whole")
        with pytest.raises(OutboxFullError):
            await box.finish(DEVICE, "file", [make(seq, origin="stored") for seq in range(3)])
        kept = await box.ledger.item(DEVICE, "file")
        assert (kept.done, kept.received) == (False, b"whole")
        assert await waiting(box) == []
        await box.finish(DEVICE, "file", [batch])
        box.close()
        box = open_box(path)
        done = await box.ledger.item(DEVICE, "file", 10)
        assert (done.done, done.received) == (True, b"")
        assert await waiting(box) == [batch]
        await box.ledger.keep_partial(DEVICE, "file", b"late")
        assert (await box.ledger.item(DEVICE, "file")).received == b""
        box.close()

    async def test_lists_tell_between_which_moments_an_item_was_made(self, path: Path) -> None:
        clock = SetClock()
        box = Outbox(path, clock)
        await box.ledger.listed(DEVICE, ["a"])
        assert (await box.ledger.item(DEVICE, "a")).room is None  # it may be as old as the device
        clock.now_ms += 1000
        await box.ledger.listed(DEVICE, ["a", "b", "c"])
        box.close()
        box = Outbox(path, clock)
        assert (await box.ledger.item(DEVICE, "b")).room == Room(T0, T0, T0 + 1000)
        await box.finish(DEVICE, "b", [make(0, origin="stored")])
        end_ms = make(0).end_ms
        clock.now_ms = end_ms + 5000
        await box.ledger.listed(DEVICE, ["b", "c", "d"])
        assert (await box.ledger.item(DEVICE, "c")).room == Room(T0, T0, T0 + 1000)  # what b says lies behind that
        assert (await box.ledger.item(DEVICE, "d")).room == Room(T0 + 1000, end_ms, end_ms + 5000)
        assert (await box.ledger.item("plx-1", "d")).room is None
        clock.now_ms += 1000
        await box.ledger.listed(DEVICE, ["a"])
        assert (await box.ledger.item(DEVICE, "a")).room == Room(end_ms + 5000, end_ms + 5000, end_ms + 6000)
        box.close()

    async def test_the_lists_moments_are_corrected_with_our_clock(self, path: Path) -> None:
        clock = SetClock()
        box = Outbox(path, clock)
        await box.ledger.listed(DEVICE, ["a"])
        clock.now_ms += 1000
        await box.ledger.listed(DEVICE, ["a", "b"])
        assert await box.ledger.shift_anchors(T0 + 1000, T0 + 1000, 500) == 0
        assert (await box.ledger.item(DEVICE, "b")).room == Room(T0, T0, T0 + 1500)
        clock.now_ms = T0 + 3000
        await box.ledger.listed(DEVICE, ["b", "c"])
        assert (await box.ledger.item(DEVICE, "c")).room == Room(T0 + 1500, T0 + 1500, T0 + 3000)
        box.close()

    async def test_anchors_come_by_epoch_and_tick_and_an_address_keeps_its_id(self, path: Path) -> None:
        box = open_box(path)
        ledger = box.ledger
        for anchor in (Anchor(1, 5, 50, 1), Anchor(0, 9, 90, 1), Anchor(0, 3, 30, 1), Anchor(0, 9, 91, 2)):
            await ledger.add_anchor(DEVICE, anchor)
        assert await ledger.anchors(DEVICE) == [Anchor(0, 3, 30, 1), Anchor(0, 9, 91, 2), Anchor(1, 5, 50, 1)]
        assert await ledger.anchors("plx-1") == []
        assert await ledger.bound_id("plx", "AA", "plx-1") == "plx-1"
        assert await ledger.bound_id("plx", "AA", "plx-2") == "plx-1"
        assert await ledger.bound_id("plx", "BB", "plx-2") == "plx-2"
        box.close()


class TestFull:
    """DESIGN's order: stored pulls are refused, then live waveform is thinned, then live oximetry, wear never."""

    async def test_the_whole_policy_in_its_order(self, path: Path) -> None:
        each = cost(make(0, "waveform"))
        box = open_box(path, Limits(each * 20))
        await box.put([make(seq, "waveform", session="w") for seq in range(10)])
        assert await box.accepts_stored()
        await box.put([make(seq, "oximetry", session="o") for seq in range(6)])
        assert not await box.accepts_stored()
        counters = (await box.use()).counters
        assert counters == {"refused_pulls": 1}
        seq = 6
        while "thinned_oximetry" not in counters:
            await box.put([make(seq, "oximetry", session="o")])
            seq += 1
            counters = (await box.use()).counters
        kinds = [batch.kind for batch in await waiting(box)]
        assert "waveform" not in kinds  # all of it went before the first of the oximetry did
        assert counters["thinned_waveform"] == 10
        box.close()

    async def test_wear_is_taken_past_the_bound_and_others_are_not(self, path: Path) -> None:
        wear = [make(seq, "wear") for seq in range(10)]
        box = open_box(path, Limits(cost(wear[0])))
        await box.put(wear)
        await box.put([make(10, "wear")])
        with pytest.raises(OutboxFullError, match="no room for live oximetry"):
            await box.put([make(0)])
        with pytest.raises(OutboxFullError):
            await box.put([make(11, "wear"), make(0, "device")])  # all or none
        use = await box.use()
        assert use.batches == 11
        assert use.used_bytes > use.max_bytes
        assert use.counters == {"refused_live_oximetry": 1, "refused_live_wear": 2}
        box.close()

    async def test_counts_survive_a_restart_and_room_is_used_again(self, path: Path) -> None:
        limits = Limits(cost(make(0)) * 4)
        box = open_box(path, limits)
        await box.put([make(seq) for seq in range(4)])
        await box.next(0, 10)  # sent: none of it may be thinned any more
        with pytest.raises(OutboxFullError):
            await box.put([make(4)])
        box.close()
        box = open_box(path, limits)
        assert (await box.use()).counters == {"refused_live_oximetry": 1}
        await box.confirm([Ack(DEVICE, "s", "stored", up_to=0)])
        await box.put([make(4)])
        assert [batch.seq for batch in await waiting(box)] == [1, 2, 3, 4]
        box.close()


class TestDisk:
    async def test_a_full_disk_is_told_as_such_and_nothing_is_lost_after_room_is_made(self, path: Path) -> None:
        box = open_box(path)
        await box.put([make(0)])
        await box._journal.run(lambda database: database.execute("PRAGMA max_page_count = 40").fetchone())
        kept = 1

        async def fill() -> None:
            nonlocal kept
            while True:
                await box.put([make(kept, size=1000)])
                kept += 1

        with pytest.raises(OutboxFullError, match="full"):
            await fill()
        assert kept > 1
        assert [batch.seq for batch in await waiting(box)] == list(range(kept))
        measured = (await box.use()).used_bytes
        await box._journal.run(lambda database: database.execute("PRAGMA max_page_count = 100000").fetchone())
        await box.put([make(kept, size=1000)])
        assert [batch.seq for batch in await waiting(box)] == list(range(kept + 1))
        assert (await box.use()).used_bytes == measured + cost(make(kept, size=1000))
        box.close()
        box = open_box(path)
        assert [batch.seq for batch in await waiting(box)] == list(range(kept + 1))
        box.close()

    async def test_a_confirmation_that_the_disk_refused_does_not_count_as_room(self, path: Path) -> None:
        box = open_box(path)
        await box.put([make(seq) for seq in range(4)])
        before = (await box.use()).used_bytes

        await refuse(box, "DELETE")
        with pytest.raises(OutboxError, match="disk I/O error"):
            await box.confirm([Ack(DEVICE, "s", "stored", up_to=3)])
        await mend(box)
        assert (await box.use()).used_bytes == before
        assert await box.confirm([Ack(DEVICE, "s", "stored", up_to=3)]) == 4
        box.close()

    async def test_a_job_that_fails_is_undone_alone_and_the_queue_goes_on(self, path: Path) -> None:
        box = open_box(path)

        def bad(database: sqlite3.Connection) -> None:
            database.execute("INSERT INTO counter VALUES ('half', 1)")
            raise ZeroDivisionError

        results = await asyncio.gather(
            box.put([make(0)]), box._journal.run(bad), box.put([make(1)]), return_exceptions=True
        )
        assert [type(result) for result in results] == [type(None), ZeroDivisionError, type(None)]
        assert (await box.use()).counters == {}
        assert [batch.seq for batch in await waiting(box)] == [0, 1]
        box.close()

    async def test_a_second_process_is_told_in_one_line_that_it_is_in_use(self, path: Path) -> None:
        box = open_box(path)
        await box.put([make(0)])
        text = f"""
import sys
from pathlib import Path
from gateway.clock import SystemClock
from gateway.errors import OutboxError
from gateway.home.outbox import Outbox
try:
    Outbox(Path({str(path)!r}), SystemClock())
except OutboxError as error:
    print(error)
    sys.exit(6)
"""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", text, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT
        )
        async with asyncio.timeout(100):
            out, err = await process.communicate()
        assert (process.returncode, err) == (6, b"")
        assert out.decode().splitlines() == [f"outbox {path}: database is locked"]
        await box.put([make(1)])
        box.close()

    def test_what_is_no_outbox_is_one_clear_line(self, tmp_path: Path) -> None:
        other = tmp_path / "file"
        other.write_bytes(b"no database" * 100)
        (tmp_path / "folder").mkdir()
        for wrong in (other, tmp_path / "folder", other / "below"):
            with pytest.raises(OutboxError, match=f"outbox {wrong}: ") as caught:
                open_box(wrong)
            assert "\n" not in str(caught.value)


WRITER = """
import asyncio, sys
from pathlib import Path
from gateway.clock import SystemClock
from gateway.home.outbox import Outbox
from tests.integration.home.boxes import DEVICE, make

async def main(path, first):
    box = Outbox(path, SystemClock())
    async def put(seq):
        await box.put([make(seq), make(seq, session="twin")])
        print("put", seq, flush=True)
    async def finish(seq):
        item = f"file-{seq}"
        await box.ledger.item(DEVICE, item, 10)
        await box.ledger.keep_partial(DEVICE, item, b"half")
        await box.finish(DEVICE, item, [make(n, origin="stored", session=item) for n in range(3)])
        print("item", seq, flush=True)
    for seq in range(first, first + 100_000, 4):
        await asyncio.gather(*(put(seq + n) for n in range(4)), finish(seq))

asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
"""


def test_everything_whose_put_returned_is_there_after_a_kill_at_any_moment(path: Path) -> None:
    chance = random.Random(20260323)
    put: set[int] = set()
    items: set[int] = set()
    for round_ in range(3):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(round_ * 1_000_000)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        assert process.stdout is not None
        with killed_after(process):
            for _ in range(chance.randrange(20, 200)):
                what, seq = process.stdout.readline().split()
                (put if what == "put" else items).add(int(seq))
        process.send_signal(signal.SIGKILL)
        for line in process.stdout.read().splitlines():
            if len(parts := line.split()) == 2 and line.startswith(("put ", "item ")):
                (put if parts[0] == "put" else items).add(int(parts[1]))
        process.wait(20)

    async def look() -> None:
        box = open_box(path)
        found = await waiting(box)
        by_session: dict[str, set[int]] = {}
        for batch in found:
            by_session.setdefault(batch.session, set()).add(batch.seq)
        assert put <= by_session["s"]
        assert by_session["s"] == by_session["twin"]  # each put whole or not at all
        stored = {session for session in by_session if session.startswith("file-")}
        assert {f"file-{seq}" for seq in items} <= stored
        assert all(by_session[session] == {0, 1, 2} for session in stored)
        rows = await box._journal.run(lambda base: base.execute("SELECT item, done FROM ledger").fetchall())
        assert {item for item, done in rows if done} == stored
        used = sum(cost(batch) for batch in found)
        assert (await box.use()).used_bytes == used
        box.close()

    asyncio.run(look())
    assert len(put) > 50
    assert items
