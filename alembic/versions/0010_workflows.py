"""workflows: graphs of jobs

Revision: 0010, after 0009
"""

from collections.abc import Sequence

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

import gateway.db


revision: str = "0010"
down_revision: str | Sequence[str] | None = "0009"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "workflow",
        sa.Column("id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("key_id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("status", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("on_failure", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("idempotency_key", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("digest", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("quote_nanos", sa.BigInteger(), nullable=False),
        sa.Column("max_cost_nanos", sa.BigInteger(), nullable=True),
        sa.Column("extras", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("webhook_url", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("due_at", gateway.db.Timestamp(), nullable=True),
        sa.Column("created_at", gateway.db.Timestamp(), nullable=False),
        sa.Column("canceled_at", gateway.db.Timestamp(), nullable=True),
        sa.Column("ended_at", gateway.db.Timestamp(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key_id", "idempotency_key"),
    )
    with op.batch_alter_table("workflow", schema=None) as batch_op:
        batch_op.create_index("ix_workflow_due", ["due_at"], unique=False)
        batch_op.create_index("ix_workflow_key", ["key_id", "id"], unique=False)
        batch_op.create_index("ix_workflow_live", ["status", "key_id", "id"], unique=False)

    op.create_table(
        "workflow_step",
        sa.Column("workflow_id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("task", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("job", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("after", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("status", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("quote_nanos", sa.BigInteger(), nullable=False),
        sa.Column("ceiling_nanos", sa.BigInteger(), nullable=True),
        sa.Column("job_id", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("is_tried", sa.Boolean(), nullable=False),
        sa.Column("due_at", gateway.db.Timestamp(), nullable=True),
        sa.Column("outputs", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("error", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("ready_at", gateway.db.Timestamp(), nullable=True),
        sa.Column("started_at", gateway.db.Timestamp(), nullable=True),
        sa.Column("ended_at", gateway.db.Timestamp(), nullable=True),
        sa.ForeignKeyConstraint(
            ["workflow_id"],
            ["workflow.id"],
        ),
        sa.PrimaryKeyConstraint("workflow_id", "number"),
    )
    with op.batch_alter_table("workflow_step", schema=None) as batch_op:
        batch_op.create_index("ix_workflow_step_status", ["status"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("workflow_step", schema=None) as batch_op:
        batch_op.drop_index("ix_workflow_step_status")

    op.drop_table("workflow_step")
    with op.batch_alter_table("workflow", schema=None) as batch_op:
        batch_op.drop_index("ix_workflow_live")
        batch_op.drop_index("ix_workflow_key")
        batch_op.drop_index("ix_workflow_due")

    op.drop_table("workflow")
