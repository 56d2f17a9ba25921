"""Everything that a district may name an address for goes through the one guarded client."""

import ast
import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

import gradesync
from gradesync.access.platform_keys import PlatformKeys
from gradesync.db import districts, webhooks
from gradesync.errors import RequestRefused
from gradesync.runtime import Runtime, open_runtime
from gradesync.settings import Settings
from gradesync.worker.webhooks import WebhookSender
from harness.store import RIVERSIDE

PACKAGE = Path(gradesync.__file__).parent
INWARD = "127.0.0.1", "localhost", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]", "2130706433"  # noqa: S104
MAKERS = {
    *("httpx.AsyncClient", "httpx.Client", "httpx.get", "httpx.post", "httpx.request", "httpx.stream"),
    *("urllib.request.urlopen", "urlopen", "AsyncClient", "asyncio.open_connection"),
}
PATIENCE = timedelta(seconds=20)


@dataclass
class Inside:
    """Something on the private network that nobody outside should reach."""

    port: int = 0
    visitors: list[str] = field(default_factory=list)

    def met(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.visitors.append(str(writer.get_extra_info("peername")))
        writer.close()


@pytest.fixture
async def inside() -> AsyncIterator[Inside]:
    here = Inside()
    server = await asyncio.start_server(here.met, "127.0.0.1", 0)
    here.port = server.sockets[0].getsockname()[1]
    async with server:
        yield here


@pytest.fixture
async def runtime(settings: Settings) -> AsyncIterator[Runtime]:
    public = settings.model_copy(update={"allow_private_network": False})
    async with open_runtime(public, name="tests") as found:
        yield found


@pytest.mark.parametrize("host", INWARD)
async def test_systems_of_a_district_are_not_on_our_side(runtime: Runtime, inside: Inside, host: str) -> None:
    url = f"https://{host}:{inside.port}"
    district = replace(
        RIVERSIDE,
        schoology=replace(RIVERSIDE.schoology, base_url=f"{url}/v1"),
        sis=replace(RIVERSIDE.sis, base_url=url),
    )
    found = await runtime.systems.check(district, until=runtime.clock() + PATIENCE)
    assert found
    assert not [finding.check for finding in found if finding.ok]
    assert inside.visitors == []


@pytest.mark.parametrize("host", INWARD)
async def test_keys_of_a_platform_are_not_read_from_our_side(
    runtime: Runtime, inside: Inside, host: str
) -> None:
    with pytest.raises(RequestRefused, match="lti-keys-unavailable"):
        await PlatformKeys(runtime.client).for_key(f"https://{host}:{inside.port}/jwks", None)
    assert inside.visitors == []


@pytest.mark.parametrize("host", INWARD)
async def test_webhooks_are_not_delivered_to_our_side(runtime: Runtime, inside: Inside, host: str) -> None:
    async with runtime.database.district("riverside") as db:
        await districts.apply(db, RIVERSIDE)
        hook, _ = await webhooks.create(db, "riverside", f"https://{host}:{inside.port}/")
        await webhooks.post(db, uuid4(), {"type": "sync.settled"})
    assert await WebhookSender(runtime.database, runtime.client, runtime.clock).deliver() == 1
    async with runtime.database.district("riverside") as db:
        (delivery,) = await webhooks.page(db, hook.id)
    assert delivery.error == "address-not-allowed"
    assert inside.visitors == []


def test_nobody_else_makes_a_client() -> None:
    """Commands for demonstrations apart, which talk to the simulators of the same machine."""
    makers = {file for file in PACKAGE.rglob("*.py") for call in calls(file) if call in MAKERS}
    named = {file.relative_to(PACKAGE).as_posix() for file in makers}
    assert {name for name in named if not name.startswith("cli/demo/")} == {"egress.py"}


def calls(file: Path) -> list[str]:
    """What a module calls, as it is written."""
    tree = ast.walk(ast.parse(file.read_text()))
    return [ast.unparse(node.func) for node in tree if isinstance(node, ast.Call)]
