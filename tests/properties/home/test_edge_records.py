"""What the firmware packs is what the gateway reads, whatever the values; and both refuse the same bytes."""

from __future__ import annotations

import math
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.common import enrolment, records
from gateway.home.devices.edge.proof import gateway_proof, is_device_proof
from gateway.home.devices.edge.records import decode_wave, decode_wear
from gateway.wire.messages import WaveformFlag

BOOTS = st.integers(0, 65535)
TICKS = st.integers(0, (1 << 32) * 1000 // 16 - 1)
WEARS = st.tuples(
    BOOTS,
    TICKS,
    st.none() | st.floats(-60, 140),
    st.none() | st.tuples(*[st.integers(-3000, 3000)] * 3),
    st.none() | st.integers(0, 5000),
    st.integers(0, 127),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(WEARS, min_size=1, max_size=20))
def test_wear_records(
    values: list[tuple[int, int, float | None, tuple[int, int, int] | None, int | None, int]],
) -> None:
    packed = [records.pack_wear(*value) for value in values]
    decoded = decode_wear(b"".join(packed))
    assert decoded.refused == ()
    found = decoded.readings
    for place, raw in enumerate(packed):
        boot, tick_ms, temperature, acceleration, motion, _ = records.unpack_wear(raw)
        assert (found.boot[place], found.tick_ms[place]) == (boot, tick_ms)
        kept = float(found.columns["temperature"][place])
        assert math.isnan(kept) if temperature is None else abs(kept - temperature) < 1e-4
        axes = tuple(int(found.columns[f"accel_{axis}"][place]) for axis in "xyz")
        assert axes == ((0, 0, 0) if acceleration is None else acceleration)
        assert found.columns["motion"][place] == (motion or 0)


@st.composite
def frames(draw: st.DrawFn) -> bytes:
    width = draw(st.integers(12, 16))
    count = draw(st.integers(1, records.wave_samples(width)))
    low, high = records.rails(width)
    rng = random.Random(draw(st.integers(0, 1 << 30)))
    samples = [rng.randint(low, high) for _ in range(count)]
    return bytes(
        records.pack_wave(
            draw(BOOTS), draw(st.integers(0, (1 << 40) - 1)), width, draw(st.integers(0, 255)), draw(BOOTS), samples
        )
    )


@settings(max_examples=150, deadline=None)
@given(st.lists(frames(), min_size=1, max_size=8))
def test_waveform_frames_of_any_mix_of_widths(packed: list[bytes]) -> None:
    decoded = decode_wave(b"".join(packed))
    assert decoded.refused == ()
    found = decoded.readings
    assert found.sizes is not None
    at = 0
    for place, raw in enumerate(packed):
        boot, tick_ms, width, gain, lost, samples, clipped = records.unpack_wave(raw)
        end = at + len(samples)
        assert (found.boot[place], found.tick_ms[place], found.sizes[place]) == (boot, tick_ms, len(samples))
        assert found.columns["pressure"][at:end].tolist() == samples
        assert set(found.columns["gain"][at:end].tolist()) == {gain}
        flags = found.columns["flags"][at:end]
        low, high = records.rails(width)
        assert (flags & WaveformFlag.CLIPPED != 0).tolist() == [sample in (low, high) for sample in samples]
        assert bool((flags & WaveformFlag.CLIPPED).any()) == clipped
        assert (flags & WaveformFlag.GAP != 0).tolist() == [bool(lost)] + [False] * (len(samples) - 1)
        at = end


@settings(max_examples=300, deadline=None)
@given(st.binary(min_size=14, max_size=14))
def test_any_14_bytes_are_a_record_to_both_or_to_neither(raw: bytes) -> None:
    assert (decode_wear(raw).refused == ()) == accepts(records.unpack_wear, raw)


@settings(max_examples=300, deadline=None)
@given(frames(), st.integers(0, 11), st.integers(0, 255))
def test_a_spoilt_frame_is_one_to_both_or_to_neither(raw: bytes, at: int, value: int) -> None:
    spoilt = raw[:at] + bytes((value,)) + raw[at + 1 :]
    assert (decode_wave(spoilt).refused == ()) == accepts(records.unpack_wave, spoilt)


def accepts(unpack: object, raw: bytes) -> bool:
    try:
        unpack(raw)  # type: ignore[operator]  # the firmware has no types
    except ValueError:
        return False
    return True


@given(st.binary(min_size=16, max_size=16), st.binary(min_size=16, max_size=16), st.binary(min_size=16, max_size=16))
def test_both_sides_prove_alike(secret: bytes, theirs: bytes, ours: bytes) -> None:
    assert gateway_proof(secret, theirs, ours) == enrolment.gateway_proof(secret, theirs, ours)
    assert is_device_proof(enrolment.device_proof(secret, theirs, ours), secret, theirs, ours)
