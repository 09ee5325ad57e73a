"""Properties of the ring log: any run of appends, acknowledgements, boots and cuts."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.common.ringlog import LogFullError, RingLog
from tests.unit.edge.flash import NorFlash, PowerCutError

SIZE = 9

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(1, 30)),
        st.tuples(st.just("acknowledge"), st.integers(0, 40)),
        st.tuples(st.just("boot"), st.just(0)),
        st.tuples(st.just("cut"), st.integers(0, 200)),
    ),
    max_size=40,
)


def record(number: int) -> bytes:
    return (number & 0xFFFFFF).to_bytes(4, "big") + b"\xff\x00\xff\x00\x55"


def entries(log: RingLog) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    entry = log.read(0)
    while entry is not None:
        found[entry[0]] = entry[2]
        entry = log.read(entry[0] + 1)
    return found


@settings(max_examples=60, deadline=None)
@given(steps=STEPS, torn=st.integers(0, 255), blocks=st.integers(2, 6))
def test_what_was_confirmed_and_not_acknowledged_is_there(steps: list[tuple[str, int]], torn: int, blocks: int) -> None:
    flash = NorFlash(blocks, 128)
    flash.torn = torn
    log = RingLog(flash, 1, SIZE, 1)
    confirmed: dict[int, bytes] = {}
    acknowledged = -1
    written = 0
    for step, amount in steps:
        try:
            if step == "append":
                for _ in range(amount):
                    written += 1
                    confirmed[log.append(record(written))] = record(written)
            elif step == "acknowledge" and log.next:
                acknowledged = max(acknowledged, min(amount + log.oldest, log.next - 1))
                log.acknowledge(acknowledged)
            elif step == "cut":
                flash.cut_after = amount
            elif step == "boot":
                raise PowerCutError
        except LogFullError:
            assert log.pending > 0
        except PowerCutError:
            flash.cut_after = None
            log = RingLog(flash, 1, SIZE, 1)
        assert log.oldest <= acknowledged + 1
    flash.cut_after = None
    log = RingLog(flash, 1, SIZE, 1)
    found = entries(log)
    for sequence, value in confirmed.items():
        if sequence > acknowledged:
            assert found[sequence] == value
    assert list(found) == sorted(found)
    for sequence, value in found.items():
        assert confirmed.get(sequence, value) == value
    values = [int.from_bytes(value[:4], "big") for value in found.values()]
    assert values == sorted(set(values))


@settings(max_examples=60, deadline=None)
@given(
    records=st.integers(1, 40),
    flips=st.lists(st.tuples(st.integers(0, 128 * 5 - 1), st.integers(0, 7)), max_size=6, unique=True),
)
def test_flipped_bits_never_make_a_record(records: int, flips: list[tuple[int, int]]) -> None:
    flash = NorFlash(5, 128)
    log = RingLog(flash, 1, SIZE, 1)
    for number in range(records):
        try:
            log.append(record(number))
        except LogFullError:
            break
    for address, bit in flips:
        flash.cells[address] ^= 1 << bit
    found = entries(RingLog(flash, 1, SIZE, 2))
    for sequence, value in found.items():
        assert value == record(sequence)


@settings(max_examples=40, deadline=None)
@given(noise=st.binary(min_size=512, max_size=512))
def test_a_flash_full_of_noise_becomes_a_log(noise: bytes) -> None:
    log = RingLog(NorFlash(4, 128, bytearray(noise)), 1, SIZE, 1)
    for number in range(5):
        log.append(record(number))
    assert list(entries(log).values()) == [record(number) for number in range(5)]
