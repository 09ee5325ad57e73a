"""A night's samples are cut into even runs, each with its device's own interval; batches are cut at noon."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np

from gateway.service.ingest.cutting import by_night, chunks_of
from gateway.service.store.base import LIVE, STORED, Samples
from tests.unit.wire.samples import batch


def samples(times: list[int], origin: list[int] | None = None) -> Samples:
    size = len(times)
    columns = {"spo2": np.arange(size, dtype="<f4"), "motion": np.zeros(size, "u1")}
    marks = np.array(origin if origin is not None else [LIVE] * size, np.uint8)
    return Samples("d", "oximetry", np.array(times, np.int64), columns, marks)


def cut(times: list[int], origin: list[int] | None = None) -> list[tuple[int, int, list[float]]]:
    return [(chunk.t0_ms, chunk.dt_ms, chunk.spo2.tolist()) for chunk in chunks_of(samples(times, origin))]


def test_an_even_run_is_one_chunk_with_its_own_interval() -> None:
    for step in (250, 1000, 4000):
        assert cut([step * n for n in range(5)]) == [(0, step, [0, 1, 2, 3, 4])]


def test_a_gap_and_a_step_that_is_not_the_interval_start_a_new_run() -> None:
    assert cut([0, 1000, 2000, 9000, 10_000]) == [(0, 1000, [0, 1, 2]), (9000, 1000, [3, 4])]
    assert cut([0, 1000, 2000, 2900, 3900]) == [(0, 1000, [0, 1, 2]), (2900, 1000, [3, 4])]


def test_live_and_stored_have_each_their_own_interval() -> None:
    times = [0, 1000, 2000, 4000, 8000, 12_000, 13_000, 14_000]
    origin = [LIVE] * 3 + [STORED] * 3 + [LIVE] * 2
    assert cut(times, origin) == [(0, 1000, [0, 1, 2]), (4000, 4000, [3, 4, 5]), (13_000, 1000, [6, 7])]


def test_single_samples_far_apart_are_runs_of_one() -> None:
    assert cut([0, 30_000, 60_000]) == [(0, 1000, [0]), (30_000, 1000, [1]), (60_000, 1000, [2])]
    assert cut([5]) == [(5, 1000, [0])]


def test_two_samples_at_one_moment_are_two_runs() -> None:
    assert cut([0, 1000, 1000, 2000]) == [(0, 1000, [0, 1]), (1000, 1000, [2, 3])]


def test_columns_that_were_never_sent_are_missing() -> None:
    [chunk] = chunks_of(samples([0, 1000]))
    assert np.isnan(chunk.pulse).all()
    assert not chunk.flags.any()


def noon(day: int) -> int:
    """12:00 in Berlin in January, when it is an hour ahead."""
    return int(datetime(2026, 1, day, 11, tzinfo=UTC).timestamp() * 1000)


def test_a_batch_across_local_noon_is_cut_there() -> None:
    across = batch(size=10, t0_ms=noon(15) - 4000)
    assert list(by_night(across, "Europe/Berlin")) == [
        (date(2026, 1, 14), slice(0, 4)),
        (date(2026, 1, 15), slice(4, 10)),
    ]
    assert list(by_night(across, "UTC")) == [(date(2026, 1, 14), slice(0, 10))]


def test_a_batch_that_ends_at_noon_or_begins_there_is_whole() -> None:
    for t0_ms, night in ((noon(15) - 10_000, date(2026, 1, 14)), (noon(15), date(2026, 1, 15))):
        assert list(by_night(batch(size=10, t0_ms=t0_ms), "Europe/Berlin")) == [(night, slice(0, 10))]


def test_an_uneven_batch_over_two_noons_is_three_pieces() -> None:
    offsets = np.array([0, 1000, 86_400_000, 86_401_000, 2 * 86_400_000], "<i4")
    columns = {"spo2": np.zeros(5, "<f4")}
    uneven = batch(dt_ms=None, t_ms=offsets, columns=columns, t0_ms=noon(15) - 1000)
    assert list(by_night(uneven, "Europe/Berlin")) == [
        (date(2026, 1, 14), slice(0, 1)),
        (date(2026, 1, 15), slice(1, 3)),
        (date(2026, 1, 16), slice(3, 5)),
    ]
