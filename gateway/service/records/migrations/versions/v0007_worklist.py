"""Follow-ups that were done or postponed; the nights' digest, and the index that keeps it up to date."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v0007"
down_revision = "v0006"
branch_labels = None
depends_on = None

_FINISHED = "state <> 'running' AND profile <> 'bed'"


def upgrade() -> None:
    """To this revision."""
    op.create_table(
        "follow_up_mark",
        sa.Column("id", sa.String(length=255), nullable=False),
        sa.Column("patient_id", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=255), nullable=False),
        sa.Column("mark", sa.String(length=16), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("who", sa.String(length=255), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patient.id"], name=op.f("fk_follow_up_mark_patient_id_patient"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_follow_up_mark")),
    )
    op.create_index(op.f("ix_follow_up_mark_patient_id"), "follow_up_mark", ["patient_id"])
    op.create_table(
        "night_digest",
        sa.Column("device_id", sa.String(length=255), nullable=False),
        sa.Column("seen_ms", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("nights", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"], ["device.id"], name=op.f("fk_night_digest_device_id_device"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_night_digest")),
    )
    op.create_index(
        "ix_night_finished",
        "night",
        ["device_id", "updated_ms"],
        sqlite_where=sa.text(_FINISHED),
        postgresql_where=sa.text(_FINISHED),
    )


def downgrade() -> None:
    """Back to the one before."""
    op.drop_index("ix_night_finished", table_name="night")
    op.drop_table("night_digest")
    op.drop_table("follow_up_mark")
