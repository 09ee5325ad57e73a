"""The two lags of a small body: against a fine integration, and in what a bench would see."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.physiology.thermal import Bath, Course

MOUTH = Bath(0, 36.0, 200.0, mouth=1.0)


def integrated(baths: list[Bath], sensor_tau_s: float, until_s: int, parts: int = 20) -> float:
    """The sensor's temperature by small steps of Euler's rule."""
    body = sensor = baths[0].target_c
    for tick in range(baths[0].start_ms * parts // 1000, until_s * parts):
        bath = max((bath for bath in baths if bath.start_ms * parts <= tick * 1000), key=lambda one: one.start_ms)
        since_s = tick / parts - bath.start_ms / 1000
        around = bath.target_c + bath.fades_c * math.exp(-since_s / bath.fades_tau_s)
        body, sensor = body + (around - body) / bath.tau_s / parts, sensor + (body - sensor) / sensor_tau_s / parts
    return sensor


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.tuples(st.integers(5, 300), st.floats(10, 50), st.floats(40, 400)), min_size=1, max_size=4),
    st.floats(5, 20),
    st.floats(-10, 10),
)
def test_closed_form_equals_the_integration(
    parts: list[tuple[int, float, float]], sensor_tau_s: float, fades_c: float
) -> None:
    baths, at_s = [Bath(0, 22.0, 300.0)], 0
    for after_s, target_c, tau_s in parts:
        at_s += after_s
        baths.append(Bath(at_s * 1000, target_c, tau_s, fades_c, 3600.0))
    course = Course(baths, sensor_tau_s)
    for until_s in (at_s // 2, at_s + 7, at_s + 200):
        assert course.at(until_s * 1000).sensor_c == pytest.approx(integrated(baths, sensor_tau_s, until_s), abs=0.05)


def test_it_is_at_rest_before_the_first_bath_and_never_jumps() -> None:
    course = Course([Bath(0, 22.0, 300.0), Bath(60_000, 36.0, 200.0)], 10.0)
    assert course.at(-5000).sensor_c == 22.0
    assert course.at(60_000).sensor_c == pytest.approx(22.0)
    assert course.at(61_000).sensor_c - course.at(60_000).sensor_c < 0.01


def test_the_share_of_the_mouth_comes_and_goes_with_the_temperature() -> None:
    course = Course([Bath(0, 22.0, 300.0), MOUTH, Bath(3_600_000, 22.0, 300.0)][1:], 10.0)
    assert course.at(0).mouth == 1.0
    assert course.at(3_600_000 + 300_000).mouth == pytest.approx(math.exp(-1))
    assert course.at(3_600_000 + 300_000).room == 0.0
