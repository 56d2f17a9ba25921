"""Test the console's sign-in by OpenID Connect: who gets in, and what must not open it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest

from gradesync.access.console import SCOPES
from gradesync.core.district import OidcAccess
from gradesync.db import audit
from gradesync.settings import Settings
from gradesync_sandbox.lti.platform import OMIT, signing_key
from gradesync_sandbox.world import build
from harness.known_districts import register_district
from harness.lti import TOOL, LtiHarness, Page, apply, open_lti
from harness.oidc import CLIENT, SECRET, Provider, open_provider

ROLES = {"ann": "viewer", "bob": "operator"}


@pytest.fixture
async def hostile() -> AsyncIterator[Provider]:
    async with open_provider() as opened:
        yield opened


@pytest.fixture
async def tool(settings: Settings, provider: Provider) -> AsyncIterator[LtiHarness]:
    async with open_lti(settings, build(students=1, assignments=1, sections=1)) as opened:
        access = OidcAccess(provider.issuer, CLIENT, SECRET, ("ann",), ("bob",))
        await apply(opened, replace(opened.district, oidc=access))
        yield opened


async def begin(tool: LtiHarness, district: str = "") -> str:
    """Open the sign-in of a district, the tool's own by default, and return where it sends the browser."""
    response = await tool.browser.get("/console/sign-in", params={"district": district or tool.district.id})
    assert response.status_code == 302, response.text
    return response.headers["location"]


async def finish(tool: LtiHarness, query: dict[str, str]) -> httpx.Response:
    return await tool.browser.get(f"/console/callback-{tool.district.id}", params=query)


async def sign_in(tool: LtiHarness, provider: Provider, subject: str = "bob") -> httpx.Response:
    return await finish(tool, provider.authorize(await begin(tool), subject))


def expect_refusal(response: httpx.Response, status: int, text: str) -> None:
    page = Page(response)
    assert (response.status_code, page.start) == (status, {}), response.text
    assert text in page.text


@pytest.mark.parametrize("subject", ROLES)
async def test_listed_people_get_the_console_in_their_role(
    tool: LtiHarness, provider: Provider, subject: str
) -> None:
    response = await sign_in(tool, provider, subject)
    start = Page(response).start["console"]
    caller = tool.runtime.tokens.verify(start["token"])
    assert (caller.district_id, caller.subject) == (tool.district.id, f"oidc:{subject}")
    assert caller.scopes == SCOPES["viewer" if subject == "ann" else "operator"]
    assert start["sign_in"] == f"sign-in?district={tool.district.id}"
    assert "frame-ancestors 'none'" in response.headers["content-security-policy"]
    for link in Page(response).links:
        path = f"{TOOL}/console/callback-{tool.district.id}"
        assert (await tool.browser.get(httpx.URL(path).join(link))).status_code == 200, link
    async with tool.runtime.context.database.district(tool.district.id) as db:
        (entry,) = await audit.page(db)
    assert (entry.actor, entry.action) == (f"admin:oidc:{subject}", "console.opened")


async def test_secret_is_posted_where_the_provider_wants_that(tool: LtiHarness, provider: Provider) -> None:
    provider.metadata["token_endpoint_auth_methods_supported"] = ["client_secret_post"]
    assert Page(await sign_in(tool, provider)).start


async def test_others_are_shown_their_subject_for_the_admin(tool: LtiHarness, provider: Provider) -> None:
    expect_refusal(await sign_in(tool, provider, "cy"), 403, "add the subject cy to viewers")
    async with tool.runtime.context.database.district(tool.district.id) as db:
        assert await audit.page(db) == []


async def test_state_and_code_are_good_once_in_one_browser(tool: LtiHarness, provider: Provider) -> None:
    answer = provider.authorize(await begin(tool), "bob")
    assert Page(await finish(tool, answer)).start
    expect_refusal(await finish(tool, answer), 400, "used before")
    state = provider.authorize(await begin(tool), "bob")["state"]
    expect_refusal(await finish(tool, {**answer, "state": state}), 401, "could not be verified")
    stolen = provider.authorize(await begin(tool), "bob")
    tool.browser.cookies.clear()
    expect_refusal(await finish(tool, stolen), 400, "used before")


