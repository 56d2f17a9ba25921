"""Add what each section's last sync came to, from the syncs of before, and how that changes.

The reasons of syncs of before stay unknown until the next sync of their section.
"""

from alembic import context, op

revision = "0013"
down_revision = "0012"

TABLES = {
    "section_state": """
        section_id text NOT NULL,
        sync_id uuid NOT NULL,
        result text NOT NULL,
        reasons jsonb NOT NULL DEFAULT '{}',
        settled_at timestamptz NOT NULL DEFAULT now(),
        title text NOT NULL DEFAULT '',
        code text,
        school text,
        teachers jsonb NOT NULL DEFAULT '{}',
        term_first date,
        term_last date,
        categories jsonb NOT NULL DEFAULT '[]',
        PRIMARY KEY (district_id, section_id)
    """,
    "section_change": """
        sync_id uuid NOT NULL,
        section_id text NOT NULL,
        before text,
        after text NOT NULL,
        day date NOT NULL,
        PRIMARY KEY (district_id, sync_id)
    """,
}
THIS = "district_id = current_setting('gradesync.district', true)"
FILL = """
    INSERT INTO section_state (district_id, section_id, sync_id, result, settled_at, title, code, school,
                               term_first, term_last)
    SELECT DISTINCT ON (sync.district_id, sync.section_id)
           sync.district_id, sync.section_id, sync.id, sync.result, sync.finished_at,
           coalesce(link.title, ''), link.code, link.school,
           CAST(link.sis ->> 'term_first' AS date), CAST(link.sis ->> 'term_last' AS date)
    FROM sync LEFT JOIN section_link link USING (district_id, section_id)
    WHERE NOT sync.dry_run AND sync.result IS NOT NULL
        AND coalesce(jsonb_typeof(sync.selection), 'null') = 'null'
    ORDER BY sync.district_id, sync.section_id, sync.id DESC
"""


def upgrade() -> None:
    app = op.get_bind().dialect.identifier_preparer.quote(context.config.attributes["app_role"])
    for table, columns in TABLES.items():
        district = "district_id text NOT NULL DEFAULT current_setting('gradesync.district')"
        op.execute(f"CREATE TABLE {table} ({district}, {columns})")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY one_district ON {table} TO {app} USING ({THIS}) WITH CHECK ({THIS})")
        op.execute(f"CREATE POLICY owner ON {table} TO CURRENT_USER USING (true) WITH CHECK (true)")
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {app}")
    op.execute("CREATE INDEX section_change_day ON section_change (district_id, day, before, after)")
    op.execute(FILL)


def downgrade() -> None:
    for table in TABLES:
        op.execute(f"DROP TABLE {table}")
