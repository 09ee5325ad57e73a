"""CSV as the apps of Wellue / Viatom rings write it (ViHealth, O2 Insight Pro; O2Ring, O2 Max, SleepO2), all dialects.

`Time,Oxygen Level,Pulse Rate,Motion,O2 Reminder,PR Reminder` or `Time,SpO2(%),Pulse Rate(bpm),...`; a clock of 24 hours
or with AM/PM before or after a date with a month's name or all in numbers, quoted or not; commas, semicolons or tabs,
with or without one at the end; missing values `--`, 255 / 65535 or blank. The forms were gathered from public exports.
"""

from __future__ import annotations

from datetime import tzinfo
from pathlib import Path

from gateway.service.exchange.files.csv_rows import read_rows
from gateway.service.exchange.files.table import Header
from gateway.service.exchange.recording import Recording


def claims(header: Header) -> bool:
    """Whether a header is a ring app's: it has a column of reminders or motion, or names the oxygen level in words."""
    names = " ".join(header.names).lower()
    return "motion" in header.columns or "reminder" in names or "oxygen" in names


def read(path: Path, text: str, header: Header, zone: tzinfo | None) -> Recording:
    """Read a ring app's CSV; see `csv_rows.read_rows`."""
    return read_rows(path, text, header, "o2-csv", zone)
