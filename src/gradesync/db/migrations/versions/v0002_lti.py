"""Find a district by its LTI installation, and keep the key of our LTI tool."""

from alembic import context, op

revision = "0002"
down_revision = "0001"

# An installation belongs to one district: a launch must not be able to mean two.
INDEXES = {
    "district_lti": ("{lti,issuer}", "{lti,client_id}", "{lti,deployment_id}"),
    "district_lti11": ("{lti11,consumer_key}",),
}
FEW_ROWS = "-- squawk-ignore require-concurrent-index-creation"

TOOL_KEY = """
CREATE TABLE tool_key (
    id text PRIMARY KEY,
    sealed text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
)
"""

# Where a login goes next. A client id is one app of the platform, which many districts may have installed.
DOORS = {
    "tenantless_lti_login(issuer text, client text, deployment text)": """
        RETURNS TABLE (client_id text, authorization_url text) LANGUAGE sql STABLE
        AS $$
            SELECT DISTINCT config #>> '{lti,client_id}', config #>> '{lti,authorization_url}'
            FROM district
            WHERE config #>> '{lti,issuer}' = issuer
              AND (client IS NULL OR config #>> '{lti,client_id}' = client)
              AND (deployment IS NULL OR config #>> '{lti,deployment_id}' = deployment)
            LIMIT 2
        $$
    """,
    "tenantless_lti(issuer text, client text, deployment text)": """
        RETURNS TABLE (district_id text) LANGUAGE sql STABLE
        AS $$
            SELECT id FROM district
            WHERE config #>> '{lti,issuer}' = issuer
              AND config #>> '{lti,client_id}' = client
              AND config #>> '{lti,deployment_id}' = deployment
        $$
    """,
    "tenantless_lti11(key text)": """
        RETURNS TABLE (district_id text) LANGUAGE sql STABLE
        AS $$ SELECT id FROM district WHERE config #>> '{lti11,consumer_key}' = key $$
    """,
}


def upgrade() -> None:
    app = op.get_bind().dialect.identifier_preparer.quote(context.config.attributes["app_role"])
    for name, paths in INDEXES.items():
        columns = ", ".join(f"(config #>> '{path}')" for path in paths)
        op.execute(f"{FEW_ROWS}\nCREATE UNIQUE INDEX {name} ON district ({columns})")
    op.execute(TOOL_KEY)
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON tool_key TO {app}")
    for signature, body in DOORS.items():
        op.execute(f"CREATE FUNCTION {signature} {body} SECURITY DEFINER SET search_path = public, pg_temp")
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO {app}")


def downgrade() -> None:
    for signature in DOORS:
        op.execute(f"DROP FUNCTION {signature}")
    op.execute("DROP TABLE tool_key")
    for name in INDEXES:
        op.execute(f"DROP INDEX {name}")
