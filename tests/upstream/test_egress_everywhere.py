"""Test that every address that a district names is called by the one guarded client."""

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
from harness.streams import serve_streams

PACKAGE = Path(gradesync.__file__).parent
INWARD = "127.0.0.1", "localhost", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]", "2130706433"  # noqa: S104
CLIENT_CALLS = {
    *("httpx.AsyncClient", "httpx.Client", "httpx.get", "httpx.post", "httpx.request", "httpx.stream"),
    *(
        "httpx.AsyncHTTPTransport",
        "httpx.HTTPTransport",
        "GuardedClient",
        "PooledTransport",
        "PublicTransport",
    ),
    *("urllib.request.urlopen", "urlopen", "AsyncClient", "asyncio.open_connection"),
}
TIMEOUT = timedelta(seconds=20)


@dataclass
class PrivateServer:
    """Listen on the private network, where no call may arrive."""

    port: int = 0
    peers: list[str] = field(default_factory=list)

    async def accept(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.peers.append(str(writer.get_extra_info("peername")))


@pytest.fixture
async def private_server() -> AsyncIterator[PrivateServer]:
    server = PrivateServer()
    async with serve_streams(server.accept) as server.port:
        yield server


@pytest.fixture
async def runtime(settings: Settings) -> AsyncIterator[Runtime]:
    public = settings.model_copy(update={"allow_private_network": False})
    async with open_runtime(public, name="tests") as opened:
        yield opened


@pytest.mark.sample(2)
@pytest.mark.parametrize("host", INWARD)
async def test_systems_are_not_called_on_private_addresses(
    runtime: Runtime, private_server: PrivateServer, host: str
) -> None:
    url = f"https://{host}:{private_server.port}"
    district = replace(
        RIVERSIDE,
        schoology=replace(RIVERSIDE.schoology, base_url=f"{url}/v1"),
        sis=replace(RIVERSIDE.sis, base_url=url),
    )
    findings = await runtime.systems.check(district, until=runtime.clock() + TIMEOUT)
    assert findings
    assert not [finding.check for finding in findings if finding.ok]
    assert private_server.peers == []


@pytest.mark.parametrize("host", INWARD)
async def test_platform_keys_are_not_read_from_private_addresses(
    runtime: Runtime, private_server: PrivateServer, host: str
) -> None:
    with pytest.raises(RequestRefused, match="lti-keys-unavailable"):
        await PlatformKeys(runtime.client).for_key(f"https://{host}:{private_server.port}/jwks", None)
    assert private_server.peers == []


@pytest.mark.parametrize("host", INWARD)
async def test_webhooks_are_not_sent_to_private_addresses(
    runtime: Runtime, private_server: PrivateServer, host: str
) -> None:
    async with runtime.context.database.district("riverside") as db:
        await districts.apply(db, RIVERSIDE)
        hook, _ = await webhooks.create(db, "riverside", f"https://{host}:{private_server.port}/")
        await webhooks.enqueue(db, uuid4(), {"type": "sync.settled"})
    assert await WebhookSender(runtime.context.database, runtime.client, runtime.clock).deliver() == 1
    async with runtime.context.database.district("riverside") as db:
        (delivery,) = await webhooks.page(db, hook.id)
    assert delivery.error == "address-not-allowed"
    assert private_server.peers == []


def test_only_egress_makes_clients() -> None:
    """Find clients made elsewhere in demo commands alone, which call the simulators on the same machine."""
    files = {file for file in PACKAGE.rglob("*.py") for call in calls(file) if call in CLIENT_CALLS}
    names = {file.relative_to(PACKAGE).as_posix() for file in files}
    assert {name for name in names if not name.startswith("cli/demo/")} == {"upstream/egress.py"}


def calls(file: Path) -> list[str]:
    """Return what a module calls, as it is written."""
    tree = ast.walk(ast.parse(file.read_text()))
    return [ast.unparse(node.func) for node in tree if isinstance(node, ast.Call)]
