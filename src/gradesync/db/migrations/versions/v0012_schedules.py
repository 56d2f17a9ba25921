"""Add schedules: runs that begin by themselves."""

from alembic import context, op

revision = "0012"
down_revision = "0011"

TABLE = """
CREATE TABLE schedule (
    district_id text NOT NULL DEFAULT current_setting('gradesync.district'),
    id uuid NOT NULL,
    level text NOT NULL,
    target text NOT NULL,
    days integer[] NOT NULL,
    begins time NOT NULL,
    ends time NOT NULL,
    mode text NOT NULL,
    decided_by_kind text NOT NULL,
    decided_by_id text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    next_at timestamptz NOT NULL,
    PRIMARY KEY (district_id, id)
);
CREATE INDEX schedule_due ON schedule (next_at);
ALTER TABLE schedule ENABLE ROW LEVEL SECURITY;
ALTER TABLE schedule FORCE ROW LEVEL SECURITY;
CREATE POLICY one_district ON schedule TO {app}
    USING (district_id = current_setting('gradesync.district', true))
    WITH CHECK (district_id = current_setting('gradesync.district', true));
CREATE POLICY owner ON schedule TO CURRENT_USER USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON schedule TO {app};
"""
FUNCTION = """
CREATE FUNCTION tenantless_schedule_districts()
RETURNS TABLE (district_id text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$ SELECT DISTINCT s.district_id FROM schedule s WHERE next_at <= statement_timestamp() $$
"""


def upgrade() -> None:
    app = op.get_bind().dialect.identifier_preparer.quote(context.config.attributes["app_role"])
    for statement in TABLE.format(app=app).split(";\n"):
        if statement.strip():
            op.execute(statement)
    op.execute(FUNCTION)
    op.execute("REVOKE ALL ON FUNCTION tenantless_schedule_districts FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION tenantless_schedule_districts TO {app}")


def downgrade() -> None:
    op.execute("DROP FUNCTION tenantless_schedule_districts")
    op.execute("DROP TABLE schedule")
