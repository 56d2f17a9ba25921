"""Let the statements that find, claim and load a sync name their district: each is one round trip.

Between a statement that names it and one that commits, a busy worker kept the lock of claims.
"""

from alembic import context, op

revision = "0026"
down_revision = "0025"

# All run with the rights of their caller, for which row-level security holds. What `enter_district` sets
# ends with the transaction.
FUNCTIONS = {
    "enter_district": """
        CREATE FUNCTION enter_district(entered text, lock_wait text) RETURNS void
        LANGUAGE plpgsql VOLATILE
        AS $$
        BEGIN
            PERFORM set_config('gradesync.district', entered, true),
                set_config('lock_timeout', lock_wait, true), set_config('jit', 'off', true);
        END
        $$
    """,
    # `copied_by`: who pauses a district that is only a copy.
    "find_room": """
        CREATE FUNCTION find_room(
            entered text, lock_wait text, copied_by text, takeover interval, per_district integer
        )
        RETURNS TABLE (id text, config text, secrets text, titles text, facts jsonb, has_room boolean)
        LANGUAGE plpgsql VOLATILE
        AS $$
        BEGIN
            PERFORM enter_district(entered, lock_wait);
            RETURN QUERY SELECT d.id, d.config::text, d.secrets::text, d.category_titles::text, d.facts, (
                SELECT count(*) FROM sync s WHERE s.status = 'processing' AND s.lease_token IS NOT NULL
                    AND s.lease_until > statement_timestamp() - takeover
            ) < per_district
            FROM district d WHERE NOT EXISTS (
                SELECT FROM pause p
                WHERE p.district_id = entered AND p.level = 'district' AND p.paused_by = copied_by);
        END
        $$
    """,
    # What `claim_sync` of the release before does. After the lock each statement sees what others have
    # committed; the time of the statement that calls it is of before the lock.
    "claim_next": """
        CREATE FUNCTION claim_next(
            entered text, lock_wait text, claims text, token uuid, lease interval, takeover interval,
            per_district integer
        )
        RETURNS SETOF sync
        LANGUAGE plpgsql VOLATILE
        AS $$
        DECLARE
            moment timestamptz;
            claimed sync;
        BEGIN
            PERFORM enter_district(entered, lock_wait);
            PERFORM pg_advisory_xact_lock(hashtext(claims), hashtext(entered));
            moment := clock_timestamp();
            UPDATE sync SET stage = 'reading', lease_token = token, lease_until = moment + lease,
                attempt = attempt + 1, started_at = coalesce(started_at, moment)
            WHERE sync.id = (
                SELECT coalesce(
                    (SELECT s.id FROM sync s WHERE s.status = 'processing' AND s.lease_token IS NOT NULL
                        AND s.lease_until <= moment - takeover AND s.paused_at IS NULL
                     ORDER BY s.lease_until LIMIT 1 FOR UPDATE SKIP LOCKED),
                    (SELECT s.id FROM sync s WHERE s.status = 'processing' AND s.lease_token IS NULL
                        AND s.not_before <= moment AND s.run_id IS NULL
                     ORDER BY s.not_before LIMIT 1 FOR UPDATE SKIP LOCKED),
                    (SELECT s.id FROM sync s WHERE s.status = 'processing' AND s.lease_token IS NULL
                        AND s.not_before <= moment
                     ORDER BY s.not_before LIMIT 1 FOR UPDATE SKIP LOCKED))
                WHERE (SELECT count(*) FROM sync s WHERE s.status = 'processing'
                        AND s.lease_token IS NOT NULL AND s.lease_until > moment - takeover) < per_district)
            RETURNING * INTO claimed;
            IF NOT FOUND THEN
                RETURN;
            END IF;
            INSERT INTO turn (served_at, waiting) SELECT moment, (
                SELECT s.id FROM sync s WHERE s.status = 'processing' AND s.lease_token IS NULL
                ORDER BY s.not_before LIMIT 1
            ) IS NOT NULL
            ON CONFLICT (district_id) DO UPDATE
                SET served_at = excluded.served_at, waiting = excluded.waiting;
            RETURN NEXT claimed;
        END
        $$
    """,
    # The first row has the link and the pairs of categories, each other one an entry of the ledger.
    "load_section": """
        CREATE FUNCTION load_section(entered text, lock_wait text, wanted text)
        RETURNS TABLE (link section_link, pairs jsonb, entry ledger, read_through text)
        LANGUAGE plpgsql VOLATILE
        AS $$
        BEGIN
            PERFORM enter_district(entered, lock_wait);
            RETURN QUERY SELECT
                (SELECT l FROM section_link l WHERE l.section_id = wanted),
                (SELECT jsonb_agg(jsonb_build_array(
                    p.category_id, p.ref_key, p.ref_value, p.sis_title, p.chosen))
                 FROM category_pair p WHERE p.section_id = wanted),
                NULL::ledger, NULL::text;
            RETURN QUERY SELECT NULL::section_link, NULL::jsonb, e, c.read_through ->> e.assignment_id
            FROM ledger e LEFT JOIN section_cursor c ON c.section_id = e.section_id
            WHERE e.section_id = wanted;
        END
        $$
    """,
}


def upgrade() -> None:
    app = op.get_bind().dialect.identifier_preparer.quote(context.config.attributes["app_role"])
    for name, function in FUNCTIONS.items():
        op.execute(function)
        op.execute(f"REVOKE ALL ON FUNCTION {name} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {name} TO {app}")
    op.execute("ALTER FUNCTION tenantless_waiting_districts SET jit = off")
    op.execute("ALTER FUNCTION tenantless_waiting_districts SET lock_timeout = '12s'")


def downgrade() -> None:
    op.execute("ALTER FUNCTION tenantless_waiting_districts RESET lock_timeout")
    op.execute("ALTER FUNCTION tenantless_waiting_districts RESET jit")
    for name in reversed(FUNCTIONS):
        op.execute(f"DROP FUNCTION {name}")
