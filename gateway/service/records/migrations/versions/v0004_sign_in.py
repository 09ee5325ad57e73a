"""Sign-in: sessions, passwords, second factors, one-time codes, attempts, identities."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v0004"
down_revision = "v0003"
branch_labels = None
depends_on = None

TABLES = (
    "oidc_identity",
    "known_place",
    "sign_in_attempt",
    "one_time_code",
    "recovery_code",
    "second_factor",
    "account_password",
    "sign_in_session",
)


def upgrade() -> None:
    """To this revision."""
    op.create_table(
        "sign_in_session",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=255), nullable=False),
        *_of_account("sign_in_session"),
        sa.Column("way", sa.String(length=16), nullable=False),
        sa.Column("second_factor", sa.Boolean(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("used_ms", sa.BigInteger(), nullable=False),
        sa.Column("ends_ms", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.String(length=255), nullable=False),
        sa.Column("agent", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_sign_in_session")),
        sa.UniqueConstraint("id", name=op.f("uq_sign_in_session_id")),
    )
    op.create_index(op.f("ix_sign_in_session_account_id"), "sign_in_session", ["account_id"])
    op.create_index(op.f("ix_sign_in_session_ends_ms"), "sign_in_session", ["ends_ms"])
    op.create_table(
        "account_password",
        *_of_account("account_password"),
        sa.Column("hash", sa.String(length=255), nullable=False),
        sa.Column("set_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_account_password")),
    )
    op.create_table(
        "second_factor",
        *_of_account("second_factor"),
        sa.Column("secret", sa.String(length=255), nullable=False),
        sa.Column("confirmed_ms", sa.BigInteger(), nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_second_factor")),
    )
    op.create_table(
        "recovery_code",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        *_of_account("recovery_code"),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_recovery_code")),
    )
    op.create_index(op.f("ix_recovery_code_account_id"), "recovery_code", ["account_id"])
    op.create_table(
        "one_time_code",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        *_of_account("one_time_code"),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("ends_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_one_time_code")),
    )
    op.create_index(op.f("ix_one_time_code_account_id"), "one_time_code", ["account_id"])
    op.create_table(
        "sign_in_attempt",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("level", sa.Double(), nullable=False),
        sa.Column("last_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_sign_in_attempt")),
    )
    op.create_index(op.f("ix_sign_in_attempt_last_ms"), "sign_in_attempt", ["last_ms"])
    op.create_table(
        "known_place",
        *_of_account("known_place"),
        sa.Column("place", sa.String(length=255), nullable=False),
        sa.Column("seen_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "place", name=op.f("pk_known_place")),
    )
    op.create_table(
        "oidc_identity",
        sa.Column("issuer", sa.String(length=255), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        *_of_account("oidc_identity"),
        sa.Column("bound_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("issuer", "subject", name=op.f("pk_oidc_identity")),
    )
    op.create_index(op.f("ix_oidc_identity_account_id"), "oidc_identity", ["account_id"])
    op.create_index("uq_oidc_identity_account", "oidc_identity", ["issuer", "account_id"], unique=True)


def downgrade() -> None:
    """Back to the one before. Everybody is signed out, and passwords are gone."""
    for table in TABLES:
        op.drop_table(table)


def _of_account(table: str) -> tuple[sa.Column[str], sa.ForeignKeyConstraint]:
    return (
        sa.Column("account_id", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f(f"fk_{table}_account_id_account"), ondelete="CASCADE"
        ),
    )
