"""The login that begins a launch: where it sends the browser, and how it will know it again."""

from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from gradesync.lti.browser import COOKIE
from harness.lti import TOOL, LtiHarness, Page


async def begin(desk: LtiHarness, **more: Any) -> httpx.Response:
    return await desk.browser.get("/lti/login", params=desk.initiation(**more))


async def test_the_platform_is_asked_for_exactly_what_it_takes(desk: LtiHarness) -> None:
    answer = await desk.login()
    assert answer.status_code == 302
    assert answer.headers["location"].startswith(f"{desk.sandbox.lti_url}/authorize-redirect?")
    asked = desk.asked(answer)
    assert {name: asked[name] for name in ("scope", "response_type", "response_mode", "prompt")} == {
        "scope": "openid",
        "response_type": "id_token",
        "response_mode": "form_post",
        "prompt": "none",
    }
    assert asked["redirect_uri"] == f"{TOOL}/lti/launch"
    assert asked["login_hint"] == str(desk.room.teacher.uid)
    assert "id_token" in desk.answered(asked)


async def test_every_login_has_a_state_and_a_nonce_of_its_own(desk: LtiHarness) -> None:
    first, second = desk.asked(await desk.login()), desk.asked(await desk.login())
    secrets = {first["state"], first["nonce"], second["state"], second["nonce"]}
    assert len(secrets) == 4
    assert all(len(secret) >= 43 for secret in secrets)  # 256 random bits


async def test_a_login_can_be_posted(desk: LtiHarness) -> None:
    await desk.login()
    answer = await desk.browser.post("/lti/login", data=desk.initiation())
    assert "id_token" in desk.answered(desk.asked(answer))


async def test_whether_a_cookie_is_kept_is_tried_before_the_platform_is_asked(desk: LtiHarness) -> None:
    answer = await begin(desk)
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


async def test_a_browser_without_cookies_is_offered_a_window_of_its_own(desk: LtiHarness) -> None:
    answer = await begin(desk)
    desk.browser.cookies.clear()
    page = await desk.browser.get(f"/lti/{answer.headers['location']}")
    assert page.status_code == 200
    assert "set-cookie" not in page.headers
    (link,) = [link for link in Page(page).links if link.startswith("login?")]
    again = await desk.browser.get(f"/lti/{link}")
    onward = await desk.browser.get(f"/lti/{again.headers['location']}")
    assert "id_token" in desk.answered(desk.asked(onward))  # the platform's hint is still good


async def test_where_the_platform_has_storage_the_state_is_put_there_first(desk: LtiHarness) -> None:
    page = Page(await begin(desk, lti_storage_target="lti_storage"))
    assert page.start["frame"] == "lti_storage"
    assert page.start["origin"] == desk.sandbox.lti_url
    assert page.start["next"].startswith(f"{desk.sandbox.lti_url}/authorize-redirect?")
    assert f"state={page.start['state']}" in page.start["next"]
    otherwise = await desk.browser.get(f"/lti/{page.start['otherwise']}")
    assert "id_token" in desk.answered(desk.asked(otherwise))  # it does without storage


async def test_a_frame_name_that_could_be_anything_else_is_no_storage(desk: LtiHarness) -> None:
    answer = await begin(desk, lti_storage_target="<script>")
    assert answer.is_redirect


async def test_an_installation_is_found_by_as_much_as_the_platform_says(desk: LtiHarness) -> None:
    answer = await desk.login(client_id="", lti_deployment_id="")
    assert desk.asked(answer)["client_id"] == desk.world.lti.client_id


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
    desk: LtiHarness, bent: dict[str, str], status: int
) -> None:
    answer = await begin(desk, **bent)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")
    assert "location" not in answer.headers
    assert "set-cookie" not in answer.headers


async def test_a_parameter_given_twice_is_refused(desk: LtiHarness) -> None:
    query = urlencode([*desk.initiation().items(), ("iss", "https://canvas.example")])
    answer = await desk.browser.get(f"/lti/login?{query}")
    assert answer.status_code == 400
