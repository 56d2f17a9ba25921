"""Add the history of what was written to the SIS, in partitions by month, and who planned what is approved.

Rows whose month has no partition yet go to the default one, so that no insert is ever refused. Partitions
have no grants: the application reaches them through the table alone, whose policies then hold.
"""

from alembic import context, op

revision = "0009"
down_revision = "0008"

STATEMENTS = (
    """
    CREATE TABLE history (
        district_id text NOT NULL DEFAULT current_setting('gradesync.district'),
        section_id text NOT NULL,
        at timestamptz NOT NULL DEFAULT now(),
        sync_id uuid NOT NULL,
        mode text NOT NULL,
        requested_by text NOT NULL,
        approved_by text,
        reason text,
        events bytea NOT NULL,
        PRIMARY KEY (district_id, section_id, at, sync_id)
    ) PARTITION BY RANGE (at)
    """,
    "CREATE TABLE history_default PARTITION OF history DEFAULT",
    "ALTER TABLE history_default ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE history_default FORCE ROW LEVEL SECURITY",
    "CREATE POLICY owner ON history_default TO CURRENT_USER USING (true) WITH CHECK (true)",
    "ALTER TABLE history ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE history FORCE ROW LEVEL SECURITY",
    """
    CREATE POLICY one_district ON history TO {app}
        USING (district_id = current_setting('gradesync.district', true))
        WITH CHECK (district_id = current_setting('gradesync.district', true))
    """,
    "CREATE POLICY owner ON history TO CURRENT_USER USING (true) WITH CHECK (true)",
    "GRANT SELECT, INSERT ON history TO {app}",
    # What every process watches: `maintain` is late where months are not made ahead, or rows went astray.
    """
    CREATE FUNCTION tenantless_partitions()
    RETURNS TABLE (made_until timestamptz, in_default bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
        SELECT max(to_date(substr(c.relname, 9), 'YYYY_MM') + interval '1 month') AT TIME ZONE 'UTC',
               (SELECT count(*) FROM (SELECT FROM history_default LIMIT 1000) astray)
        FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'history'::regclass AND c.relname ~ '^history_[0-9]'
    $$
    """,
    "REVOKE ALL ON FUNCTION tenantless_partitions FROM PUBLIC",
    "GRANT EXECUTE ON FUNCTION tenantless_partitions TO {app}",
    "ALTER TABLE sync ADD COLUMN planned_by text",
)


def upgrade() -> None:
    role = context.config.attributes["app_role"]
    app = op.get_bind().dialect.identifier_preparer.quote(role)
    for statement in STATEMENTS:
        op.execute(statement.format(app=app))


def downgrade() -> None:
    op.execute("ALTER TABLE sync DROP COLUMN planned_by")
    op.execute("DROP FUNCTION tenantless_partitions")
    op.execute("DROP TABLE history")
