"""Run pgbouncer in transaction mode before a PostgreSQL, with few connections to it, and a load behind it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

from sqlalchemy import make_url

from engines.figures import Figures
from engines.load import loaded, small_district
from engines.programs import (
    Program,
    accepts,
    free_port,
    missing,
    open_folder,
    require,
    running,
    wait_for,
    write,
)
from gradesync import embedded
from gradesync.db import migrate
from harness.killable_servers import urls_of
from harness.processes import install
from harness.runtimes import settings_on
from harness.servers import Urls

WHAT = "pgbouncer in transaction mode"
STEADY = 25.0
SERVER_CONNECTIONS = 4
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
        yield Urls(application, owner, urls.redis_url)


def lacks() -> str:
    """Return what is not installed, in words; empty where all is."""
    return missing("pgbouncer")


async def drill(folder: Path) -> AsyncIterator[Figures]:
    """Run the load behind the pooler."""
    async with AsyncExitStack() as stack:
        servers = embedded.start(folder / "servers", durable=False)
        stack.callback(servers.stop)
        urls = stack.enter_context(pooled(urls_of(servers), folder))
        await migrate.upgrade(servers.migrate_database_url, urls.app_role)
        here = await stack.enter_async_context(install(settings_on(urls), small_district()))
        async with loaded(here) as load:
            await asyncio.sleep(STEADY)
        broken = await load.settle()
        broken += [f"the API answered {kind}" for kind in load.answers if kind not in {"200", "202"}]
        yield Figures(WHAT, 0.0, 0.0, load, tuple(f"{WHAT}: {line}" for line in broken))
