"""Name clients, note their use, let an old secret live on for a while, and name a delivery's event."""

from alembic import context, op

revision = "0014"
down_revision = "0013"

STATEMENTS = """
ALTER TABLE client
    ADD COLUMN name text NOT NULL DEFAULT '',
    ADD COLUMN created_by text NOT NULL DEFAULT '',
    ADD COLUMN old_secret_hash bytea,
    ADD COLUMN old_until timestamptz,
    ADD COLUMN last_used_at timestamptz;
CREATE FUNCTION tenantless_client_secrets(wanted text)
RETURNS TABLE (district_id text, secret_hash bytea, scopes text[], old_secret_hash bytea, use_due boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    SELECT district_id, secret_hash, scopes,
           CASE WHEN old_until > statement_timestamp() THEN old_secret_hash END,
           last_used_at IS NULL OR last_used_at < statement_timestamp() - interval '1 hour'
    FROM client WHERE id = wanted AND revoked_at IS NULL
$$;
REVOKE ALL ON FUNCTION tenantless_client_secrets FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tenantless_client_secrets TO {app};
ALTER TABLE delivery
    ADD COLUMN event text NOT NULL DEFAULT 'sync.settled',
    ALTER COLUMN sync_id DROP NOT NULL;
"""


def upgrade() -> None:
    app = op.get_bind().dialect.identifier_preparer.quote(context.config.attributes["app_role"])
    for statement in STATEMENTS.format(app=app).split(";\n"):
        if statement.strip():
            op.execute(statement)


def downgrade() -> None:
    op.execute("DELETE FROM delivery WHERE sync_id IS NULL")
    op.execute("ALTER TABLE delivery DROP COLUMN event, ALTER COLUMN sync_id SET NOT NULL")
    op.execute("DROP FUNCTION tenantless_client_secrets(text)")
    op.execute("""
        ALTER TABLE client DROP COLUMN name, DROP COLUMN created_by, DROP COLUMN old_secret_hash,
            DROP COLUMN old_until, DROP COLUMN last_used_at
    """)
