"""What goes through the codec comes out bit for bit; what a stranger sends is refused and nothing else."""

from __future__ import annotations

from typing import Any

import cbor2
import hypothesis.strategies as st
import numpy as np
from hypothesis import given, settings

from gateway.errors import WireError
from gateway.wire.codec import (
    Refused,
    decode_acks,
    decode_batch,
    decode_gateway_status,
    decode_message,
    decode_service_status,
    encode_acks,
    encode_batch,
)
from gateway.wire.messages import KINDS, MAX_COUNT, SCHEMA, Ack, Batch, ClockInfo

NUMBERS = st.integers(0, MAX_COUNT - 1)
NAMES = st.text(min_size=1, max_size=64)


@st.composite
def columns(draw: st.DrawFn, kind: Any, size: int) -> dict[str, Any]:
    """Columns of any bits: every NaN, both zeros, infinities, denormals."""
    names = draw(st.sets(st.sampled_from(sorted(SCHEMA[kind])), min_size=1))
    widths = {name: SCHEMA[kind][name].itemsize * size for name in names}
    return {
        name: np.frombuffer(draw(st.binary(min_size=width, max_size=width)), SCHEMA[kind][name])
        for name, width in widths.items()
    }


@st.composite
def batches(draw: st.DrawFn) -> Batch:
    kind = draw(st.sampled_from(KINDS))
    size = draw(st.integers(1, 40))
    even = draw(st.booleans())
    times = sorted(draw(st.lists(st.integers(0, 2**31 - 1), min_size=size, max_size=size)))
    optional = st.none() | st.integers(0, (1 << 53) - 1)
    return Batch(
        device=draw(NAMES),
        kind=kind,
        origin=draw(st.sampled_from(("live", "stored"))),
        session=draw(NAMES),
        seq=draw(NUMBERS),
        t0_ms=draw(st.integers(0, (1 << 43) - 1)),
        columns=draw(columns(kind, size)),
        clock=ClockInfo(draw(NAMES), draw(st.integers(0, (1 << 53) - 1)), draw(optional), draw(optional)),
        dt_ms=draw(st.integers(1, 86_400_000)) if even else None,
        t_ms=None if even else np.array(times, "<i4"),
        revision=draw(NUMBERS),
        last=draw(st.booleans()),
    )


@settings(max_examples=50, deadline=None)
@given(st.lists(batches(), min_size=1, max_size=4))
def test_a_message_comes_out_bit_for_bit(sent: list[Batch]) -> None:
    for batch in sent:
        assert decode_batch(encode_batch(batch)) == batch
    assert decode_message(b"".join(map(encode_batch, sent))) == (sent, [])


def survives(payload: bytes) -> None:
    """Every reader of the wire gives a value or `WireError`; every byte that is no batch is accounted for."""
    said = ""
    for decode in (decode_batch, decode_acks, decode_gateway_status, decode_service_status):
        try:
            decode(payload)
        except WireError as error:
            said += str(error)
    assert "\n" not in said
    assert len(said) < 1000
    good, refused = decode_message(payload)
    assert all(isinstance(part, Refused) for part in refused)
    assert good or refused
    assert sum(len(part.payload) for part in refused) <= len(payload)
    # what is said of a refused part can be said in an acknowledgement
    names = [part.name for part in refused if part.name is not None]
    acks = [Ack(device, session, "set_aside", seqs=(seq,), revision=r) for device, session, r, seq in names]
    assert decode_acks(encode_acks(acks)) == acks


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=300))
def test_random_bytes(payload: bytes) -> None:
    survives(payload)


@settings(max_examples=50, deadline=None)
@given(st.lists(batches(), min_size=1, max_size=3), st.data())
def test_mutated_messages(sent: list[Batch], data: st.DataObject) -> None:
    payload = bytearray(b"".join(map(encode_batch, sent)))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(payload) - 1))
        match data.draw(st.sampled_from(("set", "cut", "insert", "repeat"))):
            case "set":
                payload[at] = data.draw(st.integers(0, 255))
            case "cut":
                del payload[at : at + data.draw(st.integers(1, 8))]
            case "insert":
                payload[at:at] = data.draw(st.binary(min_size=1, max_size=8))
            case _:
                payload += payload[at:]
        if not payload:
            return
    survives(bytes(payload))


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats()
    | st.text(max_size=8)
    | st.binary(max_size=8)
    | st.builds(cbor2.CBORTag, st.sampled_from((64, 69, 77, 78, 85, 99)), st.binary(max_size=8)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
FIELDS = ("v", "device", "kind", "origin", "session", "revision", "seq", "last", "t0_ms", "dt_ms", "t_ms", "columns")


@settings(max_examples=50, deadline=None)
@given(batches(), st.dictionaries(st.sampled_from((*FIELDS, "clock")), ANYTHING, min_size=1, max_size=3))
def test_well_formed_maps_with_fields_of_any_type(batch: Batch, changes: dict[str, Any]) -> None:
    survives(cbor2.dumps(cbor2.loads(encode_batch(batch)) | changes))


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.builds(
            Ack,
            NAMES,
            NAMES,
            st.sampled_from(("stored", "set_aside")),
            st.none() | NUMBERS,
            st.lists(NUMBERS, max_size=5).map(tuple),
            NUMBERS,
        )
    )
)
def test_acknowledgements_come_out_as_they_went_in(acks: list[Ack]) -> None:
    assert decode_acks(encode_acks(acks)) == acks
