"""Send strange values to sign-in and setup, also in a provider's answers: none is a fault of ours."""

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from gradesync.cli import operator
from gradesync.core.district import OidcAccess
from gradesync.settings import Settings
from gradesync_sandbox.district_file import district
from gradesync_sandbox.world import build
from harness.hostile import TEXTS, VALUES, percent
from harness.lti import LtiHarness, Page, apply, open_lti
from harness.oidc import CLIENT, SECRET, Provider

SETUP = "/console/setup"
NEW = "hilltop"
TABLES = ("schoology", "sis", "match", "lti", "lti11")
ODD: tuple[Any, ...] = (*VALUES, [{}], [[], "\x00"], {"kind": []}, 5)
ENDPOINTS = ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")
CLAIMS = ("iss", "aud", "sub", "azp", "exp", "iat", "nbf", "nonce")


@pytest.fixture
async def tool(settings: Settings, provider: Provider) -> AsyncIterator[LtiHarness]:
    many = settings.filled(token_requests_per_minute=10**6)
    async with open_lti(many, build(students=1, assignments=1, sections=1)) as opened:
        access = OidcAccess(provider.issuer, CLIENT, SECRET, ("ann",), ("bob",))
        await apply(opened, replace(opened.district, oidc=access))
        yield opened


@pytest.fixture
async def session(tool: LtiHarness) -> dict[str, str]:
    """Return the headers of an invited person's session."""
    link = (await operator.invite(tool.runtime, NEW, "Ann Lee")).partition("#")[2]
    opened = await tool.browser.post(f"{SETUP}/session", json={"link": link})
    return {"authorization": f"Bearer {opened.json()['session']}"}


def address(path: str, query: dict[str, str]) -> str:
    return f"/console/{path}?" + "&".join(f"{name}={percent(value)}" for name, value in query.items())


async def begin(tool: LtiHarness) -> httpx.Response:
    return await tool.browser.get(address("sign-in", {"district": tool.district.id}))


def expect_no_fault(response: httpx.Response, *about: object) -> None:
    """Expect an error of the caller, or of their provider."""
    theirs = response.status_code == 503 and "can't be reached" in Page(response).text
    assert response.status_code < 500 or theirs, (*about, response.text)


@pytest.mark.sample(2)
@pytest.mark.parametrize("name", ["code", "state", "iss", "error"])
async def test_no_value_of_a_sign_in_is_a_fault_of_ours(
    tool: LtiHarness, provider: Provider, name: str
) -> None:
    for text in TEXTS:
        expect_no_fault(await tool.browser.get(address("sign-in", {"district": text})), text)
        answer = provider.authorize((await begin(tool)).headers["location"], "bob") | {name: text}
        expect_no_fault(await tool.browser.get(address(f"callback-{tool.district.id}", answer)), name, text)


@pytest.mark.parametrize("name", ENDPOINTS)
async def test_no_description_of_a_provider_is_a_fault_of_ours(
    tool: LtiHarness, provider: Provider, name: str
) -> None:
    for number, value in enumerate(value for value in ODD if value != "\ud800"):  # cannot be sent
        # Each under another issuer: what a provider publishes is kept for minutes.
        issuer = f"{provider.issuer}/{number}"
        provider.metadata = {"issuer": issuer, name: value}
        access = OidcAccess(issuer, CLIENT, SECRET, ("ann",), ("bob",))
        await apply(tool, replace(tool.district, oidc=access))
        expect_no_fault(await begin(tool), name, value)


@pytest.mark.sample(3)
@pytest.mark.parametrize("name", CLAIMS)
async def test_no_claim_of_a_provider_is_a_fault_of_ours(
    tool: LtiHarness, provider: Provider, name: str
) -> None:
    for value in ODD:
        if value == "\ud800":
            continue  # cannot be signed
        provider.claims = {name: value}
        answer = provider.authorize((await begin(tool)).headers["location"], "bob")
        expect_no_fault(await tool.browser.get(address(f"callback-{tool.district.id}", answer)), name, value)


def strange_settings(tool: LtiHarness) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield each setting with settings in which it is strange."""
    usual = district(tool.sandbox)
    for name in (*usual, "policy", "console", "\x00"):
        yield name, [{**usual, name: value} for value in ODD]
    for table in TABLES:
        for name in (*usual[table], "kind", "\x00"):
            yield (
                f"{table}.{name}",
                [{table: {**usual[table], name: value}} for value in ODD],
            )


async def test_no_setting_is_a_fault_of_ours(
    tool: LtiHarness, session: dict[str, str], run_all: bool
) -> None:
    for number, (name, several) in enumerate(strange_settings(tool)):
        for settings in several if run_all else several[number % 9 :: 9]:
            body = {key: value for key, value in settings.items() if key != "id" or name == "id"}
            content = json.dumps(body).encode()
            response = await tool.browser.put(f"{SETUP}/district", content=content, headers=session)
            assert response.status_code < 500, (name, settings, response.text)


async def test_no_proof_of_an_invitation_is_a_fault_of_ours(
    tool: LtiHarness, session: dict[str, str]
) -> None:
    for value in ODD:
        for path, body in (("session", {"link": value}), ("check", {"section": value}), ("session", value)):
            content = json.dumps(body).encode()
            response = await tool.browser.post(f"{SETUP}/{path}", content=content, headers=session)
            assert 400 <= response.status_code < 500, (path, value)
    for text in TEXTS:
        for proof in (text, f"Bearer {text}", f"Bearer {NEW}.{text}"):
            headers = {b"authorization": proof.encode("utf-8", "surrogatepass")}
            assert (await tool.browser.get(f"{SETUP}/district", headers=headers)).status_code == 401
