"""The time axis in the patient's zone."""

from __future__ import annotations

from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st

from gateway.service.nights import night_bounds, zone_info
from gateway.service.web.night.axis import STEPS_S, clock, ticks


def texts(night: str, zone: str, most: int) -> list[str]:
    return [one.text for one in ticks(*night_bounds(date.fromisoformat(night), zone), zone, most)]


def test_a_plain_night_has_its_hours_by_the_wall() -> None:
    found = texts("2026-02-03", "Europe/Berlin", 30)
    assert found == [f"{(12 + hour) % 24:02d}:00" for hour in range(25)]


def test_a_spring_night_leaves_an_hour_out_and_an_autumn_night_has_one_twice() -> None:
    spring = texts("2026-03-28", "Europe/Berlin", 30)
    assert len(spring) == 24
    assert spring[13:16] == ["01:00", "03:00", "04:00"]
    autumn = texts("2026-10-24", "Europe/Berlin", 30)
    assert len(autumn) == 26
    assert autumn[13:17] == ["01:00", "02:00 CEST", "02:00 CET", "03:00"]


def test_a_zone_of_half_an_hour_has_whole_hours_too() -> None:
    assert texts("2026-02-03", "Asia/Kolkata", 30)[:2] == ["12:00", "13:00"]
    assert texts("2026-02-03", "Asia/Kathmandu", 30)[:2] == ["12:00", "13:00"]


def test_steps_of_hours_start_at_midnight_also_behind_a_change() -> None:
    assert texts("2026-03-28", "Europe/Berlin", 8) == [
        *("12:00", "15:00", "18:00", "21:00", "00:00"),
        *("03:00", "06:00", "09:00", "12:00"),
    ]


def test_seconds_are_told_where_they_matter() -> None:
    begin = int(datetime(2026, 2, 3, 1, 0, 2, tzinfo=UTC).timestamp() * 1000)
    assert [one.text for one in ticks(begin, begin + 20_000, "UTC", 4)] == [
        "01:00:05",
        "01:00:10",
        "01:00:15",
        "01:00:20",
    ]
    assert clock(begin, "UTC", seconds=True, named=True) == "01:00:02 UTC"
    assert (clock(begin, "Europe/Berlin"), clock(begin, "Europe/Berlin", named=True)) == ("02:00", "02:00 CET")


@given(
    st.integers(1_735_689_600, 1_798_761_600),
    st.integers(30, 25 * 3600),
    st.integers(2, 16),
    st.sampled_from(["Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Australia/Lord_Howe", "UTC"]),
)
def test_ticks_are_round_by_the_wall_inside_and_not_too_many(begin_s: int, span_s: int, most: int, zone: str) -> None:
    start_ms = begin_s * 1000
    found = ticks(start_ms, start_ms + span_s * 1000, zone, most)
    at = [one.at_ms for one in found]
    assert at == sorted(set(at))
    assert all(start_ms <= one <= start_ms + span_s * 1000 for one in at)
    if span_s / STEPS_S[-1] <= most:
        assert len(found) <= 1.2 * most + 3
    for one in found:
        local = datetime.fromtimestamp(one.at_ms / 1000, zone_info(zone))
        assert one.text.startswith(f"{local:%H:%M}")
        assert local.second % 5 == 0
