"""Samples of a night, downsampled on request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final

import msgspec
import numpy as np
from fastapi import APIRouter, HTTPException, Query, Response

from gateway.service.api.context import Context, DeviceId, NightDate
from gateway.service.api.guard import Caller
from gateway.service.api.models import SamplesOut
from gateway.service.downsample import choose
from gateway.service.nights import night_bounds
from gateway.service.store.base import Samples, Selection
from gateway.wire.messages import SCHEMA, Array, Kind

DEFAULT_POINTS: Final = 4_000
"""More than a screen is wide, twice over."""

MAX_POINTS: Final = 100_000
"""A night of 12 hours at two samples a second, whole; a waveform is looked at in pieces."""

DECIMALS: Final = 3
"""Digits kept of a float column: finer than any device measures, and half of the bytes."""

BIT_COLUMNS: Final = frozenset({"flags", "events"})
"""Columns of bits: they have no extremes to keep."""


def router(context: Context) -> APIRouter:
    """The route ``/nights/{device}/{night}/samples``."""
    routes = APIRouter(prefix="/nights", tags=["nights"])

    @routes.get("/{device}/{night}/samples", response_class=Response, responses={200: {"model": SamplesOut}})
    def get_samples(
        who: Caller,
        device: DeviceId,
        night: NightDate,
        kind: Annotated[Kind, Query()] = "oximetry",
        points: Annotated[int, Query(ge=2, le=MAX_POINTS, description="The most samples to give")] = DEFAULT_POINTS,
        origin: Annotated[Selection, Query(description="resolved: stored beats live")] = "resolved",
        columns: Annotated[str | None, Query(max_length=200, description="Names, with commas; all if left out")] = None,
        start_ms: Annotated[int | None, Query(ge=0, lt=1 << 43, description="Not before this, UTC")] = None,
        end_ms: Annotated[int | None, Query(ge=0, lt=1 << 43, description="Before this, UTC")] = None,
    ) -> Response:
        """Samples between the night's two noons, or in a part of that; the extremes of every column are kept."""
        known = context.device(device)
        names = _names(kind, columns)
        if points < 2 * len(names):
            raise HTTPException(422, f"points must be at least {2 * len(names)} for {len(names)} columns")
        first, last = night_bounds(night, known.zone)
        first = first if start_ms is None else min(max(start_ms, first), last)
        last = last if end_ms is None else max(min(end_ms, last), first)
        parts = context.access.parts(who, device, first, last)
        samples = _within(context.store.read(device, kind, first, last, origin=origin), parts)
        return Response(_document(samples, names, points, origin, first, last), media_type="application/json")

    return routes


def _within(samples: Samples, parts: Sequence[tuple[int, int]]) -> Samples:
    """Those of some parts of time: a device that changes hands in a night tells each wearer's own."""
    told = np.zeros(len(samples), dtype=bool)
    for start_ms, end_ms in parts:
        told |= (samples.t_ms >= start_ms) & (samples.t_ms < end_ms)
    if told.all():
        return samples
    columns = {name: column[told] for name, column in samples.columns.items()}
    return Samples(samples.device, samples.kind, samples.t_ms[told], columns, samples.origin[told])


def _names(kind: Kind, columns: str | None) -> list[str]:
    known = SCHEMA[kind]
    if columns is None:
        return list(known)
    names = list(dict.fromkeys(columns.split(",")))
    strange = [name for name in names if name not in known]
    if strange:
        raise HTTPException(422, f"kind {kind} has no column {strange[0]!r}: it has {', '.join(known)}")
    return names


def _document(samples: Samples, names: list[str], points: int, origin: Selection, first: int, last: int) -> bytes:
    shown = [samples.columns[name] for name in names if name not in BIT_COLUMNS]
    shown = [column for column in shown if _varies(column)] or [samples.columns[names[0]]]
    choice = choose(samples.t_ms, shown, points)
    whole = choice.bucket_ms == 0
    index = slice(None) if whole else choice.index
    return msgspec.json.encode(
        {
            "device": samples.device,
            "kind": samples.kind,
            "origin": origin,
            "start_ms": first,
            "end_ms": last,
            "total": len(samples),
            "interval_ms": float(np.median(np.diff(samples.t_ms))) if len(samples) > 1 else None,
            "bucket_ms": round(choice.bucket_ms, DECIMALS),
            "t_ms": samples.t_ms[index].tolist(),
            "columns": {name: _plain(samples.columns[name][index]) for name in names},
            "stored": samples.origin[index].tolist(),
        }
    )


def _varies(column: Array) -> bool:
    """False where there is nothing to see: no sample, or one value (a missing one, mostly) throughout."""
    if column.size == 0 or (column.dtype.kind == "f" and bool(np.isnan(column).all())):
        return False
    return bool((column != column[0]).any())


def _plain(column: Array) -> list[float | None] | list[int]:
    """As plain numbers; the encoder writes NaN as null."""
    if column.dtype.kind != "f":
        integers: list[int] = column.tolist()
        return integers
    rounded: list[float | None] = np.round(column.astype(np.float64), DECIMALS).tolist()
    return rounded
