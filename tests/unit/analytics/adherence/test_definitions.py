"""The definitions of adherence, on both sides of every limit."""

from __future__ import annotations

import math
from datetime import date, timedelta

import pytest

from analytics.adherence.alleviation import adjusted_compliance, alleviation, effective_index, efficacy
from analytics.adherence.payer import payer_window
from analytics.adherence.sleep_share import SleepGoal, sleep_share
from analytics.adherence.titration import (
    SideEffect,
    SideEffectReport,
    TitrationStep,
    TreatedNight,
    advancement_on,
    least_sufficient_mm,
    response_by_advancement,
)
from analytics.adherence.usage import usage

DAY = date(2026, 3, 2)


def days(after: int) -> date:
    return DAY + timedelta(days=after)


class TestUsage:
    def test_means_over_all_and_over_used_nights_differ_and_missing_nights_are_in_neither(self) -> None:
        found = usage([8.0, 0.0, None, 6.0, 4.0, None])
        assert (found.nights, found.with_data, found.used, found.missing) == (6, 4, 3, 2)
        assert (found.mean_h, found.median_h) == (4.5, 5.0)
        assert (found.mean_used_h, found.median_used_h) == (6.0, 6.0)
        assert (found.goal_nights, found.goal_pct, found.used_pct) == (3, 75.0, 75.0)

    def test_four_hours_count_and_a_minute_less_does_not(self) -> None:
        assert usage([4.0]).goal_nights == 1
        assert usage([4.0 - 1 / 60]).goal_nights == 0

    def test_regular_from_five_nights_a_week(self) -> None:
        assert usage([4.0] * 5 + [0.0] * 2).regular is True
        assert usage([4.0] * 4 + [0.0] * 3).regular is False
        assert usage(([4.0] * 5 + [0.0] * 2) * 4 + [0.0]).regular is False

    def test_nothing_is_said_of_less_than_a_week(self) -> None:
        assert usage([8.0] * 6 + [None] * 5).regular is None
        assert usage([8.0] * 7).regular is True

    def test_no_night_has_no_mean(self) -> None:
        for empty in (usage([]), usage([None, None])):
            assert math.isnan(empty.mean_h)
            assert math.isnan(empty.median_used_h)
            assert math.isnan(empty.goal_pct)

    @pytest.mark.parametrize("hours", [-0.1, 25.1, float("nan")])
    def test_impossible_hours_are_refused(self, hours: float) -> None:
        with pytest.raises(ValueError, match="between 0 and 25"):
            usage([hours])


class TestPayer:
    def test_twenty_one_of_thirty_nights_meet_it_and_twenty_do_not(self) -> None:
        met = payer_window([4.0] * 21 + [0.0] * 69)
        assert (met.met, met.best_start, met.best_nights, met.best_pct) == (True, 0, 21, 70.0)
        short = payer_window([4.0] * 20 + [0.0] * 70)
        assert (short.met, short.best_nights) == (False, 20)
        assert payer_window([3.99] * 90).met is False

    def test_the_best_window_is_found_anywhere_in_the_first_ninety_nights(self) -> None:
        hours = [0.0] * 60 + [5.0] * 30
        assert (payer_window(hours).best_start, payer_window(hours).best_nights) == (60, 30)
        late = payer_window([0.0] * 70 + [5.0] * 50)
        assert (late.best_start, late.best_nights, late.met) == (60, 20, False)

    def test_it_is_open_while_nights_to_come_can_still_meet_it(self) -> None:
        assert payer_window([0.0] * 69).met is None
        assert payer_window([0.0] * 70).met is False
        assert payer_window([8.0] * 21).met is None, "no window of 30 nights has passed"
        assert payer_window([8.0] * 21).best_start is None
        assert payer_window([8.0] * 21 + [0.0] * 9).met is True

    def test_missing_nights_do_not_count_but_keep_it_open(self) -> None:
        hours = [5.0] * 20 + [None] + [0.0] * 69
        found = payer_window(hours)
        assert (found.met, found.best_nights, found.best_missing) == (None, 20, 1)
        assert payer_window([]).met is None


class TestSleepShare:
    def test_eighty_per_cent_of_sleep_counts_and_less_does_not(self) -> None:
        assert sleep_share([5.6], [7.0]).reached == 1
        assert sleep_share([5.59], [7.0]).reached == 0

    def test_compliant_from_five_nights_of_seven(self) -> None:
        sleep = [7.0] * 7
        assert sleep_share([7.0] * 5 + [0.0] * 2, sleep).goal is SleepGoal.COMPLIANT
        assert sleep_share([7.0] * 4 + [0.0] * 3, sleep).goal is SleepGoal.NON_COMPLIANT
        assert sleep_share([7.0] * 6, [7.0] * 6).goal is None

    def test_improving_by_a_night_a_week(self) -> None:
        sleep = [7.0] * 14
        later = [7.0] * 2 + [0.0] * 5 + [7.0] * 3 + [0.0] * 4
        assert sleep_share(later, sleep).goal is SleepGoal.IMPROVING
        assert sleep_share(later[7:] + later[:7], sleep).goal is SleepGoal.NON_COMPLIANT
        assert sleep_share(([7.0] * 2 + [0.0] * 5) * 2, sleep).goal is SleepGoal.NON_COMPLIANT
        assert sleep_share(later[:-1], sleep[:-1]).goal is SleepGoal.NON_COMPLIANT, "under two weeks"

    def test_a_night_without_sleep_or_without_data_is_not_judged(self) -> None:
        found = sleep_share([7.0, None, 7.0, 3.0], [7.0, 7.0, None, 0.0])
        assert (found.judged, found.reached, found.reached_pct) == (1, 1, 100.0)
        assert math.isnan(sleep_share([None], [7.0]).reached_pct)

    def test_unequal_columns_are_refused(self) -> None:
        with pytest.raises(ValueError, match="1 nights of wear, 2 of sleep"):
            sleep_share([7.0], [7.0, 7.0])


