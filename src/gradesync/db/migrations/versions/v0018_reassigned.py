"""Keep when the SIS key of a student became another student's."""

from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.execute("ALTER TABLE section_link ADD COLUMN reassigned jsonb NOT NULL DEFAULT '{}'")


def downgrade() -> None:
    op.execute("ALTER TABLE section_link DROP COLUMN reassigned")
