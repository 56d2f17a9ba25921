"""Check the embedded servers: alike for root and others, ended with their last user, however that ends."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import asyncpg
import pytest
from redis.asyncio import Redis
from redis.exceptions import AuthenticationError

import gradesync
from gradesync import embedded
from gradesync.embedded import EmbeddedError, Servers
from gradesync.embedded.copies import CACHES
from gradesync.embedded.locks import locked
from gradesync.embedded.programs import TEST_CONNECTIONS
from gradesync.embedded.wheels import postgres_binaries

SOURCES = str(Path(gradesync.__file__).parents[1])
USER = """
import sys
from pathlib import Path
import gradesync
from gradesync import embedded
print(embedded.start(Path(sys.argv[1]), durable=False).database_url, flush=True)
sys.stdin.read()
"""


def connect(url: str) -> "asyncpg.connection.Connection":
    return asyncpg.connect(url.replace("+asyncpg", ""))


@contextmanager
def another_process(data: Path, *prefix: str) -> Iterator["subprocess.Popen[str]"]:
    """Run a process that uses the servers until its input ends; its first line is their database's URL."""
    command = [*prefix, sys.executable, "-c", USER, str(data)]
    pipe = subprocess.PIPE
    with subprocess.Popen(  # noqa: S603 - our own interpreter
        command, stdin=pipe, stdout=pipe, text=True
    ) as process:
        yield process


def wait_until_ended(data: Path) -> None:
    """Raise `EmbeddedError` where the servers go on."""
    with locked(data / "servers.lock"):
        pass


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    running = embedded.start(tmp_path_factory.mktemp("data"), durable=False)
    yield running
    running.stop()


async def test_servers_respond_and_roles_are_unprivileged(servers: Servers) -> None:
    application, owner = await connect(servers.database_url), await connect(servers.migrate_database_url)
    roles = await owner.fetch("SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname LIKE 'gradesync%'")
    assert [tuple(role) for role in roles] == [(False, False), (False, False)]
    assert await application.fetchval("SELECT current_database()") == "gradesync"
    assert await application.fetchval("SHOW max_connections") == str(TEST_CONNECTIONS)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await application.execute("CREATE TABLE anything (id int)")
    await application.close()
    await owner.close()
    async with Redis.from_url(servers.redis_url) as redis:
        assert await redis.ping()


async def test_servers_refuse_without_a_password(servers: Servers) -> None:
    port = servers.database_url.rpartition(":")[2].partition("/")[0]
    for user in ("gradesync_app", "gradesync_owner"):
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(f"postgresql://{user}:guess@127.0.0.1:{port}/gradesync")
    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
        await asyncpg.connect(f"postgresql://postgres:guess@127.0.0.1:{port}/postgres")
    async with Redis.from_url("redis://" + servers.redis_url.partition("@")[2]) as redis:
        with pytest.raises(AuthenticationError):
            await redis.ping()


async def test_durable_data_outlasts_a_restart(tmp_path: Path) -> None:
    first = embedded.start(tmp_path, durable=True)
    owner = await connect(first.migrate_database_url)
    assert await owner.fetchval("SHOW fsync") == "on"
    assert await owner.fetchval("SHOW max_connections") == "100"  # PostgreSQL's own default
    await owner.execute("CREATE TABLE kept AS SELECT 7 AS number")
    await owner.close()
    async with Redis.from_url(first.redis_url) as redis:
        await redis.set("kept", "7")
    first.stop()
    second = embedded.start(tmp_path, durable=True)
    owner = await connect(second.migrate_database_url)
    assert await owner.fetchval("SELECT number FROM kept") == 7
    await owner.close()
    async with Redis.from_url(second.redis_url) as redis:
        assert await redis.get("kept") == b"7"
    second.stop()


async def test_second_start_joins_and_last_stop_ends(tmp_path: Path) -> None:
    first = embedded.start(tmp_path, durable=False)
    second = embedded.start(tmp_path, durable=False)
    assert second.database_url == first.database_url
    first.stop()
    await (await connect(second.database_url)).close()
    second.stop()
    with pytest.raises(OSError, match="Connect call failed"):
        await connect(second.database_url)


async def test_another_process_keeps_servers_running(tmp_path: Path) -> None:
    mine = embedded.start(tmp_path, durable=False)
    with another_process(tmp_path) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == mine.database_url
        mine.stop()
        await (await connect(mine.database_url)).close()
    wait_until_ended(tmp_path)


