"""Create the tables, state who may do what with them, and limit each transaction to one district's rows.

The application's role owns nothing. A transaction sees the rows of the district that it has set, and
without one none. The few functions named `tenantless_…` return what must be known before the district is.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from alembic import context, op

revision = "0001"
down_revision = None

TABLES = Path(__file__).with_name("v0001_tables.sql")
FUNCTIONS = Path(__file__).with_name("v0001_functions.sql")

# What the application may do with each table that has a column for the district.
GRANTS = {
    "district": "SELECT, INSERT, UPDATE",
    "turn": "SELECT, INSERT, UPDATE",
    "client": "SELECT, INSERT, UPDATE",
    "section_link": "SELECT, INSERT, UPDATE",
    "category_pair": "SELECT, INSERT, UPDATE, DELETE",
    "ledger": "SELECT, INSERT, UPDATE",
    "section_cursor": "SELECT, INSERT, UPDATE",
    "sync": "SELECT, INSERT, UPDATE, DELETE",
    "outcome": "SELECT, INSERT, UPDATE, DELETE",
    "used_token": "SELECT, INSERT, DELETE",
    "idempotency": "SELECT, INSERT, DELETE",
    "audit": "SELECT, INSERT",
    "webhook": "SELECT, INSERT, UPDATE, DELETE",
    "delivery": "SELECT, INSERT, UPDATE, DELETE",
    "preflight": "SELECT, INSERT, UPDATE, DELETE",
    "preflight_finding": "SELECT, INSERT, DELETE",
}

# The owner's own policy lets the functions see all districts; row-level security is forced on it too.
SECURITY = """
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
CREATE POLICY one_district ON {table} TO {app}
    USING ({column} = current_setting('gradesync.district', true))
    WITH CHECK ({column} = current_setting('gradesync.district', true));
CREATE POLICY owner ON {table} TO CURRENT_USER USING (true) WITH CHECK (true);
GRANT {grants} ON {table} TO {app};
"""


def upgrade() -> None:
    app = _app_role()
    _execute(TABLES.read_text())
    for table, grants in GRANTS.items():
        column = "id" if table == "district" else "district_id"
        _execute(SECURITY.format(table=table, column=column, grants=grants, app=app))
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON tool_key TO {app}")
    _execute(FUNCTIONS.read_text())
    for function in _created("FUNCTION", FUNCTIONS):
        op.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {function} TO {app}")
    op.execute(f"GRANT SELECT ON alembic_version TO {app}")


def downgrade() -> None:
    for function in _created("FUNCTION", FUNCTIONS):
        op.execute(f"DROP FUNCTION {function}")
    for table in _created("TABLE", TABLES):
        op.execute(f"DROP TABLE {table}")
    op.execute(f"REVOKE ALL ON alembic_version FROM {_app_role()}")


def _app_role() -> str:
    """Return the name of the application's role, quoted."""
    return op.get_bind().dialect.identifier_preparer.quote(context.config.attributes["app_role"])


def _execute(statements: str) -> None:
    """Execute statements one by one: the driver takes no more at once."""
    for statement in statements.split(";\n"):
        if statement.strip():
            op.execute(statement)


def _created(kind: str, file: Path) -> Iterator[str]:
    """Yield the name of each table or function that a file creates."""
    return (found[1] for found in re.finditer(rf"^CREATE {kind} (\w+)", file.read_text(), re.MULTILINE))
