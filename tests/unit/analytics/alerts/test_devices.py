"""Silence, battery, faults, clock, uploads: fires once, just not, ends, and what happens in the same millisecond."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.alerts.devices import DeviceState, Report, UploadState, due_ms, on_time, resume, step, step_upload
from analytics.alerts.findings import Finding
from analytics.alerts.thresholds import in_force

RULES = in_force()
HOUR = 3_600_000
T0 = 1_773_527_400_000


def told(found: tuple[Finding, ...]) -> list[tuple[str, bool, int]]:
    return [(one.rule, one.holds, one.grade) for one in found]


def heard(at_ms: int, state: DeviceState | None = None) -> DeviceState:
    return step(state or DeviceState(), Report(at_ms, at_ms), RULES, at_ms)[0]


def test_silence_fires_at_its_hour_and_again_at_twice_and_four_times() -> None:
    state = heard(T0)
    assert due_ms(state, RULES) == T0 + 36 * HOUR
    state, found = on_time(state, T0 + 36 * HOUR - 1, RULES)
    assert found == ()
    state, found = on_time(state, T0 + 36 * HOUR, RULES)
    assert told(found) == [("device_silent", True, 1)]
    assert (found[0].from_ms, found[0].at_ms, found[0].values) == (T0, T0 + 36 * HOUR, {"hours": 36.0})
    assert on_time(state, T0 + 71 * HOUR, RULES)[1] == ()
    state, found = on_time(state, T0 + 1000 * HOUR, RULES)
    assert told(found) == [("device_silent", True, 2), ("device_silent", True, 3)]
    assert due_ms(state, RULES) is None


def test_data_of_the_very_millisecond_prevent_it() -> None:
    due = T0 + 36 * HOUR
    assert on_time(heard(due, heard(T0)), due, RULES)[1] == ()


def test_a_sign_of_life_ends_it_but_an_old_backlog_does_not() -> None:
    silent, _ = on_time(heard(T0), T0 + 40 * HOUR, RULES)
    backlog = Report(T0 + HOUR, T0 + 2 * HOUR)
    still, found = step(silent, backlog, RULES, T0 + 40 * HOUR)
    assert found == ()
    assert still.silence == 1
    recent, found = step(still, Report(T0 + 5 * HOUR, T0 + 5 * HOUR), RULES, T0 + 40 * HOUR)
    assert told(found) == [("device_silent", False, 1)]
    assert due_ms(recent, RULES) == T0 + 41 * HOUR


def test_a_device_never_heard_of_is_not_silent() -> None:
    assert on_time(DeviceState(), T0, RULES) == (DeviceState(), ())


def battery(state: DeviceState, *levels: float) -> tuple[DeviceState, list[tuple[str, bool, int]]]:
    found: list[tuple[str, bool, int]] = []
    for number, level in enumerate(levels):
        at_ms = max(state.last_ms, T0) + number
        state, more = step(state, Report(at_ms, at_ms, battery_pct=level), RULES, at_ms)
        found += told(more)
    return state, found


def test_battery_has_a_limit_a_second_one_and_hysteresis() -> None:
    assert battery(DeviceState(), 20.1)[1] == []
    assert battery(DeviceState(), 20.0, 19.0, 15.0, 21.0, 30.0)[1] == [("battery_low", True, 1)]
    assert battery(DeviceState(), 20.0, 30.1)[1] == [("battery_low", True, 1), ("battery_low", False, 1)]
    assert battery(DeviceState(), 20.0, 10.0, 9.0)[1] == [("battery_low", True, 1), ("battery_low", True, 2)]
    assert battery(DeviceState(), 5.0, float("nan"))[1] == [("battery_low", True, 2)]


def flagged(state: DeviceState, at_ms: int, bits: str, column: str) -> tuple[DeviceState, tuple[Finding, ...]]:
    """`x` where the flag is set, one sample a second."""
    t_ms = at_ms + 1000 * np.arange(len(bits), dtype=np.int64)
    flags = np.array([bit == "x" for bit in bits])
    return step(state, Report(at_ms, int(t_ms[-1]), t_ms=t_ms, **{column: flags}), RULES, int(t_ms[-1]))


def test_a_fault_takes_three_samples_in_a_row_and_three_to_end() -> None:
    state, found = flagged(DeviceState(), T0, "x.xx.xx..", "fault")
    assert found == ()
    state, found = flagged(state, T0 + 9000, "..xxxxx..x..", "fault")
    assert told(found) == [("sensor_fault", True, 1)]
    assert (found[0].from_ms - T0, found[0].at_ms - T0) == (11_000, 13_000)
    state, found = flagged(state, T0 + 30_000, "...xx", "fault")
    assert told(found) == [("sensor_fault", False, 1)]
    assert (found[0].from_ms - T0, found[0].at_ms - T0) == (19_000, 30_000), "two of the three came with the last batch"
    assert not state.fault.raised


def test_a_lost_clock_takes_one_sample() -> None:
    state, found = flagged(DeviceState(), T0, "..x", "clock_lost")
    assert told(found) == [("clock_lost", True, 1)]
    assert told(flagged(state, T0 + 5000, "x.", "clock_lost")[1]) == [("clock_lost", False, 1)]


def test_flags_of_late_samples_are_passed_over() -> None:
    state = heard(T0 + HOUR)
    again, found = flagged(state, T0, "xxxx", "fault")
    assert (again, found) == (state, ())


def test_upload_is_stuck_when_nothing_falls_for_an_hour() -> None:
    state, at_ms, found = UploadState(), T0, ()
    for minute in range(60):
        at_ms = T0 + minute * 60_000
        state, found = step_upload(state, at_ms, 10 + minute, RULES)
        assert found == ()
    state, found = step_upload(state, T0 + HOUR, 70, RULES)
    assert told(found) == [("upload_stuck", True, 1)]
    assert found[0].values == {"pending": 70.0, "minutes": 60.0}
    state, found = step_upload(state, T0 + 2 * HOUR, 70, RULES)
    assert found == ()
    state, found = step_upload(state, T0 + 3 * HOUR, 69, RULES)
    assert told(found) == [("upload_stuck", False, 1)]


@pytest.mark.parametrize("moves", [[10, 9], [10, 0, 10]], ids=["one got through", "all got through"])
def test_an_upload_that_moves_is_not_stuck(moves: list[int]) -> None:
    state, at_ms = UploadState(), T0
    for pending in moves:
        state, found = step_upload(state, at_ms, pending, RULES)
        at_ms += HOUR - 1
        assert found == ()
    assert step_upload(state, at_ms, moves[-1], RULES)[1] == ()


def test_a_device_that_only_has_a_flag_for_its_battery() -> None:
    state, found = step(DeviceState(), Report(T0, T0, battery_flag=True), RULES, T0)
    assert told(found) == [("battery_low", True, 1)]
    state, found = step(state, Report(T0 + 1, T0 + 1, battery_flag=True), RULES, T0 + 1)
    assert found == ()
    assert told(step(state, Report(T0 + 2, T0 + 2, battery_flag=False), RULES, T0 + 2)[1]) == [
        ("battery_low", False, 1)
    ]
    measured, _ = step(state, Report(T0 + 2, T0 + 2, battery_pct=15.0), RULES, T0 + 2)
    assert step(measured, Report(T0 + 3, T0 + 3, battery_flag=False), RULES, T0 + 3)[1] == (), "15 % beats the flag"


def test_after_a_restart_what_is_open_is_not_raised_again_and_can_end() -> None:
    state = resume(T0, {"device_silent": 1, "battery_low": 2, "sensor_fault": 1})
    assert due_ms(state, RULES) == T0 + 72 * HOUR
    state, found = battery(state, 5.0)
    assert found == [("device_silent", False, 1)]
    state, found = battery(state, 31.0)
    assert found == [("battery_low", False, 1)]
    assert told(flagged(state, T0 + 5000, "...", "fault")[1]) == [("sensor_fault", False, 1)]
