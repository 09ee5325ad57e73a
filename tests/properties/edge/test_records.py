"""Properties of the record layouts: round trips, and bytes that nobody packed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge.common import records


@given(
    boot=st.integers(0, 65535),
    tick_ms=st.integers(0, 2**32 * 62),
    temperature=st.none() | st.floats(-40, 123.82),
    axes=st.none() | st.tuples(*[st.integers(-2044, 2044)] * 3),
    motion=st.none() | st.floats(0, 4094),
    flags=st.integers(0, 127),
)
def test_wear_round_trip(
    boot: int,
    tick_ms: int,
    temperature: float | None,
    axes: tuple[int, int, int] | None,
    motion: float | None,
    flags: int,
) -> None:
    found = records.unpack_wear(records.pack_wear(boot, tick_ms, temperature, axes, motion, flags))  # type: ignore[arg-type]  # annotations of builtins only there
    assert (found[0], found[5]) == (boot, flags)
    assert 0 <= tick_ms - found[1] < 64
    for given_value, value, error in ((temperature, found[2], 0.0051), (motion, found[4], 0.51)):
        assert (given_value is None) == (value is None)
        assert given_value is None or abs(given_value - value) <= error
    assert (axes is None) == (found[3] is None)
    assert axes is None or max(abs(one - other) for one, other in zip(axes, found[3], strict=True)) <= 2


@given(
    width=st.integers(12, 16),
    tick_ms=st.integers(0, 2**40 - 1),
    gain=st.integers(0, 255),
    lost=st.integers(0, 100_000),
    data=st.data(),
)
def test_waveform_round_trip(width: int, tick_ms: int, gain: int, lost: int, data: st.DataObject) -> None:
    low, high = records.rails(width)
    samples = data.draw(st.lists(st.integers(low, high), min_size=1, max_size=records.wave_samples(width)))
    clipped = any(sample in (low, high) for sample in samples)
    packed = records.pack_wave(9, tick_ms, width, gain, lost, samples)
    assert len(packed) == records.WAVE_BYTES
    assert records.unpack_wave(packed) == (9, tick_ms, width, gain, min(lost, 65535), samples, clipped)


@given(
    raw=st.binary(min_size=0, max_size=260)
    | st.binary(min_size=237, max_size=237)
    | st.binary(min_size=14, max_size=14)
)
def test_any_bytes_are_values_or_a_value_error(raw: bytes) -> None:
    for unpack in (records.unpack_wear, records.unpack_wave):
        try:
            unpack(raw)
        except ValueError:
            continue
