"""Test the clients of a district: who may make which, how secrets are replaced, and when they end."""

import asyncio

from gradesync.api.routes.clients import MAX_CLIENTS
from harness.api import ApiClient, ApiHarness, expect_oauth_error, expect_problem

READER = {"name": "Reader", "scopes": ["syncs:read"]}


async def last_use(office: ApiClient, client_id: str) -> str | None:
    items = (await office.get("/clients", limit=200)).json()["items"]
    (used,) = [each["last_used_at"] for each in items if each["id"] == client_id]
    return str(used) if used else None


async def test_nobody_gives_more_than_they_have(api: ApiHarness) -> None:
    await api.change_policy(service_sync=False)
    maker = await api.office("district:write", "district:read", "syncs:read")
    made = await maker.post("/clients", READER)
    assert made.status_code == 201
    expect_problem(
        await maker.post("/clients", {"name": "Auditor", "scopes": ["syncs:read", "audit:read"]}),
        403,
        "client-beyond-caller",
    )
    stronger, secret = await api.client("audit:read")
    expect_problem(await maker.post(f"/clients/{stronger}/rotate"), 403, "client-beyond-caller")
    assert (await api.grant((stronger, secret), grant_type="client_credentials")).status_code == 200
    expect_problem(await maker.post("/clients", {"name": "All", "scopes": ["all"]}), 422, "request-not-valid")


async def test_an_admin_gives_syncs_only_as_the_policy_does(api: ApiHarness) -> None:
    await api.change_policy(service_sync=False)
    operator = await api.operator()
    starter = {"name": "Starter", "scopes": ["syncs:write"]}
    expect_problem(await operator.post("/clients", starter), 403, "client-beyond-caller")
    exchanger = {"name": "Front end", "scopes": ["token:exchange"]}
    expect_problem(await operator.post("/clients", exchanger), 403, "client-beyond-caller")
    await api.change_policy(service_sync=True)
    api.restart()
    assert (await operator.post("/clients", starter)).status_code == 201


async def test_an_old_secret_lives_as_long_as_chosen(api: ApiHarness) -> None:
    office = await api.office()
    client = (await office.post("/clients", READER)).json()
    first = (client["id"], client["secret"])
    rotated = (await office.post(f"/clients/{client['id']}/rotate")).json()
    second = (client["id"], rotated["secret"])
    assert rotated["old_secret_until"]
    for credentials in (first, second):
        assert (await api.grant(credentials, grant_type="client_credentials")).status_code == 200
    await api.change_rows("UPDATE client SET old_until = now() - interval '1 second'")
    refused = await api.grant(first, grant_type="client_credentials")
    expect_oauth_error(refused, 401, "invalid_client", "client-not-accepted")
    again = (await office.post(f"/clients/{client['id']}/rotate", {"keep_old_hours": 0})).json()
    assert again["old_secret_until"] is None
    refused = await api.grant(second, grant_type="client_credentials")
    expect_oauth_error(refused, 401, "invalid_client", "client-not-accepted")
    third = (client["id"], again["secret"])
    assert (await api.grant(third, grant_type="client_credentials")).status_code == 200


async def test_a_rotation_sent_twice_ends_no_secret(api: ApiHarness) -> None:
    office = await api.office()
    client = (await office.post("/clients", READER)).json()
    path = f"/clients/{client['id']}/rotate"
    secrets = [client["secret"], *[(await office.post(path)).json()["secret"] for _ in range(3)]]
    accepted = [
        (await api.grant((client["id"], secret), grant_type="client_credentials")).status_code == 200
        for secret in secrets
    ]
    assert accepted == [False, True, True, True]
    last = (await office.post(path, {"keep_old_hours": 0})).json()["secret"]
    for secret, status in ((last, 200), *((secret, 401) for secret in secrets)):
        response = await api.grant((client["id"], secret), grant_type="client_credentials")
        assert response.status_code == status


async def test_a_revoked_client_ends_with_its_tokens_at_once(api: ApiHarness) -> None:
    office = await api.office()
    client = (await office.post("/clients", READER)).json()
    credentials = (client["id"], client["secret"])
    token = (await api.grant(credentials, grant_type="client_credentials")).json()["access_token"]
    holder = ApiClient(api.http, token)
    assert (await holder.get("/syncs")).status_code == 200
    assert (await office.ask("DELETE", f"/clients/{client['id']}")).status_code == 204
    expect_problem(await holder.get("/syncs"), 401, "token-not-accepted")
    refused = await api.grant(credentials, grant_type="client_credentials")
    expect_oauth_error(refused, 401, "invalid_client", "client-not-accepted")
    for answer in (
        await office.ask("DELETE", f"/clients/{client['id']}"),
        await office.post(f"/clients/{client['id']}/rotate"),
        await office.post("/clients/gs_unknown/rotate"),
    ):
        expect_problem(answer, 404, "client-not-found")
    entries = (await office.get("/audit")).json()["items"]
    changes = [each for each in entries if each["action"].startswith("client.")]
    assert [each["action"] for each in changes] == ["client.revoked", "client.created"]
    assert {each["objects"]["client"] for each in changes} == {client["id"]}


async def test_the_last_use_is_noted_once_an_hour(api: ApiHarness) -> None:
    office = await api.office()
    client = (await office.post("/clients", READER)).json()
    credentials = (client["id"], client["secret"])
    assert await last_use(office, client["id"]) is None
    for age, noted in (("59 minutes", False), ("61 minutes", True)):
        await api.grant(credentials, grant_type="client_credentials")
        await api.change_rows(f"UPDATE client SET last_used_at = now() - interval '{age}'")  # noqa: S608 - our own text
        before = await last_use(office, client["id"])
        await api.grant(credentials, grant_type="client_credentials")
        assert (await last_use(office, client["id"]) != before) == noted


async def test_clients_are_listed_by_page_without_secrets(api: ApiHarness) -> None:
    office = await api.office()
    made = [(await office.post("/clients", {**READER, "name": name})).json() for name in ("One", "Two")]
    await office.ask("DELETE", f"/clients/{made[0]['id']}")
    page, seen = (await office.get("/clients", limit=1)).json(), []
    while True:
        seen += page["items"]
        if page["next_cursor"] is None:
            break
        page = (await office.get("/clients", limit=1, cursor=page["next_cursor"])).json()
    assert [each["name"] for each in seen] == ["", "", "One", "Two"]
    assert [bool(each["revoked_at"]) for each in seen] == [False, False, True, False]
    assert "secret" not in seen[-1]
    assert seen[-1]["created_by"].startswith("client:")
    active = sum(each["revoked_at"] is None for each in seen)
    await api.change_rows(
        "INSERT INTO client (id, secret_hash, scopes) "  # noqa: S608 - a number of ours
        f"SELECT n::text, '', '{{}}' FROM generate_series(1, {MAX_CLIENTS - active - 1}) n"
    )
    answers = await asyncio.gather(*(office.post("/clients", READER) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    refused = next(answer for answer in answers if answer.status_code == 409)
    expect_problem(refused, 409, "too-many-clients")
