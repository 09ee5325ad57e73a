"""Homes that join by a code and can be revoked; how gateways and devices are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v0006"
down_revision = "v0005"
branch_labels = None
depends_on = None

_NEW = ("joined_ms", "revoked_ms", "salt")


def upgrade() -> None:
    """To this revision."""
    for name in ("joined_ms", "revoked_ms"):
        op.add_column("gateway", sa.Column(name, sa.BigInteger(), nullable=True))
    op.add_column("gateway", sa.Column("salt", sa.String(length=64), nullable=True))
    op.create_table(
        "join_code",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=255), nullable=False),
        sa.Column("clinic_id", sa.String(length=255), nullable=False),
        sa.Column("gateway_id", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("made_by", sa.String(length=255), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=False),
        sa.Column("used_ms", sa.BigInteger(), nullable=True),
        sa.Column("box_sha256", sa.String(length=64), nullable=True),
        sa.Column("withdrawn_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinic.id"], name=op.f("fk_join_code_clinic_id_clinic")),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_join_code")),
        sa.UniqueConstraint("id", name=op.f("uq_join_code_id")),
    )
    op.create_index(op.f("ix_join_code_clinic_id"), "join_code", ["clinic_id"])
    op.create_index(op.f("ix_join_code_gateway_id"), "join_code", ["gateway_id"])
    op.create_table(
        "gateway_state",
        sa.Column("gateway_id", sa.String(length=255), nullable=False),
        sa.Column("online", sa.Boolean(), nullable=False),
        sa.Column("since_ms", sa.BigInteger(), nullable=False),
        sa.Column("heard_ms", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.String(length=255), nullable=False),
        sa.Column("pending", sa.BigInteger(), nullable=False),
        sa.Column("oldest_ms", sa.BigInteger(), nullable=True),
        sa.Column("disk_free_bytes", sa.BigInteger(), nullable=True),
        sa.Column("radio", sa.String(length=255), nullable=False),
        sa.Column("clock_set", sa.Boolean(), nullable=True),
        sa.Column("clock_error_ms", sa.BigInteger(), nullable=True),
        sa.Column("clock_offset_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["gateway_id"], ["gateway.id"], name=op.f("fk_gateway_state_gateway_id_gateway"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("gateway_id", name=op.f("pk_gateway_state")),
    )
    op.create_table(
        "device_state",
        sa.Column("device_id", sa.String(length=255), nullable=False),
        sa.Column("heard_ms", sa.BigInteger(), nullable=False),
        sa.Column("contact_ms", sa.BigInteger(), nullable=True),
        sa.Column("reachable", sa.Boolean(), nullable=True),
        sa.Column("voltage", sa.Double(), nullable=True),
        sa.Column("boots", sa.BigInteger(), nullable=True),
        sa.Column("clock", sa.String(length=255), nullable=False),
        sa.Column("clock_ms", sa.BigInteger(), nullable=False),
        sa.Column("drift_ppm", sa.Double(), nullable=True),
        sa.Column("uncertainty_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["device_id"], ["device.id"], name=op.f("fk_device_state_device_id_device"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_device_state")),
    )


def downgrade() -> None:
    """Back to the one before. What was revoked is so at the broker alone then."""
    for table in ("device_state", "gateway_state", "join_code"):
        op.drop_table(table)
    with op.batch_alter_table("gateway") as batch:
        for name in _NEW:
            batch.drop_column(name)
