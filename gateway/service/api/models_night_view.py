"""The document of one patient's night, as the OpenAPI description shows it."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import BaseModel, Field

from gateway.service.api.models import DesaturationOut
from gateway.service.records import NightKind, State
from gateway.service.views.night_values import LaneName, NightState, Posture


class SpanOut(BaseModel):
    """From, until before; UTC milliseconds."""

    start_ms: int
    end_ms: int


class WornOut(SpanOut):
    """The MAD in the mouth; a wear with a reason in `suspect` is shown and not counted."""

    suspect: list[str]


class LyingOut(SpanOut):
    """A posture of the head, told while the MAD was in the mouth."""

    posture: Posture


class SourceOut(BaseModel):
    """A device that tells of the night."""

    device: str
    model: str
    kind: NightKind
    profile: str
    version: str
    state: State
    start_ms: int
    end_ms: int
    counts: bool = Field(description="Its data are drawn and its indices counted")
    unused: str | None = Field(description="Why not, if they are not")
    pending: bool = Field(description="More has come than the results tell: the night is being analysed again")
    shared: bool = Field(description="The patient's for a part of its recording alone; its indices are of the whole")


class IndexOut(BaseModel):
    """One number of the night with its name and what it says; null where the night does not tell it."""

    name: str
    of: NightKind
    label: str
    value: float | None
    unit: str
    digits: int
    says: str
    severity: Literal["normal", "mild", "moderate", "severe"] | None = Field(description="By the index's own bands")


class NightReadingOut(BaseModel):
    """A closed night in sentences; it informs and makes no diagnosis."""

    severity: Literal["unknown", "normal", "mild", "moderate", "severe"]
    certainty: Literal["insufficient", "low", "provisional"]
    sentences: list[str]


class LaneOut(BaseModel):
    """Samples of one quantity; null is a missing value."""

    t_ms: list[int]
    values: list[float | None]
    total: int = Field(description="Samples in the view before downsampling")
    bucket_ms: float = Field(description="Width of a downsampling bucket; 0 if every sample is here")
    gap_ms: float = Field(description="Neighbours further apart have a time without samples between them")


class NightPartOut(SpanOut):
    """The samples of a part of the night."""

    lanes: dict[LaneName, LaneOut] = Field(
        description="spo2 (%), pulse (/min), temperature (degC), heart_rate, respiration_rate (/min), movement (share)"
    )
    postures: list[LyingOut]
    in_bed: list[SpanOut]
    missing: list[SpanOut] = Field(description="Times of oximetry without a valid SpO2")


class NightViewOut(BaseModel):
    """One patient's night over all devices, each while it was the patient's."""

    patient: str
    night: date = Field(description="Local date on which the evening began")
    zone: str
    noon_ms: SpanOut = Field(description="The night's own bounds, noon to noon in the patient's zone")
    recorded_ms: SpanOut | None = Field(description="From the first to the last that any sensor tells of")
    now_ms: int = Field(description="The service's time")
    last_ms: int | None = Field(description="End of the newest sample of oximeter and bed; old while running is stale")
    state: NightState
    previous: date | None = Field(description="The patient's night before this one")
    next: date | None
    sources: list[SourceOut]
    indices: list[IndexOut]
    reading: NightReadingOut | None = Field(description="null while the night runs, and without oximetry")
    notes: list[str]
    missing_h: float | None = Field(description="Hours of oximetry without a valid SpO2")
    desaturations: list[DesaturationOut] = Field(description="Those that meet the view, in order of time")
    disturbances: list[SpanOut] = Field(description="Of breath, by the bed sensor")
    worn: list[WornOut]
    unrecorded: list[SpanOut] = Field(description="Times without data of the MAD's recorder")
    view: NightPartOut
