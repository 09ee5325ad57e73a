"""How long a wait is: both sides of every limit, and what holds for any history of attempts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.service.records import Tally
from gateway.service.sign_in.back_off import LONGEST_WAIT_MS, NAME, NAME_AT_PLACE, PLACE, Rule
from gateway.service.sign_in.places import place_of

RULE = Rule(free=3, forget_ms=600_000)


@pytest.mark.parametrize(
    ("level", "wait_ms"),
    [(0, 0), (2, 0), (3, 1_000), (4, 2_000), (12, 512_000), (13, LONGEST_WAIT_MS), (1e6, LONGEST_WAIT_MS)],
)
def test_the_wait_doubles_up_to_its_limit(level: float, wait_ms: int) -> None:
    tally = Tally(level, 1_000_000)
    assert RULE.wait_ms(tally, 1_000_000) == wait_ms
    assert RULE.wait_ms(tally, 1_000_000 + wait_ms) == 0
    if wait_ms:
        assert RULE.wait_ms(tally, 1_000_000 + wait_ms - 1) == 1
    assert RULE.wait_ms(None, 0) == 0


def test_attempts_are_forgotten_one_by_one() -> None:
    tally = Tally(3.0, 0)
    assert [RULE.level(tally, at) for at in (0, 300_000, 600_000, 1_800_000, 10**12)] == [3.0, 2.5, 2.0, 0.0, 0.0]
    assert RULE.level(None, 0) == 0.0


def test_a_clock_that_was_set_back_locks_nobody_out() -> None:
    tally = Tally(4.0, 10**12)
    assert RULE.wait_ms(tally, 0) == 2_000
    assert RULE.level(tally, 0) == 4.0


@pytest.mark.parametrize("rule", [NAME_AT_PLACE, NAME, PLACE])
@given(pauses=st.lists(st.integers(0, 3_600_000), max_size=60))
def test_whatever_was_tried_the_next_attempt_is_a_quarter_of_an_hour_away_at_most(
    rule: Rule, pauses: list[int]
) -> None:
    now_ms, tally, looked_at = 0, None, 0
    for pause in pauses:
        now_ms += pause
        if rule.wait_ms(tally, now_ms) == 0:
            tally = Tally(rule.level(tally, now_ms) + 1.0, now_ms)
            looked_at += 1
    assert rule.wait_ms(tally, now_ms) <= LONGEST_WAIT_MS
    assert rule.wait_ms(tally, now_ms + LONGEST_WAIT_MS) == 0
    # Whoever never stops gets through what is free, what is forgotten, and one a longest wait besides.
    assert looked_at <= rule.free + 10 + now_ms / rule.forget_ms + now_ms / LONGEST_WAIT_MS + 1


@pytest.mark.parametrize(
    ("host", "place"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8:0:0:ffff::2", "2001:db8::/64"),
        ("2001:db8:0:1::1", "2001:db8:0:1::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_a_place_is_an_address_or_what_a_household_is_given(host: str, place: str) -> None:
    assert place_of(host) == place
