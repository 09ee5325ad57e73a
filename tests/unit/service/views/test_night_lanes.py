"""Lanes of a night: runs, gaps and posture, against what a loop would say."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.adherence.life import postures_of
from gateway.service.store.base import Samples
from gateway.service.views.night_lanes import _missing, _runs
from gateway.service.views.night_sources import cut
from gateway.service.views.night_values import POSTURES, Span


@pytest.mark.parametrize(
    ("accel", "posture"),
    [
        ((1000, 0, 0), "supine"),
        ((-1000, 0, 0), "prone"),
        ((0, -1000, 0), "left"),
        ((0, 1000, 0), "right"),
        ((0, 0, 1000), "upright"),
        ((700, 0, 700), "supine"),
        ((600, 0, 760), "upright"),
    ],
)
def test_a_posture_by_where_the_face_looks_and_the_crown_points(accel: tuple[int, int, int], posture: str) -> None:
    (code,) = postures_of(np.array([accel], np.int16))
    assert POSTURES[code] == posture


def test_no_acceleration_is_no_posture() -> None:
    assert postures_of(np.array([[0, 0, 0], [100, 200, 190]], np.int16)).tolist() == [len(POSTURES)] * 2


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 2), st.integers(0, 60)), min_size=1, max_size=30),
    st.integers(1, 15),
)
def test_runs_cover_what_each_value_stands_for(steps: list[tuple[int, int, int]], hold: int) -> None:
    t_ms = np.cumsum([step for step, _, _ in steps]).astype(np.int64)
    values = np.array([value for _, value, _ in steps], np.uint8)
    limit = t_ms + np.array([more for _, _, more in steps], np.int64)
    expected: dict[int, int] = {}
    for place, at in enumerate(t_ms.tolist()):
        until = min(at + hold, int(limit[place]), *t_ms[place + 1 : place + 2].tolist())
        expected |= dict.fromkeys(range(at, until), int(values[place]))
    runs = list(_runs(t_ms, values, hold, limit))
    assert {at: value for span, value in runs for at in range(span.start_ms, span.end_ms)} == expected
    for (one, before), (other, now) in pairwise(runs):
        assert one.end_ms <= other.start_ms
        assert before != now or one.end_ms < other.start_ms


def samples(values: Sequence[float]) -> Samples:
    columns = {"spo2": np.array(values, "<f4")}
    return Samples("d", "oximetry", np.arange(len(values), dtype=np.int64) * 1000, columns, np.zeros(len(values), "u1"))


def test_a_hole_is_told_from_eleven_seconds_on_and_as_wide_as_two_pixels() -> None:
    nan = float("nan")
    told = samples([97.0] * 30 + [nan] * 9 + [97.0] * 30 + [nan] * 10 + [97.0] * 30)
    whole = [Span(0, len(told) * 1000)]
    assert _missing(told, whole, 1.0) == (Span(68_000, 79_000),)
    assert _missing(told, whole, 5_400.0) == (Span(68_000, 79_000),)
    assert _missing(told, whole, 5_600.0) == ()


def test_a_recording_without_a_value_is_missing_as_a_whole() -> None:
    nothing = samples([])
    assert _missing(nothing, [Span(0, 60_000), Span(90_000, 150_000)], 10.0) == (Span(0, 60_000), Span(90_000, 150_000))


@given(st.tuples(st.integers(0, 50), st.integers(0, 50)), st.lists(st.tuples(st.integers(0, 50), st.integers(1, 9))))
def test_what_is_cut_lies_in_both(span: tuple[int, int], parts: list[tuple[int, int]]) -> None:
    held = tuple(Span(begin, begin + length) for begin, length in parts)
    for one in cut(Span(*span), held):
        assert span[0] <= one.start_ms < one.end_ms <= span[1]
        assert any(part.start_ms <= one.start_ms and one.end_ms <= part.end_ms for part in held)
