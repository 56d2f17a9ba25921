"""Check that the application refuses to run as a role that could see more than a district."""

from asyncio import create_subprocess_exec
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from gradesync import embedded
from gradesync.db import migrate
from gradesync.db.codec import Secrets
from gradesync.db.session import Database, RoleRefused
from gradesync.embedded.locks import locked
from gradesync.embedded.programs import Programs
from gradesync.embedded.wheels import postgres_binaries
from harness.servers import Urls

ROLES = Path(__file__).parents[2] / "deploy" / "roles.sql"


async def _check(url: str) -> None:
    database = Database.open(url, Secrets(["k" * 32]), application_name="check", pool_size=1)
    try:
        await database.check_role()
    finally:
        await database.close()


async def test_application_role_is_accepted(servers: Urls) -> None:
    await _check(servers.database_url)


@pytest.mark.parametrize(
    ("make", "remove"),
    [
        ("SELECT lo_create(424242)", "SELECT lo_unlink(424242)"),
        (
            "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC",
            "ALTER DEFAULT PRIVILEGES REVOKE SELECT ON TABLES FROM PUBLIC",
        ),
    ],
)
async def test_role_cannot_lock_the_service_out(servers: Urls, make: str, remove: str) -> None:
    database = Database.open(servers.database_url, Secrets(["k" * 32]), application_name="check", pool_size=1)
    async with database.district("d-1") as db:
        await db.execute(text(make))
    try:
        await database.check_role()
    finally:
        async with database.district("d-1") as db:
            await db.execute(text(remove))
        await database.close()


async def test_owner_is_refused(servers: Urls) -> None:
    with pytest.raises(RoleRefused, match="owns objects"):
        await _check(servers.migrate_database_url)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ("ALTER ROLE gradesync_app SUPERUSER", "is a superuser"),
        ("ALTER ROLE gradesync_app BYPASSRLS", "bypasses row-level security"),
        ("GRANT gradesync_owner TO gradesync_app", "owns objects"),
    ],
)
async def test_role_with_too_many_rights_is_refused(tmp_path: Path, change: str, fault: str) -> None:
    embedded.start(tmp_path, durable=False).stop()
    _as_superuser(tmp_path, change)
    servers = embedded.start(tmp_path, durable=False)
    with pytest.raises(RoleRefused, match=fault):
        await _check(servers.database_url)
    servers.stop()


async def test_roles_file_creates_sufficient_roles(tmp_path: Path) -> None:
    embedded.start(tmp_path, durable=False).stop()
    _as_superuser(tmp_path, "DROP DATABASE gradesync", "DROP ROLE gradesync_owner", "DROP ROLE gradesync_app")
    (tmp_path / "postgres" / "pg_hba.conf").write_text("host all all 127.0.0.1/32 trust\n")
    servers = embedded.start(tmp_path, durable=False)
    address = ["-h", "127.0.0.1", "-p", str(make_url(servers.database_url).port), "-U", "postgres"]
    passwords = {"OWNER_PASSWORD": "an owner's", "APP_PASSWORD": "an application's"}
    psql = await create_subprocess_exec(
        postgres_binaries() / "psql", "-Xq", *address, "-f", ROLES, "postgres", env=passwords
    )
    assert await psql.wait() == 0
    await migrate.upgrade(servers.migrate_database_url, "gradesync_app")
    await _check(servers.database_url)
    servers.stop()


def _as_superuser(data: Path, *statements: str) -> None:
    """Run statements in single-user mode: the embedded PostgreSQL has no login for its superuser."""
    with locked(data / "servers.lock") as lock:
        command: list[str | Path] = [
            postgres_binaries() / "postgres",
            "--single",
            "-D",
            data / "postgres",
            "postgres",
        ]
        Programs(data, lock, durable=False).run(command, "".join(f"{line}\n" for line in statements))
