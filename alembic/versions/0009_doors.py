"""doors: the shape in which a job's own webhook is told

Revision: 0009, after 0008
"""

from collections.abc import Sequence

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op


revision: str = "0009"
down_revision: str | Sequence[str] | None = "0008"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


SHAPES = (("job", "webhook_shape"), ("webhook_delivery", "shape"))
"""Columns that say in whose words a job's own webhook is told: in ours, for all that there was before."""


def upgrade() -> None:
    for table, column in SHAPES:
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.add_column(
                sa.Column(column, sqlmodel.sql.sqltypes.AutoString(), server_default="podium", nullable=False)
            )


def downgrade() -> None:
    for table, column in reversed(SHAPES):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_column(column)
