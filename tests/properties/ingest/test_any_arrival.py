"""Any interleaving, repeat or re-order of batches, and any restart, gives the same store and the same night."""

from __future__ import annotations

import tempfile
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
from hypothesis import HealthCheck, given, settings

from gateway.wire.messages import Batch
from tests.properties.ingest.scene import EVENING, Outcome, cut, night, scene

SPO2 = night(600)
LIVE = cut(SPO2, 60)
AGAIN = cut(SPO2[:200], 40, session="again", t0_ms=EVENING + 660_000)
STORED = cut(SPO2[200:500:4], 40, session="stored", origin="stored", t0_ms=EVENING + 200_000, dt_ms=4000)
NOON = cut(night(240, 2), 60, session="noon", t0_ms=EVENING + 14 * 3_600_000 - 100_000)
ALL = [*LIVE, *STORED, *AGAIN, *NOON]
_in_order: list[Outcome] = []


def in_order() -> Outcome:
    if not _in_order:
        with tempfile.TemporaryDirectory() as folder, scene(Path(folder)) as undisturbed:
            undisturbed.send(ALL)
            _in_order.append(undisturbed.outcome())
    return _in_order[0]


def test_the_undisturbed_run_finds_something_in_both_nights() -> None:
    rows, nights = in_order()
    assert len(rows) == 600 - 300 + 75 + 200 + 240
    assert [len(found) > 0 for _, found in nights] == [True, True]
    assert {result.state.value for result, _ in nights} == {"closed"}
    assert [result.night.isoformat() for result, _ in nights] == ["2026-09-23", "2026-09-22"]


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_any_order_any_repeat_any_restart(data: st.DataObject) -> None:
    arriving: list[Batch] = list(ALL)
    for _ in range(data.draw(st.integers(0, 6))):  # swapped with a neighbour, or with any other
        first = data.draw(st.integers(0, len(arriving) - 2))
        second = data.draw(st.sampled_from((first + 1, len(arriving) - 1 - first)))
        arriving[first], arriving[second] = arriving[second], arriving[first]
    for batch in data.draw(st.lists(st.sampled_from(ALL), max_size=5)):
        arriving.insert(data.draw(st.integers(0, len(arriving))), batch)
    if data.draw(st.booleans()):
        arriving = data.draw(st.permutations(arriving))
    restarts = sorted(data.draw(st.lists(st.integers(0, len(arriving)), max_size=2)))
    settled_between = data.draw(st.booleans())
    with tempfile.TemporaryDirectory() as folder:
        unanswered: list[Batch] = []
        for begin, end in zip([0, *restarts], [*restarts, len(arriving)], strict=True):
            with scene(Path(folder)) as running:
                # what was not answered when the service ended is sent again by its gateway
                part = [*unanswered, *arriving[begin:end]]
                running.send(part)
                if settled_between:
                    running.ingest.settle()
                if end == len(arriving):
                    outcome = running.outcome()
            stored = set(running.answered("stored"))
            unanswered = [batch for batch in part if (batch.session, batch.seq) not in stored]
    assert outcome[0] == in_order()[0]
    assert outcome[1] == in_order()[1]
    assert np.isfinite([result.valid_s for result, _ in outcome[1]]).all()
