"""`time,spo2,pulse` CSV: time as ISO 8601, seconds since 1970, or seconds since the start; pulse may be absent."""

from __future__ import annotations

from datetime import tzinfo
from pathlib import Path

from gateway.service.exchange.files.csv_rows import read_rows
from gateway.service.exchange.files.table import Header
from gateway.service.exchange.recording import Recording


def read(path: Path, text: str, header: Header, zone: tzinfo | None) -> Recording:
    """Read a plain CSV; see `csv_rows.read_rows`."""
    return read_rows(path, text, header, "csv", zone)
