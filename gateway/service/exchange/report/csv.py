"""A report as CSV (RFC 4180): a row a night, or the samples of one night as `somnolink analyze` reads them."""

from __future__ import annotations

import csv
import io
import math
from datetime import UTC, datetime
from typing import Final

from analytics.nights.records import PatientNight
from analytics.nights.records import TreatmentStep as Step
from analytics.nights.treatment import side_of
from gateway.service.exchange.report.values import NightTrace, Report, WearDay
from gateway.service.exchange.report.wording import moment

INDICES: Final = ("odi3", "odi4", "t90_pct", "mean_spo2", "min_spo2", "hypoxic_burden")
COLUMNS: Final = (
    "night",
    "wear_h",
    "suspect_wear_h",
    "inserted",
    "removed",
    "wear_supine_pct",
    "sleep_h",
    "sleep_of",
    "wear_of_sleep_pct",
    "oximetry_valid_h",
    *INDICES,
    "supine_pct",
    "mad",
    "advancement_mm",
    "notes",
)
"""Empty: not available. `inserted`, `removed`: local ISO times, more than one apart by blanks."""


def nights_csv(report: Report) -> bytes:
    """A row for each night of which anything is known, oximetry, bed or wear."""
    worn = {} if report.wear is None else {day.night: day for day in report.wear.days}
    joined = {night.night: night for night in report.nights}
    table = io.StringIO()
    rows = csv.writer(table, lineterminator="\r\n")
    rows.writerow(COLUMNS)
    for night in sorted(worn.keys() | joined.keys()):
        day, known = worn.get(night), joined.get(night)
        zone = report.facts.patient.zone
        rows.writerow([night.isoformat(), *_worn(day, zone), *_joined(known), *_treated(report, known)])
    return table.getvalue().encode()


def samples_csv(trace: NightTrace) -> bytes:
    """Every sample of the night: time (ISO 8601, UTC), spo2 (%), pulse (bpm); empty where it is missing."""
    samples = trace.samples
    lines = ["time,spo2,pulse"]
    columns = (samples.t_ms.tolist(), samples.columns["spo2"].tolist(), samples.columns["pulse"].tolist())
    for at_ms, spo2, pulse in zip(*columns, strict=True):
        at = datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        lines.append(f"{at}.{at_ms % 1000:03d}Z,{_number(spo2)},{_number(pulse)}")
    return ("\r\n".join(lines) + "\r\n").encode()


def _worn(day: WearDay | None, zone: str) -> list[str]:
    if day is None:
        return [""] * 5
    form = "%Y-%m-%dT%H:%M:%S%z"
    return [
        _number(day.hours),
        _number(day.suspect_h),
        " ".join(moment(at_ms, zone, form) for at_ms in day.insertions_ms),
        " ".join(moment(at_ms, zone, form) for at_ms in day.removals_ms),
        _number(100 * day.supine_min / day.lying_min if day.lying_min else None),
    ]


def _joined(night: PatientNight | None) -> list[str]:
    if night is None:
        return [""] * (4 + len(INDICES) + 1)
    return [
        _number(night.sleep_h),
        night.sleep_of,
        _number(night.wear_of_sleep_pct),
        _number(night.valid_h),
        *(_number(night.indices.get(name)) for name in INDICES),
        _number(night.supine_pct),
    ]


def _treated(report: Report, night: PatientNight | None) -> list[str]:
    if night is None:
        return [""] * 3
    steps = [Step(step.night, step.advancement_mm) for step in report.facts.steps]
    held = [step.advancement_mm for step in report.facts.steps if step.night <= night.night]
    return [side_of(night, steps), _number(held[-1] if held else None), " ".join(night.notes)]


def _number(value: float | None) -> str:
    return "" if value is None or not math.isfinite(value) else f"{value:.10g}"
