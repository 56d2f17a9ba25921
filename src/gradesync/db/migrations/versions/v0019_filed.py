"""Keep a district's settings as the operator's file last had them, beside those in force."""

from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.execute("ALTER TABLE district ADD COLUMN filed jsonb, ADD COLUMN filed_at timestamptz")


def downgrade() -> None:
    op.execute("ALTER TABLE district DROP COLUMN filed, DROP COLUMN filed_at")
