"""Puts the whole of a patient together: the manifest comes last, and says what is in it.

Samples are cut at the assignments to the millisecond: what the device measured of somebody else is not in it.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Final

import msgspec
import numpy as np

from gateway.errors import ConfigurationError
from gateway.service.exchange.report.export import Wanted, export
from gateway.service.exchange.whole import documents
from gateway.service.exchange.whole.stream import ZipStream
from gateway.service.nights import night_of
from gateway.service.records import Assignment, Patient, Purpose, Records
from gateway.service.store.base import Samples, SampleStore
from gateway.wire.messages import KINDS, Kind, Origin

FORMAT: Final = 1
ORIGINS: Final[tuple[Origin, ...]] = ("live", "stored")
ROWS: Final = 4096
"""Lines of a CSV file that are written at a time."""

Progress = Callable[[int, int], None]
"""Told how many nights of samples are written, and of how many."""

README: Final = """\
All that this service holds of one patient.

manifest.json      what is in here, with sizes and SHA-256
record/            who it is, consents, devices and when they were worn, treatment, side effects, alerts, account
record/nights.jsonl    results: one night of one device a line, with its desaturations and stretches
record/events.jsonl    what the alert feed told
record/audit.jsonl     who read or changed what; staff by role and an id
reports/           the last 90 nights as PDF and FHIR R4, a row a night as CSV
samples/KIND/DEVICE/NIGHT-ORIGIN.csv      what the devices measured; times are UTC, empty is missing
samples/waveform/DEVICE/NIGHT-ORIGIN/     the bed sensor's signal: one NumPy array (.npy) a column

ORIGIN is live (as it was streamed) or stored (from the device's memory): where both are, the stored one counts.
Times ending in _ms are milliseconds since 1970, UTC. NIGHT is the local date on which the evening began.
"""


def name_of(patient: Patient, now_ms: int) -> str:
    """What the file is called: by the opaque id."""
    return f"{patient.id}_{datetime.fromtimestamp(now_ms / 1000, UTC):%Y-%m-%d}.zip"


def export_whole(
    records: Records,
    store: SampleStore,
    patient: Patient,
    *,
    now_ms: int,
    progress: Progress = lambda _done, _all: None,
) -> Iterator[bytes]:
    """The ZIP, piece by piece; a night of one kind is in memory at a time.

    Raises
    ------
    StoreUnavailableError
        The records or the store do not answer: what was given until then is no whole ZIP, and cannot be read as one.
    """
    archive = ZipStream(now_ms)
    assignments = records.assignments.list(patient=patient.id)
    yield from archive.add("README.txt", [README.encode()])
    for name, document in documents.of_record(records, patient):
        yield from archive.add(f"record/{name}", [msgspec.json.format(msgspec.json.encode(document))])
    for name, found in (
        ("nights", documents.nights(records, assignments)),
        ("events", documents.events(records, patient)),
        ("audit", documents.audit(records, patient)),
    ):
        yield from archive.add(f"record/{name}.jsonl", documents.lines(found))
    named = not records.consents.withdrawn(patient.id, Purpose.SHARING)
    for wanted, ending in ((Wanted("pdf", identified=named), "pdf"), (Wanted("fhir", identified=named), "fhir.json")):
        yield from archive.add(
            f"reports/report.{ending}", [export(records, store, patient, wanted, now_ms=now_ms).data]
        )
    nights = export(records, store, patient, Wanted("csv"), now_ms=now_ms).data
    yield from archive.add("reports/nights.csv", [nights])
    parts = [part for one in assignments for part in _parts(records, store, one)]
    for done, (assignment, kind, night, bounds) in enumerate(parts):
        progress(done, len(parts))
        for origin in ORIGINS:
            samples = store.read(assignment.device, kind, *bounds, origin=origin)
            if len(samples):
                at = (
                    f"{night}-{origin}"
                    if bounds[0] == _first(parts, assignment, kind, night)
                    else f"{night}-{bounds[0]}-{origin}"
                )
                where = f"samples/{kind}/{assignment.device}/{at}"
                if kind == "waveform":
                    yield from _arrays(archive, where, samples)
                else:
                    yield from archive.add(f"{where}.csv", _rows(samples))
    progress(len(parts), len(parts))
    manifest = {"format": FORMAT, "patient": patient.id, "made_ms": now_ms, "files": archive.entries}
    yield from archive.add("manifest.json", [msgspec.json.format(msgspec.json.encode(manifest))])
    yield archive.close()


Part = tuple[Assignment, Kind, date, tuple[int, int]]


def _first(parts: list[Part], assignment: Assignment, kind: Kind, night: date) -> int:
    """Where the first part of a device's night begins: a device may come back to the patient within one."""
    return next(
        bounds[0] for one, other, day, bounds in parts if (one.device, other, day) == (assignment.device, kind, night)
    )


def _parts(records: Records, store: SampleStore, assignment: Assignment) -> Iterator[Part]:
    """Nights of each kind in which the device may have measured while it was the patient's."""
    device = records.devices.get(assignment.device)
    if device is None:
        raise ConfigurationError(f"no such device: {assignment.device}")
    for kind in KINDS:
        span = store.span(device.id, kind)
        if span is None:
            continue
        start_ms = max(assignment.from_ms, span[0])
        end_ms = min(documents.EVER_MS if assignment.to_ms is None else assignment.to_ms, span[1] + 1)
        if start_ms >= end_ms:
            continue
        night, last = night_of(start_ms, device.zone), night_of(end_ms - 1, device.zone)
        while night <= last:
            bounds = documents.bounds_of(assignment, night, device.zone)
            if store.sessions(device.id, kind, *bounds):
                yield assignment, kind, night, bounds
            night += timedelta(days=1)


def _rows(samples: Samples) -> Iterator[bytes]:
    """CSV: time as milliseconds and as ISO 8601, then every column."""
    names = list(samples.columns)
    yield ("\r\n".join([",".join(["t_ms", "time", *names]), ""])).encode()
    for begin in range(0, len(samples), ROWS):
        part = samples[begin : begin + ROWS]
        times = np.datetime_as_string(part.t_ms.astype("datetime64[ms]"), timezone="UTC")
        columns = [_text(part.columns[name].tolist()) for name in names]
        rows = zip(map(str, part.t_ms.tolist()), times.tolist(), *columns, strict=True)
        yield "".join([f"{','.join(row)}\r\n" for row in rows]).encode()


def _text(values: list[float] | list[int]) -> list[str]:
    """Numbers as text, exactly; a NaN is empty."""
    return ["" if value != value else f"{value!r}" for value in values]


def _arrays(archive: ZipStream, where: str, samples: Samples) -> Iterator[bytes]:
    for name, column in {"t_ms": samples.t_ms, **samples.columns}.items():
        target = io.BytesIO()
        np.save(target, column, allow_pickle=False)
        yield from archive.add(f"{where}/{name}.npy", [target.getvalue()])
