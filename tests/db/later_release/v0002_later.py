"""Change the table of districts and add a table, as a later release may."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute("CREATE TABLE later (id uuid PRIMARY KEY)")
    op.execute("ALTER TABLE district ADD COLUMN later text")


def downgrade() -> None:
    op.execute("ALTER TABLE district DROP COLUMN later")
    op.execute("DROP TABLE later")
