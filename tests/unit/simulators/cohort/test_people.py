"""People of a cohort: the same again from their seed, unlike each other, and unlike themselves from night to night."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from simulators.cohort import CLINIC, COMMUNITY, Member, trace_of
from simulators.physiology import Posture

HOUR_S = 3600


def test_the_same_member_and_night_are_the_same_bit_for_bit() -> None:
    one, same = (trace_of(Member(CLINIC, 3, 4).night(5, duration_s=HOUR_S)) for _ in range(2))
    assert np.array_equal(one.spo2, same.spo2)
    assert np.array_equal(one.motion, same.motion)
    assert np.array_equal(one.flags, same.flags)


def test_another_night_number_seed_or_population_is_another() -> None:
    traces = [
        trace_of(member.night(index, duration_s=HOUR_S)).spo2.tobytes()
        for member, index in (
            (Member(CLINIC, 1, 1), 0),
            (Member(CLINIC, 1, 1), 1),
            (Member(CLINIC, 1, 2), 0),
            (Member(CLINIC, 2, 1), 0),
            (Member(COMMUNITY, 1, 1), 0),
        )
    ]
    assert len(set(traces)) == 5


def test_nights_follow_each_other_by_a_day() -> None:
    member = Member(CLINIC, 1, 1)
    first, second = (member.night(index, duration_s=HOUR_S) for index in (0, 1))
    assert first.start_utc_ms == 22 * 3_600_000
    assert second.start_utc_ms - first.start_utc_ms == 24 * 3_600_000


def test_a_trace_holds_whole_per_cents_and_says_what_is_missing() -> None:
    night = Member(CLINIC, 1, 7).night(0)
    trace = trace_of(night)
    assert trace.spo2.size == trace.motion.size == trace.flags.size == 28_800
    missing = trace.spo2 == 255
    assert np.array_equal(missing, night.finger_off)
    assert np.array_equal(trace.flags & 1 == 1, night.finger_off)
    assert np.array_equal(trace.flags & 4 == 4, night.poor_signal)
    seen = trace.spo2[~missing]
    assert seen.min() >= 50
    assert seen.max() <= 100
    assert np.array_equal(seen, np.rint(night.spo2_pct[~missing]))


def drawn_ahi(population: str) -> np.ndarray:
    where = {"clinic": CLINIC, "community": COMMUNITY}[population]
    return np.array([Member(where, 9, number).group.ahi for number in range(600)])


def test_people_are_spread_as_their_population_says() -> None:
    for population, median, spread in (("clinic", 14.0, 0.9), ("community", 7.2, 0.95)):
        ahi = drawn_ahi(population)
        assert np.median(ahi) == pytest.approx(median, rel=0.15)
        assert np.log(ahi).std() == pytest.approx(spread, abs=0.08)


def test_more_events_are_longer_and_more_often_complete() -> None:
    usual = sorted(
        (one.group for one in (Member(CLINIC, 9, n) for n in range(200)) if one.group.name == "usual"),
        key=lambda group: group.ahi,
    )
    for fewer, more in pairwise(usual):
        assert fewer.obstructive <= more.obstructive
        assert fewer.apnoea_s <= more.apnoea_s
        assert fewer.baseline_pct >= more.baseline_pct


def test_every_kind_of_sleeper_occurs() -> None:
    assert {Member(CLINIC, 9, n).group.name for n in range(200)} == {"usual", "shallow", "positional", "rem"}


def test_nights_of_one_person_differ_as_nights_do() -> None:
    """Several nights of several people: typically half as many events again, or two thirds, and another posture."""
    people = [Member(CLINIC, 5, number) for number in range(6)]
    ahi = np.array([[one.night(i, duration_s=4 * HOUR_S).ahi for i in range(5)] for one in people])
    spread = np.log(ahi + 0.5).std(axis=1, ddof=1)
    assert 0.2 < np.median(spread) < 0.8
    supine = [np.mean(people[0].night(i, duration_s=HOUR_S).posture == Posture.SUPINE) for i in range(8)]
    assert np.std(supine) > 0.05


def test_a_treatment_leaves_its_share_of_the_events() -> None:
    member = Member(CLINIC, 5, 1)
    without = [len(member.night(i, duration_s=4 * HOUR_S).events) for i in range(4)]
    treated = [len(member.night(i, residual=0.25, duration_s=4 * HOUR_S).events) for i in range(4)]
    assert sum(treated) / sum(without) == pytest.approx(0.25, abs=0.12)


@pytest.mark.parametrize(("seed", "number"), [(-1, 0), (0, -1)])
def test_a_member_has_no_negative_number(seed: int, number: int) -> None:
    with pytest.raises(ValueError, match="negative"):
        Member(CLINIC, seed, number)


@pytest.mark.parametrize(("index", "residual", "duration_s"), [(-1, 1.0, 3600), (0, -0.1, 3600), (0, 1.0, 59)])
def test_a_night_that_cannot_be_is_refused(index: int, residual: float, duration_s: int) -> None:
    with pytest.raises(ValueError, match="no such night"):
        Member(CLINIC, 0, 0).night(index, residual=residual, duration_s=duration_s)
