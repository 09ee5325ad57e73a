"""A file becomes a stored session of a patient's device: durable and marked to be analysed before anybody is told."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

from gateway.errors import ConfigurationError, StoreRejectedError
from gateway.service.exchange.imports.batches import to_batches
from gateway.service.exchange.imports.opened import File, kind_of, start_of
from gateway.service.nights import night_of
from gateway.service.records import Device, NightKind, Patient, Records
from gateway.service.store.base import SampleStore
from gateway.wire.messages import Batch, Kind

Analyse = Callable[[Sequence[tuple[Batch, str]]], None]
"""Takes batches that the store has, each with its device's zone, and returns at once."""

FAMILY: Final = "file"
GATEWAY: Final = "files"
"""Owner of the devices that exist in files alone; no gateway of that name is ever given an account."""
_NOT_THEIRS: Final = "{} was not the patient's over all of the file's time: assign it first"
_ANALYSED_AS: Final[dict[Kind, NightKind]] = {"oximetry": "oximetry", "wear": "wear", "waveform": "bed"}


@dataclass(frozen=True, slots=True)
class Committed:
    """What was kept.

    Attributes
    ----------
    samples : int
        In the session.
    new : bool
        False: the store had all of it.
    nights : tuple of date
        Those that are analysed for it.
    """

    device: str
    session: str
    kind: Kind
    start_ms: int
    end_ms: int
    samples: int
    new: bool
    nights: tuple[date, ...]


def digest(path: Path) -> str:
    """SHA-256 of a file, hex."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def commit(
    records: Records,
    store: SampleStore,
    file: File,
    sha256: str,
    patient: Patient,
    device: str | None,
    *,
    now_ms: int,
    start: datetime | None = None,
    analyse: Analyse | None = None,
) -> Committed:
    """Keep a file's samples; the same file again is the same session, and changes nothing.

    Parameters
    ----------
    sha256
        Of the file, hex; names the session.
    device
        Whose samples they are: the patient's over all of the time. None: a device of the patient's own for files.
    start
        When the first sample was, for a file that holds no start.
    analyse
        The running analytics; without them the nights are analysed when the service starts.

    Raises
    ------
    InputFileError
        The file's times are not known well enough, or cannot be kept.
    ConfigurationError
        The device is not the patient's in that time.
    StoreUnavailableError
        The store or the records do not answer: nothing is acknowledged; do it again.
    """
    kind = kind_of(file)
    start_ms = round(start_of(file, start).timestamp() * 1000)
    owned = _own_device(records, patient, kind, now_ms) if device is None else records.devices.get(device)
    if owned is None:  # whether there is another's device of that name is not told
        raise ConfigurationError(_NOT_THEIRS.format(device))
    batches = to_batches(file, owned.id, f"file-{sha256[:24]}", start_ms)
    end_ms = batches[-1].end_ms
    held = records.assignments.list(device=owned.id, patient=patient.id)
    if not any(one.from_ms <= start_ms and (one.to_ms is None or end_ms <= one.to_ms) for one in held):
        raise ConfigurationError(_NOT_THEIRS.format(owned.id))
    new = store.append(batches)
    if records.people.patient(patient.id) is None:  # erased meanwhile
        store.delete_between(owned.id, start_ms, end_ms, kind=kind)
        raise ConfigurationError(_NOT_THEIRS.format(owned.id))
    first, last = night_of(start_ms, owned.zone), night_of(end_ms - 1, owned.zone)
    nights = tuple(first + timedelta(days=day) for day in range((last - first).days + 1))
    # A recorder's nights are run again from the first that is marked on.
    marked = nights[:1] if kind == "wear" else nights
    records.results.mark_stale([(owned.id, night) for night in marked], at_ms=now_ms, kind=_ANALYSED_AS[kind])
    if analyse is not None:
        analyse([(batch, owned.zone) for batch in batches])
    samples = sum(batch.size for batch in batches)
    return Committed(owned.id, batches[0].session, kind, start_ms, end_ms, samples, new > 0, nights)


def _own_device(records: Records, patient: Patient, kind: Kind, now_ms: int) -> Device:
    """The patient's device for files of a kind, made and assigned for all time when it is first asked for."""
    name = f"{FAMILY}-{hashlib.sha256(f'{patient.id}|{kind}'.encode()).hexdigest()[:10]}"
    device = records.devices.enrol(GATEWAY, name, zone=patient.zone, at_ms=now_ms, model=f"{kind} files")
    if not records.assignments.list(device=name, patient=patient.id):
        try:
            records.assignments.assign(name, patient.id, from_ms=0)
        except StoreRejectedError:
            if not records.assignments.list(device=name, patient=patient.id):  # else another request was faster
                raise
    return device
