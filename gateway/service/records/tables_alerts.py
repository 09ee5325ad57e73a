"""The tables of alerts: thresholds, alerts with their history, the feed, webhooks, and the homes' data time."""

from __future__ import annotations

from sqlalchemy import JSON, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from gateway.service.records.tables import Base
from gateway.service.records.values import Severity


class ThresholdRow(Base):
    """One threshold as a clinic or a patient has it; what is not here is the rule's default."""

    __tablename__ = "threshold"

    owner: Mapped[str] = mapped_column(String(16), primary_key=True)
    owner_id: Mapped[str] = mapped_column(primary_key=True)
    rule: Mapped[str] = mapped_column(primary_key=True)
    parameter: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[float]


class AlertRow(Base):
    """Something that a person should look at; at most one open alert of a kind for one subject."""

    __tablename__ = "alert"
    __table_args__ = (
        Index(
            "uq_alert_open",
            "kind",
            "subject",
            unique=True,
            sqlite_where=text("resolved_ms IS NULL"),
            postgresql_where=text("resolved_ms IS NULL"),
        ),
        Index("ix_alert_subject", "kind", "subject", "raised_ms"),
        Index(
            "ix_alert_due",
            "due_ms",
            sqlite_where=text("due_ms IS NOT NULL"),
            postgresql_where=text("due_ms IS NOT NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    clinic_id: Mapped[str] = mapped_column(ForeignKey("clinic.id"), index=True)
    kind: Mapped[str]
    subject: Mapped[str]
    patient_id: Mapped[str | None] = mapped_column(ForeignKey("patient.id", ondelete="CASCADE"), index=True)
    device_id: Mapped[str | None]
    gateway_id: Mapped[str | None]
    state: Mapped[str] = mapped_column(String(16))
    severity: Mapped[Severity] = mapped_column(String(16))
    message: Mapped[str] = mapped_column(Text)
    evidence: Mapped[dict[str, str | float | None]] = mapped_column(JSON)
    from_ms: Mapped[int]
    to_ms: Mapped[int]
    grade: Mapped[int]
    count: Mapped[int]
    late: Mapped[bool]
    withdrawn: Mapped[bool]
    raised_ms: Mapped[int] = mapped_column(index=True)
    last_ms: Mapped[int]
    acknowledged_ms: Mapped[int | None]
    resolved_ms: Mapped[int | None]
    snoozed_until_ms: Mapped[int | None]
    escalate_ms: Mapped[int | None]
    due_ms: Mapped[int | None]
    assigned_to: Mapped[str | None]


class AlertHistoryRow(Base):
    """One thing that happened to an alert."""

    __tablename__ = "alert_history"

    alert_id: Mapped[str] = mapped_column(ForeignKey("alert.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    event: Mapped[str] = mapped_column(String(16))
    at_ms: Mapped[int]
    recorded_ms: Mapped[int]
    state: Mapped[str] = mapped_column(String(16))
    grade: Mapped[int]
    late: Mapped[bool]
    who: Mapped[str | None]
    detail: Mapped[str] = mapped_column(Text)


class FeedRow(Base):
    """One event of the feed, in the order in which events were committed."""

    __tablename__ = "feed"
    __table_args__ = (Index("ix_feed_clinic", "clinic_id", "seq"),)

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    clinic_id: Mapped[str] = mapped_column(ForeignKey("clinic.id"))
    recorded_ms: Mapped[int]
    document: Mapped[str] = mapped_column(Text)


class FeedCursorRow(Base):
    """How far a way out of the feed has got."""

    __tablename__ = "feed_cursor"

    name: Mapped[str] = mapped_column(primary_key=True)
    seq: Mapped[int]


class WebhookRow(Base):
    """An address that is told of a clinic's alerts; its secret stays where `secret_ref` points."""

    __tablename__ = "webhook"

    id: Mapped[str] = mapped_column(primary_key=True)
    clinic_id: Mapped[str] = mapped_column(ForeignKey("clinic.id"), index=True)
    url: Mapped[str] = mapped_column(Text)
    secret_ref: Mapped[str] = mapped_column(Text)
    created_ms: Mapped[int]
    disabled_ms: Mapped[int | None]
    seq: Mapped[int]
    tries: Mapped[int]
    next_ms: Mapped[int]
    given_up: Mapped[int]
    problem: Mapped[str] = mapped_column(Text)


class DataTimeRow(Base):
    """How far the data of a home or a device have come, and what the wall clock showed then."""

    __tablename__ = "data_time"

    name: Mapped[str] = mapped_column(primary_key=True)
    data_ms: Mapped[int]
    wall_ms: Mapped[int]