async def test_code_of_another_sign_in_lacks_the_verifier(tool: LtiHarness, provider: Provider) -> None:
    first = provider.authorize(await begin(tool), "bob")
    second = provider.authorize(await begin(tool), "bob")
    crossed = {"code": first["code"], "state": second["state"]}
    expect_refusal(await finish(tool, crossed), 401, "could not be verified")


INVALID: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "https://evil.example"},
    "another audience": {"aud": "somebody else"},
    "another party": {"azp": "somebody else"},
    "another nonce": {"nonce": "another"},
    "no nonce": {"nonce": OMIT},
    "expired": {"exp": 1_000_000_000},
    "no subject": {"sub": OMIT},
    "a list of subjects": {"sub": ["bob"]},
}


async def test_invalid_id_tokens_are_refused(tool: LtiHarness, provider: Provider) -> None:
    for changes in INVALID.values():
        provider.claims = changes
        expect_refusal(await sign_in(tool, provider), 401, "could not be verified")
    provider.claims, provider.key = {}, signing_key("sandbox-1", "a stranger")
    expect_refusal(await sign_in(tool, provider), 401, "could not be verified")


async def test_answers_of_another_provider_are_refused(tool: LtiHarness, provider: Provider) -> None:
    answer = provider.authorize(await begin(tool), "bob")
    expect_refusal(await finish(tool, {**answer, "iss": "https://evil.example"}), 401, "not be verified")
    state = provider.authorize(await begin(tool), "bob")["state"]
    expect_refusal(await finish(tool, {"error": "access_denied", "state": state}), 401, "not be verified")


async def test_hostile_provider_gets_no_code_of_another(
    tool: LtiHarness, provider: Provider, hostile: Provider
) -> None:
    access = OidcAccess(hostile.issuer, CLIENT, SECRET, ("mallory",))
    await register_district(
        tool.runtime.context.database, replace(tool.district, id="hostile", lti=None, lti11=None, oidc=access)
    )
    # It sends the browser on to the provider of another district, where the person signs in as always.
    asked = dict(parse_qsl(urlsplit(await begin(tool, "hostile")).query))
    own = dict(parse_qsl(urlsplit(await begin(tool)).query))
    sent_on = urlencode({**asked, "redirect_uri": own["redirect_uri"]})
    expect_refusal(await finish(tool, provider.authorize(f"?{sent_on}", "bob")), 401, "not be verified")
    assert (asked["redirect_uri"] == own["redirect_uri"], hostile.received) == (False, [])


async def test_issuer_is_named_where_the_provider_promises_it(tool: LtiHarness, provider: Provider) -> None:
    provider.metadata["authorization_response_iss_parameter_supported"] = True
    expect_refusal(await sign_in(tool, provider), 401, "could not be verified")
    answer = provider.authorize(await begin(tool), "bob")
    assert Page(await finish(tool, {**answer, "iss": provider.issuer})).start


@pytest.mark.parametrize(
    "metadata",
    [{"issuer": "http://127.0.0.1:1"}, {"authorization_endpoint": "javascript:alert(1)"}, {"jwks_uri": 5}],
)
async def test_provider_that_describes_another_is_not_used(
    tool: LtiHarness, provider: Provider, metadata: dict[str, Any]
) -> None:
    provider.metadata = metadata
    response = await tool.browser.get("/console/sign-in", params={"district": tool.district.id})
    expect_refusal(response, 503, "can't be reached")


async def test_sign_in_is_off_by_default_and_names_no_district(tool: LtiHarness) -> None:
    await apply(tool, replace(tool.district, oidc=None))
    for district in (tool.district.id, "no-such-district"):
        response = await tool.browser.get("/console/sign-in", params={"district": district})
        expect_refusal(response, 404, "no sign-in for this district")


async def test_provider_in_a_private_network_is_not_called(settings: Settings, provider: Provider) -> None:
    public = settings.model_copy(update={"allow_private_network": False})
    async with open_lti(public, build(students=1, assignments=1, sections=1)) as tool:
        access = OidcAccess(provider.issuer.replace("http", "https"), CLIENT, SECRET, ("ann",))
        await apply(tool, replace(tool.district, oidc=access))
        response = await tool.browser.get("/console/sign-in", params={"district": tool.district.id})
        expect_refusal(response, 503, "can't be reached")
