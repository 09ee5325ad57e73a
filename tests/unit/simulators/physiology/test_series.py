"""The tools for series of one value a second."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.physiology.series import affine_scan, impulses, mask_of, respond, smooth_noise, spans


@given(st.integers(1, 70), st.integers(0, 2**32 - 1))
def test_the_scan_equals_the_recursion(size: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    gain, offset = rng.uniform(0, 1, size), rng.normal(0, 10, size)
    expected, value = [], 3.0
    for a, b in zip(gain, offset, strict=True):
        value = a * value + b
        expected.append(value)
    np.testing.assert_allclose(affine_scan(gain, offset, 3.0), expected, rtol=1e-9, atol=1e-9)


def test_the_scan_leaves_its_arguments_alone() -> None:
    gain, offset = np.full(8, 0.5), np.ones(8)
    affine_scan(gain, offset, 0.0)
    assert (gain == 0.5).all()
    assert (offset == 1.0).all()


def test_spans_count_partly_covered_seconds_in_part() -> None:
    covered = spans(np.array([1.25, 4.0]), np.array([1.5, 2.0]), np.array([1.0, 0.5]), 8)
    np.testing.assert_allclose(covered, [0, 0.75, 0.75, 0, 0.5, 0.5, 0, 0])


def test_no_spans_cover_nothing() -> None:
    none = np.zeros(0)
    assert not spans(none, none, none, 5).any()


def test_impulses_add_up_and_those_outside_are_left_out() -> None:
    np.testing.assert_allclose(
        impulses(np.array([0.9, 2.0, 2.5, 3.0, -0.1]), np.array([1.0, 2.0, 3.0, 9.0, 9.0]), 3), [1, 0, 5]
    )


def test_a_response_is_causal() -> None:
    np.testing.assert_allclose(respond(np.array([0.0, 1.0, 0.0, 0.0]), np.array([1.0, 0.5, 0.25])), [0, 1, 0.5, 0.25])


def test_a_mask_holds_every_second_that_a_block_touches() -> None:
    touched = mask_of(np.array([0.5, 1.0, 9.0]), np.array([0.6, 2.0, 5.0]), 10)
    assert np.flatnonzero(touched).tolist() == [0, 1, 2, 9]


@pytest.mark.parametrize("scale_s", [3.0, 60.0])
def test_noise_has_unit_variance_and_is_as_smooth_as_asked(scale_s: float) -> None:
    noise = smooth_noise(np.random.default_rng(1), 50_000, scale_s)
    assert float(np.std(noise)) == pytest.approx(1.0, abs=0.15)
    assert float(np.std(np.diff(noise))) < 1.0 / scale_s
