"""Add the reason that was given for a sync."""

from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    op.execute("ALTER TABLE sync ADD COLUMN reason text")


def downgrade() -> None:
    op.execute("ALTER TABLE sync DROP COLUMN reason")
