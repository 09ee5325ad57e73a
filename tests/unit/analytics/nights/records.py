"""Records of sensors by wall clock, and joined nights by their indices."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from analytics.calendar import night_bounds
from analytics.nights.records import Kind, PatientNight, SensorRecord

ZONE = "Europe/Berlin"
NIGHT = date(2026, 2, 3)
NEXT = NIGHT + timedelta(days=1)


def at(day: date, clock: str, zone: str = ZONE) -> int:
    """UTC milliseconds of a local time."""
    hour, minute = map(int, clock.split(":"))
    local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZoneInfo(zone))
    return int(local.timestamp() * 1000)


def record(
    kind: Kind, start_ms: int, end_ms: int, device: str = "", suspect: bool = False, **told: float
) -> SensorRecord:
    """A record; oximetry and bed are valid throughout unless `valid_s` is told."""
    whole = (end_ms - start_ms) / 1000 if kind in ("oximetry", "bed") else 0.0
    valid_s = told.pop("valid_s", whole)
    return SensorRecord(kind, device or kind, start_ms, end_ms, valid_s, told, suspect)


def usual(kind: Kind, device: str = "", **told: float) -> SensorRecord:
    """From 22:30 to 06:30."""
    return record(kind, at(NIGHT, "22:30"), at(NEXT, "06:30"), device, **told)


def joined(number: int, *, mad_pct: float | None = None, first: date = NIGHT, **told: float) -> PatientNight:
    """A joined night `number` days after `first`; of 7 valid hours, 6.5 h of sleep, 40 % supine unless told."""
    night = first + timedelta(days=number)
    start_ms, end_ms = night_bounds(night, ZONE)
    return PatientNight(
        night=night,
        zone=ZONE,
        start_ms=start_ms,
        end_ms=end_ms,
        valid_h=told.pop("valid_h", 7.0),
        sleep_h=told.pop("sleep_h", 6.5),
        sleep_of="bed_sleep",
        supine_pct=told.pop("supine_pct", 40.0),
        mad_of_oximetry_pct=mad_pct,
        indices=told,
    )
