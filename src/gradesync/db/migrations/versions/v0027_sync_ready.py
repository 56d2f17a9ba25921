"""Index queued syncs by when they can be claimed, so that a look reads few where nearly all have to wait.

The index is made beside the work of others. A try that failed leaves an invalid one, which the next replaces.
"""

from alembic import op

revision = "0027"
down_revision = "0026"

IS_MADE = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('sync_ready')"


def upgrade() -> None:
    if op.get_bind().exec_driver_sql(IS_MADE).scalar():
        return
    with op.get_context().autocommit_block():
        # It waits until older transactions end, and nobody waits for it.
        op.execute("SET lock_timeout = 0")
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS sync_ready")
        op.execute("""
            CREATE INDEX CONCURRENTLY sync_ready ON sync (not_before, district_id)
            WHERE status = 'processing' AND lease_token IS NULL
        """)
        op.execute("SET lock_timeout = '2s'")


def downgrade() -> None:
    op.execute("DROP INDEX sync_ready")
