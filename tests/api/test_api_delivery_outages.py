"""Test webhooks while the database is away or refuses writes: nothing is lost, nor doubled without a sign."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress

import pytest
from prometheus_client import REGISTRY

from gradesync.db.session import Database
from gradesync.errors import DatabaseAway
from gradesync.worker.webhooks import WebhookSender
from harness.api import ApiHarness
from harness.database_outages import (
    connections_used_up,
    demoted,
    disk_full,
    disk_full_at_commit,
    hanging,
    locked,
    pool_used_up,
)
from harness.servers import Urls
from harness.webhook_receiver import (
    Receiver,
    add_webhook,
    deliver,
    list_deliveries,
    settle_with_webhook,
)

Outage = Callable[[Urls], AbstractAsyncContextManager[Database]]
Refusal = Callable[[Urls, str], AbstractAsyncContextManager[None]]

refusals = pytest.mark.parametrize("refusal", [locked, disk_full, disk_full_at_commit])


def failures() -> float:
    return REGISTRY.get_sample_value("gradesync_periodic_failures_total", {"task": "deliver"}) or 0


@refusals
async def test_a_delivery_that_cannot_be_claimed_is_not_sent(
    api: ApiHarness, receiver: Receiver, servers: Urls, refusal: Refusal
) -> None:
    office, webhook = await settle_with_webhook(api, receiver)
    async with refusal(servers, "delivery"):
        with pytest.raises(DatabaseAway):
            await deliver(api)
    assert receiver.received == []
    assert await deliver(api) == 1
    (delivery,) = await list_deliveries(office, webhook)
    assert (delivery["status"], delivery["attempts"]) == ("delivered", 1)


@refusals
async def test_a_result_that_cannot_be_saved_is_sent_again(
    api: ApiHarness, receiver: Receiver, servers: Urls, refusal: Refusal
) -> None:
    office, webhook = await settle_with_webhook(api, receiver)
    receiver.silent = asyncio.Event()
    before = failures()
    delivering = asyncio.create_task(deliver(api))
    await receiver.called.wait()
    async with refusal(servers, "delivery"):
        receiver.silent.set()
        assert await delivering == 1
    assert failures() == before + 1
    assert await deliver(api, later=True) == 1
    assert len({headers["webhook-id"] for headers, _ in receiver.received}) == 1
    (delivery,) = await list_deliveries(office, webhook)
    assert (delivery["status"], delivery["attempts"]) == ("delivered", 2)


@pytest.mark.parametrize("outage", [connections_used_up, pool_used_up, hanging, demoted])
async def test_nothing_is_sent_while_the_database_is_away(
    api: ApiHarness, receiver: Receiver, servers: Urls, outage: Outage
) -> None:
    await settle_with_webhook(api, receiver)
    async with outage(servers) as database:
        sender = WebhookSender(database, api.runtime.client, api.runtime.clock)
        with suppress(DatabaseAway):
            assert await sender.deliver() == 0
    assert receiver.received == []
    assert await deliver(api) == 1


@pytest.mark.parametrize(
    ("refusal", "table"), [(locked, "webhook"), (disk_full, "delivery"), (disk_full_at_commit, "delivery")]
)
async def test_a_sync_that_cannot_enqueue_its_message_settles_later(
    api: ApiHarness, receiver: Receiver, servers: Urls, refusal: Refusal, table: str
) -> None:
    office = await api.office()
    await add_webhook(office, receiver.url)
    started = await office.post(f"{api.path}/syncs", {})
    async with refusal(servers, table):
        await api.run_queued()
        assert (await office.get(started.headers["location"])).json()["status"] == "processing"
    await api.change_rows("UPDATE sync SET not_before = now()")
    await api.run_queued()
    assert (await office.get(started.headers["location"])).json()["status"] == "complete"
    assert await deliver(api) == 1
    assert len(receiver.received) == 1
