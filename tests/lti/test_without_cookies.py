"""Test launches in browsers without cookies: the platform's storage proves the browser."""

from typing import Any

from harness.lti import LtiHarness, Page

WRITES = {"syncs:read", "syncs:write"}


async def pending(tool: LtiHarness) -> dict[str, str]:
    response = await tool.login(lti_storage_target="_parent")
    tool.browser.cookies.clear()
    page = Page(await tool.post(tool.authorize(tool.authorization_request(response))))
    assert "token" not in page.start
    assert page.start["frame"] == "_parent"
    assert page.start["origin"] == tool.sandbox.lti_url
    return page.start


async def confirm(tool: LtiHarness, ticket: str, value: str, origin: str = "https://tool.example") -> Any:
    return await tool.browser.post(
        "/lti/confirm", json={"ticket": ticket, "value": value}, headers={"origin": origin}
    )


async def test_state_from_the_storage_opens_the_page(tool: LtiHarness) -> None:
    start = await pending(tool)
    response = await confirm(tool, start["ticket"], start["state"])
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    assert tool.runtime.tokens.verify(response.json()["token"]).scopes == WRITES


async def test_wrong_state_is_refused_and_ends_the_launch(tool: LtiHarness) -> None:
    start = await pending(tool)
    assert (await confirm(tool, start["ticket"], "")).status_code == 403
    assert (await confirm(tool, start["ticket"], start["state"])).status_code == 403


async def test_confirm_from_another_origin_is_refused(tool: LtiHarness) -> None:
    start = await pending(tool)
    response = await confirm(tool, start["ticket"], start["state"], "https://evil.example")
    assert response.status_code == 403
    assert set(response.json()) == {"title", "text"}


async def test_unreadable_proof_is_refused(tool: LtiHarness) -> None:
    response = await tool.browser.post(
        "/lti/confirm", content=b"[]", headers={"origin": "https://tool.example"}
    )
    assert response.status_code == 400
