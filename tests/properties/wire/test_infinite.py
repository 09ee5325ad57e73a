"""A column with an infinity is told from one without, whatever the bytes around it look like."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gateway.wire.columns import has_infinite


@given(st.lists(st.floats(width=32), min_size=1, max_size=80), st.booleans())
def test_as_numpy_says(values: list[float], spoilt: bool) -> None:
    column = np.array([*values, np.inf if spoilt else 0.0], "<f4")
    assert has_infinite(column) is bool(np.isinf(column).any())


@given(st.binary(min_size=4, max_size=64).filter(lambda data: len(data) % 4 == 0))
def test_any_bytes(data: bytes) -> None:
    column = np.frombuffer(data, "<f4")
    assert has_infinite(column) is bool(np.isinf(column).any())


def test_the_bytes_of_an_infinity_across_two_values_are_none() -> None:
    assert not has_infinite(np.frombuffer(b"\x00\x00\x01\x80\x7f\x00\x00\x01", "<f4"))
    assert not has_infinite(np.frombuffer(b"\x00\x00\x80\x7f\x00\x00\x80\xff", "<u2"))
    assert has_infinite(np.array([1.0, -np.inf], "<f4"))
