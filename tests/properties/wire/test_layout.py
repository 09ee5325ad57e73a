"""A message read by a learned layout is what the decoder alone makes of it, be it good, mutated or of other bytes."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from msgspec.structs import replace

from gateway.wire import codec
from gateway.wire.codec import decode_message, encode_batch
from gateway.wire.layout import MAX_LAYOUTS, Layouts
from gateway.wire.messages import MAX_COUNT, Batch, ClockInfo
from tests.properties.wire.test_codec import batches
from tests.unit.wire.samples import T0, batch


class Counted(Layouts):
    """Layouts that tell how often they were of use."""

    used = 0

    def read(self, data: bytes, start: int) -> tuple[Batch, int] | None:
        found = super().read(data, start)
        self.used += found is not None
        return found


class Blank(Layouts):
    """Layouts that never know any."""

    def read(self, data: bytes, start: int) -> None:
        return None


@pytest.fixture(autouse=True)
def layouts(monkeypatch: pytest.MonkeyPatch) -> Counted:
    counted = Counted()
    monkeypatch.setattr(codec, "_layouts", counted)
    return counted


def alone(payload: bytes, patch: pytest.MonkeyPatch) -> Any:
    """What the decoder makes of a message without layouts."""
    with patch.context() as within:
        within.setattr(codec, "_layouts", Blank())
        return decode_message(payload)


NEXT = st.tuples(
    st.integers(0, MAX_COUNT - 1) | st.sampled_from((23, 24, 255, 256, 65_535, 65_536)),
    st.integers(0, (1 << 43) - 1) | st.sampled_from(((1 << 32) - 1, 1 << 32)),
    st.booleans(),
)


@settings(max_examples=60, deadline=None)
@given(batches(), st.lists(NEXT, min_size=1, max_size=4), st.data())
def test_mutated_messages(first: Batch, following: list[tuple[int, int, bool]], data: st.DataObject) -> None:
    with pytest.MonkeyPatch.context() as patch:
        first = replace(first, clock=ClockInfo("arrival", 5))
        decode_message(encode_batch(first))
        sent = [replace(first, seq=seq, t0_ms=t0_ms, last=last) for seq, t0_ms, last in following]
        payload = b"".join(map(encode_batch, sent))
        assert decode_message(payload) == (sent, [])
        changed = bytearray(payload)
        for _ in range(data.draw(st.integers(1, 3))):
            at = data.draw(st.integers(0, len(changed) - 1))
            match data.draw(st.sampled_from(("set", "cut", "insert", "end"))):
                case "set":
                    changed[at] = data.draw(st.integers(0, 255))
                case "cut":
                    del changed[at : at + data.draw(st.integers(1, 8))]
                case "insert":
                    changed[at:at] = data.draw(st.binary(min_size=1, max_size=8))
                case _:
                    del changed[at:]
            if not changed:
                return
        assert decode_message(bytes(changed)) == alone(bytes(changed), patch)


def test_every_cut_of_a_message(monkeypatch: pytest.MonkeyPatch, layouts: Counted) -> None:
    payload = encode_batch(batch(seq=300))
    decode_message(payload)
    for end in range(len(payload)):
        assert decode_message(payload[:end]) == alone(payload[:end], monkeypatch)
    assert layouts.used == 0
    assert decode_message(payload + payload) == ([batch(seq=300)] * 2, [])
    assert layouts.used == 2


def test_what_differs_in_seq_time_and_samples_alone_is_read_by_the_layout(layouts: Counted) -> None:
    sent = [batch(seq=seq, t0_ms=T0 + seq, columns={"spo2": np.full(3, seq, "<f4")}) for seq in (0, 23, 24, 70_000)]
    for one in sent:
        assert decode_message(encode_batch(one)) == ([one], [])
    assert layouts.used == 3


def test_flushes_of_some_sizes_are_known_at_once(layouts: Counted) -> None:
    sizes = [*range(1, MAX_LAYOUTS + 1), *range(1, MAX_LAYOUTS + 1)]
    for seq, size in enumerate(sizes):
        decode_message(encode_batch(batch(seq=seq, size=size)))
    assert layouts.used == MAX_LAYOUTS


@pytest.mark.parametrize(
    "fields",
    [
        {"last": True},
        {"t0_ms": 1},
        {"dt_ms": None, "t_ms": np.array([0, 1, 2], "<i4")},
        {"clock": ClockInfo("anchors", 5, boot=1, tick0=7)},
        {"revision": 0x63736571},  # whose bytes are those of the key `seq`
        {"session": "cseq\x00dlast"},
    ],
)
def test_what_is_laid_out_otherwise_is_the_decoders(fields: dict[str, Any], layouts: Counted) -> None:
    for seq in range(3):
        one = batch(**({"seq": seq} | fields))
        assert decode_message(encode_batch(one)) == ([one], [])
    assert layouts.used == 0


def test_a_map_in_another_order_or_with_numbers_in_another_form_is_not_learned(layouts: Counted) -> None:
    payload = encode_batch(batch(seq=5))
    longer = payload.replace(b"cseq\x05", b"cseq\x18\x05")
    assert longer != payload
    for _ in range(2):
        assert decode_message(longer) == ([batch(seq=5)], [])
    assert layouts.used == 0
