"""What operators see: the queue of all districts in two numbers a class, and the trace that a sync is of."""

from alembic import context, op

revision = "0004"
down_revision = "0003"

# Held: what no further worker would help. `skipped_districts` are districts that workers may not serve just now.
QUEUE = """
CREATE FUNCTION tenantless_queue(takeover interval, per_district bigint, skipped_districts text[])
RETURNS TABLE (class text, syncs bigint, oldest double precision)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    WITH waiting AS (
        SELECT s.district_id, s.not_before AS since FROM sync s
        WHERE s.status = 'processing' AND s.lease_token IS NULL
        UNION ALL
        SELECT s.district_id, s.lease_until + takeover FROM sync s
        WHERE s.status = 'processing' AND s.lease_token IS NOT NULL
          AND s.lease_until <= statement_timestamp() - takeover
    ), carried AS (
        SELECT s.district_id, count(*) AS syncs FROM sync s
        WHERE s.status = 'processing' AND s.lease_token IS NOT NULL
          AND s.lease_until > statement_timestamp() - takeover
        GROUP BY s.district_id
    ), classed AS (
        SELECT w.since, w.since > statement_timestamp() OR c.syncs >= per_district
                        OR w.district_id = ANY (skipped_districts) AS held
        FROM waiting w LEFT JOIN carried c USING (district_id)
    )
    SELECT CASE WHEN held THEN 'held' ELSE 'ready' END, count(*),
           greatest(0, extract(epoch FROM statement_timestamp() - min(since)))
    FROM classed GROUP BY 1
$$
"""
ARGUMENTS = "interval, bigint, text[]"


def upgrade() -> None:
    app = op.get_bind().dialect.identifier_preparer.quote(context.config.attributes["app_role"])
    op.execute("ALTER TABLE sync ADD COLUMN trace text")
    op.execute(QUEUE)
    op.execute(f"REVOKE ALL ON FUNCTION tenantless_queue({ARGUMENTS}) FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION tenantless_queue({ARGUMENTS}) TO {app}")


def downgrade() -> None:
    op.execute(f"DROP FUNCTION tenantless_queue({ARGUMENTS})")
    op.execute("ALTER TABLE sync DROP COLUMN trace")