class TestAlleviation:
    def test_the_published_example(self) -> None:
        found = alleviation(30.0, 10.0, 5.0, 7.0)
        assert found.efficacy == pytest.approx(0.667, abs=5e-4)
        assert found.compliance == pytest.approx(0.714, abs=5e-4)
        assert found.mean_disease_alleviation == pytest.approx(0.476, abs=5e-4)
        assert found.effective_index == pytest.approx(15.7, abs=0.05)

    def test_worn_longer_than_slept_is_full_compliance(self) -> None:
        assert adjusted_compliance(7.0, 7.0) == adjusted_compliance(9.0, 7.0) == 1.0
        assert adjusted_compliance(6.9, 7.0) < 1.0
        assert effective_index(30.0, 10.0, 9.0, 7.0) == 10.0

    def test_not_worn_leaves_the_baseline(self) -> None:
        assert effective_index(30.0, 10.0, 0.0, 7.0) == 30.0

    def test_a_rise_is_a_negative_efficacy(self) -> None:
        assert efficacy(10.0, 15.0) == -0.5
        assert alleviation(10.0, 15.0, 7.0, 7.0).mean_disease_alleviation == -0.5

    def test_what_cannot_be_divided_is_refused(self) -> None:
        with pytest.raises(ValueError, match="baseline"):
            efficacy(0.0, 10.0)
        with pytest.raises(ValueError, match="treated"):
            efficacy(10.0, -1.0)
        with pytest.raises(ValueError, match="slept"):
            adjusted_compliance(5.0, 0.0)
        with pytest.raises(ValueError, match="worn"):
            adjusted_compliance(-1.0, 7.0)


class TestTitration:
    STEPS = (TitrationStep(DAY, 4.0), TitrationStep(days(10), 6.0), TitrationStep(days(20), 5.0))

    def test_a_step_holds_from_its_night_on(self) -> None:
        assert advancement_on(self.STEPS, days(-1)) is None
        assert advancement_on(self.STEPS, days(9)) == 4.0
        assert advancement_on(self.STEPS, days(10)) == 6.0
        assert advancement_on(self.STEPS, days(400)) == 5.0

    def test_the_response_is_told_for_each_advancement(self) -> None:
        nights = [TreatedNight(days(n), 30.0 - n, 6.0) for n in range(-3, 25)]
        reports = [SideEffectReport(days(12), SideEffect.SORE_JAW)] * 2
        reports += [SideEffectReport(days(13), SideEffect.DRY_MOUTH), SideEffectReport(days(-1), SideEffect.SALIVA)]
        least, middle, most = response_by_advancement(30.0, self.STEPS, nights, reports)
        assert (least.advancement_mm, least.nights, least.median_index) == (4.0, 10, 25.5)
        assert (middle.advancement_mm, middle.nights) == (5.0, 5)
        assert most.side_effects == ((SideEffect.SORE_JAW, 2), (SideEffect.DRY_MOUTH, 1))
        assert least.side_effects == ()
        assert least.change_pct == pytest.approx(-15.0)
        assert [one.responds for one in (least, middle, most)] == [False, True, False]
        assert least_sufficient_mm((least, middle, most)) == 5.0

    def test_half_of_the_baseline_responds_and_a_little_more_does_not(self) -> None:
        step = [TitrationStep(DAY, 4.0)]
        for index, responds in ((15.0, True), (15.1, False)):
            nights = [TreatedNight(days(n), index, None) for n in range(3)]
            (found,) = response_by_advancement(30.0, step, nights)
            assert found.responds is responds
            assert math.isnan(found.mean_worn_h)

    def test_two_nights_are_no_response_yet(self) -> None:
        nights = [TreatedNight(days(0), 5.0, 7.0), TreatedNight(days(1), 5.0, 7.0), TreatedNight(days(2), None, 7.0)]
        (found,) = response_by_advancement(30.0, [TitrationStep(DAY, 4.0)], nights)
        assert (found.nights, found.responds) == (2, None)
        assert least_sufficient_mm((found,)) is None

    def test_impossible_inputs_are_refused(self) -> None:
        with pytest.raises(ValueError, match="0 and 20 mm"):
            TitrationStep(DAY, 20.5)
        with pytest.raises(ValueError, match="baseline"):
            response_by_advancement(0.0, self.STEPS, [])
