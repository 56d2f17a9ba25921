"""Add comparisons of a section in both systems."""

from alembic import context, op

revision = "0008"
down_revision = "0007"

STATEMENTS = """
CREATE TABLE comparison (
    district_id text NOT NULL DEFAULT current_setting('gradesync.district'),
    id uuid NOT NULL,
    section_id text NOT NULL,
    status text NOT NULL,
    requested_by text NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    finished_at timestamptz,
    settles_by timestamptz NOT NULL,
    counts jsonb NOT NULL DEFAULT '{{}}',
    left_out jsonb NOT NULL DEFAULT '{{}}',
    edits jsonb NOT NULL DEFAULT '{{}}',
    cells bytea,
    error_code text,
    error_detail text NOT NULL DEFAULT '',
    tries integer NOT NULL DEFAULT 0,
    lease_token uuid,
    lease_until timestamptz,
    not_before timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (district_id, id)
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX comparison_one_per_section
    ON comparison (district_id, section_id) WHERE status = 'processing';
CREATE INDEX comparison_log ON comparison (district_id, section_id, id);
ALTER TABLE comparison ENABLE ROW LEVEL SECURITY;
ALTER TABLE comparison FORCE ROW LEVEL SECURITY;
CREATE POLICY one_district ON comparison TO {app}
    USING (district_id = current_setting('gradesync.district', true))
    WITH CHECK (district_id = current_setting('gradesync.district', true));
CREATE POLICY owner ON comparison TO CURRENT_USER USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON comparison TO {app};
CREATE FUNCTION tenantless_comparison_districts()
RETURNS TABLE (district_id text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    SELECT district_id FROM comparison
    WHERE status = 'processing' AND not_before <= statement_timestamp()
      AND (lease_token IS NULL OR lease_until <= statement_timestamp())
    GROUP BY district_id ORDER BY min(not_before)
$$;
REVOKE ALL ON FUNCTION tenantless_comparison_districts FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tenantless_comparison_districts TO {app};
"""


def upgrade() -> None:
    app = op.get_bind().dialect.identifier_preparer.quote(context.config.attributes["app_role"])
    for statement in STATEMENTS.format(app=app).split(";\n"):
        if statement.strip():
            op.execute(statement)


def downgrade() -> None:
    op.execute("DROP FUNCTION tenantless_comparison_districts")
    op.execute("DROP TABLE comparison")
