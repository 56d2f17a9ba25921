-- What the application must know before a district is known. Each function runs as the owner, who sees all
-- districts; the name of each is what it returns.

CREATE FUNCTION tenantless_districts()
RETURNS TABLE (id text, name text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$ SELECT id, config ->> 'name' FROM district ORDER BY id $$;

CREATE FUNCTION tenantless_client(wanted text)
RETURNS TABLE (district_id text, secret_hash bytea, scopes text[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$ SELECT district_id, secret_hash, scopes FROM client WHERE id = wanted AND revoked_at IS NULL $$;

-- Districts with a sync that can be claimed now: queued and due, or left by a worker long enough ago. Steps from
-- district to district through the index, however many syncs each of them has.
CREATE FUNCTION tenantless_claimable_districts(takeover interval, older_than interval)
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
          AND lease_until <= statement_timestamp() - takeover
    )
    SELECT w.district_id FROM waiting w LEFT JOIN turn t USING (district_id)
    ORDER BY t.served_at NULLS FIRST, w.district_id
$$;

CREATE FUNCTION tenantless_overdue_syncs()
RETURNS TABLE (district_id text, sync_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    SELECT district_id, id FROM sync
    WHERE status = 'processing' AND settles_by <= statement_timestamp() ORDER BY settles_by
$$;

-- Where a login goes next. A client id is one app of the platform, which many districts may have installed.
CREATE FUNCTION tenantless_lti_platforms(issuer text, client text, deployment text)
RETURNS TABLE (client_id text, authorization_url text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    SELECT DISTINCT config #>> '{lti,client_id}', config #>> '{lti,authorization_url}'
    FROM district
    WHERE config #>> '{lti,issuer}' = issuer
      AND (client IS NULL OR config #>> '{lti,client_id}' = client)
      AND (deployment IS NULL OR config #>> '{lti,deployment_id}' = deployment)
    LIMIT 2
$$;

CREATE FUNCTION tenantless_lti_district(issuer text, client text, deployment text)
RETURNS TABLE (district_id text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    SELECT id FROM district
    WHERE config #>> '{lti,issuer}' = issuer
      AND config #>> '{lti,client_id}' = client
      AND config #>> '{lti,deployment_id}' = deployment
$$;

CREATE FUNCTION tenantless_lti11_district(key text)
RETURNS TABLE (district_id text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$ SELECT id FROM district WHERE config #>> '{lti11,consumer_key}' = key $$;

CREATE FUNCTION tenantless_delivery_districts()
RETURNS TABLE (district_id text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    SELECT district_id FROM delivery
    WHERE status = 'pending' AND not_before <= statement_timestamp()
    GROUP BY district_id ORDER BY min(not_before)
$$;

CREATE FUNCTION tenantless_preflight_districts()
RETURNS TABLE (district_id text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    SELECT district_id FROM preflight
    WHERE status = 'processing' AND not_before <= statement_timestamp()
      AND (lease_token IS NULL OR lease_until <= statement_timestamp())
    ORDER BY not_before
$$;

-- The queue of all districts. Held: what no further worker would help.
CREATE FUNCTION tenantless_queue_depths(takeover interval, per_district bigint, skipped_districts text[])
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
    ), leased AS (
        SELECT s.district_id, count(*) AS syncs FROM sync s
        WHERE s.status = 'processing' AND s.lease_token IS NOT NULL
          AND s.lease_until > statement_timestamp() - takeover
        GROUP BY s.district_id
    ), classed AS (
        SELECT w.since, w.since > statement_timestamp() OR l.syncs >= per_district
                        OR w.district_id = ANY (skipped_districts) AS throttled
        FROM waiting w LEFT JOIN leased l USING (district_id)
    )
    SELECT CASE WHEN throttled THEN 'throttled' ELSE 'ready' END, count(*),
           greatest(0, extract(epoch FROM statement_timestamp() - min(since)))
    FROM classed GROUP BY 1
$$;
