"""Properties of the control point: any bytes, from anybody."""

from __future__ import annotations

import struct

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.common import control
from edge.common.control import ControlPoint, Link
from edge.common.ringlog import RingLog
from tests.unit.edge.flash import NorFlash

LENGTHS = {1: 10, 2: 9, 3: 1, 4: 9, 16: 1, 17: 49, 18: 23, 19: 1}
WRITES = st.binary(max_size=80) | st.builds(
    lambda op, rest: bytes((op,)) + rest, st.sampled_from(sorted(LENGTHS)), st.binary(max_size=60)
)


def point() -> tuple[NorFlash, RingLog, ControlPoint, list[tuple[int, ...]]]:
    flash = NorFlash(6)
    log = RingLog(flash, 1, 6, 1)
    for number in range(30):
        log.append(bytes((number, 0, 0, 0, 0, 0)))
    anchors: list[tuple[int, ...]] = []
    served = ControlPoint(log, bytes(16), lambda: (1, 1000), lambda *anchor: anchors.append(anchor))
    return flash, log, served, anchors


@settings(max_examples=200, deadline=None)
@given(writes=st.lists(WRITES, max_size=8), encrypted=st.booleans())
def test_nobody_but_an_owner_changes_or_learns_anything(writes: list[bytes], encrypted: bool) -> None:
    flash, log, served, anchors = point()
    before = bytes(flash.cells), log.oldest, log.next
    link = Link(encrypted, False)
    for write in writes:
        response = served.write(link, write)
        assert response is not None
        assert response[0] == control.RESPONSE
        assert response[2] != control.SUCCESS or write == bytes((control.CHALLENGE,))
        assert served.data(244) is None
    assert (bytes(flash.cells), log.oldest, log.next) == before
    assert not anchors
    assert not link.owner


@settings(max_examples=200, deadline=None)
@given(writes=st.lists(WRITES, max_size=8))
def test_an_owners_malformed_writes_are_answered_and_change_nothing(writes: list[bytes]) -> None:
    flash, log, served, anchors = point()
    link = Link(True, True)
    for write in writes:
        if write and len(write) == LENGTHS.get(write[0]):
            continue
        before = bytes(flash.cells), log.oldest, log.next, served.reporting, list(anchors)
        response = served.write(link, write)
        assert response is not None
        assert response[2] in (control.INVALID_OPERAND, control.NOT_SUPPORTED)
        assert (bytes(flash.cells), log.oldest, log.next, served.reporting, list(anchors)) == before


@settings(max_examples=60, deadline=None)
@given(first=st.integers(0, 30), size=st.integers(11, 244), stutter=st.lists(st.booleans(), min_size=1, max_size=9))
def test_a_report_carries_each_record_once_whatever_the_mtu_and_the_buffers(
    first: int, size: int, stutter: list[bool]
) -> None:
    _, log, served, _ = point()
    response = served.write(Link(True, True), struct.pack("<BIIB", control.REPORT, log.log_id, first, 0))
    found: list[int] = []
    turn = 0
    while response is None:
        frame = served.data(size)
        if frame is not None:
            assert len(frame) <= size
            turn += 1
            if stutter[turn % len(stutter)] and turn < 200:
                served.unsend()
                continue
            found += list(frame[5::6])
        response = served.finished()
    assert found == list(range(first, 30))
    assert struct.unpack("<II", response[3:]) == (30, 30 - first)
