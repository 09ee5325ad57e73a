"""The latest nights of every device in a few bytes each, so that a whole clinic is read at once.

A night's row holds every index as JSON: reading a month of a thousand patients so takes seconds. Its digest has what a
worklist shows, as one array a device. It is derived: what `night` has and the digest has not is added at the next look,
told by when results were made; a device that has fewer nights than before is read anew. It can be thrown away at any
time.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import numpy as np
import sqlalchemy as sa
from sqlalchemy.orm import Session

from gateway.errors import StoreUnavailableError
from gateway.service.nights import moment_ms
from gateway.service.records.database import Database, Row
from gateway.service.records.tables import NightDigestRow, NightRow

DAYS: Final = 62
"""Nights from so long before a device's newest are kept: twice a month, and what is late."""

INDICES: Final = ("odi3", "odi4", "hypoxic_burden", "wear_min", "suspect_min")

NIGHT: Final = np.dtype(
    [("night", "<i4"), ("moment_ms", "<i8"), ("valid_h", "<f4"), *((name, "<f4") for name in INDICES)]
)
"""One night: the date's ordinal, the moment that decides whose it is, valid hours of oximetry, and indices (or NaN)."""


_CHUNK: Final = 400  # ids in one IN list: far below SQLite's limit of variables

log = logging.getLogger(__name__)


_FINISHED: Final = (
    NightRow.state != sa.literal_column("'running'"),
    NightRow.profile != sa.literal_column("'bed'"),
)
"""Word for word the index's condition: only then it is used."""


@dataclass(frozen=True, slots=True)
class _Digest:
    """`seen_ms` is when the last of the results was made, `count` how many there are, older ones too."""

    seen_ms: int
    count: int
    nights: bytes


@dataclass(frozen=True, slots=True)
class _There:
    """What there is of a device, by the index alone."""

    made_ms: int
    count: int


class Digests:
    """Digests of nights in the records."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, devices: Collection[str]) -> dict[str, bytes]:
        """The latest finished nights of some devices, up to date: each an array of `NIGHT` in order of date, as bytes.

        Bytes, because those of many devices are joined to one array faster than their arrays are.

        Raises
        ------
        StoreUnavailableError
            If the records cannot be read for now. That they cannot be written only makes the next call as slow.
        """
        ids = sorted(set(devices))
        with self._database.read() as session:
            known = _known(session, ids)
            there = _there(session, ids)
            stale = {
                device: one
                for device, one in there.items()
                if device not in known or (known[device].seen_ms, known[device].count) != (one.made_ms, one.count)
            }
            made = _renewed(session, known, stale)
        gone = [device for device, one in known.items() if one.count and device not in there]
        made.update({device: _Digest(0, 0, b"") for device in gone})
        if made:
            known.update(made)
            try:
                self._write(made)
            except StoreUnavailableError as error:
                log.warning("digests of %d devices are not kept: %s", len(made), error)
        return {device: one.nights for device, one in known.items()}

    def forget(self, devices: Collection[str]) -> None:
        """Throw digests away: what is erased of a patient stands in none."""
        with self._database.write() as session:
            for chunk in _chunks(sorted(set(devices))):
                session.execute(sa.delete(NightDigestRow).where(NightDigestRow.device_id.in_(chunk)))

    def _write(self, made: Mapping[str, _Digest]) -> None:
        rows: list[Row] = [
            {"device_id": device, "seen_ms": one.seen_ms, "count": one.count, "nights": one.nights}
            for device, one in made.items()
        ]
        with self._database.write() as session:
            self._database.upsert(session, NightDigestRow, rows)


def _chunks(ids: list[str]) -> Iterator[list[str]]:
    for first in range(0, len(ids), _CHUNK):
        yield ids[first : first + _CHUNK]


def _known(session: Session, ids: list[str]) -> dict[str, _Digest]:
    row = NightDigestRow
    statement = sa.select(row.device_id, row.seen_ms, row.count, row.nights)
    return {
        device: _Digest(seen_ms, count, nights)
        for chunk in _chunks(ids)
        for device, seen_ms, count, nights in session.execute(statement.where(row.device_id.in_(chunk)))
    }


def _there(session: Session, ids: list[str]) -> dict[str, _There]:
    row = NightRow
    columns = (row.device_id, sa.func.max(row.updated_ms), sa.func.count())
    statement = sa.select(*columns).where(*_FINISHED).group_by(row.device_id)
    return {
        device: _There(made_ms, count)
        for chunk in _chunks(ids)
        for device, made_ms, count in session.execute(statement.where(row.device_id.in_(chunk)))
    }


def _renewed(session: Session, known: Mapping[str, _Digest], stale: Mapping[str, _There]) -> dict[str, _Digest]:
    """The digests of devices whose nights are not those of theirs."""
    # Fewer than before: what is gone is found only by reading anew.
    grown = {device for device, one in stale.items() if device in known and one.count >= known[device].count}
    found: dict[str, dict[int, tuple[object, ...]]] = {device: {} for device in stale}
    row = NightRow
    for chunk in _chunks(sorted(grown)):
        since_ms = min(known[device].seen_ms for device in chunk)
        for device, *night in _read(session, row.device_id.in_(chunk), row.updated_ms > since_ms):
            found[device][night[0]] = tuple(night)
    # More than what was made since: some were made by an earlier clock, as those of a restored copy.
    grown = {device for device in grown if len(found[device]) >= stale[device].count - known[device].count}
    for chunk in _chunks(sorted(stale.keys() - grown)):
        newest = sa.select(sa.func.max(row.night)).where(row.device_id.in_(chunk)).group_by(row.device_id)
        since = min(session.scalars(newest)) - timedelta(days=DAYS)
        for device, *night in _read(session, row.device_id.in_(chunk), row.night > since):
            found[device][night[0]] = tuple(night)
    return {
        device: _Digest(
            one.made_ms, one.count, _joined(known[device].nights if device in grown else b"", found[device])
        )
        for device, one in stale.items()
    }


def _read(session: Session, *conditions: sa.ColumnElement[bool]) -> Iterator[tuple[Any, ...]]:
    """Device, and a night's values in the order of `NIGHT`; of several analyses of a night the last made comes last."""
    row = NightRow
    columns = (row.device_id, row.night, row.zone, row.start_ms, row.end_ms, row.valid_s, row.profile, row.indices)
    order = (row.updated_ms, row.version, row.profile)
    for device, night, zone, start_ms, end_ms, valid_s, profile, indices in session.execute(
        sa.select(*columns).where(*_FINISHED, *conditions).order_by(*order)
    ):
        values = (np.nan if indices.get(name) is None else indices[name] for name in INDICES)
        valid_h = np.nan if profile == "wear" else valid_s / 3600
        yield device, night.toordinal(), moment_ms(night, zone, start_ms, end_ms), valid_h, *values


def _joined(before: bytes, new: Mapping[int, tuple[object, ...]]) -> bytes:
    """New nights in the place of what was known of them."""
    known = np.frombuffer(before, NIGHT)
    kept = known[~np.isin(known["night"], list(new))]
    joined = np.concatenate([kept, np.array(list(new.values()), NIGHT)])
    joined.sort(order="night")
    return joined[joined["night"] > joined["night"][-1:] - DAYS].tobytes()
