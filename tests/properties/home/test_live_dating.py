"""Whatever the radio does: dates never go back, and are never further from the arrival than the batch says."""

from __future__ import annotations

import itertools

import hypothesis.strategies as st
import numpy as np
from hypothesis import given, settings

from gateway.home.collect.live import FLUSH_MS, LiveStream
from gateway.home.outbox import Outbox
from gateway.wire.messages import Batch
from simulators.timeloop import SimulatedClock, run

EPOCH = 1_790_000_000_000


class Kept:
    """Stands where the outbox stands and keeps what it is given."""

    def __init__(self, clock: SimulatedClock) -> None:
        self.clock = clock
        self.batches: list[tuple[int, Batch]] = []

    async def put(self, batches: list[Batch]) -> None:
        self.batches += [(self.clock.utc_ms(), batch) for batch in batches]


@settings(max_examples=50, deadline=None)
@given(
    st.sampled_from((250, 1000, 4000)),
    st.lists(st.sampled_from((0.0, 0.001, 0.1, 0.5, 0.98, 1.0, 1.0, 1.0, 1.02, 1.49, 1.51, 3.0, 10.0)), max_size=60),
)
def test_a_live_stream(dt_ms: int, steps: list[float]) -> None:
    async def main(clock: SimulatedClock) -> None:
        kept = Kept(clock)
        outbox: Outbox = kept  # type: ignore[assignment]  # only `put` is asked of it
        stream = LiveStream(outbox, clock, device="plx-1", kind="oximetry", dt_ms=dt_ms)
        arrivals = []
        for number, step in enumerate(steps):
            await clock.sleep(step * dt_ms / 1000)
            stream.add({"spo2": float(number)})
            arrivals.append(clock.utc_ms())
        await stream.close()
        dated: dict[int, tuple[int, int, int]] = {}
        for written_ms, batch in kept.batches:
            for time, value in zip(batch.times_ms().tolist(), batch.columns["spo2"].tolist(), strict=True):
                dated[int(value)] = (time, batch.clock.uncertainty_ms, written_ms)
        assert sorted(dated) == list(range(len(steps)))  # none lost, none doubled
        assert all(after[0] > before[0] for before, after in itertools.pairwise(dated[n] for n in sorted(dated)))
        for number, (time, uncertainty_ms, written_ms) in dated.items():
            assert abs(time - arrivals[number]) <= uncertainty_ms
            assert written_ms - arrivals[number] <= FLUSH_MS + 5
        assert [batch.seq for _, batch in kept.batches] == list(range(len(kept.batches)))
        assert {batch.session for _, batch in kept.batches} <= {kept.batches[0][1].session if kept.batches else ""}
        assert all(np.isfinite(batch.columns["spo2"]).all() for _, batch in kept.batches)

    run(main, epoch_ms=EPOCH)
