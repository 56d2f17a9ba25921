"""Add the category of a pre-flight finding's assignment; empty in reports of before."""

from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.execute("ALTER TABLE preflight_finding ADD COLUMN category text NOT NULL DEFAULT ''")


def downgrade() -> None:
    op.execute("ALTER TABLE preflight_finding DROP COLUMN category")
