"""What a district's own clients work with: webhooks and their deliveries, pre-flight reports, title rules."""

from alembic import context, op

revision = "0003"
down_revision = "0002"

TABLES = """
CREATE TABLE webhook (
    district_id text NOT NULL DEFAULT current_setting('gradesync.district'),
    id uuid NOT NULL,
    url text NOT NULL,
    secret text NOT NULL,
    old_secret text,
    old_until timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (district_id, id)
);

CREATE TABLE delivery (
    district_id text NOT NULL DEFAULT current_setting('gradesync.district'),
    id uuid NOT NULL,
    webhook_id uuid NOT NULL,
    sync_id uuid NOT NULL,
    payload text NOT NULL,
    status text NOT NULL,
    attempt integer NOT NULL DEFAULT 0,
    not_before timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    answer integer,
    error text,
    PRIMARY KEY (district_id, id)
) WITH (fillfactor = 80);
CREATE INDEX delivery_due ON delivery (not_before) WHERE status = 'pending';
CREATE INDEX delivery_log ON delivery (district_id, webhook_id, id);

CREATE TABLE preflight (
    district_id text NOT NULL DEFAULT current_setting('gradesync.district'),
    id uuid NOT NULL,
    status text NOT NULL,
    sections text[],
    requested_by text NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    finished_at timestamptz,
    settles_by timestamptz NOT NULL,
    done integer NOT NULL DEFAULT 0,
    total integer NOT NULL,
    found integer NOT NULL DEFAULT 0,
    reasons jsonb NOT NULL DEFAULT '{}',
    error_code text,
    error_detail text NOT NULL DEFAULT '',
    read_through text NOT NULL DEFAULT '',
    tries integer NOT NULL DEFAULT 0,
    lease_token uuid,
    lease_until timestamptz,
    not_before timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (district_id, id)
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX preflight_one_per_district ON preflight (district_id) WHERE status = 'processing';

CREATE TABLE preflight_finding (
    district_id text NOT NULL DEFAULT current_setting('gradesync.district'),
    preflight_id uuid NOT NULL,
    number integer NOT NULL,
    section_id text NOT NULL,
    section_code text NOT NULL,
    assignment_id text NOT NULL,
    title text NOT NULL,
    student_id text NOT NULL,
    result text NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (district_id, preflight_id, number)
)
"""

GRANTS = {
    "webhook": "SELECT, INSERT, UPDATE, DELETE",
    "delivery": "SELECT, INSERT, UPDATE, DELETE",
    "preflight": "SELECT, INSERT, UPDATE, DELETE",
    "preflight_finding": "SELECT, INSERT, DELETE",
}

SECURITY = """
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
CREATE POLICY one_district ON {table} TO {app}
    USING (district_id = current_setting('gradesync.district', true))
    WITH CHECK (district_id = current_setting('gradesync.district', true));
CREATE POLICY owner ON {table} TO CURRENT_USER USING (true) WITH CHECK (true);
GRANT {grants} ON {table} TO {app}
"""

DOORS = {
    "tenantless_deliveries()": """
        RETURNS TABLE (district_id text) LANGUAGE sql STABLE
        AS $$
            SELECT district_id FROM delivery
            WHERE status = 'pending' AND not_before <= statement_timestamp()
            GROUP BY district_id ORDER BY min(not_before)
        $$
    """,
    "tenantless_preflights()": """
        RETURNS TABLE (district_id text) LANGUAGE sql STABLE
        AS $$
            SELECT district_id FROM preflight
            WHERE status = 'processing' AND not_before <= statement_timestamp()
              AND (lease_token IS NULL OR lease_until <= statement_timestamp())
            ORDER BY not_before
        $$
    """,
}


def upgrade() -> None:
    app = op.get_bind().dialect.identifier_preparer.quote(context.config.attributes["app_role"])
    _execute(TABLES)
    op.execute("ALTER TABLE district ADD COLUMN category_titles jsonb NOT NULL DEFAULT '{}'")
    for table, grants in GRANTS.items():
        _execute(SECURITY.format(table=table, grants=grants, app=app))
    for signature, body in DOORS.items():
        op.execute(f"CREATE FUNCTION {signature} {body} SECURITY DEFINER SET search_path = public, pg_temp")
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO {app}")


def downgrade() -> None:
    for signature in DOORS:
        op.execute(f"DROP FUNCTION {signature}")
    op.execute("ALTER TABLE district DROP COLUMN category_titles")
    for table in GRANTS:
        op.execute(f"DROP TABLE {table}")


def _execute(statements: str) -> None:
    for statement in statements.split(";\n"):
        op.execute(statement)
