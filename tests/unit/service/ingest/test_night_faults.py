"""A night that cannot be analysed is told once and let go; a store that is away is no fault of the night."""

from __future__ import annotations

import logging
from datetime import date

import numpy as np
import pytest

from gateway.errors import StoreUnavailableError
from gateway.service.ingest.bed import chunks_of
from gateway.service.ingest.night_faults import NightFaults
from gateway.service.store.base import Samples
from gateway.wire.messages import SCHEMA

NIGHT = ("bed-0", date(2026, 3, 14))


def failing() -> None:
    raise ValueError("what nobody thought of")


def test_a_fault_is_counted_told_with_its_night_and_not_raised(caplog: pytest.LogCaptureFixture) -> None:
    faults = NightFaults("bed")
    with caplog.at_level(logging.ERROR):
        assert not faults.survived(NIGHT, failing)
    assert faults.count == 1
    assert "bed-0" in caplog.text
    assert "what nobody thought of" in caplog.text


def test_what_works_is_no_fault() -> None:
    faults = NightFaults("bed")
    assert faults.survived(NIGHT, lambda: False)
    assert faults.count == 0


def test_a_store_that_is_away_is_raised() -> None:
    def away() -> None:
        raise StoreUnavailableError("away")

    faults = NightFaults("bed")
    with pytest.raises(StoreUnavailableError):
        faults.survived(NIGHT, away)
    assert faults.count == 0


@pytest.mark.parametrize(
    ("times", "sizes"),
    [
        ([0, 20, 40], [3]),
        ([0, 20, 100, 120, 140], [2, 3]),
        ([0, 100], [1, 1]),
        ([0, 60, 120, 180], [1, 1, 1, 1]),
        ([0, 20, 20, 40], [2, 2]),
    ],
    ids=["even", "a hole", "only a hole", "too slow, as an earlier version stored it", "a time twice"],
)
def test_runs_are_cut_where_samples_lie_further_apart_than_a_waveforms(times: list[int], sizes: list[int]) -> None:
    columns = {name: np.zeros(len(times), dtype) for name, dtype in SCHEMA["waveform"].items()}
    samples = Samples("bed-0", "waveform", np.array(times, np.int64), columns, np.zeros(len(times), np.uint8))
    chunks = list(chunks_of(samples))
    assert [chunk.pressure.size for chunk in chunks] == sizes
    assert {chunk.dt_ms for chunk in chunks} == {20.0}
