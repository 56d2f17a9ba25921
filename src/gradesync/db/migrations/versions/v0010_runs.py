"""Add runs, their sections, and the run that a sync belongs to."""

from alembic import context, op

revision = "0010"
down_revision = "0009"

TABLES = """
CREATE TABLE run (
    district_id text NOT NULL DEFAULT current_setting('gradesync.district'),
    id uuid NOT NULL,
    status text NOT NULL,
    chosen jsonb NOT NULL DEFAULT '{}',
    mode text NOT NULL,
    dry_run boolean NOT NULL,
    requested_by_kind text NOT NULL,
    requested_by_id text NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT now(),
    schedule_id uuid,
    begins timestamptz NOT NULL,
    ends timestamptz,
    every double precision NOT NULL,
    finishes_by timestamptz NOT NULL,
    finished_at timestamptz,
    PRIMARY KEY (district_id, id)
);
CREATE INDEX run_active ON run (district_id) WHERE finished_at IS NULL;
CREATE UNIQUE INDEX run_occurrence ON run (district_id, schedule_id, begins) WHERE schedule_id IS NOT NULL;
CREATE TABLE run_section (
    district_id text NOT NULL DEFAULT current_setting('gradesync.district'),
    run_id uuid NOT NULL,
    number integer NOT NULL,
    section_id text NOT NULL,
    state text NOT NULL,
    sync_id uuid,
    result text,
    PRIMARY KEY (district_id, run_id, number)
) WITH (fillfactor = 80);
ALTER TABLE sync ADD COLUMN run_id uuid;
"""
SECURITY = """
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
CREATE POLICY one_district ON {table} TO {app}
    USING (district_id = current_setting('gradesync.district', true))
    WITH CHECK (district_id = current_setting('gradesync.district', true));
CREATE POLICY owner ON {table} TO CURRENT_USER USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {app};
"""
# Districts with a run that has begun. A paused one does nothing.
FUNCTION = """
CREATE FUNCTION tenantless_run_districts()
RETURNS TABLE (district_id text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    SELECT DISTINCT r.district_id FROM run r
    WHERE finished_at IS NULL AND begins <= statement_timestamp()
      AND NOT EXISTS (SELECT FROM pause p WHERE p.district_id = r.district_id AND p.level = 'district')
$$
"""


def upgrade() -> None:
    app = op.get_bind().dialect.identifier_preparer.quote(context.config.attributes["app_role"])
    _execute(TABLES)
    for table in ("run", "run_section"):
        _execute(SECURITY.format(table=table, app=app))
    op.execute(FUNCTION)
    op.execute("REVOKE ALL ON FUNCTION tenantless_run_districts FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION tenantless_run_districts TO {app}")


def downgrade() -> None:
    op.execute("DROP FUNCTION tenantless_run_districts")
    op.execute("ALTER TABLE sync DROP COLUMN run_id")
    op.execute("DROP TABLE run_section")
    op.execute("DROP TABLE run")


def _execute(statements: str) -> None:
    """Execute statements one by one: the driver takes no more at once."""
    for statement in statements.split(";\n"):
        if statement.strip():
            op.execute(statement)
