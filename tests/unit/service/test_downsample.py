"""Fewer samples, the same extremes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gateway.service.downsample import choose


def even(size: int, dt_ms: int = 1000) -> np.ndarray:
    return np.arange(size, dtype=np.int64) * dt_ms


def test_a_night_that_fits_is_given_whole() -> None:
    choice = choose(even(100), [np.zeros(100, "f4")], 100)
    assert choice.index.tolist() == list(range(100))
    assert choice.bucket_ms == 0


def test_one_sample_more_than_fits_is_thinned() -> None:
    choice = choose(even(101), [np.zeros(101, "f4")], 100)
    assert choice.index.size <= 100
    assert choice.bucket_ms == pytest.approx(100_001 / 50)


def test_a_nadir_of_one_sample_is_kept() -> None:
    spo2 = np.full(28_800, 96, "f4")
    spo2[17_321] = 71
    pulse = np.full(28_800, 60, "f4")
    pulse[5] = 140
    choice = choose(even(28_800), [spo2, pulse], 400)
    assert {17_321, 5} <= set(choice.index.tolist())


def test_a_bucket_without_any_value_shows_its_gap() -> None:
    spo2 = np.full(1000, 96, "f4")
    spo2[400:600] = np.nan
    chosen = choose(even(1000), [spo2], 20).index
    assert np.isnan(spo2[chosen]).any()
    assert not np.isnan(spo2[chosen]).all()


def test_a_time_without_samples_stays_empty() -> None:
    t_ms = np.concatenate([even(500), even(500) + 5_000_000])
    choice = choose(t_ms, [np.arange(1000, dtype="f4")], 100)
    gaps = np.diff(t_ms[choice.index])
    assert (gaps > 2 * choice.bucket_ms).sum() == 1


@given(
    column=hnp.arrays(np.float32, st.integers(1, 400), elements=st.one_of(st.just(np.nan), st.integers(50, 100))),
    gaps=st.lists(st.integers(0, 9000), min_size=400, max_size=400),
    points=st.integers(2, 120),
)
def test_the_extremes_of_every_bucket_are_there_at_their_own_times(
    column: np.ndarray, gaps: list[int], points: int
) -> None:
    t_ms = np.cumsum(gaps[: column.size]).astype(np.int64)
    choice = choose(t_ms, [column], points)
    assert choice.index.size <= max(points, 1)
    assert (np.diff(choice.index) > 0).all()
    buckets = points // 2
    bucket = (t_ms - t_ms[0]) * buckets // (int(t_ms[-1] - t_ms[0]) + 1)
    kept = np.zeros(column.size, bool)
    kept[choice.index] = True
    for each in np.unique(bucket):
        whole, shown = column[bucket == each], column[(bucket == each) & kept]
        assert shown.size >= 1
        if np.isfinite(whole).any():
            assert np.nanmin(shown) == np.nanmin(whole)
            assert np.nanmax(shown) == np.nanmax(whole)


@pytest.mark.parametrize(("columns", "points"), [(0, 10), (1, 1), (2, 3)])
def test_too_few_points_are_refused(columns: int, points: int) -> None:
    with pytest.raises(ValueError, match="cannot show"):
        choose(even(10), [np.zeros(10, "f4")] * columns, points)
