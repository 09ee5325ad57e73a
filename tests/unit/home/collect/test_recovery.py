"""The ladder of repairs: when each is due, and when there is patience."""

from __future__ import annotations

import itertools

import pytest

from gateway.home.collect.recovery import AGAIN_S, LADDER, LINKED_SILENCE_S, SILENCE_S, Ladder, Rung


def climb(ladder: Ladder, from_s: float, to_s: float, *, linked: bool = False) -> list[tuple[float, Rung]]:
    """What is due, asked every second."""
    found = []
    now_s = from_s
    while now_s <= to_s:
        if (rung := ladder.due(now_s, linked=linked)) is not None:
            found.append((now_s, rung))
        now_s += 1.0
    return found


def test_nothing_is_due_one_second_before_the_silence_is_long_enough() -> None:
    ladder = Ladder(100.0)
    assert ladder.due(100.0 + SILENCE_S - 1, linked=False) is None
    assert ladder.due(100.0 + SILENCE_S, linked=False) is Rung.RESCAN


def test_each_rung_comes_once_in_order_and_then_they_come_by_turns_and_rarely() -> None:
    ladder = Ladder(0.0)
    found = climb(ladder, 0.0, 4 * SILENCE_S + 4 * AGAIN_S)
    assert [rung for _, rung in found[:4]] == list(LADDER)
    assert [at for at, _ in found[:4]] == [SILENCE_S * n for n in (1, 2, 3, 4)]
    assert ladder.reported
    assert [rung for _, rung in found[4:]] == [Rung.POWER_CYCLE, Rung.RESTART_SERVICE, Rung.RESCAN, Rung.POWER_CYCLE]
    times = [at for at, _ in found[3:]]
    assert {after - before for before, after in itertools.pairwise(times)} == {AGAIN_S}


@pytest.mark.parametrize("climbed", range(6))
def test_one_advertisement_brings_it_down_from_anywhere(climbed: int) -> None:
    ladder = Ladder(0.0)
    now_s = 0.0
    for _ in range(climbed):
        now_s += AGAIN_S
        assert ladder.due(now_s, linked=False) is not None
    ladder.heard(now_s + 1)
    assert not ladder.reported
    assert climb(ladder, now_s + 1, now_s + SILENCE_S) == []
    assert ladder.due(now_s + 1 + SILENCE_S, linked=False) is Rung.RESCAN


def test_while_a_device_is_connected_nothing_is_done_that_would_end_its_link() -> None:
    found = climb(Ladder(0.0), 0.0, 8 * 3600.0, linked=True)
    assert {rung for _, rung in found} == {Rung.RESCAN}
    assert len(found) == 8 * 3600 // LINKED_SILENCE_S
