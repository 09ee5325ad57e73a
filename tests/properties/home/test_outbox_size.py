"""Whatever is done to an outbox, it knows what it holds: against a plain model, with restarts and refusals."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.clock import SystemClock
from gateway.errors import OutboxError, OutboxFullError
from gateway.home.outbox import Limits, Outbox
from gateway.home.outbox.policy import THINNING
from gateway.wire.messages import Ack, Batch
from tests.integration.home.boxes import DEVICE, cost, make, mend, refuse, waiting

LIMITS = Limits(6_000)
KINDS = st.sampled_from(("oximetry", "waveform", "wear", "device"))
SEQS = st.integers(0, 40)


class OutboxMachine(RuleBasedStateMachine):
    """The model: what was put, less what was confirmed, less what may have been thinned."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.loop = asyncio.new_event_loop()
        self.held: dict[tuple[str, str, int, int], Batch] = {}
        self.sent: set[tuple[str, str, int, int]] = set()
        self.counters: dict[str, int] = {}

    @initialize()
    def start(self) -> None:
        self.box = Outbox(self.folder / "outbox.db", SystemClock(), LIMITS)

    def now(self) -> dict[tuple[str, str, int, int], Batch]:
        """What the file holds, without marking anything as sent."""
        rows = self.loop.run_until_complete(
            self.box._journal.run(
                lambda base: base.execute("SELECT device, session, revision, seq FROM batch ORDER BY id").fetchall()
            )
        )
        return {tuple(row): self.held[tuple(row)] for row in rows}

    @rule(kind=KINDS, origin=st.sampled_from(("live", "live", "stored")), seqs=st.lists(SEQS, min_size=1, max_size=4),
          size=st.integers(1, 60))  # fmt: skip
    def put(self, kind, origin, seqs, size) -> None:  # type: ignore[no-untyped-def]
        batches = [make(seq, kind, origin, session=f"{kind}-{origin}", size=size) for seq in seqs]
        before = dict(self.held)
        try:
            self.loop.run_until_complete(self.box.put(batches))
            taken = True
        except OutboxFullError:
            taken = False
            assert kind != "wear"
        for batch in batches if taken else ():
            self.held.setdefault(batch.name, batch)
        after = self.now()
        gone = self.held.keys() - after.keys()
        for name in gone:  # thinned: live, of a kind that may be, not sent, not of this put
            assert before[name].origin == "live"
            assert before[name].kind in THINNING
            assert name not in self.sent
            key = f"thinned_{before[name].kind}"
            self.counters[key] = self.counters.get(key, 0) + 1
        again = [batch.name for batch in batches if batch.name in gone]
        assert not (taken and again and all(name not in before for name in again))
        self.held = after

    @rule(limit=st.integers(1, 10))
    def send(self, limit: int) -> None:
        found = self.loop.run_until_complete(self.box.next(0, limit))
        assert [one.name for one in found] == list(self.held)[:limit]
        self.sent |= {one.name for one in found}

    @rule(kind=KINDS, origin=st.sampled_from(("live", "stored")), seqs=st.lists(SEQS, max_size=5).map(tuple),
          up_to=st.none() | SEQS)  # fmt: skip
    def confirm(self, kind, origin, seqs, up_to) -> None:  # type: ignore[no-untyped-def]
        session = f"{kind}-{origin}"
        ack = Ack(DEVICE, session, "stored", up_to, seqs)
        named = {
            name
            for name in self.held
            if name[1] == session and (name[3] in seqs or (up_to is not None and name[3] <= up_to))
        }
        assert self.loop.run_until_complete(self.box.confirm([ack])) == len(named)
        self.held = {name: batch for name, batch in self.held.items() if name not in named}

    @rule(seqs=st.lists(SEQS, min_size=1, max_size=3))
    def be_refused_by_the_disk(self, seqs: list[int]) -> None:
        self.loop.run_until_complete(refuse(self.box, "INSERT"))
        batches = [make(seq, "wear", session="refused") for seq in seqs]
        with pytest.raises(OutboxError, match="disk I/O error"):
            self.loop.run_until_complete(self.box.put(batches))
        self.loop.run_until_complete(mend(self.box))

    @precondition(lambda self: len(self.held) > 2)
    @rule()
    def restart(self) -> None:
        self.box.close()
        self.sent.clear()  # what was on its way then is on its way no more
        self.start()

    @invariant()
    def it_knows_what_it_holds(self) -> None:
        if not hasattr(self, "box"):
            return
        use = self.loop.run_until_complete(self.box.use())
        assert use.batches == len(self.held)
        assert use.used_bytes == sum(cost(batch) for batch in self.held.values())
        wear = sum(cost(batch) for batch in self.held.values() if batch.kind == "wear")
        assert use.used_bytes <= LIMITS.max_bytes + wear
        assert {name: value for name, value in use.counters.items() if name.startswith("thinned")} == self.counters

    def teardown(self) -> None:
        if hasattr(self, "box"):
            assert self.loop.run_until_complete(waiting(self.box)) == list(self.held.values())
            self.box.close()
        self.loop.close()
        shutil.rmtree(self.folder)


OutboxMachine.TestCase.settings = settings(max_examples=15, stateful_step_count=20, deadline=None)
TestOutbox = OutboxMachine.TestCase
