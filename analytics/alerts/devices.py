"""Rules on devices and gateways: silence, battery, sensor faults, lost clocks, stuck uploads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from analytics.alerts.findings import Finding
from analytics.alerts.runs import runs
from analytics.alerts.thresholds import Thresholds

SILENCE_GRADES: Final = (1, 2, 4)
"""Multiples of the rule's hours at which a silent device's alert is raised again."""

MS_PER_HOUR: Final = 3_600_000
MS_PER_MIN: Final = 60_000


class Streak(msgspec.Struct, frozen=True):
    """Samples in a row with, or without, a flag.

    Attributes
    ----------
    raised : bool
        Whether the rule holds.
    count : int
        Samples in a row that speak against that.
    from_ms : int
        The first of them.
    """

    raised: bool = False
    count: int = 0
    from_ms: int = 0


class DeviceState(msgspec.Struct, frozen=True):
    """Where the rules stand for one device.

    Attributes
    ----------
    last_ms : int
        End of its latest data; 0 before the first.
    silence : int
        Grade of its silence; 0 while it is heard.
    battery : int
        Grade of its battery; 0 while it is well.
    measures_battery : bool
        It has told a percentage: then its bare flag is not asked.
    """

    last_ms: int = 0
    silence: int = 0
    battery: int = 0
    measures_battery: bool = False
    fault: Streak = Streak()
    clock: Streak = Streak()


class Report(msgspec.Struct, frozen=True):
    """What one batch tells of its device.

    Attributes
    ----------
    from_ms, to_ms : int
        UTC of its first sample and of the end of its last.
    battery_pct : float or None
        The latest that it holds; None where it holds none.
    battery_flag : bool or None
        The latest word of a device that tells only whether its battery is low.
    t_ms, fault, clock_lost
        UTC of each sample, int64, and its flags, bool, shape (n,); None where the kind has no such flags.
    """

    from_ms: int
    to_ms: int
    battery_pct: float | None = None
    battery_flag: bool | None = None
    t_ms: NDArray[np.int64] | None = None
    fault: NDArray[np.bool_] | None = None
    clock_lost: NDArray[np.bool_] | None = None


def step(
    state: DeviceState, report: Report, thresholds: Thresholds, now_ms: int
) -> tuple[DeviceState, tuple[Finding, ...]]:
    """Take what a batch tells.

    Parameters
    ----------
    now_ms : int
        Data time of the home, at or after the end of every batch so far: a backlog that ends long ago is no sign of
        life.

    Returns
    -------
    (DeviceState, tuple of Finding)
        Data older than the latest change nothing but the time of the last word.
    """
    found: list[Finding] = []
    fresh = report.to_ms >= state.last_ms
    last_ms = max(state.last_ms, report.to_ms)
    silence = state.silence
    if silence and now_ms < last_ms + _hours_ms(thresholds):
        values: dict[str, float | None] = {"hours": 0.0}
        found.append(Finding("device_silent", False, last_ms, state.last_ms, last_ms, values))
        silence = 0
    battery, measures = state.battery, state.measures_battery
    if fresh and report.battery_pct is not None and report.battery_pct == report.battery_pct:
        battery, finding = _battery(battery, report.to_ms, report.battery_pct, thresholds["battery_low"])
        measures = True
        found += finding
    elif fresh and not measures and report.battery_flag is not None and report.battery_flag != bool(battery):
        battery = int(report.battery_flag)
        at_ms = report.to_ms
        found.append(Finding("battery_low", report.battery_flag, at_ms, at_ms, at_ms, {"battery_pct": None}))
    fault, clock = state.fault, state.clock
    if fresh and report.t_ms is not None:
        if report.fault is not None:
            fault, finding = _streak("sensor_fault", fault, report.t_ms, report.fault, thresholds)
            found += finding
        if report.clock_lost is not None:
            clock, finding = _streak("clock_lost", clock, report.t_ms, report.clock_lost, thresholds)
            found += finding
    return DeviceState(last_ms, silence, battery, measures, fault, clock), tuple(found)


def due_ms(state: DeviceState, thresholds: Thresholds) -> int | None:
    """When silence reaches its next grade; None before the first contact and past the last grade."""
    if not state.last_ms or state.silence >= len(SILENCE_GRADES):
        return None
    return state.last_ms + SILENCE_GRADES[state.silence] * _hours_ms(thresholds)


def on_time(state: DeviceState, now_ms: int, thresholds: Thresholds) -> tuple[DeviceState, tuple[Finding, ...]]:
    """Let time pass up to and with `now_ms`; data of that very millisecond are to be stepped first."""
    found = []
    while (due := due_ms(state, thresholds)) is not None and due <= now_ms:
        hours = (due - state.last_ms) / MS_PER_HOUR
        state = msgspec.structs.replace(state, silence=state.silence + 1)
        found.append(Finding("device_silent", True, due, state.last_ms, due, {"hours": hours}, state.silence))
    return state, tuple(found)


def _hours_ms(thresholds: Thresholds) -> int:
    return round(thresholds["device_silent"]["hours"] * MS_PER_HOUR)


def _battery(grade: int, at_ms: int, battery_pct: float, thresholds: Mapping[str, float]) -> tuple[int, list[Finding]]:
    limit = thresholds["limit_pct"]
    values: dict[str, float | None] = {"battery_pct": battery_pct, "limit_pct": limit}
    now = (battery_pct <= limit) + (battery_pct <= limit / 2)
    if now > grade:
        return now, [Finding("battery_low", True, at_ms, at_ms, at_ms, values, now)]
    if grade and battery_pct > limit + thresholds["margin_pct"]:
        return 0, [Finding("battery_low", False, at_ms, at_ms, at_ms, values)]
    return grade, []


def _streak(
    rule: str, state: Streak, t_ms: NDArray[np.int64], flagged: NDArray[np.bool_], thresholds: Thresholds
) -> tuple[Streak, list[Finding]]:
    wanted = max(1, round(thresholds[rule]["samples"]))
    if not flagged.any() and not state.raised:
        return Streak(), []
    found = []
    raised, count, from_ms = state.raised, state.count, state.from_ms
    for value, first, stop in runs(flagged.view(np.uint8)):
        if bool(value) == raised:
            count = 0
            continue
        if not count:
            from_ms = int(t_ms[first])
        if count + stop - first < wanted:
            count += stop - first
            continue
        at_ms = int(t_ms[first + wanted - count - 1])
        raised, count = not raised, 0
        found.append(Finding(rule, raised, at_ms, from_ms, at_ms, {"samples": float(wanted)}))
    return Streak(raised, count, from_ms if count else 0), found


class UploadState(msgspec.Struct, frozen=True):
    """Where `upload_stuck` stands for one gateway.

    Attributes
    ----------
    pending : int
        Batches that wait, as last told.
    since_ms : int
        When their number last fell, or they began to wait.
    raised : bool
        Whether the rule holds.
    """

    pending: int = 0
    since_ms: int = 0
    raised: bool = False


def step_upload(
    state: UploadState, at_ms: int, pending: int, thresholds: Thresholds
) -> tuple[UploadState, tuple[Finding, ...]]:
    """Take a gateway's status: how many batches wait for the service's word."""
    limit_ms = round(thresholds["upload_stuck"]["minutes"] * MS_PER_MIN)
    moved = not pending or not state.pending or pending < state.pending
    since_ms = at_ms if moved else state.since_ms
    values: dict[str, float | None] = {"pending": float(pending), "minutes": (at_ms - since_ms) / MS_PER_MIN}
    if state.raised and moved:
        finding = Finding("upload_stuck", False, at_ms, state.since_ms, at_ms, values)
        return UploadState(pending, since_ms), (finding,)
    if not state.raised and pending and at_ms - since_ms >= limit_ms:
        finding = Finding("upload_stuck", True, at_ms, since_ms, at_ms, values)
        return UploadState(pending, since_ms, True), (finding,)
    return UploadState(pending, since_ms, state.raised), ()


def resume(last_ms: int, grades: Mapping[str, int]) -> DeviceState:
    """State of a device after a restart.

    Parameters
    ----------
    last_ms : int
        End of its latest data.
    grades : mapping
        Grade of each rule's open alert; a rule that is not there holds not.
    """
    return DeviceState(
        last_ms,
        silence=grades.get("device_silent", 0),
        battery=grades.get("battery_low", 0),
        fault=Streak(raised="sensor_fault" in grades),
        clock=Streak(raised="clock_lost" in grades),
    )
