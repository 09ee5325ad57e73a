"""Results of the analytics: nights with their indices, and desaturations."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import date
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from gateway.service.records.database import Database, Row
from gateway.service.records.tables import DesaturationRow, NightRow, StaleNightRow, StretchRow
from gateway.service.records.values import (
    MAIN_INDICES,
    Desaturation,
    NightKind,
    NightResult,
    NightUpdate,
    State,
    Stretch,
)

NightKey = tuple[str, date, str, str]
"""(device, night, profile, version)."""

MAX_LISTED: Final = 1000
"""Nights that one call lists at most."""


def _of_key(table: sa.FromClause) -> Iterable[sa.ColumnElement[bool]]:
    """Of the night whose key is given with the execution."""
    return tuple(table.c[name] == sa.bindparam(name) for name in ("device_id", "night", "profile", "version"))


# Columns, not objects that a session tracks: a severe night has 600 desaturations, and a page asks for all of them.
_DESATURATION: Final = sa.inspect(DesaturationRow).local_table
_STRETCH: Final = sa.inspect(StretchRow).local_table
# And made once: putting a statement together takes longer than running it.
_DESATURATIONS: Final = (
    sa.select(*(_DESATURATION.c[one.name] for one in fields(Desaturation)))
    .where(*_of_key(_DESATURATION))
    .order_by(_DESATURATION.c.start_ms)
)
_STRETCHES: Final = (
    sa.select(*(_STRETCH.c[one.name] for one in fields(Stretch)))
    .where(*_of_key(_STRETCH))
    .order_by(_STRETCH.c.start_ms, _STRETCH.c.kind)
)


class Results:
    """Nights and desaturations in the records; writing the same result again changes nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def replace_night(
        self, result: NightResult, desaturations: Sequence[Desaturation], stretches: Sequence[Stretch] = ()
    ) -> None:
        """Put a night's whole result in the place of what this analysis said before, in one transaction.

        Raises
        ------
        StoreRejectedError
            If the device is not enrolled, or two desaturations, or stretches of a kind, start at the same moment.
        """
        with self._database.write() as session:
            session.execute(sa.delete(DesaturationRow).where(*_same_night(result)))
            session.execute(sa.delete(StretchRow).where(*_same_night(result, StretchRow)))
            session.execute(_no_longer_stale(result.device, result.night, result.kind))
            self._database.upsert(session, NightRow, [_night_values(result)])
            if desaturations:
                session.execute(
                    sa.insert(DesaturationRow), [_desaturation_values(result, one) for one in desaturations]
                )
            if stretches:
                session.execute(sa.insert(StretchRow), [_stretch_values(result, one) for one in stretches])

    def load(self, nights: Sequence[tuple[NightResult, Sequence[Desaturation], Sequence[Stretch]]]) -> None:
        """Put many whole results on record that are not there yet, in one transaction.

        Raises
        ------
        StoreRejectedError
            If one is there, or a device is not enrolled: then nothing is written.
        """
        tables: tuple[tuple[type[NightRow | DesaturationRow | StretchRow], list[Row]], ...] = (
            (NightRow, [_night_values(result) for result, _, _ in nights]),
            (DesaturationRow, [_desaturation_values(result, one) for result, found, _ in nights for one in found]),
            (StretchRow, [_stretch_values(result, one) for result, _, told in nights for one in told]),
        )
        with self._database.write() as session:
            for table, rows in tables:
                if rows:
                    session.execute(sa.insert(table), rows)

    def upsert_running(self, updates: Sequence[NightUpdate]) -> None:
        """Bring many nights up to date in one transaction: their indices, and the desaturations that are new.

        A desaturation that is known by its start is overwritten. Later updates of the same night win.

        Raises
        ------
        StoreRejectedError
            If a device is not enrolled: then nothing of the group is written.
        """
        nights = {update.result.key: _night_values(update.result) for update in updates}
        found = {
            (*update.result.key, one.start_ms): _desaturation_values(update.result, one)
            for update in updates
            for one in update.desaturations
        }
        if not nights:
            return
        with self._database.write() as session:
            self._database.upsert(session, NightRow, list(nights.values()))
            self._database.upsert(session, DesaturationRow, list(found.values()))

    def night(
        self, device: str, night: date, *, profile: str | None = None, version: str | None = None
    ) -> NightResult | None:
        """One night's result; of several analyses the one that was made last. None if there is none."""
        statement = sa.select(NightRow).where(NightRow.device_id == device, NightRow.night == night)
        if profile is not None:
            statement = statement.where(NightRow.profile == profile)
        if version is not None:
            statement = statement.where(NightRow.version == version)
        with self._database.read() as session:
            row = session.scalars(statement.order_by(NightRow.updated_ms.desc(), NightRow.version.desc())).first()
            return None if row is None else night_of_row(row)

    def nights(
        self,
        *,
        device: str | None = None,
        first: date | None = None,
        last: date | None = None,
        kind: NightKind | None = None,
        limit: int = MAX_LISTED,
    ) -> list[NightResult]:
        """Nights from `first` to `last`, both included, the newest first: of each the result that was made last."""
        ranked = sa.func.row_number().over(
            partition_by=(NightRow.device_id, NightRow.night),
            order_by=(NightRow.updated_ms.desc(), NightRow.version.desc(), NightRow.profile),
        )
        chosen = sa.select(NightRow, ranked.label("place"))
        if device is not None:
            chosen = chosen.where(NightRow.device_id == device)
        if kind is not None:
            # Analyses of wear and of the bed are named as their kind; all others are of oximetry.
            others = NightRow.profile.in_(("wear", "bed"))
            chosen = chosen.where(~others if kind == "oximetry" else NightRow.profile == kind)
        if first is not None:
            chosen = chosen.where(NightRow.night >= first)
        if last is not None:
            chosen = chosen.where(NightRow.night <= last)
        inner = chosen.subquery()
        newest = aliased(NightRow, inner)
        statement = (
            sa.select(newest)
            .where(inner.c.place == 1)
            .order_by(newest.night.desc(), newest.device_id)
            .limit(min(limit, MAX_LISTED))
        )
        with self._database.read() as session:
            return [night_of_row(row) for row in session.scalars(statement)]

    def running(self) -> list[NightResult]:
        """Every night that is still running: what a restarted service takes up again."""
        statement = (
            sa.select(NightRow).where(NightRow.state == State.RUNNING).order_by(NightRow.device_id, NightRow.night)
        )
        with self._database.read() as session:
            return [night_of_row(row) for row in session.scalars(statement)]

    def desaturations(self, result: NightResult) -> list[Desaturation]:
        """The desaturations of one night's result, in order of time."""
        with self._database.read() as session:
            return [Desaturation(*row) for row in session.execute(_DESATURATIONS, _key_values(result)).all()]

    def stretches(self, result: NightResult) -> list[Stretch]:
        """What else one night's result tells of, in order of time."""
        with self._database.read() as session:
            return [Stretch(*row) for row in session.execute(_STRETCHES, _key_values(result)).all()]

    def stretches_of(self, results: Sequence[NightResult]) -> dict[NightKey, list[Stretch]]:
        """`stretches` of many nights at once, by the nights' keys; what has none is left out."""
        wanted = {result.key for result in results}
        if not wanted:
            return {}
        row = StretchRow
        nights = [result.night for result in results]
        statement = (
            sa.select(row.device_id, row.night, row.profile, row.version, row.kind, row.start_ms, row.end_ms, row.data)
            .where(
                row.device_id.in_(sorted({result.device for result in results})),
                row.profile.in_(sorted({result.profile for result in results})),
                row.night >= min(nights),
                row.night <= max(nights),
            )
            .order_by(row.start_ms, row.kind)
        )
        found: dict[NightKey, list[Stretch]] = {}
        with self._database.read() as session:
            for device, night, profile, version, kind, start_ms, end_ms, data in session.execute(statement):
                key = (device, night, profile, version)
                if key in wanted:
                    found.setdefault(key, []).append(Stretch(kind, start_ms, end_ms, data))
        return found

    def mark_stale(self, nights: Sequence[tuple[str, date]], *, at_ms: int, kind: NightKind = "oximetry") -> None:
        """Note (device, night)s whose results do not yet tell what the store holds; `replace_night` takes it back."""
        rows: list[Row] = [
            {"device_id": device, "night": night, "kind": kind, "since_ms": at_ms} for device, night in nights
        ]
        with self._database.write() as session:
            self._database.upsert(session, StaleNightRow, rows)

    def clear_stale(self, device: str, night: date, *, kind: NightKind = "oximetry") -> None:
        """Take a note of `mark_stale` back without a result: the store holds nothing of that night."""
        with self._database.write() as session:
            session.execute(_no_longer_stale(device, night, kind))

    def stale(self, *, kind: NightKind = "oximetry") -> list[tuple[str, date]]:
        """Every (device, night) that is to be run again."""
        statement = sa.select(StaleNightRow).where(StaleNightRow.kind == kind)
        with self._database.read() as session:
            return [(row.device_id, row.night) for row in session.scalars(statement)]

    def counts(self) -> dict[State, int]:
        """How many night results are in each state."""
        statement = sa.select(NightRow.state, sa.func.count()).group_by(NightRow.state)
        with self._database.read() as session:
            found = {State(state): count for state, count in session.execute(statement)}
        return {state: found.get(state, 0) for state in State}


