"""Add what an undo puts back to its sync."""

from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.execute("ALTER TABLE sync ADD COLUMN undo jsonb")


def downgrade() -> None:
    op.execute("ALTER TABLE sync DROP COLUMN undo")
