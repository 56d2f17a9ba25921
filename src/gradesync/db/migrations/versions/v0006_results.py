"""Add what a settled sync came to, how much needs attention, and the facts of an outcome."""

from alembic import op

revision = "0006"
down_revision = "0005"

ADDED = {"sync": {"result": "text", "attention": "jsonb"}, "outcome": {"facts": "text"}}


def upgrade() -> None:
    for table, columns in ADDED.items():
        for column, kind in columns.items():
            op.execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind}")


def downgrade() -> None:
    for table, columns in ADDED.items():
        for column in columns:
            op.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
