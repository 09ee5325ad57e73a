"""A report in words: rows of label, value and remark, the same for every format."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from analytics.adherence.usage import GOAL_H, REGULAR_NIGHTS
from analytics.nights.summary import INTERVAL, Outlook
from gateway.service.exchange.report.response import INDEX
from gateway.service.exchange.report.values import Report, Wear, WearDay
from gateway.service.exchange.wording import number_text
from gateway.service.nights import zone_info
from gateway.service.records import SideEffectKind

NONE: Final = "not available"
NO_DIAGNOSIS: Final = "This report informs. It is no diagnosis, and no alarm."
SIDE_EFFECTS: Final = {
    SideEffectKind.SORE_JAW: "sore jaw",
    SideEffectKind.SALIVA: "excess saliva",
    SideEffectKind.DRY_MOUTH: "dry mouth",
    SideEffectKind.TOOTH_PAIN: "tooth pain",
    SideEffectKind.BITE_CHANGE: "bite change",
    SideEffectKind.OTHER: "other",
}
SEVERITIES: Final = {1: "mild", 2: "moderate", 3: "severe"}
TIMES_LISTED: Final = 10
"""Nights used whose insertion and removal times are listed: about the two weeks that a visit talks about."""


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that is said, and what a reader should know of it."""

    label: str
    value: str
    remark: str = ""


def wear_rows(wear: Wear | None) -> tuple[Row, ...]:
    """Everything about wear; without a recorder each row says that it is not available."""
    if wear is None:
        labels = (
            "Nights with data / used / missing",
            "Hours a night, all nights",
            "Hours a night, used nights",
            f"Nights of {GOAL_H:g} h or more",
            "Nights worn for 80 % of sleep",
            "Best 30-day window",
            "Inserted / removed, usually",
            "On the back while worn",
        )
        return tuple(Row(label, NONE, "no recorder told of any night") for label in labels)
    usage, share, payer = wear.usage, wear.share, wear.payer
    regular = {True: "a regular user", False: "not a regular user", None: "too few nights to call a regular user"}
    goal = "too few nights to judge" if share.goal is None else f"{share.goal.value} (AADSM 2021)"
    met = {True: "met", False: "cannot be met any more", None: "open"}[payer.met]
    window, short = NONE, "30 nights have not passed; "
    if payer.best_start is not None:
        begin = wear.payer_from + timedelta(days=payer.best_start)
        short = ""
        window = f"{payer.best_pct:.0f} % ({payer.best_nights} of 30 nights), from {begin.isoformat()}"
    return (
        Row(
            "Nights with data / used / missing",
            f"{usage.with_data} / {usage.used} / {usage.missing}",
            f"of {usage.nights} nights; missing is not the same as not worn",
        ),
        Row("Hours a night, all nights", _mean_median(usage.mean_h, usage.median_h), "over the nights with data"),
        Row("Hours a night, used nights", _mean_median(usage.mean_used_h, usage.median_used_h)),
        Row(
            f"Nights of {GOAL_H:g} h or more",
            percent(usage.goal_pct),
            f"{regular[usage.regular]} (>= {GOAL_H:g} h on >= {REGULAR_NIGHTS} nights a week)",
        ),
        Row(
            "Nights worn for 80 % of sleep",
            percent(share.reached_pct),
            f"{goal}; {share.judged} nights judged, {wear.share_by_bed} by the bed sensor",
        ),
        Row(
            "Best 30-day window",
            window,
            f"{short}goal 70 % of 4 h nights in the first 90 from {wear.payer_from.isoformat()}: {met}",
        ),
        Row(
            "Inserted / removed, usually",
            f"{clock_of(wear.inserted_min)} / {clock_of(wear.removed_min)}",
            "median, local time",
        ),
        Row("On the back while worn", NONE if wear.supine_pct is None else percent(wear.supine_pct), "of time lying"),
    )


def response_rows(report: Report) -> tuple[Row, ...]:
    """The index without and with the MAD, and what it takes away."""
    response = report.response
    compared, found = response.comparison, response.alleviation
    since = "" if response.since is None else f"nights from {response.since.isoformat()} on"
    study = report.facts.patient.untreated_index
    remaining = Row("Left with the MAD", NONE, "not both kinds of nights on record")
    if compared is not None:
        how = f"{compared.pairs} pairs of like nights" if compared.matched else "nights not matched"
        interval = f"{compared.remaining_low_pct:.0f} to {compared.remaining_high_pct:.0f} %"
        remaining = Row("Left with the MAD", f"{compared.remaining_pct:.0f} %", f"95 % interval {interval}; {how}")
    mda = Row("Mean disease alleviation (MDA)", NONE, response.missing)
    effective = Row("Effective ODI3", NONE, response.missing)
    if found is not None:
        mda = Row(
            "Mean disease alleviation (MDA)",
            percent(100 * found.mean_disease_alleviation),
            f"compliance {100 * found.compliance:.0f} % of sleep x efficacy {100 * found.efficacy:.0f} %; baseline "
            f"{response.baseline:.1f}/h by {response.baseline_of}",
        )
        effective = Row("Effective ODI3", rate(found.effective_index), "over all sleep, with and without the MAD in")
    return (
        Row("ODI3 without the MAD", _mean(response.without), _surely(response.without) or since),
        Row("ODI3 with the MAD", _mean(response.treated), _surely(response.treated) or "at its present setting"),
        remaining,
        mda,
        effective,
        Row("Index by sleep study", NONE if study is None else rate(study), "untreated, as entered by the clinic"),
    )


