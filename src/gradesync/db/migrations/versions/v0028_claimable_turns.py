"""Find whose turn it is without a look at each district that waits: nearly all may be unable to start.

The release before reads its own function, `tenantless_waiting_districts`, which stays.
"""

from alembic import context, op

revision = "0028"
down_revision = "0027"

# Districts with a sync to claim after one of them, the first `at_most` in the order of service, and those
# with a sync that a worker left: of these there are as many as run at most, and they may come twice.
#
# Most looks find enough among the first marks. Where these lead to nothing, thousands may follow that lead to
# nothing: then the syncs that could start are fewer than the marks, and name their districts. Where they are
# many, the marks are read on.
FUNCTION = """
    CREATE FUNCTION tenantless_claimable_turns(
        takeover interval, per_district integer, after_served timestamptz, after_district text,
        at_most integer
    )
    RETURNS TABLE (district_id text, served_at timestamptz)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    SET jit = off SET lock_timeout = '12s'
    AS $$
    DECLARE
        moment CONSTANT timestamptz := statement_timestamp();
        few_ready CONSTANT integer := 2000;
        passes integer := 500;
        listed integer;
    BEGIN
        RETURN QUERY
        SELECT s.district_id, coalesce(t.served_at, 'epoch')
        FROM sync s LEFT JOIN turn t ON t.district_id = s.district_id
        WHERE s.status = 'processing' AND s.lease_token IS NOT NULL
          AND s.lease_until <= moment - takeover AND s.paused_at IS NULL
          AND (coalesce(t.served_at, 'epoch'), s.district_id) > (after_served, after_district)
          AND {has_room};
        LOOP
            RETURN QUERY
            SELECT t.district_id, t.served_at FROM (
                SELECT m.district_id, m.served_at FROM turn m
                WHERE m.waiting AND (m.served_at, m.district_id) > (after_served, after_district)
                ORDER BY m.served_at, m.district_id LIMIT passes
            ) t
            WHERE (SELECT min(q.not_before) FROM sync q WHERE q.district_id = t.district_id
                   AND q.status = 'processing' AND q.lease_token IS NULL) <= moment
              AND {t_has_room}
            LIMIT at_most;
            GET DIAGNOSTICS listed = ROW_COUNT;
            IF listed = at_most OR passes IS NULL THEN
                RETURN;
            END IF;
            at_most := at_most - listed;
            SELECT m.served_at, m.district_id INTO after_served, after_district FROM turn m
            WHERE m.waiting AND (m.served_at, m.district_id) > (after_served, after_district)
            ORDER BY m.served_at, m.district_id LIMIT 1 OFFSET passes - 1;
            IF NOT FOUND THEN
                RETURN;
            END IF;
            passes := NULL;
            PERFORM FROM sync q
            WHERE q.status = 'processing' AND q.lease_token IS NULL AND q.not_before <= moment
            ORDER BY q.not_before LIMIT 1 OFFSET few_ready;
            CONTINUE WHEN FOUND;
            -- Limits and OFFSET 0 keep the planner from any other order: it knows nothing of these numbers.
            RETURN QUERY
            SELECT t.district_id, t.served_at FROM (
                SELECT d.district_id, (SELECT m.served_at FROM turn m
                                       WHERE m.district_id = d.district_id AND m.waiting) AS served_at
                FROM (SELECT DISTINCT r.district_id FROM (
                    SELECT q.district_id FROM sync q
                    WHERE q.status = 'processing' AND q.lease_token IS NULL AND q.not_before <= moment
                    ORDER BY q.not_before LIMIT few_ready
                ) r) d
                ORDER BY 2, 1 OFFSET 0
            ) t
            WHERE (t.served_at, t.district_id) > (after_served, after_district) AND {t_has_room}
            LIMIT at_most;
            RETURN;
        END LOOP;
    END
    $$
"""
# As a claim counts the leases of a district.
HAS_ROOM = """(
    SELECT count(*) FROM sync l WHERE l.district_id = {}.district_id AND l.status = 'processing'
    AND l.lease_token IS NOT NULL AND l.lease_until > moment - takeover
) < per_district"""


def upgrade() -> None:
    app = op.get_bind().dialect.identifier_preparer.quote(context.config.attributes["app_role"])
    op.execute(FUNCTION.format(has_room=HAS_ROOM.format("s"), t_has_room=HAS_ROOM.format("t")))
    op.execute("REVOKE ALL ON FUNCTION tenantless_claimable_turns FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION tenantless_claimable_turns TO {app}")


def downgrade() -> None:
    op.execute("DROP FUNCTION tenantless_claimable_turns")
