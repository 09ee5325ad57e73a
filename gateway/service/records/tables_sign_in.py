"""The tables of sign-in. Tokens and codes are known by their SHA-256 alone; all go with their user."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from gateway.service.records.tables import Base
from gateway.service.records.values_sign_in import CodeKind, SignInWay


class SessionRow(Base):
    """A user is signed in somewhere."""

    __tablename__ = "sign_in_session"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), index=True)
    way: Mapped[SignInWay] = mapped_column(String(16))
    second_factor: Mapped[bool]
    created_ms: Mapped[int]
    used_ms: Mapped[int]
    ends_ms: Mapped[int] = mapped_column(index=True)
    address: Mapped[str]
    agent: Mapped[str]


class PasswordRow(Base):
    """A user's password, as the hash that argon2 writes, with its parameters."""

    __tablename__ = "account_password"

    account_id: Mapped[str] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    hash: Mapped[str]
    set_ms: Mapped[int]


class SecondFactorRow(Base):
    """A user's second factor."""

    __tablename__ = "second_factor"

    account_id: Mapped[str] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    secret: Mapped[str]
    confirmed_ms: Mapped[int | None]
    last_step: Mapped[int]


class RecoveryCodeRow(Base):
    """A code that does once what the second factor does."""

    __tablename__ = "recovery_code"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), index=True)


class OneTimeCodeRow(Base):
    """An invitation or a link, until it is used or over."""

    __tablename__ = "one_time_code"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), index=True)
    kind: Mapped[CodeKind] = mapped_column(String(16))
    ends_ms: Mapped[int]


class AttemptRow(Base):
    """How often it was tried in vain of late: with a name, from an address. The key is a hash of what it counts."""

    __tablename__ = "sign_in_attempt"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    level: Mapped[float]
    last_ms: Mapped[int] = mapped_column(index=True)


class KnownPlaceRow(Base):
    """A user has signed in from an address (or IPv6 network) of late."""

    __tablename__ = "known_place"

    account_id: Mapped[str] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    place: Mapped[str] = mapped_column(primary_key=True)
    seen_ms: Mapped[int]


class IdentityRow(Base):
    """Whom an OpenID Connect provider means by a subject."""

    __tablename__ = "oidc_identity"
    __table_args__ = (Index("uq_oidc_identity_account", "issuer", "account_id", unique=True),)

    issuer: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), index=True)
    bound_ms: Mapped[int]
