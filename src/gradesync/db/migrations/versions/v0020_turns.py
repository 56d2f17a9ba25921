"""Mark the districts that have queued syncs, so that a claim reads the first of them alone.

A mark is written under the lock of claims. One that is wrong, as an earlier release leaves it, is
corrected by the next sweep. That release reads its own function, which stays.
"""

from alembic import context, op

revision = "0020"
down_revision = "0019"

STATEMENTS = (
    "ALTER TABLE turn ADD COLUMN waiting boolean NOT NULL DEFAULT false",
    """
    INSERT INTO turn (district_id, served_at, waiting)
    SELECT DISTINCT district_id, CAST('epoch' AS timestamptz), true FROM sync
    WHERE status = 'processing' AND lease_token IS NULL
    ON CONFLICT (district_id) DO UPDATE SET waiting = true
    """,
    # The table has a row for each district.
    """
    -- squawk-ignore require-concurrent-index-creation
    CREATE INDEX turn_waiting ON turn (served_at, district_id) WHERE waiting
    """,
    # A page of the districts with a sync to claim, the one that was served longest ago first, after one of
    # them. Queued and due, or left by a worker long enough ago: of those there are as many as run at most.
    """
    CREATE FUNCTION tenantless_waiting_districts(
        takeover interval, after_served timestamptz, after_district text, at_most integer
    )
    RETURNS TABLE (district_id text, served_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
        (SELECT t.district_id, t.served_at FROM turn t
         WHERE t.waiting AND (t.served_at, t.district_id) > (after_served, after_district)
           AND (SELECT min(s.not_before) FROM sync s WHERE s.district_id = t.district_id
                AND status = 'processing' AND lease_token IS NULL) <= statement_timestamp()
         ORDER BY t.served_at, t.district_id LIMIT at_most)
        UNION
        SELECT s.district_id, coalesce(t.served_at, 'epoch') FROM sync s LEFT JOIN turn t USING (district_id)
        WHERE status = 'processing' AND lease_token IS NOT NULL
          AND lease_until <= statement_timestamp() - takeover AND paused_at IS NULL
          AND (coalesce(t.served_at, 'epoch'), s.district_id) > (after_served, after_district)
        ORDER BY 2, 1 LIMIT at_most
    $$
    """,
    # Districts whose mark differs from the queue. Steps from district to district through the index.
    """
    CREATE FUNCTION tenantless_wrong_turns()
    RETURNS TABLE (district_id text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
        WITH RECURSIVE queued AS (
            (SELECT s.district_id FROM sync s WHERE status = 'processing' AND lease_token IS NULL
             ORDER BY s.district_id LIMIT 1)
            UNION ALL
            SELECT (SELECT s.district_id FROM sync s WHERE status = 'processing' AND lease_token IS NULL
                    AND s.district_id > queued.district_id ORDER BY s.district_id LIMIT 1)
            FROM queued WHERE queued.district_id IS NOT NULL
        )
        SELECT coalesce(q.district_id, t.district_id)
        FROM (SELECT * FROM queued WHERE queued.district_id IS NOT NULL) q
        FULL JOIN (SELECT * FROM turn WHERE waiting) t ON t.district_id = q.district_id
        WHERE q.district_id IS NULL OR t.district_id IS NULL
    $$
    """,
)
FUNCTIONS = ("tenantless_waiting_districts", "tenantless_wrong_turns")


def upgrade() -> None:
    app = op.get_bind().dialect.identifier_preparer.quote(context.config.attributes["app_role"])
    for statement in STATEMENTS:
        op.execute(statement)
    for function in FUNCTIONS:
        op.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {function} TO {app}")


def downgrade() -> None:
    for function in FUNCTIONS:
        op.execute(f"DROP FUNCTION {function}")
    op.execute("ALTER TABLE turn DROP COLUMN waiting")
