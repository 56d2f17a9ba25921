"""Bound the ids of outcomes that the table takes as it is, so that it becomes a partition without a scan.

The bound is weeks ahead: the next migration comes at once, and even a late one finds every insert accepted.
"""

from alembic import op

from gradesync.db.codec import first_id_at

revision = "0021"
down_revision = "0020"

UNTIL = "SELECT (date_trunc('week', now() AT TIME ZONE 'UTC') + interval '28 days') AT TIME ZONE 'UTC'"


def upgrade() -> None:
    until = op.get_bind().exec_driver_sql(UNTIL).scalar_one()
    op.execute(
        f"ALTER TABLE outcome ADD CONSTRAINT outcome_range CHECK (sync_id < '{first_id_at(until)}') NOT VALID"
    )


def downgrade() -> None:
    op.execute("ALTER TABLE outcome DROP CONSTRAINT outcome_range")
