"""A batch with an infinity is found among others, whatever the bytes around it look like."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gateway.wire.columns import infinite_column
from tests.unit.wire.samples import batch

FLOATS = st.lists(st.floats(width=32), min_size=1, max_size=40)


@given(st.lists(FLOATS, min_size=1, max_size=5))
def test_as_numpy_says(values: list[list[float]]) -> None:
    batches = [batch(seq=seq, columns={"pulse": np.array(one, "<f4")}) for seq, one in enumerate(values)]
    spoilt = [one for one in batches if np.isinf(one.columns["pulse"]).any()]
    assert infinite_column(batches) == ((spoilt[0], "pulse") if spoilt else None)


@given(st.binary(min_size=4, max_size=64).filter(lambda data: len(data) % 4 == 0))
def test_any_bytes(data: bytes) -> None:
    column = np.frombuffer(data, "<f4")
    assert (infinite_column([batch(columns={"spo2": column})]) is not None) is bool(np.isinf(column).any())


def test_the_bytes_of_an_infinity_across_two_values_or_in_whole_numbers_are_none() -> None:
    across = np.frombuffer(b"\x00\x00\x01\x80\x7f\x00\x00\x01", "<f4")
    whole = np.frombuffer(b"\x00\x00\x80\x7f\x00\x00\x80\xff", "<u2")
    assert infinite_column([batch(columns={"spo2": across}), batch(columns={"flags": whole})]) is None
    found = infinite_column([batch(), batch(seq=1, columns={"spo2": np.array([1.0, -np.inf], "<f4")})])
    assert found is not None
    assert (found[0].seq, found[1]) == (1, "spo2")
