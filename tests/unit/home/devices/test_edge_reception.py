"""Notifications of a report put in order: each record once, voids told from losses by the device's count."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import ProtocolError
from gateway.home.devices.edge.control import Notification
from gateway.home.devices.edge.reception import Reception

SIZE = 2


def note(first: int, count: int, layout: int = 1) -> Notification:
    return Notification(layout, first, b"".join((first + place).to_bytes(SIZE, "little") for place in range(count)))


def sequences(reception: Reception) -> list[int]:
    data = b"".join(records.data for records in reception.take())
    return [int.from_bytes(data[at : at + SIZE], "little") for at in range(0, len(data), SIZE)]


def test_what_follows_on_is_in_order_at_once() -> None:
    reception = Reception(5)
    reception.feed(note(5, 3), SIZE)
    reception.feed(note(8, 1), SIZE)
    assert not reception.broken
    (records,) = reception.take()
    assert (records.layout, records.count, records.data) == (1, 4, note(5, 4).data)
    assert reception.next == 9
    assert reception.take() == []


def test_layouts_are_kept_apart() -> None:
    reception = Reception(0)
    for first, layout in ((0, 1), (1, 1), (2, 2), (3, 1)):
        reception.feed(note(first, 1, layout), SIZE)
    assert [(records.layout, records.count, records.data) for records in reception.take()] == [
        (1, 2, note(0, 2).data),
        (2, 1, note(2, 1).data),
        (1, 1, note(3, 1).data),
    ]


def test_behind_a_break_nothing_is_taken_before_the_count() -> None:
    reception = Reception(0)
    reception.feed(note(0, 2), SIZE)
    reception.feed(note(3, 2), SIZE)
    assert reception.broken
    assert (sequences(reception), reception.next) == ([0, 1], 2)
    assert reception.settle(4)
    assert (sequences(reception), reception.next) == ([3, 4], 5)


def test_what_lies_behind_a_loss_is_asked_for_again() -> None:
    reception = Reception(0)
    reception.feed(note(0, 2), SIZE)
    reception.feed(note(3, 2), SIZE)
    assert not reception.settle(5)
    assert (sequences(reception), reception.next, reception.broken) == ([0, 1], 2, False)


def test_a_loss_at_the_end_is_seen_by_the_count() -> None:
    reception = Reception(0)
    reception.feed(note(0, 2), SIZE)
    assert not reception.settle(3)
    assert reception.next == 2


def test_what_comes_twice_counts_once_in_whole_or_in_part() -> None:
    reception = Reception(3)
    for first, count in ((3, 2), (3, 2), (0, 4), (4, 3), (0, 7)):
        reception.feed(note(first, count), SIZE)
    assert sequences(reception) == [3, 4, 5, 6]
    assert reception.settle(4)


@pytest.mark.parametrize("data", [b"", b"\1", b"\1\2\3"])
def test_what_holds_no_whole_records_is_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        Reception(0).feed(Notification(1, 0, data), SIZE)


@settings(max_examples=200, deadline=None)
@given(
    void=st.sets(st.integers(0, 59), max_size=10),
    pack=st.integers(1, 7),
    lost=st.lists(st.sets(st.integers(0, 60), max_size=4), max_size=4),
    doubled=st.sets(st.integers(0, 60), max_size=5),
)
def test_reports_until_the_count_is_right_give_every_record_once(
    void: set[int], pack: int, lost: list[set[int]], doubled: set[int]
) -> None:
    """A device with 60 sequences, some void; each report loses other notifications, the last one none."""
    there = [number for number in range(60) if number not in void]
    position, found = 0, []
    for losses in [*lost, set()]:
        reception = Reception(position)
        sent = 0
        frame: list[int] = []
        frames = []
        for number in [one for one in there if one >= position]:
            if frame and (number != frame[-1] + 1 or len(frame) == pack):
                frames.append(frame)
                frame = []
            frame.append(number)
        frames += [frame] if frame else []
        for place, one in enumerate(frames):
            sent += len(one)
            for _ in range(0 if place in losses else 2 if place in doubled else 1):
                reception.feed(note(one[0], len(one)), SIZE)
        whole = reception.settle(sent)
        found += sequences(reception)
        position = reception.next
        assert whole or losses
    assert found == there
