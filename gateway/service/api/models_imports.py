"""The documents of imports: what a file is, and what was kept of it."""

from __future__ import annotations

import math
from datetime import date, datetime
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from gateway.service.exchange.imports.commit import Committed
from gateway.service.exchange.imports.preview import Preview, Trace
from gateway.wire.messages import Kind

_DIGITS = 3


class MarkOut(BaseModel):
    """Something that was found: desaturation, wear, suspect (wear), disturbance."""

    kind: str
    start_s: float
    end_s: float


class TraceOut(BaseModel):
    """The extremes of every column over time, to be drawn; null where nothing is known."""

    seconds: list[float]
    columns: dict[str, list[float | None]]
    marks: list[MarkOut]

    @classmethod
    def of(cls, trace: Trace) -> Self:
        """From the preview's value."""
        return cls(
            seconds=np.round(trace.seconds, _DIGITS).tolist(),
            columns={name: _plain(column) for name, column in trace.columns.items()},
            marks=[MarkOut(kind=kind, start_s=begin, end_s=end) for kind, begin, end in trace.marks],
        )


class ImportPreviewOut(BaseModel):
    """What a file is; nothing of it is kept."""

    name: str
    sha256: str = Field(description="Say it at the commit, so that what is kept is what was shown")
    kind: Kind
    format: str = Field(description="Which reader read it")
    start: datetime | None = Field(
        description="Null: the file holds none. Without an offset: its clock's zone is needed"
    )
    end: datetime | None
    interval_s: float
    duration_h: float
    samples: int
    needs: list[str] = Field(description="What a commit has to say beside the file: start, zone")
    indices: dict[str, float | None]
    notes: list[str]
    plot: TraceOut

    @classmethod
    def of(cls, preview: Preview, sha256: str) -> Self:
        """From the preview's value."""
        needs = ["start"] if preview.start is None else ["zone"] if preview.start.tzinfo is None else []
        return cls(
            name=preview.source,
            sha256=sha256,
            kind=preview.kind,
            format=preview.format,
            start=preview.start,
            end=preview.end,
            interval_s=preview.interval_s,
            duration_h=preview.duration_s / 3600,
            samples=preview.samples,
            needs=needs,
            indices=preview.indices,
            notes=list(preview.notes),
            plot=TraceOut.of(preview.trace),
        )


class ImportOut(BaseModel):
    """What was kept of a file."""

    device: str
    session: str
    kind: Kind
    start_ms: int
    end_ms: int
    samples: int
    new: bool = Field(description="False: it was here already")
    nights: list[date] = Field(description="Those that are analysed for it")

    @classmethod
    def of(cls, one: Committed) -> Self:
        """From the commit's value."""
        return cls(
            device=one.device,
            session=one.session,
            kind=one.kind,
            start_ms=one.start_ms,
            end_ms=one.end_ms,
            samples=one.samples,
            new=one.new,
            nights=list(one.nights),
        )


def _plain(column: NDArray[np.float64]) -> list[float | None]:
    return [value if math.isfinite(value) else None for value in np.round(column, _DIGITS).tolist()]
