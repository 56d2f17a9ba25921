"""Run migrations one at a time, in a transaction each, and with a limit to each wait for a lock."""

import re

from alembic import context
from sqlalchemy import Connection, text

from gradesync.db.tables import metadata

PARTITIONS = re.compile(
    r"(history|outcome)_(default|(until_)?\d{4}(_\d{2})+)"
)  # of which the table is compared alone


def _is_compared(name: str | None, kind: str, _: object) -> bool:
    return kind != "table" or not PARTITIONS.fullmatch(name or "")


connection: Connection = context.config.attributes["connection"]
for statement in (
    "SET statement_timeout = '60s'",
    "SET idle_in_transaction_session_timeout = '60s'",  # a process that sleeps must not keep its locks
    "SELECT pg_advisory_lock(hashtext('gradesync migrations'))",
    "SET lock_timeout = '2s'",
):
    connection.execute(text(statement))
connection.commit()

context.configure(
    connection=connection,
    target_metadata=metadata,
    transaction_per_migration=True,
    include_name=_is_compared,
)
with context.begin_transaction():
    context.run_migrations()
connection.commit()
