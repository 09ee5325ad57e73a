"""`somnolink report`: a patient's report as a file, from the service's own store and records."""

from __future__ import annotations

import sys
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from gateway.cli.programs import ConfigOption, open_service_stores
from gateway.clock import SystemClock
from gateway.errors import ConfigurationError
from gateway.settings import load_settings


class ReportFormat(StrEnum):
    """What the report is written as."""

    PDF = "pdf"
    CSV = "csv"
    FHIR = "fhir"
    EDF = "edf"


_TEXT: Final = (ReportFormat.CSV, ReportFormat.FHIR)


def report(
    patient: Annotated[str, typer.Argument(help="Opaque id of the patient, such as p-0a1b2c3d4e5f.")],
    format: Annotated[ReportFormat, typer.Option(help="fhir is R4 JSON; edf is EDF+ of one night.")] = ReportFormat.PDF,
    out: Annotated[Path | None, typer.Option(help="File to write; standard output without it.")] = None,
    first: Annotated[str | None, typer.Option("--from", metavar="DATE", help="First night; 90 to the last.")] = None,
    last: Annotated[str | None, typer.Option("--to", metavar="DATE", help="Last night; the present one.")] = None,
    night: Annotated[
        str | None, typer.Option(metavar="DATE", help="Night to show by sample; the last. With csv: its samples.")
    ] = None,
    identified: Annotated[
        bool, typer.Option("--identified", help="Tell the name on record, not the id alone.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Write a patient's report. It informs and is no diagnosis."""
    if out is None and format not in _TEXT and sys.stdout.isatty():
        raise ConfigurationError(f"--format {format}: give --out FILE, or send the output elsewhere than to a terminal")
    dates = [_date(name, text) for name, text in (("--from", first), ("--to", last), ("--night", night))]
    settings = load_settings(config)
    from gateway.service.exchange.report.export import Wanted, export

    store, records = open_service_stores(settings)
    try:
        known = records.people.patient(patient)
        if known is None:
            raise ConfigurationError(f"no such patient: {patient}")
        wanted = Wanted(format.value, dates[0], dates[1], dates[2], identified)
        made = export(records, store, known, wanted, now_ms=SystemClock().utc_ms())
    finally:
        records.close()
        store.close()
    if out is None:
        sys.stdout.buffer.write(made.data)
        return
    try:
        out.write_bytes(made.data)
    except OSError as error:
        raise ConfigurationError(f"{out}: cannot be written ({error.strerror or error})") from None


def _date(name: str, text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(f"{name} {text}: not a date as 2026-03-28") from None
