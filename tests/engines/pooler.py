"""Run pgbouncer in transaction mode before a PostgreSQL, with few connections to it, and a load behind it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from functools import partial
from pathlib import Path

from sqlalchemy import make_url

from engines.disturbance import disturbed
from engines.figures import Figures
from engines.load import settings_of_drill, small_district
from engines.programs import Program, accepts, frozen, missing, open_folder, require, running, wait_for, write
from gradesync.db import migrate
from harness.killable_servers import Server, own_servers
from harness.ports import free_port
from harness.processes import start_processes
from harness.servers import Urls

AWAY = 5.0  # seconds, of the pooler or of the PostgreSQL behind it
FROZEN = 40.0  # longer than the load's client waits for an answer
SERVER_CONNECTIONS = 4
Disturb = Callable[[], Awaitable[None]]
CONFIGURATION = """
[databases]
* = host={host} port={port}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
pool_mode = transaction
default_pool_size = {connections}
max_client_conn = 200
auth_type = plain
auth_file = {users}
"""


@contextmanager
def pooled(urls: Urls, folder: Path) -> Iterator[Urls]:
    """Run the pooler; yield the same servers with URLs of both roles through it."""
    with running_pooler(urls, folder) as (through, _):
        yield through


@contextmanager
def running_pooler(urls: Urls, folder: Path) -> Iterator[tuple[Urls, Program]]:
    home, listen = open_folder(folder / "pgbouncer"), free_port()
    roles = make_url(urls.database_url), make_url(urls.migrate_database_url)
    users = write(home / "users.txt", "".join(f'"{role.username}" "{role.password}"\n' for role in roles))
    text = CONFIGURATION.format(
        host=roles[0].host, port=roles[0].port, listen=listen, connections=SERVER_CONNECTIONS, users=users
    )
    configuration = write(home / "pgbouncer.ini", text)
    program = Program([require("pgbouncer"), configuration], folder / "pgbouncer.log")
    with running([program]):
        wait_for(lambda: accepts(listen), "pgbouncer's start")
        application, owner = (role.set(port=listen).render_as_string(hide_password=False) for role in roles)
        yield Urls(application, owner, urls.redis_url), program


def lacks() -> str:
    """Return what is not installed, in words; empty where all is."""
    return missing("pgbouncer")


async def drill(folder: Path) -> AsyncIterator[Figures]:
    """Run the load behind the pooler, which is killed, and then the PostgreSQL behind it."""
    async with AsyncExitStack() as stack:
        servers = stack.enter_context(own_servers(folder / "servers"))
        await migrate.upgrade(servers.urls.migrate_database_url, servers.urls.app_role)
        urls, pooler = stack.enter_context(running_pooler(servers.urls, folder))
        disturbances: dict[str, Disturb] = {
            "pgbouncer in transaction mode": lambda: asyncio.sleep(AWAY),
            "pgbouncer killed (SIGKILL) for 5 s": partial(_away, pooler.kill, pooler.start),
            "PostgreSQL behind pgbouncer killed (SIGKILL) for 5 s": partial(
                _away, servers.postgresql.kill, servers.postgresql.start
            ),
            "PostgreSQL behind pgbouncer frozen (SIGSTOP) for 40 s": partial(_freeze, servers.postgresql),
        }
        processes = await stack.enter_async_context(start_processes(settings_of_drill(urls)))
        for number, (what, disturb) in enumerate(disturbances.items()):
            async with processes.serve(small_district(number)) as here:
                yield await disturbed(what, here, processes.settings, disturb)


async def _freeze(postgresql: Server) -> None:
    with frozen(postgresql.find_process()):
        await asyncio.sleep(FROZEN)


async def _away(end: Callable[[], None], start: Callable[[], None]) -> None:
    await asyncio.to_thread(end)
    await asyncio.sleep(AWAY)
    await asyncio.to_thread(start)
