"""The patient's own page: what each state says, on both sides of each limit, in words that anybody reads."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from analytics.adherence.follow_up import FollowUp, Kind
from analytics.nights.records import PatientNight
from gateway.service.records import Device
from gateway.service.views.own import OwnNight, appointments, device_words, goal, night_words

NIGHT = date(2026, 3, 28)
HOUR_MS = 3_600_000
LATE_MS = 36 * HOUR_MS
NOW_MS = 1_774_760_400_000


def device(family: str = "mad", heard_ms: int = NOW_MS, battery_pct: float | None = None) -> Device:
    return Device(f"{family}-1", family, "home", "UTC", 0, heard_ms, battery_pct=battery_pct)


def night(back: int = 0, valid_h: float = 7.0, wear_h: float | None = 6.0, **more: object) -> PatientNight:
    state = {"wear_state": "no_data" if wear_h is None else "worn" if wear_h else "not_worn", **more}
    return PatientNight(
        night=NIGHT - timedelta(back),
        zone="UTC",
        start_ms=0,
        end_ms=1,
        valid_h=valid_h,
        wear_h=wear_h,
        **state,  # type: ignore[arg-type]
    )


def words(*nights: PatientNight, goal_h: float | None = 4.0, last: date = NIGHT) -> OwnNight:
    found = night_words(nights, last, goal_h)
    assert found is not None
    return found


@pytest.mark.parametrize(("silent_ms", "state"), [(LATE_MS, "fine"), (LATE_MS + 1, "late")])
def test_late_is_after_the_limit(silent_ms: int, state: str) -> None:
    assert device_words(device(heard_ms=NOW_MS - silent_ms), 0, LATE_MS, NOW_MS).state == state


def test_what_was_heard_before_it_was_given_is_anothers() -> None:
    given_ms = NOW_MS - HOUR_MS
    new = device_words(device(heard_ms=given_ms - 1), given_ms, LATE_MS, NOW_MS)
    assert (new.state, new.heard_ms) == ("never", None)
    assert device_words(device(heard_ms=given_ms), given_ms, LATE_MS, NOW_MS).state == "fine"
    old = device_words(device(heard_ms=0), NOW_MS - LATE_MS - 1, LATE_MS, NOW_MS)
    assert (old.state, old.heard_ms) == ("late", None)


@pytest.mark.parametrize(("battery_pct", "state"), [(20.0, "battery"), (20.1, "fine"), (None, "fine")])
def test_a_low_battery(battery_pct: float | None, state: str) -> None:
    assert device_words(device(battery_pct=battery_pct), 0, LATE_MS, NOW_MS).state == state


@pytest.mark.parametrize(
    ("family", "what"),
    [("mad", "mouth guard"), ("bed", "bed sensor"), ("bp", "blood pressure meter"), ("o2ring", "oxygen sensor")],
)
def test_each_device_has_a_name_that_anybody_knows(family: str, what: str) -> None:
    found = device_words(device(family, heard_ms=1), 0, LATE_MS, NOW_MS)
    assert found.what == what
    assert found.advice


@pytest.mark.parametrize(("valid_h", "short"), [(3.99, True), (4.0, False)])
def test_a_short_recording_says_what_to_do(valid_h: float, short: bool) -> None:
    assert ("charged" in " ".join(words(night(valid_h=valid_h)).words)) is short


@pytest.mark.parametrize(
    ("wear_h", "more", "said"),
    [
        (4.0, {}, "You reached your goal of 4 hours."),
        (3.99, {}, "Your goal is 4 hours."),
        (3.0, {"wear_state": "partial"}, "It may have been more"),
        (0.0, {}, "Tonight is a new night."),
        (None, {}, "We do not know yet"),
    ],
)
def test_wear_is_said_without_blame(wear_h: float | None, more: dict[str, object], said: str) -> None:
    told = " ".join(words(night(wear_h=wear_h, **more)).words)
    assert said in told
    assert "fail" not in told


def test_who_has_no_mouth_guard_is_not_asked_for_it() -> None:
    assert "mouth guard" not in " ".join(words(night(wear_h=None), goal_h=None).words)


@pytest.mark.parametrize(("back", "is_last"), [(0, True), (1, True), (2, False)])
def test_last_night_is_last_night(back: int, is_last: bool) -> None:
    assert words(night(back)).is_last is is_last


def test_a_night_without_data_is_none() -> None:
    assert night_words([night(valid_h=0.0, wear_h=None)], NIGHT, 4.0) is None
    assert night_words([], NIGHT, 4.0) is None


def test_hours_as_one_says_them() -> None:
    assert words(night(valid_h=1.0, wear_h=None)).words[0] == "Your oxygen sensor recorded 1 hour."
    assert words(night(valid_h=6 + 1 / 60)).words[0] == "Your oxygen sensor recorded 6 hours 1 minute."
    assert words(night(valid_h=0.5)).words[0] == "Your oxygen sensor recorded 30 minutes."


def test_the_week_counts_what_is_known() -> None:
    found = goal([night(back, wear_h=4.0 if back % 2 else 3.9) for back in range(7)], NIGHT, 4.0)
    assert (found.reached, found.known) == (3, 7)
    assert found.days[-1].night == NIGHT
    assert "3 of the last 7 nights" in found.words
    unknown = goal([], NIGHT, 4.0)
    assert (unknown.known, unknown.days[-1].night, unknown.days[-1].reached) == (0, NIGHT - timedelta(1), None)
    assert "1 of 1 night." in goal([night(1)], NIGHT, 4.0).words


def test_what_comes_next_in_order_and_no_call_is_promised() -> None:
    found = appointments(
        [
            FollowUp(Kind.PHYSICIAN, "soon", NIGHT + timedelta(1)),
            FollowUp(Kind.STUDY, "due", NIGHT),
            FollowUp(Kind.DENTIST, "not_yet", None),
        ],
        NIGHT,
    )
    assert [(one.day, one.words.startswith("It is time")) for one in found] == [
        (NIGHT, True),
        (NIGHT + timedelta(1), False),
    ]
