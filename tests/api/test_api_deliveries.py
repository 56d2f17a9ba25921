"""Test deliveries of webhooks: signed messages about settled syncs, and their retries."""

import asyncio
import json
from itertools import pairwise

import pytest
from sqlalchemy import text
from standardwebhooks import Webhook

from gradesync.db import retention
from gradesync.upstream.egress import open_client
from gradesync.worker.pool import run_worker
from gradesync.worker.webhooks import MAX_ATTEMPTS, WebhookSender, pause_after
from harness.api import ApiHarness
from harness.webhook_receiver import (
    Receiver,
    add_webhook,
    deliver,
    expect_documented,
    list_deliveries,
    settle_with_webhook,
)


async def test_a_settled_sync_sends_one_signed_message(api: ApiHarness, receiver: Receiver) -> None:
    office = await api.office()
    webhook = await add_webhook(office, receiver.url)
    sync = await api.sync(office)
    assert await deliver(api) == 1
    assert await deliver(api, later=True) == 0
    ((headers, body),) = receiver.received
    message = Webhook(webhook["secret"]).verify(body, headers)
    assert message["type"] == "sync.settled"
    assert message["data"]["sync_id"] == sync["id"]
    assert message["data"]["status"] == sync["status"]
    assert (message["data"]["assignments"], message["data"]["scores"]) == (
        sync["assignments"],
        sync["scores"],
    )
    (delivery,) = await list_deliveries(office, webhook)
    assert (delivery["id"], delivery["status"]) == (headers["webhook-id"], "delivered")
    assert (delivery["response_status"], delivery["attempts"], delivery["sync_id"]) == (200, 1, sync["id"])


async def test_messages_are_as_the_document_describes(api: ApiHarness, receiver: Receiver) -> None:
    office = await api.office()
    await add_webhook(office, receiver.url)
    await api.sync(office)
    api.refuse("powerschool")
    failed = await api.sync(office)
    await deliver(api)
    messages = [expect_documented(body) for _, body in receiver.received]
    errors = {message["data"]["error"] for message in messages}
    assert errors == {None, failed["error"]["code"]}


async def test_a_test_message_goes_to_one_webhook(api: ApiHarness, receiver: Receiver) -> None:
    office = await api.office()
    webhook = await add_webhook(office, receiver.url)
    other = await add_webhook(office, receiver.url)
    tested = await office.post(f"/webhooks/{webhook['id']}/test")
    assert tested.status_code == 202
    assert await deliver(api) == 1
    ((headers, body),) = receiver.received
    Webhook(webhook["secret"]).verify(body, headers)
    assert expect_documented(body)["data"]["webhook_id"] == webhook["id"]
    (delivery,) = await list_deliveries(office, webhook)
    assert (delivery["event"], delivery["status"], delivery["sync_id"]) == ("webhook.test", "delivered", None)
    assert await list_deliveries(office, other) == []
    entries = (await office.get("/audit")).json()["items"]
    assert entries[0]["action"] == "webhook.tested"


async def test_a_worker_delivers_periodically(api: ApiHarness, receiver: Receiver) -> None:
    office = await api.office()
    await add_webhook(office, receiver.url)
    async with run_worker(api.runtime):
        await office.post(f"{api.path}/syncs")
        async with asyncio.timeout(90):
            await receiver.called.wait()
    assert len(receiver.received) == 1


async def test_a_message_has_no_names_titles_or_scores(api: ApiHarness, receiver: Receiver) -> None:
    office = await api.office()
    await add_webhook(office, receiver.url)
    await api.sync(office)
    await deliver(api)
    ((_, body),) = receiver.received
    users = api.world.schoology.users.values()
    words = {user.last for user in users} | {item.title for item in api.room.section.items.values()}
    assert not [word for word in words if word in body]
    expect_documented(body)


async def test_an_overdue_sync_sends_a_message_and_a_preview_none(
    api: ApiHarness, receiver: Receiver
) -> None:
    office = await api.office()
    await add_webhook(office, receiver.url)
    await api.sync(office, dry_run=True)
    started = await office.post(f"{api.path}/syncs")
    await api.change_rows("UPDATE sync SET settles_by = now() - interval '1 second'")
    settled = (await office.get(started.headers["location"])).json()
    assert settled["error"]["code"] == "timed-out"
    await deliver(api)
    ((_, body),) = receiver.received
    assert json.loads(body)["data"]["error"] == "timed-out"


@pytest.mark.parametrize("status", [302, 404, 500])
async def test_a_refused_message_is_retried_until_it_fails(
    api: ApiHarness, receiver: Receiver, status: int
) -> None:
    office, webhook = await settle_with_webhook(api, receiver)
    receiver.status = status
    assert await deliver(api) == 1
    assert await deliver(api) == 0
    (waiting,) = await list_deliveries(office, webhook, status="pending")
    assert (waiting["response_status"], waiting["error"], waiting["attempts"]) == (status, "refused", 1)
    assert waiting["next_attempt_at"] > waiting["created_at"]
    for _ in range(MAX_ATTEMPTS - 1):
        assert await deliver(api, later=True) == 1
    assert await deliver(api, later=True) == 0
    (given_up,) = await list_deliveries(office, webhook, status="failed")
    assert (given_up["attempts"], given_up["next_attempt_at"]) == (MAX_ATTEMPTS, None)
    assert len({headers["webhook-id"] for headers, _ in receiver.received}) == 1


