-- The functions of the queue, which leave out what is paused. A paused sync in the queue has a `not_before` in a
-- year that no worker sees; one whose worker is gone is known by its column.

CREATE OR REPLACE FUNCTION tenantless_claimable_districts(takeover interval, older_than interval)
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
    ), waiting AS (
        SELECT q.district_id FROM queued q
        WHERE (SELECT min(s.not_before) FROM sync s WHERE s.district_id = q.district_id
               AND status = 'processing' AND lease_token IS NULL) <= statement_timestamp() - older_than
        UNION
        SELECT s.district_id FROM sync s
        WHERE status = 'processing' AND lease_token IS NOT NULL
          AND lease_until <= statement_timestamp() - takeover AND paused_at IS NULL
    )
    SELECT w.district_id FROM waiting w LEFT JOIN turn t USING (district_id)
    ORDER BY t.served_at NULLS FIRST, w.district_id
$$;

CREATE OR REPLACE FUNCTION tenantless_overdue_syncs()
RETURNS TABLE (district_id text, sync_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    SELECT district_id, id FROM sync
    WHERE status = 'processing' AND settles_by <= statement_timestamp() AND paused_at IS NULL
    ORDER BY settles_by
$$;

-- A paused district makes no report either: nothing of it works.
CREATE OR REPLACE FUNCTION tenantless_preflight_districts()
RETURNS TABLE (district_id text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    SELECT district_id FROM preflight f
    WHERE status = 'processing' AND not_before <= statement_timestamp()
      AND (lease_token IS NULL OR lease_until <= statement_timestamp())
      AND NOT EXISTS (SELECT FROM pause p WHERE p.district_id = f.district_id AND p.level = 'district')
    ORDER BY not_before
$$;

-- The queue of all districts. Throttled: what no further worker would help. Paused: what waits for a person.
CREATE OR REPLACE FUNCTION tenantless_queue_depths(
    takeover interval, per_district bigint, skipped_districts text[]
)
RETURNS TABLE (class text, syncs bigint, oldest double precision)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    WITH waiting AS (
        SELECT s.district_id, coalesce(s.paused_at, s.not_before) AS since, s.paused_at FROM sync s
        WHERE s.status = 'processing' AND s.lease_token IS NULL
        UNION ALL
        SELECT s.district_id, coalesce(s.paused_at, s.lease_until + takeover), s.paused_at FROM sync s
        WHERE s.status = 'processing' AND s.lease_token IS NOT NULL
          AND s.lease_until <= statement_timestamp() - takeover
    ), leased AS (
        SELECT s.district_id, count(*) AS syncs FROM sync s
        WHERE s.status = 'processing' AND s.lease_token IS NOT NULL
          AND s.lease_until > statement_timestamp() - takeover
        GROUP BY s.district_id
    ), classed AS (
        SELECT w.since, CASE
            WHEN w.paused_at IS NOT NULL THEN 'paused'
            WHEN w.since > statement_timestamp() OR l.syncs >= per_district
                 OR w.district_id = ANY (skipped_districts) THEN 'throttled'
            ELSE 'ready' END AS class
        FROM waiting w LEFT JOIN leased l USING (district_id)
    )
    SELECT class, count(*), greatest(0, extract(epoch FROM statement_timestamp() - min(since)))
    FROM classed GROUP BY 1
$$;
