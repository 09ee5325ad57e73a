"""Faults decide on each value by itself: what arrives, how often, and whether the link is lost behind it."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.radio.faults import Faults

ONE, LOST, TWICE = (1, False), (0, True), (2, False)
LAST = (1, True)


def faults(seed: int = 0) -> Faults:
    return Faults(random.Random(seed), lambda _: None)


def test_without_faults_every_value_arrives_once() -> None:
    radio = faults()
    assert [radio.on_value(20, pushed=pushed) for pushed in (True, False)] == [ONE, ONE]
    assert radio.counts.value_bytes_delivered == 40


def test_a_limit_in_bytes_counts_reads_too() -> None:
    radio = faults()
    radio.drop_link_after(bytes=30)
    assert radio.on_value(20, pushed=False) == ONE
    assert radio.on_value(10, pushed=True) == LAST
    assert radio.on_value(10, pushed=True) == ONE


def test_a_limit_in_notifications_does_not_count_reads() -> None:
    radio = faults()
    radio.drop_link_after(notifications=1)
    assert radio.on_value(20, pushed=False) == ONE
    assert radio.on_value(20, pushed=True) == LAST


@given(limit=st.integers(0, 500), sizes=st.lists(st.integers(1, 244), min_size=1, max_size=20))
def test_never_more_than_the_limit_arrives_and_the_link_drops_once(limit: int, sizes: list[int]) -> None:
    radio = faults()
    radio.drop_link_after(bytes=limit)
    arrived = 0
    for size in sizes:
        copies, lost = radio.on_value(size, pushed=True)
        arrived += copies * size
        if lost:
            assert arrived <= limit
            assert copies == 1 or arrived + size > limit
            break
    else:
        assert arrived == sum(sizes) < limit or limit == 0


def test_the_last_value_before_a_drop_is_not_doubled() -> None:
    radio = faults()
    radio.duplicate_notifications(probability=1.0)
    radio.drop_link_after(notifications=2)
    assert [radio.on_value(1, pushed=True) for _ in range(3)] == [TWICE, LAST, TWICE]


def test_answers_to_reads_are_never_doubled() -> None:
    radio = faults()
    radio.duplicate_notifications(1)
    assert radio.on_value(1, pushed=False) == ONE
    assert radio.on_value(1, pushed=True) == TWICE


def test_random_faults_follow_the_seed() -> None:
    def draw(seed: int) -> list[tuple[int, bool]]:
        radio = faults(seed)
        radio.duplicate_notifications(probability=0.5)
        return [radio.on_value(1, pushed=True) for _ in range(64)]

    assert draw(1) == draw(1) != draw(2)


def test_refusals_are_counted_down() -> None:
    radio = faults()
    radio.refuse_connections(2)
    assert [radio.take_refusal() for _ in range(3)] == [True, True, False]
    assert radio.counts.connections_refused == 2


def test_silence_and_stopped_advertising_are_two_things() -> None:
    told: list[bool] = []
    radio = Faults(random.Random(0), told.append)
    radio.stop_advertising()
    assert (radio.audible, radio.silent) == (False, False)
    radio.silence()
    radio.silence()
    radio.resume_advertising()
    assert (radio.audible, radio.silent) == (False, True)
    radio.come_back()
    radio.come_back()
    assert (radio.audible, radio.silent) == (True, False)
    assert told == [True, False]


@pytest.mark.parametrize("arguments", [{}, {"bytes": 1, "notifications": 1}, {"bytes": -1}, {"notifications": -1}])
def test_a_limit_that_makes_no_sense_is_refused(arguments: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="bytes"):
        faults().drop_link_after(**arguments)


@pytest.mark.parametrize("probability", [-0.01, 1.01])
def test_a_probability_lies_within_0_and_1(probability: float) -> None:
    with pytest.raises(ValueError, match="probability"):
        faults().duplicate_notifications(probability=probability)
