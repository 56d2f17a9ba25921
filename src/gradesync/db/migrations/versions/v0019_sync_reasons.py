"""Add the reason that was given for a sync."""

from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.execute("ALTER TABLE sync ADD COLUMN reason text")


def downgrade() -> None:
    op.execute("ALTER TABLE sync DROP COLUMN reason")
