"""Test that a webhook whose receiver is slow delays its own messages alone."""

import asyncio
from dataclasses import replace
from uuid import uuid4

from gradesync.db import webhooks
from gradesync.worker.pool import run_worker
from gradesync.worker.webhooks import WebhookSender
from harness.api import ApiHarness
from harness.known_districts import register_district
from harness.webhook_receiver import Receiver, add_webhook

SETTLED = {"type": "sync.settled"}
SOON = 8  # seconds: less than one attempt may take


async def enqueue(api: ApiHarness, district_id: str) -> None:
    async with api.runtime.context.database.district(district_id) as db:
        await webhooks.enqueue(db, uuid4(), SETTLED)


async def expect_message(receiver: Receiver) -> None:
    async with asyncio.timeout(SOON):
        await receiver.called.wait()
    receiver.called.clear()


async def test_a_slow_webhook_delays_no_other_of_its_district(
    api: ApiHarness, receiver: Receiver, silent_server: Receiver
) -> None:
    office = await api.office()
    await add_webhook(office, receiver.url)
    await add_webhook(office, silent_server.url)
    async with run_worker(api.runtime):
        await enqueue(api, api.district.id)
        await expect_message(silent_server)
        await expect_message(receiver)
        await enqueue(api, api.district.id)
        await expect_message(receiver)
    assert len(silent_server.received) == 1


async def test_a_slow_webhook_delays_no_other_district(
    api: ApiHarness, receiver: Receiver, silent_server: Receiver
) -> None:
    other = replace(api.district, id="slowville", lti=None, lti11=None)
    await register_district(api.runtime.context.database, other)
    async with api.runtime.context.database.district(other.id) as db:
        await webhooks.create(db, other.id, silent_server.url)
    await add_webhook(await api.office(), receiver.url)
    async with run_worker(api.runtime):
        for _ in range(30):  # more than one webhook gets at once
            await enqueue(api, other.id)
        await expect_message(silent_server)
        await enqueue(api, api.district.id)
        await expect_message(receiver)


async def test_many_slow_districts_share_the_room_of_a_sender(
    api: ApiHarness, silent_server: Receiver
) -> None:
    database = api.runtime.context.database
    for number in range(6):
        other = replace(api.district, id=f"slowville-{number}", lti=None, lti11=None)
        await register_district(database, other)
        async with database.district(other.id) as db:
            await webhooks.create(db, other.id, silent_server.url)
        await enqueue(api, other.id)
    sender = WebhookSender(database, api.runtime.client, api.runtime.clock, at_once=2)
    async with sender.open():
        assert await sender.begin() + await sender.begin() == 2
