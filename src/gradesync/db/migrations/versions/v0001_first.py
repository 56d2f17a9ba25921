"""The tables, who may do what with them, and the rows that each may see.

The application's role owns nothing. A transaction sees the rows of the district that it has set, and
without one none; what must be known before the district is answered by the few functions named `door_…`.
"""

from alembic import context, op

revision = "0001"
down_revision = None

TABLES = """
CREATE TABLE district (
    id text PRIMARY KEY CONSTRAINT district_id_given CHECK (id <> ''),
    config jsonb NOT NULL,
    secrets jsonb NOT NULL,
    facts jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE turn (
    district_id text PRIMARY KEY DEFAULT current_setting('gradesync.district'),
    served_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);

CREATE TABLE client (
    id text PRIMARY KEY,
    district_id text NOT NULL DEFAULT current_setting('gradesync.district'),
    secret_hash bytea NOT NULL,
    scopes text[] NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz
);

CREATE TABLE section_link (
    district_id text NOT NULL DEFAULT current_setting('gradesync.district'),
    section_id text NOT NULL,
    title text NOT NULL,
    code text,
    sis_key text,
    sis jsonb,
    teacher text,
    chosen boolean NOT NULL,
    students jsonb NOT NULL DEFAULT '{}',
    sis_categories jsonb NOT NULL DEFAULT '[]',
    categories_read_at timestamptz,
    last_full_read timestamptz,
    rules_hash text NOT NULL,
    PRIMARY KEY (district_id, section_id)
);
CREATE UNIQUE INDEX section_link_sis ON section_link (district_id, sis_key) WHERE sis_key IS NOT NULL;

CREATE TABLE category_pair (
    district_id text NOT NULL DEFAULT current_setting('gradesync.district'),
    section_id text NOT NULL,
    category_id text NOT NULL,
    ref_key text NOT NULL,
    ref_value jsonb NOT NULL DEFAULT '{}',
    sis_title text NOT NULL,
    chosen boolean NOT NULL,
    PRIMARY KEY (district_id, section_id, category_id)
);

-- No index on what a sync changes, and room in each page: updates stay in their page.
CREATE TABLE ledger (
    district_id text NOT NULL DEFAULT current_setting('gradesync.district'),
    section_id text NOT NULL,
    assignment_id text NOT NULL,
    ref_key text,
    ref_value text,
    spec text,
    sent bytea,
    owed text,
    doubtful text,
    intent text,
    problem text,
    opted_out boolean NOT NULL,
    may_hold boolean NOT NULL,
    PRIMARY KEY (district_id, section_id, assignment_id)
) WITH (fillfactor = 75);
CREATE UNIQUE INDEX ledger_ref ON ledger (district_id, ref_key) WHERE ref_key IS NOT NULL;

CREATE TABLE section_cursor (
    district_id text NOT NULL DEFAULT current_setting('gradesync.district'),
    section_id text NOT NULL,
    read_through jsonb NOT NULL,
    PRIMARY KEY (district_id, section_id)
) WITH (fillfactor = 70);

CREATE TABLE sync (
    district_id text NOT NULL DEFAULT current_setting('gradesync.district'),
    id uuid NOT NULL,
    section_id text NOT NULL,
    status text NOT NULL,
    stage text NOT NULL,
    applied text NOT NULL,
    mode text NOT NULL,
    dry_run boolean NOT NULL,
    selection jsonb,
    retry_of uuid,
    approve text,
    requested_by_kind text NOT NULL,
    requested_by_id text NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    finished_at timestamptz,
    settles_by timestamptz NOT NULL,
    done integer NOT NULL DEFAULT 0,
    total integer,
    assignments jsonb NOT NULL DEFAULT '{}',
    scores jsonb NOT NULL DEFAULT '{}',
    warnings jsonb NOT NULL DEFAULT '{}',
    fingerprint text,
    guard jsonb,
    error_code text,
    error_detail text NOT NULL DEFAULT '',
    lease_token uuid,
    lease_until timestamptz,
    attempt integer NOT NULL DEFAULT 0,
    not_before timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (district_id, id)
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX sync_one_per_section ON sync (district_id, section_id)
    WHERE status = 'processing' AND NOT dry_run;
CREATE INDEX sync_queued ON sync (district_id, not_before)
    WHERE status = 'processing' AND lease_token IS NULL;
CREATE INDEX sync_leased ON sync (district_id)
    WHERE status = 'processing' AND lease_token IS NOT NULL;
CREATE INDEX sync_due ON sync (settles_by) WHERE status = 'processing';
CREATE INDEX sync_log ON sync (district_id, section_id, dry_run, id);

CREATE TABLE outcome (
    district_id text NOT NULL DEFAULT current_setting('gradesync.district'),
    sync_id uuid NOT NULL,
    assignment_length smallint NOT NULL GENERATED ALWAYS AS (length(assignment_id)) STORED,
    student_length smallint NOT NULL GENERATED ALWAYS AS (length(student_id)) STORED,
    assignment_id text COLLATE "C" NOT NULL,
    student_id text COLLATE "C" NOT NULL,
    title text,
    result text NOT NULL,
    reason text,
    warnings text[],
    before text,
    after text,
    PRIMARY KEY (district_id, sync_id, assignment_length, assignment_id, student_length, student_id)
);

CREATE TABLE used_token (
    district_id text NOT NULL DEFAULT current_setting('gradesync.district'),
    hash bytea NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (district_id, hash)
);

CREATE TABLE idempotency (
    district_id text NOT NULL DEFAULT current_setting('gradesync.district'),
    subject text NOT NULL,
    section_id text NOT NULL,
    key text NOT NULL,
    request_hash text NOT NULL,
    response jsonb NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (district_id, subject, section_id, key)
);

CREATE TABLE audit (
    district_id text NOT NULL DEFAULT current_setting('gradesync.district'),
    seq bigint NOT NULL,
    at timestamptz NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    objects text NOT NULL,
    source_ip text,
    hash bytea NOT NULL,
    PRIMARY KEY (district_id, seq)
)
"""

