"""Add invitations: links that let a person set up one district, each once."""

from alembic import context, op

revision = "0017"
down_revision = "0016"

TABLE = """
    CREATE TABLE invitation (
        district_id text NOT NULL DEFAULT current_setting('gradesync.district'),
        hash bytea NOT NULL,
        name text NOT NULL,
        expires_at timestamptz NOT NULL,
        session_hash bytea,
        PRIMARY KEY (district_id, hash)
    )
"""
THIS = "district_id = current_setting('gradesync.district', true)"


def upgrade() -> None:
    app = op.get_bind().dialect.identifier_preparer.quote(context.config.attributes["app_role"])
    op.execute(TABLE)
    op.execute("ALTER TABLE invitation ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE invitation FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY one_district ON invitation TO {app} USING ({THIS}) WITH CHECK ({THIS})")
    op.execute("CREATE POLICY owner ON invitation TO CURRENT_USER USING (true) WITH CHECK (true)")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON invitation TO {app}")


def downgrade() -> None:
    op.execute("DROP TABLE invitation")
