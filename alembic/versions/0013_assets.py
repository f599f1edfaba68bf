"""assets: the expired ones are found; and jobs, by their status

Revision: 0013, after 0012
"""

from collections.abc import Sequence

from alembic import op


revision: str = "0013"
down_revision: str | Sequence[str] | None = "0012"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    with op.batch_alter_table("asset", schema=None) as batch_op:
        batch_op.create_index("asset_expires", ["expires_at"], unique=False)
    with op.batch_alter_table("job", schema=None) as batch_op:
        batch_op.create_index("ix_job_status", ["status", "id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("job", schema=None) as batch_op:
        batch_op.drop_index("ix_job_status")
    with op.batch_alter_table("asset", schema=None) as batch_op:
        batch_op.drop_index("asset_expires")
