"""Check the proxy before the cells (deploy/haproxy): each request goes to the cell of its district."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from gradesync.access.tokens import Caller, Scope, Tokens
from gradesync.db import clients, districts, invitations
from gradesync.db.cell_routes import list_routes
from gradesync.db.session import Database
from harness.cells import Cells
from harness.haproxy import Proxy, installed, render_map, run_proxy
from harness.store import HILLTOP, RIVERSIDE

DEPLOYMENT = "https://purl.imsglobal.org/spec/lti/claim/deployment_id"
RIVERSIDE_LTI = {"iss": "https://lti.example.com", "client_id": "77", "lti_deployment_id": "d1"}
PRINTABLE = {f"a{chr(code)}b": ("east", "west")[code % 2] for code in range(32, 127)}
ROUTES = {
    "riverside": "east",
    "hilltop": "west",
    "client:gs_riverside": "east",
    "client:gs_hilltop": "west",
    "lti:https://lti.example.com|77|d1": "east",
    "lti:https://lti.example.com|77|d2": "west",
    "lti11:an old key": "east",
    "lti11:#1+1 = 2 %20": "west",
    **{f"client:{name}": where for name, where in PRINTABLE.items()},
}


@asynccontextmanager
async def cell(name: str) -> AsyncIterator[str]:
    """Answer every request with a name; yield the address."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        fields = dict(line.lower().split(b": ") for line in head.split(b"\r\n")[1:-2])
        await reader.readexactly(int(fields.get(b"content-length", b"0")))
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\n" + name.encode())
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1") as server:
        yield "{}:{}".format(*server.sockets[0].getsockname())


@asynccontextmanager
async def proxy(folder: Path, routes: Mapping[str, str]) -> AsyncIterator[Proxy]:
    """Run the proxy before two cells that answer with their names."""
    async with (
        cell("west") as west,
        cell("east") as east,
        run_proxy(folder, {"west": west, "east": east}, render_map(routes)) as opened,
    ):
        yield opened


@pytest.fixture(scope="module")
async def client(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    async with proxy(tmp_path_factory.mktemp("proxy"), ROUTES) as opened:
        yield opened.client


def token(district: str) -> dict[str, str]:
    """Return the header of a request with a real token of a district."""
    tokens = Tokens.of([b"k" * 32], lambda: datetime.now(UTC))
    caller = Caller(district, "gs_1", "gs_1", frozenset({Scope.SYNCS_READ}))
    return {"authorization": f"Bearer {tokens.issue(caller, timedelta(minutes=1))}"}


def id_token(deployment: str) -> str:
    claims: dict[str, Any] = {"iss": "https://lti.example.com", "aud": "77", DEPLOYMENT: deployment}
    return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(b"k" * 32))


@installed
async def test_token_leads_to_the_cell_of_its_district(client: httpx.AsyncClient) -> None:
    for district in ("riverside", "hilltop"):
        assert (await client.get("/syncs", headers=token(district))).text == ROUTES[district]


@installed
async def test_token_request_leads_to_the_cell_of_its_client(client: httpx.AsyncClient) -> None:
    for id_, where in (("gs_riverside", "east"), ("gs_hilltop", "west")):
        grant = {"grant_type": "client_credentials"}
        by_basic = await client.post("/oauth/token", data=grant, auth=(id_, "a:secret"))
        by_form = await client.post("/oauth/token", data={**grant, "client_id": id_, "client_secret": "s"})
        assert (by_basic.text, by_form.text) == (where, where)


@installed
async def test_client_of_any_printable_name_has_one_cell(client: httpx.AsyncClient) -> None:
    astray = set()
    for name, where in PRINTABLE.items():
        grant = {"grant_type": "client_credentials"}
        for _ in range(2):  # `any` has turns
            by_basic = await client.post("/oauth/token", data=grant, auth=(quote_plus(name), "secret"))
            by_form = await client.post("/oauth/token", data={**grant, "client_id": name})
            if (by_basic.text, by_form.text) != (where, where):
                astray.add(name)
    assert astray == set()