async def test_an_address_that_is_gone_is_not_retried(api: ApiHarness, receiver: Receiver) -> None:
    office, webhook = await settle_with_webhook(api, receiver)
    receiver.status = 410
    await deliver(api)
    (delivery,) = await list_deliveries(office, webhook)
    assert (delivery["status"], delivery["response_status"]) == ("failed", 410)


async def test_pauses_grow_and_end() -> None:
    pauses = [pause for attempt in range(1, MAX_ATTEMPTS) if (pause := pause_after(attempt))]
    assert len(pauses) == MAX_ATTEMPTS - 1
    assert 4 < pauses[0] < 6
    assert all(later > earlier for earlier, later in pairwise(pauses[:7]))
    assert pause_after(MAX_ATTEMPTS) is None


async def test_a_delivery_survives_a_crashed_worker(api: ApiHarness, receiver: Receiver) -> None:
    office, webhook = await settle_with_webhook(api, receiver)
    await api.change_rows("UPDATE delivery SET attempt = 1, not_before = now() + interval '1 minute'")
    assert await deliver(api) == 0
    assert await deliver(api, later=True) == 1
    (delivery,) = await list_deliveries(office, webhook)
    assert (delivery["status"], delivery["attempts"]) == ("delivered", 2)


async def test_an_unreachable_address_is_no_answer(api: ApiHarness) -> None:
    office = await api.office()
    webhook = await add_webhook(office, "http://127.0.0.1:1/hook")
    await api.sync(office)
    await deliver(api)
    (delivery,) = await list_deliveries(office, webhook)
    assert (delivery["status"], delivery["error"], delivery["response_status"]) == (
        "pending",
        "no-response",
        None,
    )


async def test_an_attempt_that_takes_too_long_times_out(api: ApiHarness, receiver: Receiver) -> None:
    office, webhook = await settle_with_webhook(api, receiver)
    receiver.silent = asyncio.Event()
    runtime = api.runtime
    await WebhookSender(runtime.context.database, runtime.client, runtime.clock, timeout=0.05).deliver()
    receiver.silent.set()
    (delivery,) = await list_deliveries(office, webhook)
    assert (delivery["status"], delivery["error"]) == ("pending", "timed-out")


async def test_old_deliveries_are_purged(api: ApiHarness, receiver: Receiver) -> None:
    office, webhook = await settle_with_webhook(api, receiver)
    async with api.runtime.context.database.district(api.district.id) as db:
        await retention.purge(db)
        await db.execute(text("UPDATE delivery SET created_at = now() - interval '31 days'"))
    assert len(await list_deliveries(office, webhook)) == 1
    async with api.runtime.context.database.district(api.district.id) as db:
        await retention.purge(db)
    assert await list_deliveries(office, webhook) == []


async def test_a_district_does_not_delay_anothers_deliveries(api: ApiHarness, receiver: Receiver) -> None:
    office = await api.office()
    await add_webhook(office, receiver.url)
    await add_webhook(office, f"http://{'a' * 70}.example.org/")
    await api.sync(office)
    neighbor = await api.add_neighbor()
    async with api.runtime.context.database.district(neighbor.id) as db:
        await db.execute(
            text("""
                WITH made AS (INSERT INTO webhook (id, url, secret)
                              VALUES (gen_random_uuid(), 'https://x.example', 'nonsense') RETURNING id)
                INSERT INTO delivery (id, webhook_id, sync_id, payload, status)
                SELECT gen_random_uuid(), id, gen_random_uuid(), '{}', 'pending' FROM made
            """)
        )
    assert await deliver(api) == 3
    assert len(receiver.received) == 1


async def test_a_private_address_is_never_called(api: ApiHarness, receiver: Receiver) -> None:
    office = await api.office()
    webhook = await add_webhook(office, receiver.url.replace("http:", "https:"))
    plain = await add_webhook(office, receiver.url)
    await api.sync(office)
    async with open_client(allow_private_network=False) as careful:
        await WebhookSender(api.runtime.context.database, careful, api.runtime.clock).deliver()
    for added in (webhook, plain):
        (delivery,) = await list_deliveries(office, added)
        assert delivery["error"] == "address-not-allowed"
    assert receiver.received == []


async def test_a_replay_sends_the_same_message_again(api: ApiHarness, receiver: Receiver) -> None:
    office, webhook = await settle_with_webhook(api, receiver)
    await deliver(api)
    (delivery,) = await list_deliveries(office, webhook)
    response = await office.post(f"{webhook['links']['deliveries']}/{delivery['id']}/replay")
    assert (response.status_code, response.json()["status"]) == (202, "pending")
    assert await deliver(api) == 1
    first, second = receiver.received
    assert first[1] == second[1]
    assert first[0]["webhook-id"] == second[0]["webhook-id"]
    actions = [entry["action"] for entry in (await office.get("/audit")).json()["items"]]
    assert {"webhook.added", "delivery.replayed"} <= set(actions)


async def test_deliveries_come_in_pages(api: ApiHarness, receiver: Receiver) -> None:
    office = await api.office()
    webhook = await add_webhook(office, receiver.url)
    for _ in range(3):
        await api.sync(office)
    first = (await office.get(webhook["links"]["deliveries"], limit=2)).json()
    rest = (await office.get(webhook["links"]["deliveries"], limit=2, cursor=first["next_cursor"])).json()
    ids = [delivery["id"] for delivery in first["items"] + rest["items"]]
    assert len(set(ids)) == 3
    assert ids == sorted(ids, reverse=True)
