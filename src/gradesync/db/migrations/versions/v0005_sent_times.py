"""Add the time at which something of an assignment was last sent."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.execute("ALTER TABLE ledger ADD COLUMN sent_at timestamptz")


def downgrade() -> None:
    op.execute("ALTER TABLE ledger DROP COLUMN sent_at")
