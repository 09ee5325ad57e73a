"""Users, care teams, and tokens that are a user's."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v0002"
down_revision = "v0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this revision."""
    op.create_table(
        "account",
        sa.Column("id", sa.String(length=255), nullable=False),
        sa.Column("clinic_id", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("patient_id", sa.String(length=255), nullable=True),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("disabled_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinic.id"], name=op.f("fk_account_clinic_id_clinic")),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patient.id"], name=op.f("fk_account_patient_id_patient"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("name", name=op.f("uq_account_name")),
        sa.UniqueConstraint("patient_id", name=op.f("uq_account_patient_id")),
    )
    op.create_index(op.f("ix_account_clinic_id"), "account", ["clinic_id"])
    op.create_table(
        "care_team",
        sa.Column("id", sa.String(length=255), nullable=False),
        sa.Column("clinic_id", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinic.id"], name=op.f("fk_care_team_clinic_id_clinic")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_care_team")),
    )
    op.create_index("uq_care_team_name", "care_team", ["clinic_id", "name"], unique=True)
    for table, member in (("care_team_account", "account"), ("care_team_patient", "patient")):
        op.create_table(
            table,
            sa.Column("team_id", sa.String(length=255), nullable=False),
            sa.Column(f"{member}_id", sa.String(length=255), nullable=False),
            sa.ForeignKeyConstraint(
                ["team_id"], ["care_team.id"], name=op.f(f"fk_{table}_team_id_care_team"), ondelete="CASCADE"
            ),
            sa.ForeignKeyConstraint(
                [f"{member}_id"],
                [f"{member}.id"],
                name=op.f(f"fk_{table}_{member}_id_{member}"),
                ondelete="CASCADE",
            ),
            sa.PrimaryKeyConstraint("team_id", f"{member}_id", name=op.f(f"pk_{table}")),
        )
        op.create_index(op.f(f"ix_{table}_{member}_id"), table, [f"{member}_id"])
    with op.batch_alter_table("api_token") as batch:
        batch.add_column(sa.Column("account_id", sa.String(length=255), nullable=True))
        batch.create_foreign_key(
            op.f("fk_api_token_account_id_account"), "account", ["account_id"], ["id"], ondelete="CASCADE"
        )


def downgrade() -> None:
    """Back to the one before. Tokens that were a user's go: without the user they would open everything."""
    op.execute(sa.text("DELETE FROM api_token WHERE account_id IS NOT NULL"))
    with op.batch_alter_table("api_token") as batch:
        batch.drop_column("account_id")
    for table in ("care_team_patient", "care_team_account", "care_team", "account"):
        op.drop_table(table)
