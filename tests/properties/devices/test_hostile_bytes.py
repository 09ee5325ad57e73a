"""Whatever bytes come: values, or the project's own error; never anything else, and never without bound."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import ASSEMBLERS, LONGEST_FRAME, TARGETS, harmless, seeds

SEEDS = seeds()


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Real frames, joined, with bits flipped, pieces cut out, doubled and put in."""
    data = bytearray(b"".join(draw(st.lists(st.sampled_from(SEEDS), min_size=1, max_size=4))))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(data)))
        end = draw(st.integers(at, min(len(data), at + 30)))
        match draw(st.integers(0, 3)):
            case 0:
                data[at:end] = b""
            case 1:
                data[at:at] = data[at:end]
            case 2:
                data[at:at] = draw(st.binary(max_size=10))
            case _ if at < len(data):
                data[at] ^= 1 << draw(st.integers(0, 7))
    return bytes(data)


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=40, deadline=None)
@given(data=st.one_of(st.binary(max_size=400), mutated()))
def test_no_bytes_raise_anything_but_a_protocol_error(name: str, data: bytes) -> None:
    harmless(TARGETS[name], data)


@pytest.mark.parametrize("name", ASSEMBLERS)
@settings(max_examples=100, deadline=None)
@given(data=st.data(), stream=st.lists(mutated(), max_size=6).map(b"".join))
def test_any_cutting_of_a_stream_gives_the_same_frames(name: str, data: st.DataObject, stream: bytes) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    whole, cut = ASSEMBLERS[name](), ASSEMBLERS[name]()
    frames = whole.feed(stream)
    ends = [*cuts, len(stream)]
    assert [f for a, b in zip([0, *cuts], ends, strict=True) for f in cut.feed(stream[a:b])] == frames
    assert cut.discarded == whole.discarded
    assert cut.pending == whole.pending < LONGEST_FRAME


@pytest.mark.parametrize("name", ["viatom", "viatom-request", "oxyii", "pc60fw"])
@settings(max_examples=40, deadline=None)
@given(garbage=st.binary(max_size=40), data=st.data())
def test_a_frame_behind_garbage_is_found_in_the_end(name: str, garbage: bytes, data: st.DataObject) -> None:
    frame = data.draw(st.sampled_from([seed for seed in SEEDS if ASSEMBLERS[name]().feed(seed)]))
    assembler = ASSEMBLERS[name]()
    found = assembler.feed(garbage + frame + bytes(LONGEST_FRAME))
    assert ASSEMBLERS[name]().feed(frame)[0] in found
