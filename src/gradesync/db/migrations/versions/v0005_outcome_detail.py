"""What the SIS said of an assignment that it refused, as far as it may be shown."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.execute("ALTER TABLE outcome ADD COLUMN detail text")


def downgrade() -> None:
    op.execute("ALTER TABLE outcome DROP COLUMN detail")
