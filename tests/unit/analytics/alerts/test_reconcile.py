"""What the data tell now against what was raised: raised late, taken back, ended, or left alone."""

from __future__ import annotations

from analytics.alerts.findings import Episode
from analytics.alerts.reconcile import Known, reconcile


def episode(from_ms: int, at_ms: int, over_ms: int | None = None, grade: int = 1) -> Episode:
    return Episode("spo2_low", from_ms, at_ms, at_ms, over_ms, grade, {"lowest_pct": 80.0})


def told(known: list[Known], episodes: list[Episode], since_ms: int = 0) -> list[tuple[bool, int, bool]]:
    found = reconcile("spo2_low", known, episodes, since_ms=since_ms, late=True)
    assert all(one.late for one in found)
    return [(one.holds, one.at_ms, one.withdrawn) for one in found]


def test_what_agrees_is_left_alone() -> None:
    assert told([], []) == []
    assert told([Known(0, 5, None, 1)], [episode(0, 5)]) == []
    assert told([Known(0, 5, 9, 1)], [episode(0, 5, 9)]) == []
    assert told([Known(0, 5, 9, 1)], [episode(1, 6, 8)]) == [], "moved a little, but seen and over"


def test_what_was_missed_is_raised_and_ended() -> None:
    assert told([], [episode(0, 5, 9), episode(20, 25)]) == [(True, 5, False), (False, 9, False), (True, 25, False)]


def test_what_was_over_before_the_new_data_is_not_brought_up() -> None:
    assert told([], [episode(0, 5, 9), episode(20, 25, 29)], since_ms=10) == [(True, 25, False), (False, 29, False)]
    assert told([], [episode(0, 5)], since_ms=10) == [(True, 5, False)], "what still holds is"


def test_what_never_was_so_is_taken_back_before_anything_else() -> None:
    assert told([Known(0, 5, None, 1)], []) == [(False, 5, True)]
    assert told([Known(0, 5, None, 1)], [episode(20, 25)]) == [], "an open alert goes on into a later episode"
    assert told([Known(30, 35, None, 1)], [episode(0, 5, 9)]) == [
        (False, 35, True),
        (True, 5, False),
        (False, 9, False),
    ]
    assert told([Known(0, 5, 9, 1)], []) == [], "what is over is history"


def test_what_ended_or_got_worse_meanwhile() -> None:
    assert told([Known(0, 5, None, 1)], [episode(0, 5, 9)]) == [(False, 9, False)]
    assert told([Known(0, 5, None, 1)], [episode(0, 5, 9, grade=2)]) == [(True, 5, False), (False, 9, False)]
    assert told([Known(0, 5, None, 2)], [episode(0, 5, grade=2)]) == []


def test_what_was_thought_over_but_lasts_is_raised_anew() -> None:
    assert told([Known(0, 5, 9, 1)], [episode(0, 5)]) == [(True, 5, False)]


def test_what_was_one_and_turns_out_to_be_two_is_told_as_two() -> None:
    assert told([Known(0, 5, None, 1)], [episode(0, 5, 9), episode(20, 25)]) == [(False, 9, False), (True, 25, False)]


def test_an_older_episode_that_is_over_is_not_raised_while_an_alert_stands() -> None:
    assert told([Known(20, 25, None, 1)], [episode(0, 5, 9), episode(20, 25)]) == []
