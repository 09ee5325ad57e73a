"""The tables of joining homes, and of how gateways and devices are."""

from __future__ import annotations

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from gateway.service.records.tables import Base


class JoinCodeRow(Base):
    """A one-time code by which a home joins, known by the SHA-256 of its text alone."""

    __tablename__ = "join_code"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    clinic_id: Mapped[str] = mapped_column(ForeignKey("clinic.id"), index=True)
    gateway_id: Mapped[str] = mapped_column(index=True)
    name: Mapped[str]
    made_by: Mapped[str]
    created_ms: Mapped[int]
    expires_ms: Mapped[int]
    used_ms: Mapped[int | None]
    box_sha256: Mapped[str | None] = mapped_column(String(64))
    withdrawn_ms: Mapped[int | None]


class GatewayStateRow(Base):
    """What a gateway last said of itself."""

    __tablename__ = "gateway_state"

    gateway_id: Mapped[str] = mapped_column(ForeignKey("gateway.id", ondelete="CASCADE"), primary_key=True)
    online: Mapped[bool]
    since_ms: Mapped[int]
    heard_ms: Mapped[int]
    version: Mapped[str]
    pending: Mapped[int]
    oldest_ms: Mapped[int | None]
    disk_free_bytes: Mapped[int | None]
    radio: Mapped[str]
    clock_set: Mapped[bool | None]
    clock_error_ms: Mapped[int | None]
    clock_offset_ms: Mapped[int | None]


class DeviceStateRow(Base):
    """What was last told of a device, beside what stands in `device`."""

    __tablename__ = "device_state"

    device_id: Mapped[str] = mapped_column(ForeignKey("device.id", ondelete="CASCADE"), primary_key=True)
    heard_ms: Mapped[int]
    contact_ms: Mapped[int | None]
    reachable: Mapped[bool | None]
    voltage: Mapped[float | None]
    boots: Mapped[int | None]
    clock: Mapped[str]
    clock_ms: Mapped[int]
    drift_ppm: Mapped[float | None]
    uncertainty_ms: Mapped[int | None]
