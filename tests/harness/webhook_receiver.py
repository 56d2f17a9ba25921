"""Receive webhooks, and list their deliveries as the district sees them."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator
from starlette.requests import Request
from starlette.responses import Response

from gradesync.worker.pool import webhook_sender
from gradesync_sandbox.serving import Served
from harness.api import ApiClient, ApiHarness
from harness.api_document import api_document


@dataclass
class Receiver:
    """Receive webhooks, and respond as the test sets."""

    url: str = ""
    status: int = 200
    silent: asyncio.Event | None = None
    received: list[tuple[dict[str, str], str]] = field(default_factory=list)
    called: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope, receive)
        self.received.append((dict(request.headers), (await request.body()).decode()))
        self.called.set()
        if self.silent is not None:
            await self.silent.wait()
        headers = {"location": "/elsewhere"} if self.status == 302 else {}
        await Response(status_code=self.status, headers=headers)(scope, receive, send)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with serve(Receiver()) as listening:
        yield listening


@pytest.fixture
async def silent_server() -> AsyncIterator[Receiver]:
    """Serve a system that receives calls, and answers none until the test ends."""
    held = asyncio.Event()
    async with serve(Receiver(silent=held)) as listening:
        yield listening
        held.set()


@asynccontextmanager
async def serve(receiver: Receiver) -> AsyncIterator[Receiver]:
    """Let a receiver listen while the block lasts."""
    served = Served(receiver, "127.0.0.1")
    receiver.url = f"{served.url}/hook"
    await served.start()
    yield receiver
    await served.stop()


async def add_webhook(office: ApiClient, url: str) -> dict[str, Any]:
    answer = await office.post("/webhooks", {"url": url})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def settle_with_webhook(api: ApiHarness, receiver: Receiver) -> tuple[ApiClient, dict[str, Any]]:
    """Settle a sync whose webhook is due; return the district's client and its webhook."""
    office = await api.office()
    webhook = await add_webhook(office, receiver.url)
    await api.sync(office)
    return office, webhook


async def deliver(api: ApiHarness, *, later: bool = False) -> int:
    """Deliver what is due, with `later` what waits too, and return the number of attempts."""
    if later:
        await api.change_rows("UPDATE delivery SET not_before = now()")
    return await webhook_sender(api.runtime).deliver()


async def list_deliveries(office: ApiClient, webhook: dict[str, Any], **filters: Any) -> list[dict[str, Any]]:
    """Return a webhook's deliveries, the newest first."""
    page: dict[str, Any] = (await office.get(webhook["links"]["deliveries"], **filters)).json()
    return list(page["items"])


def expect_documented(body: str) -> dict[str, Any]:
    """Return a message, which is as the API document describes the messages of its type."""
    message: dict[str, Any] = json.loads(body)
    document = api_document()
    (content,) = document["webhooks"][message["type"]]["post"]["requestBody"]["content"].values()
    OAS31Validator({**content["schema"], "components": document["components"]}).validate(message)
    assert message["data"].keys() == _properties(document, content["schema"])
    return message


def _properties(document: dict[str, Any], schema: dict[str, Any]) -> set[str]:
    schemas = document["components"]["schemas"]
    data = schemas[schema["$ref"].rpartition("/")[2]]["properties"]["data"]
    return set(schemas[data["$ref"].rpartition("/")[2]]["properties"])
