"""engines: readings of own machines, and sets of LoRAs

Revision: 0012, after 0011
"""

from collections.abc import Sequence

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

import gateway.db


revision: str = "0012"
down_revision: str | Sequence[str] | None = "0011"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "engine_reading",
        sa.Column("provider", sqlmodel.sql.sqltypes.AutoString(length=100), nullable=False),
        sa.Column("taken_at", gateway.db.Timestamp(), nullable=False),
        sa.Column("silent", sa.Integer(), nullable=False),
        sa.Column("silent_since", gateway.db.Timestamp(), nullable=True),
        sa.Column("said", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=True),
        sa.Column("running", sa.Integer(), nullable=True),
        sa.Column("waiting", sa.Integer(), nullable=True),
        sa.Column("others", sa.Integer(), nullable=False),
        sa.Column("vram_free_bytes", sa.BigInteger(), nullable=True),
        sa.Column("vram_bytes", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("provider"),
    )


def downgrade() -> None:
    op.drop_table("engine_reading")
