"""Seconds since the first row: folds, gaps, and clocks that were set on the way."""
# ruff: noqa: DTZ001 - naive times are what these files hold

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from gateway.service.exchange.files.clock import MAX_GAP_S, elapsed_times
from gateway.service.exchange.files.source import RowError
from gateway.service.exchange.files.times import Times

PARIS = ZoneInfo("Europe/Paris")
NOTHING_CHANGES = ZoneInfo("Asia/Tokyo")


def local(*moments: datetime) -> Times:
    return Times(np.array([moment.replace(tzinfo=UTC).timestamp() for moment in moments]), "local")


def wall_clock(start_utc: datetime, count: int, step_s: int, zone: ZoneInfo) -> Times:
    """What a clock on the wall of `zone` shows, row after row."""
    return local(
        *((start_utc + timedelta(seconds=step_s * n)).astimezone(zone).replace(tzinfo=None) for n in range(count))
    )


AUTUMN = datetime(2026, 10, 25, 0, 59, 40, tzinfo=UTC)  # 02:59:40 in Paris, 20 s before the clocks go back
SPRING = datetime(2026, 3, 29, 0, 59, 40, tzinfo=UTC)


@pytest.mark.parametrize("begin", [AUTUMN, SPRING])
def test_with_a_zone_rows_run_evenly_through_a_change_of_the_clocks(begin: datetime) -> None:
    elapsed = elapsed_times(wall_clock(begin, 20, 4, PARIS), PARIS)
    assert elapsed.seconds.tolist() == [4.0 * n for n in range(20)]
    assert elapsed.start is not None
    assert elapsed.start.astimezone(UTC) == begin
    assert any("clocks went" in note for note in elapsed.notes)


def test_a_gap_across_the_fold_keeps_its_true_length() -> None:
    times = wall_clock(AUTUMN, 400, 4, PARIS)
    kept = np.r_[0:3, 300:400]
    elapsed = elapsed_times(Times(times.seconds[kept], "local"), PARIS)
    assert elapsed.seconds.tolist() == (4.0 * kept).tolist()


def test_a_gap_that_hides_the_fold_keeps_its_true_length() -> None:
    times = wall_clock(AUTUMN - timedelta(hours=1), 3000, 4, PARIS)
    kept = np.r_[0:100, 2500:3000]
    elapsed = elapsed_times(Times(times.seconds[kept], "local"), PARIS)
    assert elapsed.seconds.tolist() == (4.0 * kept).tolist()


@pytest.mark.parametrize("begin", [AUTUMN, SPRING])
def test_a_device_that_does_not_follow_the_change_runs_evenly_too(begin: datetime) -> None:
    first = begin.astimezone(PARIS).replace(tzinfo=None)
    rows = [first + timedelta(seconds=4 * n) for n in range(3000) if not 1500 <= n < 1600]
    elapsed = elapsed_times(local(*rows), PARIS)
    assert elapsed.seconds.tolist() == [4.0 * n for n in range(3000) if not 1500 <= n < 1600]


def test_without_a_zone_one_step_back_by_an_hour_is_a_fold_and_noted() -> None:
    elapsed = elapsed_times(wall_clock(AUTUMN, 20, 4, PARIS), None)
    assert elapsed.seconds.tolist() == [4.0 * n for n in range(20)]
    assert elapsed.start == datetime(2026, 10, 25, 2, 59, 40)
    assert any("end of summer time" in note for note in elapsed.notes)


def test_a_step_back_by_an_hour_in_a_zone_that_has_none_is_refused() -> None:
    with pytest.raises(RowError, match=r"goes back by 59\.9 min") as caught:
        elapsed_times(wall_clock(AUTUMN, 20, 4, PARIS), NOTHING_CHANGES)
    assert caught.value.row == 5


@pytest.mark.parametrize("back_s", [1, 4, 600, 3000, 4200, 86_400])
def test_any_other_step_back_names_its_row(back_s: int) -> None:
    begin = datetime(2026, 6, 1, 1)
    rows = [begin + timedelta(seconds=4 * n - (back_s + 4) * (n >= 7)) for n in range(20)]
    for zone in (None, PARIS):
        with pytest.raises(RowError, match="goes back") as caught:
            elapsed_times(local(*rows), zone)
        assert caught.value.row == 7


@pytest.mark.parametrize(("gap_s", "refused"), [(MAX_GAP_S, False), (MAX_GAP_S + 4, True)])
def test_a_silence_longer_than_twelve_hours_parts_two_recordings(gap_s: int, refused: bool) -> None:
    begin = datetime(2026, 6, 1, 1)
    times = local(begin, begin + timedelta(seconds=4), begin + timedelta(seconds=4 + gap_s))
    if refused:
        with pytest.raises(RowError, match="more than one recording") as caught:
            elapsed_times(times, None)
        assert caught.value.row == 2
    else:
        assert elapsed_times(times, None).seconds[-1] == 4 + gap_s


def test_a_clock_set_during_the_recording_dates_the_rows_before_back() -> None:
    unset, begin = datetime(2000, 1, 1), datetime(2026, 6, 1, 23)
    rows = [unset + timedelta(seconds=4 * n) for n in range(10)] + [begin + timedelta(seconds=4 * n) for n in range(10)]
    elapsed = elapsed_times(local(*rows), None)
    assert elapsed.seconds.tolist() == [4.0 * n for n in range(20)]
    assert elapsed.start == begin - timedelta(seconds=40)
    assert "was set after 10 samples" in elapsed.notes[0]


def test_a_start_in_the_repeated_hour_is_its_first_pass_and_noted() -> None:
    begin = datetime(2026, 10, 25, 2, 30)
    elapsed = elapsed_times(local(begin, begin + timedelta(seconds=1)), PARIS)
    assert elapsed.start is not None
    assert elapsed.start.utcoffset() == timedelta(hours=2)
    assert "came twice" in elapsed.notes[0]


def test_a_stated_offset_is_kept_unless_a_zone_is_given() -> None:
    begin = datetime(2026, 6, 1, 23, tzinfo=timezone(timedelta(hours=-5)))
    times = Times(np.array([begin.timestamp(), begin.timestamp() + 1]), "utc", -18_000)
    assert elapsed_times(times, None).start == begin
    assert elapsed_times(times, None).start.utcoffset() == timedelta(hours=-5)  # type: ignore[union-attr]
    assert elapsed_times(times, PARIS).start.tzinfo is PARIS  # type: ignore[union-attr]


def test_a_start_in_an_impossible_year_is_left_out_with_a_note() -> None:
    begin = datetime(9000, 12, 31, 23)
    elapsed = elapsed_times(local(begin, begin + timedelta(seconds=1)), PARIS)
    assert elapsed.start is None
    assert elapsed.notes == ("the start 9000-12-31 is not possible and was left out",)


def test_elapsed_times_have_no_start() -> None:
    elapsed = elapsed_times(Times(np.array([10.0, 11.0]), "elapsed"), PARIS)
    assert (elapsed.start, elapsed.seconds.tolist()) == (None, [0.0, 1.0])