def test_servers_end_with_a_killed_process(tmp_path: Path) -> None:
    with another_process(tmp_path) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        process.kill()
    wait_until_ended(tmp_path)


async def test_servers_end_with_their_supervisor_and_restart(tmp_path: Path) -> None:
    orphaned = embedded.start(tmp_path, durable=False)
    os.kill(supervisor_of(tmp_path), signal.SIGKILL)
    wait_until_ended(tmp_path)
    again = embedded.start(tmp_path, durable=False)
    await (await connect(again.database_url)).close()
    orphaned.stop()
    await (await connect(again.database_url)).close()
    again.stop()


def test_server_that_is_frozen_for_a_while_ends_nothing(tmp_path: Path) -> None:
    first = embedded.start(tmp_path, durable=False)
    postgres = int((tmp_path / "postgres" / "postmaster.pid").read_text().split()[0])
    os.kill(postgres, signal.SIGSTOP)
    while "T (stopped)" not in Path(f"/proc/{postgres}/status").read_text():
        pass
    os.kill(postgres, signal.SIGCONT)
    second = embedded.start(tmp_path, durable=False)
    assert second.database_url == first.database_url
    first.stop()
    second.stop()


def supervisor_of(data: Path) -> int:
    """Return the process that has the lock of the servers."""
    named = f"gradesync.embedded.supervisor\0{data}\0".encode()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended meanwhile
            if named in (process / "cmdline").read_bytes():
                return int(process.name)
    raise LookupError(data)


async def test_stale_process_id_is_ignored(tmp_path: Path) -> None:
    embedded.start(tmp_path, durable=False).stop()
    (tmp_path / "postgres" / "postmaster.pid").write_text(f"{os.getpid()}\n")
    servers = embedded.start(tmp_path, durable=False)
    await (await connect(servers.database_url)).close()
    servers.stop()


def test_interrupted_first_start_starts_over(tmp_path: Path) -> None:
    (tmp_path / "postgres.new").mkdir()
    (tmp_path / "postgres.new" / "PG_VERSION").write_text("18\n")
    embedded.start(tmp_path, durable=False).stop()
    assert (tmp_path / "postgres" / "PG_VERSION").exists()


def test_parent_folders_stay_and_secrets_are_private(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    data = home / "project" / "data"
    embedded.start(data, durable=False).stop()
    assert home.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in home.iterdir()] == ["project"]
    assert [path.name for path in (home / "project").iterdir()] == ["data"]
    for secret in ("passwords.json", "running.json"):
        assert (data / secret).stat().st_mode & 0o777 == 0o600
        assert (data / secret).stat().st_uid == os.geteuid()


def test_servers_start_as_another_user(tmp_path: Path) -> None:
    """Become another user where root runs this test, one who may read what root may."""
    prefix: list[str] = []
    if os.geteuid() == 0:
        if any(postgres_binaries().is_relative_to(cache) for cache in CACHES):
            pytest.skip("only root may enter the folder of this environment")
        shutil.chown(tmp_path, "daemon", "daemon")
        prefix = ["setpriv", "--reuid=daemon", "--regid=daemon", "--clear-groups"]
        prefix += ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    with another_process(tmp_path / "data", *prefix) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("postgresql+asyncpg://gradesync_app:")
        assert (tmp_path / "data" / "postgres").stat().st_uid == tmp_path.stat().st_uid
    wait_until_ended(tmp_path / "data")


def test_failed_start_is_reported_and_leaves_nothing(tmp_path: Path) -> None:
    embedded.start(tmp_path, durable=False).stop()
    configuration = tmp_path / "postgres" / "postgresql.conf"
    good = configuration.read_text()
    configuration.write_text("no such setting = 1\n")
    with pytest.raises(EmbeddedError, match=r"postgres ended: see .*postgres\.log"):
        embedded.start(tmp_path, durable=False)
    wait_until_ended(tmp_path)
    configuration.write_text(good)
    embedded.start(tmp_path, durable=False).stop()


def test_missing_wheels_are_reported_with_a_hint(tmp_path: Path) -> None:
    done = subprocess.run(  # noqa: S603 - our own interpreter, without its packages
        [sys.executable, "-S", "-c", USER, tmp_path],
        env={"PYTHONPATH": SOURCES},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "install gradesync[embedded], or set GRADESYNC_DATABASE_URL" in done.stderr
