"""Send generated requests to the running service with every kind of token.

`FUZZ_EXAMPLES` is the number of requests for each operation and kind of caller: by default a few, the same
ones every time; `make fuzz` sends many others.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import pytest

from gradesync.access.console import console_caller
from gradesync.access.tokens import CLIENT_LIFETIME
from gradesync.core.district import ConsoleAccess
from gradesync.settings import Settings
from gradesync_sandbox.serving import Served
from gradesync_sandbox.world import build
from harness.api import ApiClient, ApiHarness, open_api
from harness.every_route import CLIENT
from harness.servers import Urls

FEW, SOME = 2, 4
ONE_IN = 3  # operations, where neither `--all` nor a number asks for all of them
EXAMPLES = os.environ.get("FUZZ_EXAMPLES")
CALLERS = ("nobody", "nonsense", "office", "exchanger", "stranger", "teacher", "reader", "operator")


@dataclass(frozen=True)
class Target:
    """Hold the service on a socket, and ids that exist in it."""

    url: str
    tokens: dict[str, str | None]
    ids: dict[str, str]


@pytest.fixture
async def target(settings: Settings, servers: Urls) -> AsyncIterator[Target]:
    world = build(seed=7, sections=2, students=4, assignments=6)
    world.schoology.switches.window_seconds = 0.01
    many = settings.filled(requests_per_minute=10**6, token_requests_per_minute=10**6)
    async with open_api(many, servers, world) as api:
        schoology = replace(api.district.schoology, requests_per_window=10**6)
        await api.replace_district(replace(api.district, schoology=schoology))
        office = await api.office()
        clients: dict[str, ApiClient] = {
            "nobody": api.anonymous,
            "nonsense": ApiClient(api.http, "nonsense"),
            "office": office,
            "exchanger": await api.office("token:exchange"),
            "stranger": await api.office(district_id=(await api.add_neighbor()).id),
            "teacher": await api.teacher(),
            "reader": await reader(api),
            "operator": await operator(api),
        }
        ids = await create_ids(api, office)
        served = Served(api.app, "127.0.0.1")
        await served.start()
        yield Target(served.url, {name: client.token for name, client in clients.items()}, ids)
        await served.stop()


async def reader(api: ApiHarness) -> ApiClient:
    admin = api.world.lti.id_token(api.world.admin, api.room.section)
    return ApiClient(api.http, (await api.exchange(admin)).json()["access_token"])


async def operator(api: ApiHarness) -> ApiClient:
    """Return the console of a system admin who may act."""
    await api.replace_district(replace(api.district, console=ConsoleAccess("operator")))
    caller = console_caller(api.district, str(api.world.admin.uid), "operator")
    return ApiClient(api.http, api.runtime.tokens.issue(caller, CLIENT_LIFETIME))


async def create_ids(api: ApiHarness, office: ApiClient) -> dict[str, str]:
    """Create one resource of each kind, and return the path parameters that name them."""
    hook = (await office.post("/webhooks", {"url": "https://hooks.example.org/"})).json()
    sync = await api.sync(office)
    deliveries = (await office.get(f"/webhooks/{hook['id']}/deliveries")).json()["items"]
    preflight = (await office.post("/preflight")).json()
    items = (await office.get(f"{api.path}/assignments")).json()["items"]
    return {
        "section_id": api.section,
        "sync_id": sync["id"],
        "assignment_id": items[0]["id"],
        "webhook_id": hook["id"],
        "delivery_id": deliveries[0]["id"],
        "preflight_id": preflight["id"],
        "comparison_id": (await office.post(f"{api.path}/comparisons")).json()["id"],
        "client_id": (await office.post("/clients", CLIENT)).json()["id"],
        "code": "sync-in-progress",
    }


@pytest.mark.sample(1)
@pytest.mark.parametrize("caller", CALLERS)
async def test_every_response_conforms_to_the_document(target: Target, caller: str, run_all: bool) -> None:
    from harness.fuzz import Attack

    examples = int(EXAMPLES or (SOME if run_all else FEW))
    one_in = 1 if run_all or EXAMPLES else ONE_IN
    attack = Attack(
        target.url, target.ids, target.tokens[caller], examples, one_in, repeatable=EXAMPLES is None
    )
    broken = await asyncio.to_thread(attack.find_broken_promises)
    assert not broken, "\n\n".join(broken)
