"""Bringing a backup back."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

from gateway.errors import ConfigurationError, StoreUnavailableError
from gateway.service.backup import manifest, postgresql, sqlite
from gateway.service.backup.places import Places
from gateway.service.nights import night_of
from gateway.service.records import NightKind, Records
from gateway.service.store.base import SampleStore
from gateway.service.store.sqlite import SqliteStore
from gateway.wire.messages import Kind

RUN_AGAIN_MS: Final = 3 * 86_400_000
"""Nights this young at the backup are run again: samples and results were fixed one after the other."""

NIGHTS_OF: Final[dict[Kind, NightKind]] = {"oximetry": "oximetry", "wear": "wear", "waveform": "bed"}


def restore(folder: Path, places: Places, *, now_ms: int, replace: bool = False) -> int:
    """Make a backup what the service finds at its next start. The service must not run.

    Parameters
    ----------
    folder : Path
        The backup.
    replace : bool
        Whether what is there already may be put aside: files beside the new ones, a PostgreSQL database as a dump
        beside the backup.

    Returns
    -------
    int
        How many nights will be run again.

    Raises
    ------
    InputFileError
        The folder is no backup, or a file of it is damaged. Nothing was changed.
    ConfigurationError
        Something is there already; or the backup is of another kind of database. Nothing was changed.
    StoreUnavailableError
        A database is in use or away.
    """
    told = manifest.read_manifest(folder)
    files = _plan(told, folder, places)
    aside = datetime.fromtimestamp(now_ms / 1000, UTC).strftime(".before-restore-%Y%m%dT%H%M%SZ")
    for file, target in files:
        sqlite.check_file(file)
        if target.exists():
            if not replace:
                raise ConfigurationError(f"{target} is there already: --replace puts it aside")
            sqlite.check_unused(target)
    if not isinstance(places.records, Path):
        _restore_postgresql(told, folder, places, aside, replace=replace)
    try:
        for file, target in files:
            sqlite.put(file, target, aside)
    except OSError as error:
        raise StoreUnavailableError(f"restoring from {folder}: {error.strerror or error}") from None
    if manifest.SAMPLES not in told.files or places.samples is None:
        return 0
    records = Records(
        places.records if isinstance(places.records, Path) else places.records.render_as_string(),
        password=places.password,
    )
    try:
        with SqliteStore(places.samples) as store:
            return _run_again(store, records, told.taken_ms)
    finally:
        records.close()


def _plan(told: manifest.Manifest, folder: Path, places: Places) -> list[tuple[Path, Path]]:
    """Which file becomes which."""
    if isinstance(places.records, Path) != (told.records == manifest.RECORDS_SQLITE):
        raise ConfigurationError(
            f"{folder} holds the records as {told.records}, which is not for the database that the settings name"
        )
    files = []
    if manifest.SAMPLES in told.files:
        if places.samples is None:
            raise ConfigurationError(f"{folder} holds samples of SQLite, but the settings name an InfluxDB")
        files.append((folder / manifest.SAMPLES, places.samples))
    if isinstance(places.records, Path):
        files.append((folder / manifest.RECORDS_SQLITE, places.records))
    return files


def _restore_postgresql(told: manifest.Manifest, folder: Path, places: Places, aside: str, *, replace: bool) -> None:
    assert not isinstance(places.records, Path)
    there = postgresql.has_tables(places.records, places.password)
    if there and not replace:
        raise ConfigurationError(f"{places.records} is not empty: --replace takes its place and keeps a dump of it")
    if there:
        postgresql.dump(places.records, places.password, folder.with_name(f"{folder.name}{aside}.dump"))
    postgresql.load(folder / told.records, places.records, places.password, replace=there)


def _run_again(store: SampleStore, records: Records, taken_ms: int) -> int:
    """Note the nights of the last days before the backup as stale; returns how many."""
    from_ms = taken_ms - RUN_AGAIN_MS
    marked = 0
    for kind, of in NIGHTS_OF.items():
        nights: set[tuple[str, date]] = set()
        for device in records.devices.list():
            for session in store.sessions(device.id, kind, from_ms, taken_ms + RUN_AGAIN_MS):
                night = night_of(max(session.start_ms, from_ms), device.zone)
                while night <= night_of(session.end_ms, device.zone):
                    nights.add((device.id, night))
                    night += timedelta(days=1)
        if nights:
            records.results.mark_stale(sorted(nights), at_ms=taken_ms, kind=of)
        marked += len(nights)
    return marked
