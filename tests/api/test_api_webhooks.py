"""Test webhooks: their addresses, and their secrets."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import text
from standardwebhooks import Webhook, WebhookVerificationError

from gradesync.db import districts
from harness.api import ApiHarness, expect_problem
from harness.webhook_receiver import Receiver, add_webhook, deliver, list_deliveries, settle_with_webhook

INWARD = "127.0.0.1", "10.0.0.5", "169.254.169.254", "[::1]", "[::ffff:10.0.0.5]", "2130706433", "0x7f.1"


async def test_secrets_are_sealed_again_with_new_keys(api: ApiHarness, receiver: Receiver) -> None:
    office = await api.office()
    webhook = await add_webhook(office, receiver.url)
    for _ in range(2):
        await office.post(f"/webhooks/{webhook['id']}/rotate")
    async with api.runtime.context.database.district(api.district.id) as db:
        before = (await db.execute(text("SELECT secret, old_secret FROM webhook"))).one()
        await districts.rotate_secrets(db)
        after = (await db.execute(text("SELECT secret, old_secret FROM webhook"))).one()
    assert not set(before) & set(after)
    await api.sync(office)
    await deliver(api)
    ((headers, body),) = receiver.received
    assert Webhook(webhook["secret"]).verify(body, headers)


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
async def test_an_invalid_address_is_refused(api: ApiHarness, url: str) -> None:
    office = await api.office()
    expect_problem(await office.post("/webhooks", {"url": url}), 422, "webhook-not-allowed")
    assert (await office.get("/webhooks")).json() == {"items": []}


async def test_only_https_is_allowed_on_public_networks(api: ApiHarness) -> None:
    office = await api.office()
    settings = api.runtime.settings.model_copy(update={"allow_private_network": False})
    api.app.state.runtime = replace(api.runtime, settings=settings)
    expect_problem(
        await office.post("/webhooks", {"url": "http://hooks.example.org"}), 422, "webhook-not-allowed"
    )
    for host in INWARD:
        answer = await office.post("/webhooks", {"url": f"https://{host}/x"})
        assert expect_problem(answer, 422, "webhook-not-allowed")["detail"] == "It is not a public address."
    for host in ("hooks.example.org", "8.8.8.8", "[2600::1]"):
        assert (await office.post("/webhooks", {"url": f"https://{host}"})).status_code == 201


async def test_a_secret_is_shown_once_and_stored_sealed(api: ApiHarness) -> None:
    office = await api.office()
    webhook = await add_webhook(office, "https://hooks.example.org")
    (listed,) = (await office.get("/webhooks")).json()["items"]
    assert "secret" not in listed
    async with api.runtime.context.database.district(api.district.id) as db:
        kept = await db.scalar(text("SELECT secret FROM webhook"))
    assert webhook["secret"] not in kept
    assert webhook["secret"].startswith("whsec_")


async def test_messages_are_signed_with_new_and_old_secrets(api: ApiHarness, receiver: Receiver) -> None:
    office = await api.office()
    webhook = await add_webhook(office, receiver.url)
    rotated = (await office.post(f"/webhooks/{webhook['id']}/rotate")).json()
    again = (
        await office.post(f"/webhooks/{webhook['id']}/rotate")
    ).json()  # as a client whose response was lost
    assert len({webhook["secret"], rotated["secret"], again["secret"]}) == 3
    await api.sync(office)
    await deliver(api)
    ((headers, body),) = receiver.received
    for secret in (webhook["secret"], rotated["secret"], again["secret"]):
        assert Webhook(secret).verify(body, headers)
    await api.change_rows("UPDATE webhook SET old_until = now() - interval '1 second'")
    (delivery,) = await list_deliveries(office, webhook)
    await office.post(f"{webhook['links']['deliveries']}/{delivery['id']}/replay")
    await deliver(api)
    headers, body = receiver.received[-1]
    assert Webhook(again["secret"]).verify(body, headers)
    for secret in (webhook["secret"], rotated["secret"]):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(body, headers)


async def test_a_removed_webhook_gets_no_messages(api: ApiHarness, receiver: Receiver) -> None:
    office, webhook = await settle_with_webhook(api, receiver)
    assert (await office.ask("DELETE", f"/webhooks/{webhook['id']}")).status_code == 204
    assert await deliver(api, later=True) == 0
    assert (await office.get("/webhooks")).json() == {"items": []}
    for method, path in (
        ("DELETE", f"/webhooks/{webhook['id']}"),
        ("POST", f"/webhooks/{webhook['id']}/rotate"),
        ("GET", webhook["links"]["deliveries"]),
    ):
        expect_problem(await office.ask(method, path), 404, "webhook-not-found")
    again = await add_webhook(office, receiver.url)
    missing = f"{again['links']['deliveries']}/{webhook['id']}/replay"
    expect_problem(await office.post(missing), 404, "delivery-not-found")


async def test_the_number_of_webhooks_is_limited(api: ApiHarness) -> None:
    office = await api.office()
    bodies = [{"url": f"https://hooks.example.org/{number}"} for number in range(13)]
    answers = await asyncio.gather(*(office.post("/webhooks", body) for body in bodies))
    assert sum(answer.status_code == 201 for answer in answers) == 10
    for answer in answers:
        if answer.status_code != 201:
            expect_problem(answer, 409, "too-many-webhooks")


async def test_webhooks_of_another_district_do_not_exist(api: ApiHarness, receiver: Receiver) -> None:
    office, neighbor = await api.office(), await api.add_neighbor()
    stranger = await api.office(district_id=neighbor.id)
    webhook = await add_webhook(office, receiver.url)
    theirs = await add_webhook(stranger, receiver.url.replace("hook", "other"))
    expect_problem(await stranger.post(f"/webhooks/{webhook['id']}/rotate"), 404, "webhook-not-found")
    await api.sync(office)
    await deliver(api)
    assert len(receiver.received) == 1
    assert await list_deliveries(stranger, theirs) == []
