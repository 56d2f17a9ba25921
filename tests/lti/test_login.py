"""Test the login that starts a launch: where it sends the browser, and how it recognizes it later."""

from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from gradesync.lti.browser import COOKIE
from harness.lti import TOOL, LtiHarness, Page


async def start_login(tool: LtiHarness, **more: Any) -> httpx.Response:
    return await tool.browser.get("/lti/login", params=tool.initiation(**more))


async def test_login_requests_exactly_what_the_platform_needs(tool: LtiHarness) -> None:
    response = await tool.login()
    assert response.status_code == 302
    assert response.headers["location"].startswith(f"{tool.sandbox.lti_url}/authorize-redirect?")
    request = tool.authorization_request(response)
    assert {name: request[name] for name in ("scope", "response_type", "response_mode", "prompt")} == {
        "scope": "openid",
        "response_type": "id_token",
        "response_mode": "form_post",
        "prompt": "none",
    }
    assert request["redirect_uri"] == f"{TOOL}/lti/launch"
    assert request["login_hint"] == str(tool.room.teacher.uid)
    assert "id_token" in tool.authorize(request)


async def test_every_login_has_its_own_state_and_nonce(tool: LtiHarness) -> None:
    first, second = (
        tool.authorization_request(await tool.login()),
        tool.authorization_request(await tool.login()),
    )
    secrets = {first["state"], first["nonce"], second["state"], second["nonce"]}
    assert len(secrets) == 4
    assert all(len(secret) >= 43 for secret in secrets)  # 256 random bits


async def test_login_can_be_posted(tool: LtiHarness) -> None:
    await tool.login()
    response = await tool.browser.post("/lti/login", data=tool.initiation())
    assert "id_token" in tool.authorize(tool.authorization_request(response))


async def test_cookie_is_tested_before_the_platform_is_called(tool: LtiHarness) -> None:
    response = await start_login(tool)
    assert response.headers["location"].startswith("login?")
    (cookie,) = response.headers.get_list("set-cookie")
    name, *attributes = cookie.split("; ")
    assert name.startswith(f"{COOKIE}=")
    assert set(attributes) == {
        "Path=/",
        "Max-Age=600",
        "Secure",
        "HttpOnly",
        "SameSite=None",
        "Partitioned",
    }


async def test_browser_without_cookies_is_offered_a_new_window(tool: LtiHarness) -> None:
    response = await start_login(tool)
    tool.browser.cookies.clear()
    page = await tool.browser.get(f"/lti/{response.headers['location']}")
    assert page.status_code == 200
    assert "set-cookie" not in page.headers
    (link,) = [link for link in Page(page).links if link.startswith("login?")]
    again = await tool.browser.get(f"/lti/{link}")
    third = await tool.browser.get(f"/lti/{again.headers['location']}")
    assert "id_token" in tool.authorize(
        tool.authorization_request(third)
    )  # the platform's hint is still good


async def test_state_is_stored_first_where_the_platform_has_storage(tool: LtiHarness) -> None:
    page = Page(await start_login(tool, lti_storage_target="lti_storage"))
    assert page.start["frame"] == "lti_storage"
    assert page.start["origin"] == tool.sandbox.lti_url
    assert page.start["next"].startswith(f"{tool.sandbox.lti_url}/authorize-redirect?")
    assert f"state={page.start['state']}" in page.start["next"]
    otherwise = await tool.browser.get(f"/lti/{page.start['otherwise']}")
    assert "id_token" in tool.authorize(tool.authorization_request(otherwise))  # it does without storage


async def test_unsafe_frame_name_is_ignored(tool: LtiHarness) -> None:
    response = await start_login(tool, lti_storage_target="<script>")
    assert response.is_redirect


async def test_installation_is_found_by_the_ids_that_are_given(tool: LtiHarness) -> None:
    response = await tool.login(client_id="", lti_deployment_id="")
    assert tool.authorization_request(response)["client_id"] == tool.world.lti.client_id


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"iss": ""}, 400),
        ({"login_hint": ""}, 400),
        ({"target_link_uri": ""}, 400),
        ({"target_link_uri": "https://elsewhere.example/lti/launch"}, 400),
        ({"iss": "https://canvas.example"}, 403),
        ({"client_id": "1"}, 403),
        ({"lti_deployment_id": "1-1"}, 403),
    ],
)
async def test_login_that_is_not_for_us_is_refused(
    tool: LtiHarness, changes: dict[str, str], status: int
) -> None:
    response = await start_login(tool, **changes)
    assert response.status_code == status
    assert response.headers["content-type"].startswith("text/html")
    assert "location" not in response.headers
    assert "set-cookie" not in response.headers


async def test_parameter_given_twice_is_refused(tool: LtiHarness) -> None:
    query = urlencode([*tool.initiation().items(), ("iss", "https://canvas.example")])
    response = await tool.browser.get(f"/lti/login?{query}")
    assert response.status_code == 400
