"""Run migrations one at a time, in a transaction each, and with a limit to each wait for a lock."""

from alembic import context
from sqlalchemy import Connection, text

from gradesync.db.tables import metadata

connection: Connection = context.config.attributes["connection"]
for statement in (
    "SET statement_timeout = '60s'",
    "SELECT pg_advisory_lock(hashtext('gradesync migrations'))",
    "SET lock_timeout = '2s'",
):
    connection.execute(text(statement))
connection.commit()

context.configure(connection=connection, target_metadata=metadata, transaction_per_migration=True)
with context.begin_transaction():
    context.run_migrations()
connection.commit()