def _no_longer_stale(device: str, night: date, kind: NightKind) -> sa.Delete:
    row = StaleNightRow
    return sa.delete(row).where(row.device_id == device, row.night == night, row.kind == kind)


def _same_night(
    result: NightResult, row: type[DesaturationRow | StretchRow] = DesaturationRow
) -> Iterable[sa.ColumnElement[bool]]:
    return (
        row.device_id == result.device,
        row.night == result.night,
        row.profile == result.profile,
        row.version == result.version,
    )


def _key_values(result: NightResult) -> Row:
    return {
        "device_id": result.device,
        "night": result.night,
        "profile": result.profile,
        "version": result.version,
    }


def _night_values(result: NightResult) -> Row:
    indices = _finite(result.indices)
    return {
        **_key_values(result),
        "zone": result.zone,
        "state": result.state,
        "start_ms": result.start_ms,
        "end_ms": result.end_ms,
        "valid_s": result.valid_s,
        **{name: indices.get(name) for name in MAIN_INDICES},
        "indices": indices,
        "updated_ms": result.updated_ms,
    }


def _finite(indices: Mapping[str, float | None]) -> dict[str, float | None]:
    """JSON knows neither NaN nor infinity."""
    return {
        name: float(value) if value is not None and math.isfinite(value) else None for name, value in indices.items()
    }


def _desaturation_values(result: NightResult, one: Desaturation) -> Row:
    return {
        **_key_values(result),
        "start_ms": one.start_ms,
        "nadir_ms": one.nadir_ms,
        "end_ms": one.end_ms,
        "baseline": one.baseline,
        "nadir": one.nadir,
        "depth": one.depth,
        "area": one.area,
        "confidence": one.confidence,
    }


def _stretch_values(result: NightResult, one: Stretch) -> Row:
    values = {"kind": one.kind, "start_ms": one.start_ms, "end_ms": one.end_ms, "data": dict(one.data)}
    return {**_key_values(result), **values}


def night_of_row(row: NightRow) -> NightResult:
    """As a value."""
    return NightResult(
        device=row.device_id,
        night=row.night,
        profile=row.profile,
        version=row.version,
        zone=row.zone,
        state=State(row.state),
        start_ms=row.start_ms,
        end_ms=row.end_ms,
        valid_s=row.valid_s,
        indices=row.indices,
        updated_ms=row.updated_ms,
    )
