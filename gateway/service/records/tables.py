"""The tables of gateways, devices and results; those of people and alerts stand in `tables_people`, `tables_alerts`.

Times are UTC milliseconds, nights are local dates. `migrations/` holds how the tables came about.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    MetaData,
    String,
    Text,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from gateway.service.records.values import State

NAMES: Final = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
"""Every constraint has a name, the same on every database, so that a later migration can refer to it."""


FIRST_CLINIC: Final = "clinic"
"""The clinic that is there from the start, and that a gateway is of until somebody says otherwise."""


class Base(DeclarativeBase):
    """Root of the mapped classes."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {int: BigInteger, str: String(255)}  # noqa: RUF012  # SQLAlchemy reads it as a class value


class GatewayRow(Base):
    """A home gateway.

    `salt` is what its broker password is made from, with a key that is not in here; None: it never joined by a code,
    and its account at the broker is somebody else's business.
    """

    __tablename__ = "gateway"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    clinic_id: Mapped[str] = mapped_column(ForeignKey("clinic.id"), server_default=FIRST_CLINIC, index=True)
    first_seen_ms: Mapped[int]
    last_seen_ms: Mapped[int]
    joined_ms: Mapped[int | None]
    revoked_ms: Mapped[int | None]
    salt: Mapped[str | None] = mapped_column(String(64))


class DeviceRow(Base):
    """A device, owned by the gateway that enrolled it."""

    __tablename__ = "device"

    id: Mapped[str] = mapped_column(primary_key=True)
    family: Mapped[str]
    gateway_id: Mapped[str] = mapped_column(ForeignKey("gateway.id"), index=True)
    model: Mapped[str | None]
    firmware: Mapped[str | None]
    battery_pct: Mapped[float | None]
    enrolled_ms: Mapped[int]
    last_contact_ms: Mapped[int]
    zone: Mapped[str]


class NightRow(Base):
    """What one analysis (profile, version) says about one night of one device."""

    __tablename__ = "night"
    __table_args__ = (
        # All that says whether a digest is up to date; running nights, which change twice a second, are not in it.
        Index(
            "ix_night_finished",
            "device_id",
            "updated_ms",
            sqlite_where=text("state <> 'running' AND profile <> 'bed'"),
            postgresql_where=text("state <> 'running' AND profile <> 'bed'"),
        ),
    )

    device_id: Mapped[str] = mapped_column(ForeignKey("device.id"), primary_key=True)
    night: Mapped[date] = mapped_column(Date, primary_key=True, index=True)
    profile: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(primary_key=True)
    zone: Mapped[str]
    state: Mapped[State] = mapped_column(String(16))
    start_ms: Mapped[int]
    end_ms: Mapped[int]
    valid_s: Mapped[float]
    odi3: Mapped[float | None]
    odi4: Mapped[float | None]
    t90_pct: Mapped[float | None]
    mean_spo2: Mapped[float | None]
    min_spo2: Mapped[float | None]
    indices: Mapped[dict[str, float | None]] = mapped_column(JSON)
    updated_ms: Mapped[int]


class DesaturationRow(Base):
    """One desaturation of one night's analysis."""

    __tablename__ = "desaturation"
    __table_args__ = (
        ForeignKeyConstraint(
            ["device_id", "night", "profile", "version"],
            ["night.device_id", "night.night", "night.profile", "night.version"],
            ondelete="CASCADE",
        ),
    )

    device_id: Mapped[str] = mapped_column(primary_key=True)
    night: Mapped[date] = mapped_column(Date, primary_key=True)
    profile: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(primary_key=True)
    start_ms: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    nadir_ms: Mapped[int]
    end_ms: Mapped[int]
    baseline: Mapped[float]
    nadir: Mapped[float]
    depth: Mapped[float]
    area: Mapped[float]
    confidence: Mapped[float]


class StretchRow(Base):
    """A time that one night's analysis tells of: a wear of the MAD, data that are missing, a disturbance of breath."""

    __tablename__ = "stretch"
    __table_args__ = (
        ForeignKeyConstraint(
            ["device_id", "night", "profile", "version"],
            ["night.device_id", "night.night", "night.profile", "night.version"],
            ondelete="CASCADE",
        ),
    )

    device_id: Mapped[str] = mapped_column(primary_key=True)
    night: Mapped[date] = mapped_column(Date, primary_key=True)
    profile: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    start_ms: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    end_ms: Mapped[int]
    data: Mapped[dict[str, float | str | list[str] | None]] = mapped_column(JSON)


class StaleNightRow(Base):
    """A night whose result does not yet tell what the store holds: to be run again, also after a restart."""

    __tablename__ = "stale_night"

    device_id: Mapped[str] = mapped_column(ForeignKey("device.id"), primary_key=True)
    night: Mapped[date] = mapped_column(Date, primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    since_ms: Mapped[int]


class NightDigestRow(Base):
    """A device's latest finished nights in a few bytes: derived from `night`, see `digests`."""

    __tablename__ = "night_digest"

    device_id: Mapped[str] = mapped_column(ForeignKey("device.id", ondelete="CASCADE"), primary_key=True)
    seen_ms: Mapped[int]
    count: Mapped[int]
    nights: Mapped[bytes] = mapped_column(LargeBinary)


class SetAsideRow(Base):
    """A message that could not be stored, kept with its reason."""

    __tablename__ = "set_aside"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    received_ms: Mapped[int] = mapped_column(index=True)
    gateway: Mapped[str] = mapped_column(Text)
    topic: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(index=True)
    detail: Mapped[str] = mapped_column(Text)
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    size: Mapped[int]


class ApiTokenRow(Base):
    """An API token, known by the SHA-256 of its text alone."""

    __tablename__ = "api_token"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    scopes: Mapped[list[str]] = mapped_column(JSON)
    created_ms: Mapped[int]
    expires_ms: Mapped[int | None]
    account_id: Mapped[str | None] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"))
