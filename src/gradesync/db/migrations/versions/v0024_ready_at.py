"""Remember until when a paused sync waits for other reasons than its pause."""

from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    op.execute("ALTER TABLE sync ADD COLUMN ready_at timestamptz")


def downgrade() -> None:
    op.execute("ALTER TABLE sync DROP COLUMN ready_at")
