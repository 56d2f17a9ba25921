"""Add how many assignments or scores an outcome stands for, where it is a summary."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.execute("ALTER TABLE outcome ADD COLUMN count integer")


def downgrade() -> None:
    op.execute("ALTER TABLE outcome DROP COLUMN count")
