"""The application may delete syncs: those that the log no longer shows."""

from alembic import context, op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.execute(f"GRANT DELETE ON sync TO {_app_role()}")


def downgrade() -> None:
    op.execute(f"REVOKE DELETE ON sync FROM {_app_role()}")


def _app_role() -> str:
    return op.get_bind().dialect.identifier_preparer.quote(context.config.attributes["app_role"])