@installed
async def test_launch_and_its_login_lead_to_one_cell(client: httpx.AsyncClient) -> None:
    for deployment, where in (("d1", "east"), ("d2", "west")):
        login = {**RIVERSIDE_LTI, "lti_deployment_id": deployment, "login_hint": "1"}
        launch = {"id_token": id_token(deployment), "state": f"state-{deployment}"}
        asked = [
            await client.get("/lti/login", params=login),
            await client.post("/lti/login", data=login),
            await client.post("/lti/launch", data=launch),
        ]
        assert [answer.text for answer in asked] == [where] * 3


@installed
async def test_launch_by_a_consumer_key_leads_to_its_cell(client: httpx.AsyncClient) -> None:
    for key, where in (("an old key", "east"), ("#1+1 = 2 %20", "west")):
        launch = {"lti_version": "LTI-1p0", "oauth_consumer_key": key}
        launched = [await client.post("/lti/launch", data=launch) for _ in range(3)]
        assert [answer.text for answer in launched] == [where] * 3  # `any` has turns


@installed
async def test_confirmation_follows_its_launch(client: httpx.AsyncClient) -> None:
    for deployment, where in (("d1", "east"), ("d2", "west")):
        await client.post("/lti/launch", data={"id_token": id_token(deployment), "state": f"s-{deployment}"})
        confirmed = await client.post("/lti/confirm", json={"ticket": "t", "value": f"s-{deployment}"})
        assert confirmed.text == where


@installed
async def test_sign_in_and_its_way_back_lead_to_one_cell(client: httpx.AsyncClient) -> None:
    for district in ("riverside", "hilltop"):
        signed_in = await client.get("/console/sign-in", params={"district": district})
        back = await client.get(f"/console/callback-{district}", params={"code": "c", "state": "s"})
        assert (signed_in.text, back.text) == (ROUTES[district], ROUTES[district])


@installed
async def test_invitation_and_its_session_lead_to_one_cell(client: httpx.AsyncClient) -> None:
    for district in ("riverside", "hilltop"):
        credential = f"{district}.{'s' * 43}"
        session = {"authorization": f"Bearer {credential}"}
        asked = [
            await client.post("/console/setup/session", json={"link": credential}),
            await client.get("/console/setup/district", headers=session),
            await client.put("/console/setup/district", headers=session, json={"sis": {}}),
            await client.post("/console/setup/check", headers=session, json={}),
        ]
        assert [answer.text for answer in asked] == [ROUTES[district]] * 4


@installed
async def test_moved_district_is_found_after_a_reload(tmp_path: Path) -> None:
    async with proxy(tmp_path, {"riverside": "west"}) as opened:
        for where in ("west", "east"):
            await opened.reload(render_map({"riverside": where}))
            assert (await opened.client.get("/syncs", headers=token("riverside"))).text == where


@installed
async def test_requests_without_a_district_are_answered(client: httpx.AsyncClient) -> None:
    for headers in ({}, token("nowhere"), {"authorization": "Bearer nonsense"}):
        assert (await client.get("/problems/rate", headers=headers)).status_code == 200


async def test_routes_name_clients_and_installations(cells: Cells, database: Database) -> None:
    ids = []
    for district in (RIVERSIDE, HILLTOP):
        async with database.district(district.id) as db:
            await districts.apply(db, district)
            ids.append((await clients.create(db, ["syncs:read"], created_by="operator"))[0])
    await cells.move("riverside")
    async with database.district("lakeview") as db:
        await invitations.create(db, "Ann Admin")
    urls = {"west": cells.west.migrate_database_url, "east": cells.east.migrate_database_url}
    assert await list_routes(urls) == {
        f"client:{ids[0]}": "east",
        f"client:{ids[1]}": "west",
        "hilltop": "west",
        "lakeview": "west",
        "lti11:an old key": "east",
        "lti:https://lti.example.com|77|d1": "east",
        "riverside": "east",
    }


async def test_district_applied_again_keeps_its_route(cells: Cells, database: Database) -> None:
    async with database.district("riverside") as db:
        await districts.apply(db, RIVERSIDE)
    await cells.move("riverside")
    async with database.district("riverside") as db:
        await districts.apply(db, RIVERSIDE)
    urls = {"west": cells.west.migrate_database_url, "east": cells.east.migrate_database_url}
    for order in (urls, dict(reversed(urls.items()))):
        assert (await list_routes(order))["riverside"] == "east"
