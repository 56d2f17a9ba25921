"""Let PostgreSQL fail over under load: its leader killed, handed over, and left without etcd."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

from engines.cluster import APP, OWNER, PATRONI, Cluster, Node, patroni_python, running_cluster
from engines.disturbance import disturbed
from engines.figures import Figures
from engines.load import settings_of_drill, small_district
from engines.programs import missing, wait_for
from engines.valkey import running_valkey
from gradesync.db import migrate
from harness.processes import start_processes
from harness.servers import Urls

QUORUM_AWAY = 30.0

Disturb = Callable[[Cluster], Awaitable[None]]


def lacks() -> str:
    """Return what is not installed, in words; empty where all is."""
    absent = [missing("etcd"), "" if patroni_python() else f"{PATRONI} names no Python with Patroni"]
    return "; ".join(filter(None, absent))


async def kill_leader(cluster: Cluster) -> None:
    """Kill the leader, and start its Patroni again once the other node leads."""
    leader = cluster.leader()
    assert leader is not None
    leader.kill()
    await _another_leads(cluster, leader)
    leader.patroni.start()


async def freeze_leader(cluster: Cluster) -> None:
    """Stop the leader (SIGSTOP): it accepts connections and answers nothing. Wake it when another leads."""
    leader = cluster.leader()
    assert leader is not None
    with leader.frozen():
        await _another_leads(cluster, leader)


async def _another_leads(cluster: Cluster, before: Node) -> None:
    await asyncio.to_thread(
        wait_for, lambda: (new := cluster.leader()) is not None and new.name != before.name, "a new leader"
    )


async def switch_over(cluster: Cluster) -> None:
    """Hand over, as for maintenance."""
    await asyncio.to_thread(cluster.switch_over)


async def lose_quorum(cluster: Cluster) -> None:
    """Kill two of three etcd, and start them again after a while."""
    for program in cluster.etcd[:2]:
        program.kill()
    await asyncio.sleep(QUORUM_AWAY)
    for program in cluster.etcd[:2]:
        program.start()


DISTURBANCES: dict[str, Disturb] = {
    "leader and its Patroni killed (SIGKILL)": kill_leader,
    "leader and its Patroni frozen (SIGSTOP)": freeze_leader,
    "planned switchover": switch_over,
    "majority of etcd away for 30 s": lose_quorum,
}


async def drill(folder: Path) -> AsyncIterator[Figures]:
    """Run every disturbance on one cluster."""
    async with AsyncExitStack() as stack:
        cluster = stack.enter_context(running_cluster(folder))
        redis_url = stack.enter_context(running_valkey(folder))
        await cluster.make_roles()
        await migrate.upgrade(cluster.url(OWNER), APP)
        settings = settings_of_drill(Urls(cluster.url(APP), cluster.url(OWNER), redis_url))
        processes = await stack.enter_async_context(start_processes(settings))
        for number, (what, disturb) in enumerate(DISTURBANCES.items()):
            async with processes.serve(small_district(number)) as here:
                yield await disturbed(what, here, processes.settings, partial(_until_over, cluster, disturb))


async def _until_over(cluster: Cluster, disturb: Disturb) -> None:
    await disturb(cluster)
    await asyncio.to_thread(wait_for, cluster.is_synchronous, "a synchronous standby", 180)
