"""One call from a patient to a file, for the API and the command line alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal, get_args

from gateway.errors import ConfigurationError
from gateway.service.exchange.report.build import build
from gateway.service.exchange.report.gather import gather, usual_period
from gateway.service.exchange.report.values import NightTrace, Report
from gateway.service.records import Patient, Purpose, Records
from gateway.service.store.base import SampleStore

Format = Literal["pdf", "csv", "fhir", "edf"]
FORMATS: Final[tuple[Format, ...]] = get_args(Format)
MEDIA_TYPES: Final[dict[Format, str]] = {
    "pdf": "application/pdf",
    "csv": "text/csv; charset=utf-8",
    "fhir": "application/fhir+json",
    "edf": "application/octet-stream",
}
_SUFFIXES: Final[dict[Format, str]] = {"pdf": "pdf", "csv": "csv", "fhir": "fhir.json", "edf": "edf"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for.

    Attributes
    ----------
    first, last : date or None
        The period; see `usual_period` for what is left out.
    night : date or None
        The night to be shown sample by sample. EDF+ is always of one night; CSV is of one where it is given.
    identified : bool
        Whether the patient's name on record is told; else the opaque id alone.
    """

    format: Format
    first: date | None = None
    last: date | None = None
    night: date | None = None
    identified: bool = False


@dataclass(frozen=True, slots=True)
class Exported:
    """A file: its bytes, its media type, and a name without the patient's."""

    data: bytes
    media_type: str
    name: str


def export(records: Records, store: SampleStore, patient: Patient, wanted: Wanted, *, now_ms: int) -> Exported:
    """Make the file.

    Raises
    ------
    ConfigurationError
        The period is none, there is no oximetry where it takes a night's, or the patient wants no report that names
        them.
    StoreUnavailableError
        The records or the store do not answer.
    """
    if wanted.identified and records.consents.withdrawn(patient.id, Purpose.SHARING):
        raise ConfigurationError("the patient has withdrawn the consent to reports that name them")
    first, last = wanted.first, wanted.last
    if wanted.night is not None:  # a night outside of the usual period is asked for by name
        first = first or min(wanted.night, usual_period(patient, now_ms, None, last)[0])
        last = last or max(wanted.night, usual_period(patient, now_ms, first, None)[1])
    period = usual_period(patient, now_ms, first, last)
    facts = gather(records, store, patient, period, now_ms=now_ms, night=wanted.night)
    report = build(facts)
    data = _MAKERS[wanted.format](report, wanted)
    by_night = wanted.format == "edf" or (wanted.format == "csv" and wanted.night is not None)
    dates = f"{period[0]}_{period[1]}"
    if by_night and facts.trace is not None:
        dates = facts.trace.result.night.isoformat()
    return Exported(data, MEDIA_TYPES[wanted.format], f"{patient.id}_{dates}.{_SUFFIXES[wanted.format]}")


def _pdf(report: Report, wanted: Wanted) -> bytes:
    from gateway.service.exchange.report.pdf import to_pdf  # matplotlib takes a second to import

    return to_pdf(report, identified=wanted.identified)


def _csv(report: Report, wanted: Wanted) -> bytes:
    from gateway.service.exchange.report.csv import nights_csv, samples_csv

    return nights_csv(report) if wanted.night is None else samples_csv(_trace(report))


def _fhir(report: Report, wanted: Wanted) -> bytes:
    from gateway.service.exchange.report.fhir import to_fhir

    return to_fhir(report, identified=wanted.identified)


def _edf(report: Report, wanted: Wanted) -> bytes:
    from gateway.service.exchange.report.edf import to_edf

    return to_edf(_trace(report), report.facts.patient, identified=wanted.identified)


def _trace(report: Report) -> NightTrace:
    if report.facts.trace is None:
        raise ConfigurationError(f"no oximetry of {report.facts.patient.id} in the period")
    return report.facts.trace


_MAKERS: Final[dict[Format, Callable[[Report, Wanted], bytes]]] = {
    "pdf": _pdf,
    "csv": _csv,
    "fhir": _fhir,
    "edf": _edf,
}
