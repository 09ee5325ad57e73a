"""The documents that the API gives, as its OpenAPI description shows them."""

from __future__ import annotations

from datetime import date
from typing import Literal, Self

from pydantic import BaseModel, Field

from gateway.errors import SignInReason
from gateway.service.api.models_homes import DeviceStateOut
from gateway.service.nights import night_bounds
from gateway.service.records import Desaturation, Device, DeviceState, NightResult, SetAside, State, Stretch


class DeviceOut(BaseModel):
    """A device. Times are UTC milliseconds."""

    id: str
    family: str
    gateway: str
    model: str | None
    firmware: str | None
    battery_pct: float | None = Field(description="0 to 100 as last reported")
    enrolled_ms: int
    last_contact_ms: int
    zone: str = Field(description="IANA zone in which its nights are counted")
    state: DeviceStateOut | None = None

    @classmethod
    def of(cls, device: Device, state: DeviceState | None = None) -> Self:
        """From the records' values."""
        return cls(
            id=device.id,
            family=device.family,
            gateway=device.gateway_id,
            model=device.model,
            firmware=device.firmware,
            battery_pct=device.battery_pct,
            enrolled_ms=device.enrolled_ms,
            last_contact_ms=device.last_contact_ms,
            zone=device.zone,
            state=None if state is None else DeviceStateOut.of(state),
        )


class NightOut(BaseModel):
    """What one analysis says about a night."""

    device: str
    night: date = Field(description="Local date on which the evening began")
    zone: str
    state: State
    start_ms: int = Field(description="First sample, UTC")
    end_ms: int = Field(description="End of the last sample, UTC")
    noon_ms: tuple[int, int] = Field(description="The night's own bounds, noon to noon in its zone, UTC")
    valid_s: float = Field(description="Seconds with a valid SpO2")
    profile: str
    version: str
    indices: dict[str, float | None] = Field(description="odi3, odi4 (/h), t90_pct (%), mean_spo2, min_spo2 (%), ...")
    updated_ms: int

    @classmethod
    def of(cls, night: NightResult) -> Self:
        """From the records' value."""
        return cls(
            device=night.device,
            night=night.night,
            zone=night.zone,
            state=night.state,
            start_ms=night.start_ms,
            end_ms=night.end_ms,
            noon_ms=night_bounds(night.night, night.zone),
            valid_s=night.valid_s,
            profile=night.profile,
            version=night.version,
            indices=dict(night.indices),
            updated_ms=night.updated_ms,
        )


class NightsOut(BaseModel):
    """Nights, the newest first, and the service's time, against which to judge how fresh they are."""

    now_ms: int
    nights: list[NightOut]


class NightDetailOut(NightOut):
    """A night with the service's time."""

    now_ms: int


class StretchOut(BaseModel):
    """A time that a night's analysis tells of; `data` by kind, as in docs/api.md."""

    kind: str
    start_ms: int
    end_ms: int
    data: dict[str, float | str | list[str] | None]

    @classmethod
    def of(cls, one: Stretch) -> Self:
        """From the records' value."""
        return cls(kind=one.kind, start_ms=one.start_ms, end_ms=one.end_ms, data=dict(one.data))


class StretchesOut(BaseModel):
    """The stretches of one night's result."""

    device: str
    night: date
    profile: str
    version: str
    state: State
    stretches: list[StretchOut]


class DesaturationOut(BaseModel):
    """One desaturation. SpO2 in %, area in % x s, confidence 0 to 1."""

    start_ms: int
    nadir_ms: int
    end_ms: int
    baseline: float
    nadir: float
    depth: float
    area: float
    confidence: float

    @classmethod
    def of(cls, one: Desaturation) -> Self:
        """From the records' value."""
        return cls(
            start_ms=one.start_ms,
            nadir_ms=one.nadir_ms,
            end_ms=one.end_ms,
            baseline=one.baseline,
            nadir=one.nadir,
            depth=one.depth,
            area=one.area,
            confidence=one.confidence,
        )


class DesaturationsOut(BaseModel):
    """The desaturations that one analysis found in a night, in order of time."""

    device: str
    night: date
    profile: str
    version: str
    state: State
    desaturations: list[DesaturationOut]


class SamplesOut(BaseModel):
    """Samples of a night, as columns of equal length; null is a missing value."""

    device: str
    kind: str
    origin: str
    start_ms: int = Field(description="Start of the interval that was read, UTC")
    end_ms: int = Field(description="Its end, itself not part of it")
    total: int = Field(description="Samples in the interval before downsampling")
    interval_ms: float | None = Field(description="Median time between samples before downsampling")
    bucket_ms: float = Field(description="Width of a downsampling bucket; 0 if every sample is here")
    t_ms: list[int] = Field(description="UTC of each sample")
    columns: dict[str, list[float | None]]
    stored: list[int] = Field(
        description="1 where the sample was pulled from the device's memory, 0 where it came live"
    )


class SetAsideOut(BaseModel):
    """A message that could not be stored; its payload is not shown here."""

    id: str
    received_ms: int
    gateway: str
    topic: str
    reason: str
    detail: str
    size: int

    @classmethod
    def of(cls, one: SetAside) -> Self:
        """From the records' value."""
        return cls(
            id=one.id,
            received_ms=one.received_ms,
            gateway=one.gateway,
            topic=one.topic,
            reason=one.reason,
            detail=one.detail,
            size=one.size,
        )


class SetAsidesOut(BaseModel):
    """Messages that were set aside, the newest first, and how many there are by reason."""

    counts: dict[str, int]
    messages: list[SetAsideOut]


class HealthOut(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


class CheckOut(BaseModel):
    """One thing that the service needs."""

    ok: bool
    detail: str


class ReadyOut(BaseModel):
    """Whether the service can do its work, and what keeps it from that."""

    ready: bool
    checks: dict[str, CheckOut]


class ProblemOut(BaseModel):
    """A problem document (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[dict[str, str]] | None = None
    reason: SignInReason | None = None
