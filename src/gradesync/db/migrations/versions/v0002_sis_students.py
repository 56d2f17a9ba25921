"""Add what a ledger keeps by SIS student, where its assignments stood before, and students who left.

Rows of before keep what they have by student uid: it is converted when a section is loaded to sync.
"""

from alembic import op

revision = "0002"
down_revision = "0001"

ADDED = {
    "ledger": {"scores": "bytea", "doubts": "text", "former": "text"},
    "section_link": {"departed": "jsonb NOT NULL DEFAULT '{}'"},
}


def upgrade() -> None:
    for table, columns in ADDED.items():
        for column, kind in columns.items():
            op.execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind}")


def downgrade() -> None:
    for table, columns in ADDED.items():
        for column in columns:
            op.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
