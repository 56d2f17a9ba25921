"""Change the table of districts and add a table, as a later release may."""

from alembic import op

from gradesync.db.migrations import head

revision = "9001"
down_revision = head()


def upgrade() -> None:
    op.execute("CREATE TABLE later (id uuid PRIMARY KEY)")
    op.execute("ALTER TABLE district ADD COLUMN later text")


def downgrade() -> None:
    op.execute("ALTER TABLE district DROP COLUMN later")
    op.execute("DROP TABLE later")
