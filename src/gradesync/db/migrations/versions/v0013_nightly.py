"""Add the list of districts that compare every section each night; let a paused district compare nothing."""

from alembic import context, op

revision = "0013"
down_revision = "0012"

WAITING = """
CREATE OR REPLACE FUNCTION tenantless_comparison_districts()
RETURNS TABLE (district_id text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    SELECT c.district_id FROM comparison c
    WHERE c.status = 'processing' AND c.not_before <= statement_timestamp()
      AND (c.lease_token IS NULL OR c.lease_until <= statement_timestamp())
      {unless_paused}
    GROUP BY c.district_id ORDER BY min(c.not_before)
$$
"""
UNLESS_PAUSED = "AND NOT EXISTS (SELECT FROM pause p WHERE p.district_id = {id} AND p.level = 'district')"
NIGHTLY = f"""
CREATE FUNCTION tenantless_nightly_districts()
RETURNS TABLE (district_id text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    SELECT d.id FROM district d
    WHERE d.config -> 'policy' ->> 'compare_nightly' = 'true' {UNLESS_PAUSED.format(id="d.id")}
    ORDER BY d.id
$$
"""  # noqa: S608 - our own text


def upgrade() -> None:
    app = op.get_bind().dialect.identifier_preparer.quote(context.config.attributes["app_role"])
    op.execute(WAITING.format(unless_paused=UNLESS_PAUSED.format(id="c.district_id")))
    op.execute(NIGHTLY)
    op.execute("REVOKE ALL ON FUNCTION tenantless_nightly_districts FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION tenantless_nightly_districts TO {app}")


def downgrade() -> None:
    op.execute("DROP FUNCTION tenantless_nightly_districts")
    op.execute(WAITING.format(unless_paused=""))
