"""Add what people decided about scores that were changed in the SIS, by SIS student."""

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.execute("ALTER TABLE ledger ADD COLUMN decisions jsonb")


def downgrade() -> None:
    op.execute("ALTER TABLE ledger DROP COLUMN decisions")