# What the application may do with each table, and the column that holds the district.
GRANTS = {
    "district": "SELECT, INSERT, UPDATE",
    "turn": "SELECT, INSERT, UPDATE",
    "client": "SELECT, INSERT, UPDATE",
    "section_link": "SELECT, INSERT, UPDATE",
    "category_pair": "SELECT, INSERT, UPDATE, DELETE",
    "ledger": "SELECT, INSERT, UPDATE",
    "section_cursor": "SELECT, INSERT, UPDATE",
    "sync": "SELECT, INSERT, UPDATE",
    "outcome": "SELECT, INSERT, UPDATE, DELETE",
    "used_token": "SELECT, INSERT, DELETE",
    "idempotency": "SELECT, INSERT, DELETE",
    "audit": "SELECT, INSERT",
}

# The owner's own policy lets the functions below see all districts; row-level security is forced on it too.
SECURITY = """
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
CREATE POLICY one_district ON {table} TO {app}
    USING ({column} = current_setting('gradesync.district', true))
    WITH CHECK ({column} = current_setting('gradesync.district', true));
CREATE POLICY owner ON {table} TO CURRENT_USER USING (true) WITH CHECK (true);
GRANT {grants} ON {table} TO {app}
"""

# Syncs that can be claimed now: queued and their time has come, or left by a worker long enough ago.
DOORS = {
    "tenantless_districts()": """
        RETURNS TABLE (id text, name text) LANGUAGE sql STABLE
        AS $$ SELECT id, config ->> 'name' FROM district ORDER BY id $$
    """,
    "tenantless_client(wanted text)": """
        RETURNS TABLE (district_id text, secret_hash bytea, scopes text[]) LANGUAGE sql STABLE
        AS $$ SELECT district_id, secret_hash, scopes FROM client WHERE id = wanted AND revoked_at IS NULL $$
    """,
    # Steps from district to district through the index, however many syncs each of them has.
    "tenantless_waiting(takeover interval, unrung interval)": """
        RETURNS TABLE (district_id text) LANGUAGE sql STABLE
        AS $$
            WITH RECURSIVE queued AS (
                (SELECT s.district_id FROM sync s WHERE status = 'processing' AND lease_token IS NULL
                 ORDER BY s.district_id LIMIT 1)
                UNION ALL
                SELECT (SELECT s.district_id FROM sync s WHERE status = 'processing' AND lease_token IS NULL
                        AND s.district_id > queued.district_id ORDER BY s.district_id LIMIT 1)
                FROM queued WHERE queued.district_id IS NOT NULL
            ), waiting AS (
                SELECT q.district_id FROM queued q
                WHERE (SELECT min(s.not_before) FROM sync s WHERE s.district_id = q.district_id
                       AND status = 'processing' AND lease_token IS NULL) <= statement_timestamp() - unrung
                UNION
                SELECT s.district_id FROM sync s
                WHERE status = 'processing' AND lease_token IS NOT NULL
                  AND lease_until <= statement_timestamp() - takeover
            )
            SELECT w.district_id FROM waiting w LEFT JOIN turn t USING (district_id)
            ORDER BY t.served_at NULLS FIRST, w.district_id
        $$
    """,
    "tenantless_overdue()": """
        RETURNS TABLE (district_id text, sync_id uuid) LANGUAGE sql STABLE
        AS $$
            SELECT district_id, id FROM sync
            WHERE status = 'processing' AND settles_by <= statement_timestamp() ORDER BY settles_by
        $$
    """,
}


def upgrade() -> None:
    app = _app_role()
    _execute(TABLES)
    for table, grants in GRANTS.items():
        column = "id" if table == "district" else "district_id"
        _execute(SECURITY.format(table=table, column=column, grants=grants, app=app))
    for signature, body in DOORS.items():
        op.execute(f"CREATE FUNCTION {signature} {body} SECURITY DEFINER SET search_path = public, pg_temp")
        arguments = signature.replace("wanted ", "").replace("takeover ", "").replace("unrung ", "")
        op.execute(f"REVOKE ALL ON FUNCTION {arguments} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {arguments} TO {app}")
    op.execute(f"GRANT SELECT ON alembic_version TO {app}")


def downgrade() -> None:
    for signature in DOORS:
        op.execute(f"DROP FUNCTION {signature}")
    for table in GRANTS:
        op.execute(f"DROP TABLE {table}")
    op.execute(f"REVOKE ALL ON alembic_version FROM {_app_role()}")


def _app_role() -> str:
    """The name of the application's role, quoted."""
    return op.get_bind().dialect.identifier_preparer.quote(context.config.attributes["app_role"])


def _execute(statements: str) -> None:
    for statement in statements.split(";\n"):
        op.execute(statement)