def step_rows(report: Report) -> tuple[Row, ...]:
    """The advancement, step by step."""
    return tuple(Row(step.night.isoformat(), f"{step.advancement_mm:g} mm", step.note) for step in report.facts.steps)


def side_effect_rows(report: Report) -> tuple[Row, ...]:
    """Reported side effects of the period."""
    return tuple(
        Row(one.night.isoformat(), f"{SIDE_EFFECTS[one.kind]}, {SEVERITIES[one.severity]}", one.note)
        for one in report.facts.side_effects
    )


def follow_up_rows(report: Report) -> tuple[Row, ...]:
    """What is due."""
    return tuple(
        Row(one.what, one.state if one.due is None else f"due {one.due.isoformat()}", one.why)
        for one in report.follow_ups
    )


def device_rows(report: Report) -> tuple[Row, ...]:
    """Devices of the period: battery, last sync, firmware."""
    zone = report.facts.patient.zone
    rows = []
    for use in report.facts.devices:
        device = use.device
        battery = "battery not available" if device.battery_pct is None else f"battery {device.battery_pct:.0f} %"
        synced = f"last sync {moment(device.last_contact_ms, zone)}"
        kind = f"{device.model or device.family}, firmware {device.firmware or NONE}"
        kept = "" if use.to_ms is None else f"; the patient's until {moment(use.to_ms, zone)}"
        rows.append(Row(device.id, f"{battery}, {synced}", kind + kept))
    return tuple(rows)


def time_rows(report: Report) -> tuple[Row, ...]:
    """Insertion and removal times of the last nights used, the newest first."""
    if report.wear is None:
        return ()
    used = [day for day in report.wear.days if day.insertions_ms][-TIMES_LISTED:]
    return tuple(
        Row(day.night.isoformat(), _times(day, report.facts.patient.zone), f"{number_text(day.hours or 0.0, 1)} h")
        for day in reversed(used)
    )


def sentences(report: Report) -> tuple[str, ...]:
    """What the nights say together, the word on diagnosis last (which is said apart)."""
    return report.facts.reading.sentences[:-1]


def clock_of(after_noon_min: float | None) -> str:
    """Wall-clock time of minutes after noon."""
    if after_noon_min is None:
        return NONE
    minute = round(after_noon_min + 720) % 1440
    return f"{minute // 60:02d}:{minute % 60:02d}"


def moment(utc_ms: int, zone: str, form: str = "%Y-%m-%d %H:%M") -> str:
    """A moment on the patient's wall clock."""
    return datetime.fromtimestamp(utc_ms / 1000, UTC).astimezone(zone_info(zone)).strftime(form)


def percent(value: float) -> str:
    """A share, or that it is not available."""
    return f"{value:.0f} %" if math.isfinite(value) else NONE


def rate(value: float) -> str:
    """Events per hour."""
    return f"{value:.1f} /h"


def _mean_median(mean: float, middle: float) -> str:
    return f"mean {mean:.1f} h, median {middle:.1f} h" if math.isfinite(mean) else NONE


def _mean(one: Outlook | None) -> str:
    return NONE if one is None else f"mean {rate(one.mean)}"


def _surely(one: Outlook | None) -> str:
    if one is None:
        return ""
    said = f"{one.nights} nights; {100 * INTERVAL:.0f} % interval {one.low:.1f} to {one.high:.1f}"
    if one.probabilities:
        said += f"; {one.severity} {100 * one.probabilities[one.severity]:.0f} %"
    return said + ("; provisional" if one.provisional else "")


def _times(day: WearDay, zone: str) -> str:
    pairs: Sequence[tuple[int, int]] = tuple(zip(day.insertions_ms, day.removals_ms, strict=True))
    return ", ".join(f"{moment(begin, zone, '%H:%M')} to {moment(end, zone, '%H:%M')}" for begin, end in pairs)


def index_label() -> str:
    """The index that trends are drawn of."""
    return f"{INDEX.upper()} (/h)"
