"""Dates of records by boot, tick and anchors: near the truth where the clock is a crystal's, honest where it is not.

The clocks' model. Steady: one rate within +-100 ppm. Slow: the rate follows the temperature, up to 8 ppm over a day and
night about a mean within +-92 ppm, and a warm-up of 4 ppm over half an hour when the device is put in the mouth. Wild:
any rate within +-100 ppm at any time, without a model.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from gateway.home.collect.boots import (
    BOOTS,
    UNBOUNDED_MS,
    Dates,
    date_boot,
    date_records,
    drift_ppm,
    epoch_at_contact,
    epochs_of,
    in_order,
)
from gateway.home.outbox.ledger import Anchor

DAY = 86_400_000
MINUTE = 60_000
UTC0 = 1_790_000_123_457
Ints = NDArray[np.int64]
Rate = Callable[[NDArray[np.float64]], NDArray[np.float64]]


class Crystal:
    """Ticks of a boot that began at `start_ms`: the integral of 1 + rate, a minute at a time."""

    def __init__(self, rate_ppm: Rate, days: float, start_ms: int = UTC0) -> None:
        minutes = np.arange(0, round(days * 1440) + 2)
        rates = rate_ppm(minutes.astype(float)) * 1e-6
        self._true_ms = minutes * MINUTE
        self._ticks = np.concatenate(([0.0], np.cumsum(MINUTE * (1 + rates[:-1]))))
        self._start_ms = start_ms

    def ticks(self, utc_ms: Ints) -> Ints:
        found = np.interp((utc_ms - self._start_ms).astype(float), self._true_ms, self._ticks)
        return np.asarray(np.floor(found), np.int64)

    def anchor(self, utc_ms: int, doubt_ms: int = 30, *, epoch: int = 1, off_ms: int = 0) -> Anchor:
        """A contact; the reading is off by `off_ms`, within its doubt."""
        return Anchor(epoch, int(self.ticks(np.array([utc_ms]))[0]), utc_ms + off_ms, doubt_ms)


def steady(ppm: float) -> Rate:
    return lambda minutes: np.full(minutes.size, ppm)


def slow(mean_ppm: float, phase: float = 0.0) -> Rate:
    def rate(minutes: NDArray[np.float64]) -> NDArray[np.float64]:
        warm = np.clip((minutes % 1440 - 1320) / 30, 0, 1) + np.clip((420 - minutes % 1440) / 30, 0, 1)
        return np.asarray(mean_ppm + 4 * np.sin(2 * np.pi * (minutes / 1440 + phase)) + 4 * np.clip(warm, 0, 1))

    return rate


def wild(seed: int, every_min: int) -> Rate:
    def rate(minutes: NDArray[np.float64]) -> NDArray[np.float64]:
        steps = np.random.default_rng(seed).uniform(-100, 100, minutes.size // every_min + 2)
        return np.asarray(steps[(minutes // every_min).astype(int)])

    return rate


@pytest.mark.parametrize("rate", [*map(steady, (-100, -37, 0, 100)), slow(92), slow(-92, 0.25), slow(10, 0.6)])
def test_with_a_contact_a_day_every_record_is_within_two_seconds(rate: Rate) -> None:
    crystal = Crystal(rate, 10)
    rng = np.random.default_rng(1)
    anchors = [
        crystal.anchor(UTC0 + day * DAY - int(rng.integers(0, 3_600_000)), off_ms=int(rng.integers(-30, 31)))
        for day in range(1, 11)
    ]
    truth = np.arange(anchors[0].utc_ms + 1000, anchors[-1].utc_ms - 1000, MINUTE)
    dates = date_boot(anchors, crystal.ticks(truth))
    off = np.abs(dates.utc_ms - truth)
    assert off.max() <= 2000
    assert (off <= dates.uncertainty_ms).all()


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 1 << 20),
    every_min=st.sampled_from([1, 30, 720, 5000]),
    contacts=st.lists(st.floats(0.1, 29.9), min_size=1, max_size=6, unique=True),
)
def test_whatever_the_clock_does_the_stated_uncertainty_holds_the_truth(
    seed: int, every_min: int, contacts: list[float]
) -> None:
    crystal = Crystal(wild(seed, every_min), 30)
    rng = np.random.default_rng(seed)
    anchors = [crystal.anchor(UTC0 + round(day * DAY), off_ms=int(rng.integers(-30, 31))) for day in sorted(contacts)]
    truth = UTC0 + np.sort(rng.integers(0, 30 * DAY, 300))
    dates = date_boot(anchors, crystal.ticks(truth))
    assert (np.abs(dates.utc_ms - truth) <= dates.uncertainty_ms + 1).all()


def test_beside_the_anchors_the_doubt_is_theirs() -> None:
    crystal = Crystal(steady(50), 2)
    anchors = [crystal.anchor(UTC0 + DAY // 2, 20), crystal.anchor(UTC0 + 3 * DAY // 2, 40)]
    dates = date_boot(anchors, np.array([anchors[0].tick, anchors[1].tick]))
    assert dates.utc_ms.tolist() == [anchors[0].utc_ms, anchors[1].utc_ms]
    assert dates.uncertainty_ms.tolist() == [40, 40]


def test_live_goes_on_at_the_drift_known_then() -> None:
    crystal = Crystal(steady(-80), 2)
    anchors = [crystal.anchor(UTC0 + MINUTE), crystal.anchor(UTC0 + DAY)]
    drift = drift_ppm(anchors)
    assert drift == pytest.approx(80, abs=0.5)
    truth = np.array([UTC0 + DAY + 1_800_000])
    assert abs(date_boot(anchors, crystal.ticks(truth), rate_ppm=drift).utc_ms - truth)[0] <= 3
    assert abs(date_boot(anchors, crystal.ticks(truth)).utc_ms - truth)[0] == pytest.approx(144, abs=3)


def test_drift_is_not_told_from_anchors_within_an_hour() -> None:
    crystal = Crystal(steady(-80), 2)
    assert drift_ppm([]) is None
    assert drift_ppm([crystal.anchor(UTC0)]) is None
    assert drift_ppm([crystal.anchor(UTC0), crystal.anchor(UTC0 + 3_500_000)]) is None
    assert drift_ppm([crystal.anchor(UTC0), crystal.anchor(UTC0 + 3_601_000)]) is not None
    assert drift_ppm([crystal.anchor(UTC0), crystal.anchor(UTC0 + DAY, epoch=2)]) is None


def test_an_anchor_of_a_wrong_computer_clock_is_not_followed() -> None:
    """A small computer that starts in 1970 or at its last shutdown is right after the network has told it."""
    crystal = Crystal(steady(0), 3)
    wrong = crystal.anchor(UTC0 + DAY)
    wrong = Anchor(1, wrong.tick, wrong.utc_ms - 3_600_000, wrong.uncertainty_ms)
    anchors = [crystal.anchor(UTC0), wrong, crystal.anchor(UTC0 + 2 * DAY)]
    truth = UTC0 + np.arange(0, 2 * DAY, 3_600_000)
    assert np.abs(date_boot(anchors, crystal.ticks(truth)).utc_ms - truth).max() <= 2


class TestBootCounter:
    def test_the_same_boot_goes_on(self) -> None:
        assert epoch_at_contact([], 7, 5) == 7
        assert epoch_at_contact([Anchor(7, 100, UTC0, 30)], 7, 100) == 7

    def test_later_boots_count_on_over_the_wrap(self) -> None:
        assert epoch_at_contact([Anchor(65535, 100, UTC0, 30)], 65535, 101) == 65535
        assert epoch_at_contact([Anchor(65535, 100, UTC0, 30)], 0, 5) == BOOTS
        assert epoch_at_contact([Anchor(BOOTS + 3, 100, UTC0, 30)], 4, 5) == BOOTS + 4

    def test_a_clock_that_reads_less_is_of_another_boot(self) -> None:
        assert epoch_at_contact([Anchor(7, 100, UTC0, 30)], 7, 99) == 7 + BOOTS

    def test_records_are_of_the_present_boot_or_earlier_ones(self) -> None:
        boots = np.array([65534, 65535, 0, 1])
        assert epochs_of(boots, BOOTS + 1).tolist() == [65534, 65535, BOOTS, BOOTS + 1]


class TestBootsWithoutAContact:
    """Boot 1 has a contact, 2 and 3 have none, 4 is the present one."""

    hour = 3_600_000
    first, last = Anchor(1, 0, UTC0, 30), Anchor(4, 600_000, UTC0 + 10 * 3_600_000, 30)

    def date(self, epoch: list[int], hours: list[float], **options: object) -> Dates:
        ticks = np.array([round(hour * self.hour) for hour in hours])
        return date_records([self.first, self.last], np.array(epoch), ticks, **options)  # type: ignore[arg-type]

    def test_they_lie_between_what_is_known_and_say_how_freely(self) -> None:
        dates = self.date([1, 2, 2, 3, 4], [1, 0, 2, 1, 0.1])
        known = dates.utc_ms - UTC0
        assert known[0] == self.hour
        assert known[4] == 10 * self.hour - 600_000 + round(0.1 * self.hour)
        # From 1:00 to 9:50, and of that three hours are of boots 2 and 3.
        room = (10 * self.hour - 600_000) - 4 * self.hour
        assert dates.uncertainty_ms[1:4] == pytest.approx(room / 2, rel=0.01)
        assert known[1] == pytest.approx(self.hour + room / 2, abs=2000)
        assert known[2] - known[1] == 2 * self.hour
        assert known[3] - known[2] == pytest.approx(self.hour, abs=room / 2)
        assert (np.diff(known) > 0).all()

    @pytest.mark.parametrize("gaps", [(0.1, 5.5, 0.23), (5.6, 0.1, 0.1), (1.9, 1.9, 2.0)])
    def test_the_uncertainty_holds_however_long_it_was_off(self, gaps: tuple[float, float, float]) -> None:
        before, between, _ = gaps
        second = 1 + before
        third = second + 2 + between
        truth = np.array([second, second + 2, third + 1]) * self.hour + UTC0
        dates = self.date([1, 2, 2, 3, 4], [1, 0, 2, 1, 0.1])
        assert (np.abs(dates.utc_ms[1:4] - truth) <= dates.uncertainty_ms[1:4]).all()

    def test_one_that_may_go_on_is_not_dated_yet(self) -> None:
        assert self.date([1, 2, 2], [1, 0, 2], complete=False).utc_ms.size == 1
        assert self.date([1, 2, 2], [1, 0, 2], complete=True).utc_ms.size == 3
        assert self.date([1, 2, 3], [1, 0, 2], complete=False).utc_ms.size == 2

    def test_without_a_boot_behind_it_nothing_is_dated(self) -> None:
        assert self.date([5], [1]).utc_ms.size == 0

    def test_without_anything_before_it_may_be_any_time_ago(self) -> None:
        dates = date_records([self.last], np.array([3]), np.array([self.hour]))
        assert dates.utc_ms[0] == pytest.approx(self.last.utc_ms - 600_000, abs=1000)
        assert dates.uncertainty_ms[0] >= UNBOUNDED_MS

    def test_what_was_handed_on_before_bounds_it(self) -> None:
        since = self.last.utc_ms - 600_000 - 2 * self.hour
        dates = date_records([self.last], np.array([3]), np.array([self.hour]), since_ms=since)
        assert dates.uncertainty_ms[0] == pytest.approx(self.hour / 2, rel=0.01)


class TestOrder:
    def dates(self, *utc: int, doubt: int = 100) -> Dates:
        return Dates(np.array(utc, np.int64), np.full(len(utc), doubt, np.int64))

    def test_what_is_in_order_is_not_moved(self) -> None:
        ordered = in_order(self.dates(0, 5, 10), np.ones(3, np.int64), None)
        assert ordered.utc_ms.tolist() == [0, 5, 10]
        assert ordered.uncertainty_ms.tolist() == [100] * 3

    def test_what_is_later_than_its_successor_is_moved_before_it_and_says_so(self) -> None:
        ordered = in_order(self.dates(0, 50, 60, 20), np.ones(4, np.int64), None)
        assert ordered.utc_ms.tolist() == [0, 18, 19, 20]
        assert ordered.uncertainty_ms.tolist() == [100, 132, 141, 100]

    def test_samples_of_frames_never_share_a_moment(self) -> None:
        """Three frames of 3 s from a clock that is 1 ms a frame fast."""
        ordered = in_order(self.dates(0, 2999, 5998), np.full(3, 149 * 20 + 1, np.int64), None)
        assert ordered.utc_ms.tolist() == [0, 2999, 5998]

    def test_what_was_handed_on_is_not_met_again(self) -> None:
        ordered = in_order(self.dates(1000, 1005, 5000), np.ones(3, np.int64), 1003)
        assert ordered.utc_ms.tolist() == [1003, 1005, 5000]

    @pytest.mark.parametrize(("floor", "moved"), [(1000 + 1200, True), (1000 + 1201, False)])
    def test_a_date_is_not_pushed_further_than_doubt_explains(self, floor: int, moved: bool) -> None:
        ordered = in_order(self.dates(1000), np.ones(1, np.int64), floor)
        assert ordered.utc_ms[0] == (floor if moved else 1000)

    def test_nothing_stays_nothing(self) -> None:
        assert in_order(self.dates(), np.ones(0, np.int64), 5).utc_ms.size == 0


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 500)), min_size=1, max_size=30),
    st.integers(1, 50),
)
def test_in_order_is_strict_and_keeps_the_truth_within_doubt(values: list[tuple[int, int]], last_ms: int) -> None:
    rng = np.random.default_rng(len(values))
    lasts = np.full(len(values), last_ms, np.int64)
    truth = np.cumsum(np.array([gap + last_ms for gap, _ in values], np.int64))
    doubt = np.array([doubt for _, doubt in values], np.int64)
    dated = truth + np.array([int(rng.integers(-one, one + 1)) for one in doubt])
    ordered = in_order(Dates(dated, doubt), lasts, None)
    assert (np.diff(ordered.utc_ms) >= last_ms).all()
    assert (np.abs(ordered.utc_ms - truth) <= ordered.uncertainty_ms).all()
