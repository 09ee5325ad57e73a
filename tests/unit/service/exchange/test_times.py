"""The time column: layouts, the order of day and month, and the row that is to blame."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from gateway.service.exchange.files.source import RowError
from gateway.service.exchange.files.times import parse_times


def seconds(*moment: int) -> float:
    return datetime(*moment, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    "text",
    [
        "23:05:09 Nov 07 2026",
        "11:05:09PM Nov 7, 2026",
        "11:05:09 p.m. 7 November 2026",
        "23:05:09 07/11/2026",
        "07.11.2026 23:05:09",
        "7.11.26 23:05:09",
        "2026/11/07 23:05:09",
        "2026-11-07 23:05:09",
        "2026-11-07T23:05:09",
        "23:05:09 7 novembre 2026",
        "23:05:09 7. Nov. 2026",
    ],
)
def test_one_moment_in_many_layouts(text: str) -> None:
    times = parse_times([text])
    assert times.zero == "local"
    assert times.seconds.tolist() == [seconds(2026, 11, 7, 23, 5, 9)]


@pytest.mark.parametrize("month", range(1, 13))
@pytest.mark.parametrize("name", ["%b", "%B"])
def test_every_english_month_by_its_name(month: int, name: str) -> None:
    moment = datetime(2026, month, 15, 1, 2, 3, tzinfo=UTC)
    assert parse_times([moment.strftime(f"%H:%M:%S {name} %d %Y")]).seconds[0] == moment.timestamp()


@pytest.mark.parametrize(
    ("text", "hour"), [("12:00:00AM", 0), ("12:00:00PM", 12), ("01:00:00AM", 1), ("11:00:00PM", 23)]
)
def test_the_half_days(text: str, hour: int) -> None:
    assert parse_times([f"{text} Mar 01, 2026"]).seconds[0] == seconds(2026, 3, 1, hour)


class TestOrderOfDayAndMonth:
    def test_a_number_above_twelve_anywhere_in_the_column_is_the_day(self) -> None:
        times = parse_times(["23:59:58 12/03/2026", "00:00:00 13/03/2026"])
        assert times.seconds.tolist() == [seconds(2026, 3, 12, 23, 59, 58), seconds(2026, 3, 13)]
        assert times.notes == ()
        times = parse_times(["23:59:58 03/12/2026", "00:00:00 03/13/2026"])
        assert times.seconds[0] == seconds(2026, 3, 12, 23, 59, 58)

    @pytest.mark.parametrize(("later", "month", "day"), [("04/04/2026", 4, 3), ("03/05/2026", 3, 4)])
    def test_what_moves_at_midnight_is_the_day(self, later: str, month: int, day: int) -> None:
        times = parse_times(["23:59:58 03/04/2026", f"00:00:00 {later}"])
        assert times.seconds[0] == seconds(2026, month, day, 23, 59, 58)
        assert times.seconds[1] - times.seconds[0] == 2
        assert times.notes == ()

    @pytest.mark.parametrize(("name", "month"), [("O2Ring 0651_20260304010203.csv", 3), ("20260403.csv", 4)])
    def test_a_date_in_the_name_of_the_file_decides(self, name: str, month: int) -> None:
        assert parse_times(["01:02:03 03/04/2026"], file_name=name).seconds[0] == seconds(
            2026, month, 7 - month, 1, 2, 3
        )

    def test_dots_are_european(self) -> None:
        assert parse_times(["03.04.2026 01:02:03"]).seconds[0] == seconds(2026, 4, 3, 1, 2, 3)

    def test_else_the_clock_tells_the_custom_and_a_note_says_that_it_is_a_guess(self) -> None:
        european, american = parse_times(["01:02:03 03/04/2026"]), parse_times(["01:02:03 AM 03/04/2026"])
        assert european.seconds[0] == seconds(2026, 4, 3, 1, 2, 3)
        assert american.seconds[0] == seconds(2026, 3, 4, 1, 2, 3)
        assert "not certain" in european.notes[0]
        assert "day before month" in european.notes[0]
        assert "month before day" in american.notes[0]

    def test_places_that_change_within_the_file_are_refused(self) -> None:
        with pytest.raises(RowError, match="change places") as caught:
            parse_times(["01:00:00 13/01/2026", "01:00:02 01/14/2026"])
        assert caught.value.row == 1


class TestNumbersAndIso:
    def test_small_numbers_count_from_the_start(self) -> None:
        times = parse_times(["0", "1.5", "3"])
        assert (times.zero, times.seconds.tolist()) == ("elapsed", [0.0, 1.5, 3.0])

    def test_large_numbers_count_from_1970_in_seconds_or_milliseconds(self) -> None:
        assert parse_times(["1790000000"]).seconds[0] == parse_times(["1790000000000"]).seconds[0] == 1.79e9
        assert parse_times(["1790000000"]).zero == "utc"

    def test_an_offset_is_honoured_and_may_change_in_the_night(self) -> None:
        times = parse_times(["2026-10-25T02:59:58+02:00", "2026-10-25T02:00:00+01:00"])
        assert times.zero == "utc"
        assert times.utc_offset_s == 7200
        assert np.diff(times.seconds).tolist() == [2.0]

    def test_fractions_of_a_second(self) -> None:
        assert np.diff(parse_times(["2026-10-25T02:00:00", "2026-10-25T02:00:00.250"]).seconds).tolist() == [0.25]


@pytest.mark.parametrize(
    ("texts", "row"),
    [
        (["nonsense"], 0),
        ([""], 0),
        (["23:61:00 Nov 07 2026"], 0),
        (["23:00:00 Nov 31 2026"], 0),
        (["23:00:00 Foo 07 2026"], 0),
        (["23:00 Nov 07 2026"], 0),
        (["23:00:00"], 0),
        (["23:00:00 Nov 07 2026", "23:00:0x Nov 07 2026"], 1),
        (["23:00:00 Nov 07 2026", "23:00:02 Nov 07"], 1),
        (["23:00:00 Nov 07 2026", "23:00:02 Nov 07 20266666"], 1),
        (["0", "1", "two"], 2),
        (["0", "nan"], 1),
        (["0", "inf"], 1),
        (["2026-11-07T01:00:00", "2026-11-07T25:00:00"], 1),
        (["2026-11-07T01:00:00", "2026-11-07T01:00:01Z"], 1),
        (["2026-11-07T01:00:00Z", "2026-11-07T01:00:01"], 1),
    ],
)
def test_what_is_no_time_names_its_row(texts: list[str], row: int) -> None:
    with pytest.raises(RowError) as caught:
        parse_times(texts)
    assert caught.value.row == row
