"""The login that begins a launch: where it sends the browser, and how it will know it again."""

from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from gradesync.lti.browser import COOKIE
from harness.lti import TOOL, LtiHarness, Page


async def begin(tool: LtiHarness, **more: Any) -> httpx.Response:
    return await tool.browser.get("/lti/login", params=tool.initiation(**more))


async def test_the_platform_is_asked_for_exactly_what_it_takes(tool: LtiHarness) -> None:
    answer = await tool.login()
    assert answer.status_code == 302
    assert answer.headers["location"].startswith(f"{tool.sandbox.lti_url}/authorize-redirect?")
    asked = tool.authorization_request(answer)
    assert {name: asked[name] for name in ("scope", "response_type", "response_mode", "prompt")} == {
        "scope": "openid",
        "response_type": "id_token",
        "response_mode": "form_post",
        "prompt": "none",
    }
    assert asked["redirect_uri"] == f"{TOOL}/lti/launch"
    assert asked["login_hint"] == str(tool.room.teacher.uid)
    assert "id_token" in tool.authorize(asked)


async def test_every_login_has_a_state_and_a_nonce_of_its_own(tool: LtiHarness) -> None:
    first, second = (
        tool.authorization_request(await tool.login()),
        tool.authorization_request(await tool.login()),
    )
    secrets = {first["state"], first["nonce"], second["state"], second["nonce"]}
    assert len(secrets) == 4
    assert all(len(secret) >= 43 for secret in secrets)  # 256 random bits


async def test_a_login_can_be_posted(tool: LtiHarness) -> None:
    await tool.login()
    answer = await tool.browser.post("/lti/login", data=tool.initiation())
    assert "id_token" in tool.authorize(tool.authorization_request(answer))


async def test_whether_a_cookie_is_kept_is_tried_before_the_platform_is_asked(tool: LtiHarness) -> None:
    answer = await begin(tool)
    assert answer.headers["location"].startswith("login?")
    (cookie,) = answer.headers.get_list("set-cookie")
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


async def test_a_browser_without_cookies_is_offered_a_window_of_its_own(tool: LtiHarness) -> None:
    answer = await begin(tool)
    tool.browser.cookies.clear()
    page = await tool.browser.get(f"/lti/{answer.headers['location']}")
    assert page.status_code == 200
    assert "set-cookie" not in page.headers
    (link,) = [link for link in Page(page).links if link.startswith("login?")]
    again = await tool.browser.get(f"/lti/{link}")
    onward = await tool.browser.get(f"/lti/{again.headers['location']}")
    assert "id_token" in tool.authorize(
        tool.authorization_request(onward)
    )  # the platform's hint is still good


async def test_where_the_platform_has_storage_the_state_is_put_there_first(tool: LtiHarness) -> None:
    page = Page(await begin(tool, lti_storage_target="lti_storage"))
    assert page.start["frame"] == "lti_storage"
    assert page.start["origin"] == tool.sandbox.lti_url
    assert page.start["next"].startswith(f"{tool.sandbox.lti_url}/authorize-redirect?")
    assert f"state={page.start['state']}" in page.start["next"]
    otherwise = await tool.browser.get(f"/lti/{page.start['otherwise']}")
    assert "id_token" in tool.authorize(tool.authorization_request(otherwise))  # it does without storage


async def test_a_frame_name_that_could_be_anything_else_is_no_storage(tool: LtiHarness) -> None:
    answer = await begin(tool, lti_storage_target="<script>")
    assert answer.is_redirect


async def test_an_installation_is_found_by_as_much_as_the_platform_says(tool: LtiHarness) -> None:
    answer = await tool.login(client_id="", lti_deployment_id="")
    assert tool.authorization_request(answer)["client_id"] == tool.world.lti.client_id


@pytest.mark.parametrize(
    ("bent", "status"),
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
async def test_a_login_that_is_not_for_us_goes_nowhere(
    tool: LtiHarness, bent: dict[str, str], status: int
) -> None:
    answer = await begin(tool, **bent)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")
    assert "location" not in answer.headers
    assert "set-cookie" not in answer.headers


async def test_a_parameter_given_twice_is_refused(tool: LtiHarness) -> None:
    query = urlencode([*tool.initiation().items(), ("iss", "https://canvas.example")])
    answer = await tool.browser.get(f"/lti/login?{query}")
    assert answer.status_code == 400
