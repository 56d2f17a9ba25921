"""Store outcomes in partitions by week, by the time in their sync's id. No row is copied.

What is there becomes the first partition, and has every sync until a day in its name. Old weeks are dropped
whole. Rows whose week has no partition go to the default one, so that no insert is ever refused. Partitions
have no grants: the application reaches them through the table alone, whose policies then hold.
"""

from datetime import UTC, datetime
from uuid import UUID

from alembic import context, op

from gradesync.db.migrations.versions import v0021_outcome_range

revision = "0022"
down_revision = "0021"

KEY = "district_id, sync_id, assignment_length, assignment_id, student_length, student_id"
BOUND = """
    SELECT substring(pg_get_constraintdef(oid) FROM '[0-9a-f]{8}-[0-9a-f-]{27}') FROM pg_constraint
    WHERE conrelid = 'outcome'::regclass AND conname = 'outcome_range'
"""
STATEMENTS = (
    # While this reads the table, others write to it.
    "ALTER TABLE outcome VALIDATE CONSTRAINT outcome_range",
    # The name is another table's at the end of the transaction.
    "-- squawk-ignore renaming-table\nALTER TABLE outcome RENAME TO {old}",
    "-- squawk-ignore renaming-object\nALTER TABLE {old} RENAME CONSTRAINT outcome_pkey TO {old}_pkey",
    f"""
    CREATE TABLE outcome (LIKE {{old}} INCLUDING DEFAULTS, PRIMARY KEY ({KEY})) PARTITION BY RANGE (sync_id)
    """,
    "ALTER TABLE outcome ATTACH PARTITION {old} FOR VALUES FROM (MINVALUE) TO ('{until}')",
    "-- squawk-ignore ban-drop-constraint\nALTER TABLE {old} DROP CONSTRAINT outcome_range",
    "DROP POLICY one_district ON {old}",
    "REVOKE ALL ON {old} FROM {app}",
    "CREATE TABLE outcome_default PARTITION OF outcome DEFAULT",
    "ALTER TABLE outcome_default ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE outcome_default FORCE ROW LEVEL SECURITY",
    "CREATE POLICY owner ON outcome_default TO CURRENT_USER USING (true) WITH CHECK (true)",
)
SECURITY = (
    "ALTER TABLE outcome ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE outcome FORCE ROW LEVEL SECURITY",
    """
    CREATE POLICY one_district ON outcome TO {app}
        USING (district_id = current_setting('gradesync.district', true))
        WITH CHECK (district_id = current_setting('gradesync.district', true))
    """,
    "CREATE POLICY owner ON outcome TO CURRENT_USER USING (true) WITH CHECK (true)",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON outcome TO {app}",
)
STATES = (
    # What every process watches: `maintain` is late where partitions are not made ahead, or rows went astray.
    """
    CREATE FUNCTION tenantless_partition_states()
    RETURNS TABLE (partitioned text, made_until timestamptz, in_default bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
        SELECT 'history', p.made_until, p.in_default FROM tenantless_partitions() p
        UNION ALL
        SELECT 'outcome',
               (SELECT max(to_date(right(c.relname, 10), 'YYYY_MM_DD')
                           + CASE WHEN c.relname ~ '_until_' THEN 0 ELSE 7 END)::timestamp AT TIME ZONE 'UTC'
                FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                WHERE i.inhparent = 'outcome'::regclass AND c.relname ~ '[0-9]$'),
               (SELECT count(*) FROM (SELECT FROM outcome_default LIMIT 1000) astray)
    $$
    """,
    "REVOKE ALL ON FUNCTION tenantless_partition_states FROM PUBLIC",
    "GRANT EXECUTE ON FUNCTION tenantless_partition_states TO {app}",
)
BACK = (
    "DROP FUNCTION tenantless_partition_states",
    "ALTER TABLE outcome RENAME TO outcome_parts",
    "ALTER TABLE outcome_parts RENAME CONSTRAINT outcome_pkey TO outcome_parts_pkey",
    f"CREATE TABLE outcome (LIKE outcome_parts INCLUDING DEFAULTS, PRIMARY KEY ({KEY}))",
    "INSERT INTO outcome SELECT * FROM outcome_parts",
    "DROP TABLE outcome_parts",
)


def upgrade() -> None:
    bind = op.get_bind()
    until = bind.exec_driver_sql(BOUND).scalar_one()
    day = datetime.fromtimestamp((UUID(until).int >> 80) / 1000, UTC)
    old = f"outcome_until_{day:%Y_%m_%d}"
    _execute(*STATEMENTS, *SECURITY, *STATES, old=old, until=until)
    # Asked once the table is locked: until it is renamed, syncs go on writing.
    if not bind.exec_driver_sql(f"SELECT EXISTS (SELECT FROM {old})").scalar_one():  # noqa: S608 - made above
        _execute(f"-- squawk-ignore ban-drop-table\nDROP TABLE {old}")


def downgrade() -> None:
    _execute(*BACK, *SECURITY)
    v0021_outcome_range.upgrade()


def _execute(*statements: str, **names: str) -> None:
    app = op.get_bind().dialect.identifier_preparer.quote(context.config.attributes["app_role"])
    for statement in statements:
        op.execute(statement.format(app=app, **names))
