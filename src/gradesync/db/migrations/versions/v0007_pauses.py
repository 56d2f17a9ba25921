"""Add pauses, the school of a section, and what a pause holds.

A queued sync that is paused waits until a year that no worker sees, so that the queue's index stays as it is.
"""

from pathlib import Path

from alembic import context, op

revision = "0007"
down_revision = "0006"

TABLE = """
CREATE TABLE pause (
    district_id text NOT NULL DEFAULT current_setting('gradesync.district'),
    id uuid NOT NULL,
    level text NOT NULL,
    target text NOT NULL,
    reason text NOT NULL,
    paused_by text NOT NULL,
    paused_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (district_id, id)
);
CREATE UNIQUE INDEX pause_target ON pause (district_id, level, target);
ALTER TABLE pause ENABLE ROW LEVEL SECURITY;
ALTER TABLE pause FORCE ROW LEVEL SECURITY;
CREATE POLICY one_district ON pause TO {app}
    USING (district_id = current_setting('gradesync.district', true))
    WITH CHECK (district_id = current_setting('gradesync.district', true));
CREATE POLICY owner ON pause TO CURRENT_USER USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON pause TO {app};
ALTER TABLE sync ADD COLUMN paused_at timestamptz;
ALTER TABLE sync ADD COLUMN pause_reason text;
ALTER TABLE section_link ADD COLUMN school text;
"""
FUNCTIONS = Path(__file__).with_name("v0007_functions.sql")
FORMER_FUNCTIONS = Path(__file__).with_name("v0001_functions.sql")


def upgrade() -> None:
    app = op.get_bind().dialect.identifier_preparer.quote(context.config.attributes["app_role"])
    _execute(TABLE.format(app=app))
    _execute(FUNCTIONS.read_text())


def downgrade() -> None:
    _execute(FORMER_FUNCTIONS.read_text().replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))
    op.execute("ALTER TABLE sync DROP COLUMN paused_at, DROP COLUMN pause_reason")
    op.execute("ALTER TABLE section_link DROP COLUMN school")
    op.execute("DROP TABLE pause")


def _execute(statements: str) -> None:
    """Execute statements one by one: the driver takes no more at once."""
    for statement in statements.split(";\n"):
        if statement.strip():
            op.execute(statement)
