"""Dates of stored records come from anchors, those of live samples from their arrival; both say how sure they are."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from gateway.home.collect.dating import (
    CLOSING_MS,
    DRIFT_PPM,
    Dated,
    continues,
    date_tick,
    place_recording,
    recording_epoch,
)
from gateway.home.outbox.ledger import Anchor, Room

HOUR = 3_600_000
UTC0 = 1_790_000_123_457
TICK0 = 7_000


def contact(hours: float, *, drift_ppm: float = 0.0, epoch: int = 0, offset: int = 0, doubt: int = 50) -> Anchor:
    """A contact so many hours after the first with a clock that drifts and was `offset` ahead at the first."""
    true_ms = round(hours * HOUR)
    return Anchor(epoch, TICK0 + offset + round(true_ms * (1 + drift_ppm * 1e-6)), UTC0 + true_ms, doubt)


@pytest.mark.parametrize("drift_ppm", [-100, -20, 0, 20, 100, 499])
def test_a_drifting_clock_is_straightened_between_two_contacts(drift_ppm: float) -> None:
    anchors = [contact(0, drift_ppm=drift_ppm), contact(24, drift_ppm=drift_ppm)]
    for hours in (0, 1, 8, 23.99, 24):
        tick = contact(hours, drift_ppm=drift_ppm).tick
        dated = date_tick(anchors, 0, tick)
        assert dated is not None
        assert abs(dated.utc_ms - (UTC0 + hours * HOUR)) <= 2
        assert dated.uncertainty_ms == 50


def test_of_several_contacts_the_two_around_the_record_count() -> None:
    anchors = [contact(0), contact(10, drift_ppm=50), contact(20, drift_ppm=50), contact(30)]
    dated = date_tick(anchors, 0, contact(15, drift_ppm=50).tick)
    assert dated is not None
    assert abs(dated.utc_ms - (UTC0 + 15 * HOUR)) <= 1


@pytest.mark.parametrize("drift_ppm", [-100, 100])
@pytest.mark.parametrize("hours", [-8, 8, 24 * 30])
def test_outside_of_the_contacts_the_stated_doubt_grows_and_holds_the_truth(drift_ppm: float, hours: float) -> None:
    tick = contact(hours, drift_ppm=drift_ppm).tick
    dated = date_tick([contact(0)], 0, tick)
    assert dated is not None
    assert dated.uncertainty_ms == 50 + -(-abs(tick - TICK0) * DRIFT_PPM // 1_000_000)
    assert abs(dated.utc_ms - (UTC0 + hours * HOUR)) <= dated.uncertainty_ms


def test_without_a_contact_in_its_epoch_nothing_is_dated() -> None:
    assert date_tick([], 0, 5) is None
    assert date_tick([contact(0)], 1, 5) is None


class TestZone:
    """A device that shows some zone's time within the doubt of the contact is believed to the millisecond."""

    @pytest.mark.parametrize(("off_ms", "believed"), [(0, True), (499, True), (500, True), (-500, True), (501, False)])
    @pytest.mark.parametrize("zone_ms", [0, HOUR, -5 * HOUR, 20_700_000])
    def test_believed_within_the_doubt_and_not_beyond(self, zone_ms: int, off_ms: int, believed: bool) -> None:
        utc = 1_790_000_100_000
        anchor = Anchor(0, utc + zone_ms + off_ms, utc, 500)
        dated = date_tick([anchor], 0, utc + zone_ms - 1000)
        assert dated is not None
        assert dated.utc_ms == utc - 1000 - (0 if believed else off_ms)

    def test_the_two_hours_of_the_fold_are_two_hours(self) -> None:
        """Berlin, 2026-10-25: 02:30 comes twice. The ring counts on; its ticks tell the two apart."""
        berlin = ZoneInfo("Europe/Berlin")
        first = datetime(2026, 10, 25, 2, 30, tzinfo=berlin)
        second = first.replace(fold=1)
        assert second.timestamp() - first.timestamp() == 3600
        evening = datetime(2026, 10, 24, 22, 0, tzinfo=berlin)
        ring = int(evening.replace(tzinfo=UTC).timestamp() * 1000)  # shows summer time all night
        anchors = [Anchor(0, ring, int(evening.timestamp() * 1000), 500)]
        for moment in (first, second):
            passed = int((moment.timestamp() - evening.timestamp()) * 1000)
            assert date_tick(anchors, 0, ring + passed) == Dated(
                int(moment.timestamp() * 1000), 500 + -(-passed * DRIFT_PPM // 1_000_000)
            )


class TestClockSet:
    def test_a_jump_between_contacts_is_a_new_epoch_and_drift_is_none(self) -> None:
        known = [contact(0)]
        for drift_ppm, hours in ((499, 24), (-499, 24), (0, 24 * 365)):
            assert continues(known, contact(hours, drift_ppm=drift_ppm))
        for jump_ms in (60_000, -60_000, 10 * 365 * 24 * HOUR, -3 * HOUR):
            assert not continues(known, contact(1, offset=jump_ms))
        assert continues([], contact(1))
        assert continues([contact(0)], contact(1, epoch=1, offset=HOUR))

    def test_the_same_second_read_twice_is_no_new_epoch(self) -> None:
        first = Anchor(0, 5_500, UTC0, 500)
        assert continues([first], Anchor(0, 5_500, UTC0 + 700, 500))
        assert not continues([first], Anchor(0, 5_500, UTC0 + 5_000, 500))
        assert not continues([first], Anchor(0, 4_500, UTC0 + 700, 500))

    def test_within_one_epoch_a_jump_is_told_as_doubt(self) -> None:
        anchors = [contact(0), contact(10, offset=90_000)]
        dated = date_tick(anchors, 0, contact(5).tick)
        assert dated is not None
        assert dated.uncertainty_ms == 50 + 90_000
        assert abs(dated.utc_ms - (UTC0 + 5 * HOUR)) <= dated.uncertainty_ms


class TestRecordingEpoch:
    """In which run of the clock a recording was made, by its own stamps."""

    UNSET = contact(0, offset=-10_000_000_000)
    SET = contact(10, epoch=1)

    def test_with_one_epoch_there_is_no_choice(self) -> None:
        assert recording_epoch([contact(0, epoch=3)], 0, 1) == 3

    def test_recorded_before_the_clock_was_set(self) -> None:
        start, end = contact(-9, offset=-10_000_000_000).tick, contact(-1, offset=-10_000_000_000).tick
        assert recording_epoch([self.UNSET, self.SET], start, end) == 0

    def test_recorded_after_the_clock_was_set_and_not_yet_visited_again(self) -> None:
        anchors = [self.UNSET, contact(0.01, epoch=1), contact(10, epoch=1)]
        assert recording_epoch(anchors, contact(1).tick, contact(9).tick) == 1

    def test_the_clock_was_set_while_it_ran(self) -> None:
        start, end = contact(-2, offset=-10_000_000_000).tick, contact(6, offset=-10_000_000_000).tick
        anchors = [self.UNSET, contact(0.01, epoch=1), contact(10, epoch=1)]
        epoch = recording_epoch(anchors, start, end)
        assert epoch == 0
        dated = date_tick(anchors, epoch, start)
        assert dated is not None
        assert abs(dated.utc_ms - (UTC0 - 2 * HOUR)) <= dated.uncertainty_ms

    def test_a_battery_pulled_between_two_nights(self) -> None:
        """Three runs of the clock: set, lost (counts from 2015 on), set again."""
        lost_ms = -350_000_000_000
        anchors = [
            contact(0),
            contact(24, epoch=1, offset=lost_ms),
            contact(24.01, epoch=2),
            contact(48, epoch=2),
        ]
        assert recording_epoch(anchors, contact(-8).tick, contact(-1).tick) == 0
        lost = (contact(12, offset=lost_ms).tick, contact(20, offset=lost_ms).tick)
        assert recording_epoch(anchors, *lost) == 1
        assert recording_epoch(anchors, contact(30).tick, contact(38).tick) == 2

    def test_what_fits_nowhere_is_taken_for_the_present_run(self) -> None:
        assert recording_epoch([self.UNSET, self.SET], 5 * 10**15, 5 * 10**15 + 1) == 1


def test_a_recording_stamped_by_a_clock_that_lost_its_time_is_not_of_the_first_epoch_years_ago() -> None:
    """The battery ran empty in the night; the clock began at 2015 and was set while the recording went on."""
    year_2015 = 1_420_070_400_000
    t0 = 1_790_114_400_000
    anchors = [
        Anchor(0, t0 + 500, t0, 500),
        Anchor(1, year_2015 + 400_000, t0 + 600_000, 500),
        Anchor(2, t0 + 700_500, t0 + 700_000, 1000),
        Anchor(2, t0 + 1_300_500, t0 + 1_300_000, 500),
    ]
    start = year_2015 + 150_000
    assert recording_epoch(anchors, start, start + 576_000) == 1


class TestClocksSetWhileARecordingRan:
    T0 = 1_790_114_400_000
    HOUR = 3_600_000

    def test_the_hour_of_the_change_of_clocks_is_not_counted_twice(self) -> None:
        """Recorded from 5 s to 4,925 s, set back by an hour at 2,417 s: by the new clock it would end in the future."""
        anchors = [
            Anchor(0, self.T0 + 2 * self.HOUR + 500, self.T0, 500),
            Anchor(0, self.T0 + 2 * self.HOUR + 2_417_500, self.T0 + 2_417_000, 500),
            Anchor(1, self.T0 + self.HOUR + 2_418_500, self.T0 + 2_418_000, 1000),
            Anchor(1, self.T0 + self.HOUR + 4_958_500, self.T0 + 4_958_000, 500),
        ]
        start = self.T0 + 2 * self.HOUR + 5_000
        assert recording_epoch(anchors, start, start + 4_920_000) == 0

    def test_a_recording_that_was_not_there_at_the_last_contact_was_not_made_before_it(self) -> None:
        """The gateway's clock was five hours behind, and so it had set the ring's, until it was set right at 602 s."""
        anchors = [
            Anchor(0, self.T0 + 1_500, self.T0 + 1_000, 1000),
            Anchor(1, self.T0 - 5 * self.HOUR + 1_500, self.T0 + 1_000, 1000),
            Anchor(1, self.T0 - 5 * self.HOUR + 602_500, self.T0 + 602_000, 1000),
            Anchor(2, self.T0 + 602_500, self.T0 + 602_000, 1000),
            Anchor(2, self.T0 + 1_086_500, self.T0 + 1_086_000, 1000),
        ]
        start = self.T0 - 5 * self.HOUR + 5_000
        assert recording_epoch(anchors, start, start + 1_020_000, self.T0 + 965_000) == 1
        # met for the first time with that file, it would be one of the afternoon
        assert recording_epoch(anchors, start, start + 1_020_000) == 0


class TestARunOfTheClockThatNoContactFellInto:
    """The battery ran empty twice before the ring was met again; its clock began at 2015 each time, as once before."""

    T0 = 1_790_978_400_000
    DAY = 86_400_000
    YEAR_2015 = 1_420_070_400_000
    LASTS = 260_000

    ANCHORS = (
        Anchor(0, YEAR_2015 + 150_500, T0 - 2 * DAY, 1000),  # another night, the same mishap
        Anchor(1, T0 - 2 * DAY + 500, T0 - 2 * DAY, 1000),
        Anchor(1, T0 - DAY + 500, T0 - DAY, 1000),
        Anchor(2, YEAR_2015 + 151_500, T0 + 643_000, 1000),
    )
    START = YEAR_2015 + 150_000
    ROOM = Room(absent_ms=T0 - DAY, earliest_ms=T0 + 88_000, latest_ms=T0 + 643_000)

    def test_it_lies_in_its_room_and_says_how_much_of_that_is_left(self) -> None:
        epoch, date = place_recording(
            self.ANCHORS, self.START, self.START + self.LASTS, now_ms=self.T0 + 643_000, room=self.ROOM
        )
        assert epoch is None
        first, last = date(self.START), date(self.START + self.LASTS)
        assert first == Dated(self.T0 + 235_500, 147_500)
        assert last.utc_ms - first.utc_ms == self.LASTS
        assert first.utc_ms - first.uncertainty_ms == self.ROOM.earliest_ms
        assert last.utc_ms + first.uncertainty_ms == self.ROOM.latest_ms
        assert last.uncertainty_ms == first.uncertainty_ms + 26  # its own drift

    def test_without_the_lists_it_is_taken_for_one_of_that_other_night(self) -> None:
        epoch, _ = place_recording(self.ANCHORS, self.START, self.START + self.LASTS, now_ms=self.T0 + 643_000)
        assert epoch == 0

    @pytest.mark.parametrize(("late_ms", "epoch"), [(0, 0), (1, None)])
    def test_a_recording_may_be_listed_some_minutes_after_its_end_but_not_later(
        self, late_ms: int, epoch: int | None
    ) -> None:
        anchors = (Anchor(0, 0, self.T0, 1000), Anchor(0, self.DAY, self.T0 + self.DAY, 1000))
        room = Room(self.T0 + 100_000 + 1000 + CLOSING_MS + late_ms, self.T0 + 2_000_000, self.T0 + 3_000_000)
        found, _ = place_recording(anchors, 50_000, 100_000, now_ms=self.T0 + self.DAY, room=room)
        assert found == epoch

    @pytest.mark.parametrize(("early_ms", "epoch"), [(0, 0), (1, None)])
    def test_nothing_is_recorded_in_the_future(self, early_ms: int, epoch: int | None) -> None:
        anchors = (Anchor(0, 1_000_000, self.T0, 1000),)
        room = Room(self.T0 - 900_000, self.T0 - 900_000, self.T0)
        end = 1_010_000  # 10 s behind the contact, the doubt a second and what drift makes of it
        found, _ = place_recording(anchors, 900_000, end, now_ms=self.T0 + 10_000 - 1_001 - early_ms, room=room)
        assert found == epoch

    def test_where_less_room_is_left_than_it_lasted_the_lack_is_the_doubt(self) -> None:
        room = Room(self.T0, self.T0 + 600_000, self.T0 + 643_000)
        _, date = place_recording(
            self.ANCHORS, self.START, self.START + self.LASTS, now_ms=self.T0 + 643_000, room=room
        )
        first = date(self.START)
        assert (first.utc_ms, first.uncertainty_ms) == (self.T0 + 600_000 - 108_500, 108_500)
