"""Webhooks: signed news of settled syncs, delivered from an outbox that forgets nothing."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import text
from standardwebhooks import Webhook, WebhookVerificationError
from starlette.requests import Request
from starlette.responses import Response

from gradesync.db import districts, retention
from gradesync.egress import open_client
from gradesync.webhooks import MOST_ATTEMPTS, Post, pause_after
from gradesync.worker import post, working
from gradesync_sandbox.serving import Served
from installed import Door, Place, problem

LATER_IS_NOW = text("UPDATE delivery SET not_before = now()")


@dataclass
class Receiver:
    """Somebody who listens, and answers what the test says."""

    url: str = ""
    status: int = 200
    silent: asyncio.Event | None = None
    heard: list[tuple[dict[str, str], str]] = field(default_factory=list)
    called: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope, receive)
        self.heard.append((dict(request.headers), (await request.body()).decode()))
        self.called.set()
        if self.silent is not None:
            await self.silent.wait()
        headers = {"location": "/elsewhere"} if self.status == 302 else {}
        await Response(status_code=self.status, headers=headers)(scope, receive, send)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    listening = Receiver()
    served = Served(listening, "127.0.0.1")
    listening.url = f"{served.url}/hook"
    await served.start()
    yield listening
    await served.stop()


async def add(office: Door, url: str) -> dict[str, Any]:
    answer = await office.post("/webhooks", {"url": url})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def deliver(place: Place, *, later: bool = False) -> int:
    if later:
        async with place.runtime.database.district(place.district.id) as db:
            await db.execute(LATER_IS_NOW)
    return await post(place.runtime).deliver()


async def deliveries(office: Door, webhook: dict[str, Any], **filters: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await office.get(webhook["links"]["deliveries"], **filters)).json()[
        "items"
    ]
    return items


async def test_a_settled_sync_is_told_once_signed_and_in_numbers(place: Place, receiver: Receiver) -> None:
    office = await place.office()
    webhook = await add(office, receiver.url)
    sync = await place.synced(office)
    assert await deliver(place) == 1
    assert await deliver(place, later=True) == 0
    ((headers, body),) = receiver.heard
    told = Webhook(webhook["secret"]).verify(body, headers)
    assert told["type"] == "sync.settled"
    assert told["data"]["sync_id"] == sync["id"]
    assert told["data"]["status"] == sync["status"]
    assert (told["data"]["assignments"], told["data"]["scores"]) == (sync["assignments"], sync["scores"])
    (delivery,) = await deliveries(office, webhook)
    assert (delivery["id"], delivery["status"]) == (headers["webhook-id"], "delivered")
    assert (delivery["answer"], delivery["attempts"], delivery["sync_id"]) == (200, 1, sync["id"])


async def test_a_worker_delivers_in_its_rounds(place: Place, receiver: Receiver) -> None:
    office = await place.office()
    await add(office, receiver.url)
    async with working(place.runtime):
        await office.post(f"{place.path}/syncs")
        async with asyncio.timeout(90):
            await receiver.called.wait()
    assert len(receiver.heard) == 1


async def test_no_name_no_title_and_no_score_is_told(place: Place, receiver: Receiver) -> None:
    office = await place.office()
    await add(office, receiver.url)
    await place.synced(office)
    await deliver(place)
    ((_, body),) = receiver.heard
    users = place.world.schoology.users.values()
    words = {user.last for user in users} | {item.title for item in place.room.section.items.values()}
    assert not [word for word in words if word in body]
    assert set(json.loads(body)["data"]) == {
        *("district_id", "section_id", "sync_id", "status", "applied", "requested_by"),
        *("assignments", "scores", "warnings", "error"),
    }


async def test_a_dry_run_is_not_told_and_an_overdue_sync_is(place: Place, receiver: Receiver) -> None:
    office = await place.office()
    await add(office, receiver.url)
    await place.synced(office, dry_run=True)
    started = await office.post(f"{place.path}/syncs")
    async with place.runtime.database.district(place.district.id) as db:
        await db.execute(text("UPDATE sync SET settles_by = now() - interval '1 second'"))
    settled = (await office.get(started.headers["location"])).json()
    assert settled["error"]["code"] == "timed-out"
    await deliver(place)
    ((_, body),) = receiver.heard
    assert json.loads(body)["data"]["error"] == "timed-out"


@pytest.mark.parametrize("status", [302, 404, 500])
async def test_what_is_not_taken_is_tried_again_and_given_up_in_the_end(
    place: Place, receiver: Receiver, status: int
) -> None:
    office = await place.office()
    webhook = await add(office, receiver.url)
    await place.synced(office)
    receiver.status = status
    assert await deliver(place) == 1
    assert await deliver(place) == 0
    (waiting,) = await deliveries(office, webhook, status="pending")
    assert (waiting["answer"], waiting["error"], waiting["attempts"]) == (status, "refused", 1)
    assert waiting["next_attempt_at"] > waiting["created_at"]
    for _ in range(MOST_ATTEMPTS - 1):
        assert await deliver(place, later=True) == 1
    assert await deliver(place, later=True) == 0
    (given_up,) = await deliveries(office, webhook, status="failed")
    assert (given_up["attempts"], given_up["next_attempt_at"]) == (MOST_ATTEMPTS, None)
    assert len({headers["webhook-id"] for headers, _ in receiver.heard}) == 1


async def test_an_address_that_is_gone_is_not_asked_again(place: Place, receiver: Receiver) -> None:
    office = await place.office()
    webhook = await add(office, receiver.url)
    await place.synced(office)
    receiver.status = 410
    await deliver(place)
    (delivery,) = await deliveries(office, webhook)
    assert (delivery["status"], delivery["answer"]) == ("failed", 410)


async def test_pauses_grow_and_end() -> None:
    pauses = [pause for attempt in range(1, MOST_ATTEMPTS) if (pause := pause_after(attempt))]
    assert len(pauses) == MOST_ATTEMPTS - 1
    assert 4 < pauses[0] < 6
    assert all(later > earlier for earlier, later in pairwise(pauses[:7]))
    assert pause_after(MOST_ATTEMPTS) is None


async def test_an_outbox_outlives_the_worker_that_died_over_it(place: Place, receiver: Receiver) -> None:
    office = await place.office()
    webhook = await add(office, receiver.url)
    await place.synced(office)
    async with place.runtime.database.district(place.district.id) as db:
        await db.execute(text("UPDATE delivery SET attempt = 1, not_before = now() + interval '1 minute'"))
    assert await deliver(place) == 0
    assert await deliver(place, later=True) == 1
    (delivery,) = await deliveries(office, webhook)
    assert (delivery["status"], delivery["attempts"]) == ("delivered", 2)


async def test_nobody_at_an_address_is_no_answer(place: Place, receiver: Receiver) -> None:
    office = await place.office()
    webhook = await add(office, "http://127.0.0.1:1/hook")
    await place.synced(office)
    await deliver(place)
    (delivery,) = await deliveries(office, webhook)
    assert (delivery["status"], delivery["error"], delivery["answer"]) == ("pending", "no-answer", None)


async def test_an_attempt_that_lasts_too_long_is_broken_off(place: Place, receiver: Receiver) -> None:
    office = await place.office()
    webhook = await add(office, receiver.url)
    await place.synced(office)
    receiver.silent = asyncio.Event()
    runtime = place.runtime
    await Post(runtime.database, runtime.client, runtime.clock, patience=0.05).deliver()
    receiver.silent.set()
    (delivery,) = await deliveries(office, webhook)
    assert (delivery["status"], delivery["error"]) == ("pending", "timed-out")


async def test_secrets_are_sealed_anew_with_new_keys(place: Place, receiver: Receiver) -> None:
    office = await place.office()
    webhook = await add(office, receiver.url)
    await office.post(f"/webhooks/{webhook['id']}/rotate")
    async with place.runtime.database.district(place.district.id) as db:
        before = (await db.execute(text("SELECT secret, old_secret FROM webhook"))).one()
        await districts.rotate_secrets(db)
        after = (await db.execute(text("SELECT secret, old_secret FROM webhook"))).one()
    assert not set(before) & set(after)
    await place.synced(office)
    await deliver(place)
    ((headers, body),) = receiver.heard
    assert Webhook(webhook["secret"]).verify(body, headers)


async def test_old_deliveries_are_forgotten(place: Place, receiver: Receiver) -> None:
    office = await place.office()
    webhook = await add(office, receiver.url)
    await place.synced(office)
    async with place.runtime.database.district(place.district.id) as db:
        await retention.purge(db)
        await db.execute(text("UPDATE delivery SET created_at = now() - interval '31 days'"))
    assert len(await deliveries(office, webhook)) == 1
    async with place.runtime.database.district(place.district.id) as db:
        await retention.purge(db)
    assert await deliveries(office, webhook) == []


async def test_trouble_of_one_district_is_no_others(place: Place, receiver: Receiver) -> None:
    office = await place.office()
    await add(office, receiver.url)
    await add(office, f"http://{'a' * 70}.example.org/")
    await place.synced(office)
    other = await place.neighbour()
    async with place.runtime.database.district(other.id) as db:
        await db.execute(
            text("""
                WITH made AS (INSERT INTO webhook (id, url, secret)
                              VALUES (gen_random_uuid(), 'https://x.example', 'nonsense') RETURNING id)
                INSERT INTO delivery (id, webhook_id, sync_id, payload, status)
                SELECT gen_random_uuid(), id, gen_random_uuid(), '{}', 'pending' FROM made
            """)
        )
    assert await deliver(place) == 2
    assert len(receiver.heard) == 1


async def test_a_private_address_is_never_called(place: Place, receiver: Receiver) -> None:
    office = await place.office()
    webhook = await add(office, receiver.url.replace("http:", "https:"))
    plain = await add(office, receiver.url)
    await place.synced(office)
    async with open_client(allow_private_network=False) as careful:
        await Post(place.runtime.database, careful, place.runtime.clock).deliver()
    for one in (webhook, plain):
        (delivery,) = await deliveries(office, one)
        assert delivery["error"] == "address-not-allowed"
    assert receiver.heard == []


@pytest.mark.parametrize(
    "url",
    [
        "ftp://hooks.example.org/x",
        "https://",
        "https://user:word@hooks.example.org/",
        "https://hooks.example.org/#part",
        "https://hooks.example.org:99999/",
        "https://[::1/",
        "https://hooks.example.org/a b",
        "hooks.example.org",
    ],
)
async def test_an_address_that_is_none_is_refused(place: Place, url: str) -> None:
    office = await place.office()
    problem(await office.post("/webhooks", {"url": url}), 422, "webhook-not-allowed")
    assert (await office.get("/webhooks")).json() == {"items": []}


async def test_only_https_is_taken_where_networks_are_public(place: Place) -> None:
    office = await place.office()
    service = place.app.state.service
    public = replace(
        service.runtime, settings=service.settings.model_copy(update={"allow_private_network": False})
    )
    place.app.state.service = replace(service, runtime=public)
    problem(await office.post("/webhooks", {"url": "http://hooks.example.org"}), 422, "webhook-not-allowed")
    assert (await office.post("/webhooks", {"url": "https://hooks.example.org"})).status_code == 201


async def test_a_secret_is_shown_once_and_kept_sealed(place: Place) -> None:
    office = await place.office()
    webhook = await add(office, "https://hooks.example.org")
    (listed,) = (await office.get("/webhooks")).json()["items"]
    assert "secret" not in listed
    async with place.runtime.database.district(place.district.id) as db:
        kept = await db.scalar(text("SELECT secret FROM webhook"))
    assert webhook["secret"] not in kept
    assert webhook["secret"].startswith("whsec_")


async def test_a_new_secret_signs_and_the_old_one_still_does(place: Place, receiver: Receiver) -> None:
    office = await place.office()
    webhook = await add(office, receiver.url)
    rotated = (await office.post(f"/webhooks/{webhook['id']}/rotate")).json()
    assert rotated["secret"] != webhook["secret"]
    await place.synced(office)
    await deliver(place)
    ((headers, body),) = receiver.heard
    for secret in (webhook["secret"], rotated["secret"]):
        assert Webhook(secret).verify(body, headers)
    async with place.runtime.database.district(place.district.id) as db:
        await db.execute(text("UPDATE webhook SET old_until = now() - interval '1 second'"))
    (delivery,) = await deliveries(office, webhook)
    await office.post(f"{webhook['links']['deliveries']}/{delivery['id']}/replay")
    await deliver(place)
    headers, body = receiver.heard[-1]
    assert Webhook(rotated["secret"]).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(webhook["secret"]).verify(body, headers)


async def test_a_replay_sends_the_same_message_again(place: Place, receiver: Receiver) -> None:
    office = await place.office()
    webhook = await add(office, receiver.url)
    await place.synced(office)
    await deliver(place)
    (delivery,) = await deliveries(office, webhook)
    answer = await office.post(f"{webhook['links']['deliveries']}/{delivery['id']}/replay")
    assert (answer.status_code, answer.json()["status"]) == (202, "pending")
    assert await deliver(place) == 1
    first, second = receiver.heard
    assert first[1] == second[1]
    assert first[0]["webhook-id"] == second[0]["webhook-id"]
    actions = [entry["action"] for entry in (await office.get("/audit")).json()["items"]]
    assert {"webhook.added", "delivery.replayed"} <= set(actions)


async def test_a_removed_webhook_hears_nothing_more(place: Place, receiver: Receiver) -> None:
    office = await place.office()
    webhook = await add(office, receiver.url)
    await place.synced(office)
    assert (await office.ask("DELETE", f"/webhooks/{webhook['id']}")).status_code == 204
    assert await deliver(place, later=True) == 0
    assert (await office.get("/webhooks")).json() == {"items": []}
    for method, path in (
        ("DELETE", f"/webhooks/{webhook['id']}"),
        ("POST", f"/webhooks/{webhook['id']}/rotate"),
        ("GET", webhook["links"]["deliveries"]),
    ):
        problem(await office.ask(method, path), 404, "webhook-not-found")
    again = await add(office, receiver.url)
    missing = f"{again['links']['deliveries']}/{webhook['id']}/replay"
    problem(await office.post(missing), 404, "delivery-not-found")


async def test_deliveries_come_in_pages(place: Place, receiver: Receiver) -> None:
    office = await place.office()
    webhook = await add(office, receiver.url)
    for _ in range(3):
        await place.synced(office)
    first = (await office.get(webhook["links"]["deliveries"], limit=2)).json()
    rest = (await office.get(webhook["links"]["deliveries"], limit=2, cursor=first["next_cursor"])).json()
    ids = [one["id"] for one in first["items"] + rest["items"]]
    assert len(set(ids)) == 3
    assert ids == sorted(ids, reverse=True)


async def test_a_district_has_so_many_webhooks_at_most(place: Place) -> None:
    office = await place.office()
    for number in range(10):
        await add(office, f"https://hooks.example.org/{number}")
    problem(await office.post("/webhooks", {"url": "https://hooks.example.org"}), 409, "too-many-webhooks")


async def test_webhooks_of_another_district_are_not_there(place: Place, receiver: Receiver) -> None:
    office, stranger = await place.office(), await place.office(district_id="elsewhere")
    webhook = await add(office, receiver.url)
    theirs = await add(stranger, receiver.url.replace("hook", "other"))
    problem(await stranger.post(f"/webhooks/{webhook['id']}/rotate"), 404, "webhook-not-found")
    await place.synced(office)
    await deliver(place)
    assert len(receiver.heard) == 1
    assert await deliveries(stranger, theirs) == []
