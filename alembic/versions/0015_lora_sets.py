"""lora sets: engines that hold one set of LoRAs at a time, and the runs that wait for theirs

Revision: 0015, after 0014
"""

from collections.abc import Sequence

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

import gateway.db


revision: str = "0015"
down_revision: str | Sequence[str] | None = "0014"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

LIVE = sa.text("lora_set IS NOT NULL AND ended_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "lora_hold",
        sa.Column("provider", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("lora_set", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("since", gateway.db.Timestamp(), nullable=False),
        sa.Column("switches", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("provider"),
    )
    with op.batch_alter_table("attempt") as batch:
        batch.add_column(sa.Column("lora_set", sqlmodel.sql.sqltypes.AutoString(), nullable=True))
        batch.add_column(sa.Column("let_in_at", gateway.db.Timestamp(), nullable=True))
    op.create_index(
        "ix_attempt_lora_set", "attempt", ["provider", "due_at"], unique=False, sqlite_where=LIVE, postgresql_where=LIVE
    )


def downgrade() -> None:
    op.drop_index("ix_attempt_lora_set", table_name="attempt")
    with op.batch_alter_table("attempt") as batch:
        batch.drop_column("let_in_at")
        batch.drop_column("lora_set")
    op.drop_table("lora_hold")
