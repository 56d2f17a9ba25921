"""Add the name by which the SIS lists an assignment where it stores another form than was sent."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute("ALTER TABLE ledger ADD COLUMN shown text")


def downgrade() -> None:
    op.execute("ALTER TABLE ledger DROP COLUMN shown")
