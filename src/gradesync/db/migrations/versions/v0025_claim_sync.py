"""Take the lock of claims in the statement that claims: a busy worker keeps it for less time."""

from alembic import context, op

revision = "0025"
down_revision = "0024"

# It runs with the rights of its caller. After the lock each statement sees what others have committed. The
# time of the statement that calls it is of before the lock.
FUNCTION = """
    CREATE FUNCTION claim_sync(
        claims text, token uuid, lease interval, takeover interval, per_district integer
    )
    RETURNS SETOF sync
    LANGUAGE plpgsql VOLATILE
    AS $$
    DECLARE
        moment timestamptz;
        claimed sync;
    BEGIN
        PERFORM pg_advisory_xact_lock(hashtext(claims), hashtext(current_setting('gradesync.district')));
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
            WHERE (SELECT count(*) FROM sync s WHERE s.status = 'processing' AND s.lease_token IS NOT NULL
                    AND s.lease_until > moment - takeover) < per_district)
        RETURNING * INTO claimed;
        IF NOT FOUND THEN
            RETURN;
        END IF;
        INSERT INTO turn (served_at, waiting) SELECT moment, (
            SELECT s.id FROM sync s WHERE s.status = 'processing' AND s.lease_token IS NULL
            ORDER BY s.not_before LIMIT 1
        ) IS NOT NULL
        ON CONFLICT (district_id) DO UPDATE SET served_at = excluded.served_at, waiting = excluded.waiting;
        RETURN NEXT claimed;
    END
    $$
"""


def upgrade() -> None:
    app = op.get_bind().dialect.identifier_preparer.quote(context.config.attributes["app_role"])
    op.execute(FUNCTION)
    op.execute("REVOKE ALL ON FUNCTION claim_sync FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION claim_sync TO {app}")


def downgrade() -> None:
    op.execute("DROP FUNCTION claim_sync")
