"""Test launches as the platform signs them, and the OIDC step before them."""

import json
from collections.abc import AsyncIterator
from html import unescape
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from joserfc import jwt
from joserfc.errors import BadSignatureError, InvalidKeyIdError
from joserfc.jwk import KeySet

from gradesync_sandbox.lti.app import lti_app
from gradesync_sandbox.lti.platform import CLAIM, MEMBERSHIP, OMIT, Platform, signing_key
from gradesync_sandbox.world import Classroom, World, build

TOOL = "https://tool.example"


@pytest.fixture
def world() -> World:
    world = build(students=3, assignments=1, sections=1, clock=lambda: 1_800_000_000.0)
    world.lti.register(f"{TOOL}/lti/login", f"{TOOL}/lti/launch")
    return world


@pytest.fixture
async def browser(world: World) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(lti_app(world.lti))
    async with httpx.AsyncClient(transport=transport, base_url="https://lti.example") as calls:
        yield calls


def claims(platform: Platform, token: str) -> dict[str, Any]:
    """Return the claims of a token whose signature the platform's published keys confirm."""
    keys = KeySet.import_key_set(json.loads(json.dumps(platform.jwks())))
    return jwt.decode(token, keys, algorithms=["RS256"]).claims


class Form(HTMLParser):
    """Read the first form of a page: its action and its fields."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action, self.method, self.fields = "", "", dict[str, str]()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action, self.method = given["action"], given["method"]
        elif tag == "input":
            self.fields[given["name"]] = unescape(given["value"])


def test_launch_has_the_claims_of_a_course_placement(world: World, room: Classroom) -> None:
    token = world.lti.id_token(room.teacher, room.section, nonce="n")
    seen = claims(world.lti, token)
    assert seen["iss"] == "https://schoology.schoology.com"
    assert seen["aud"] == [world.lti.client_id]
    assert seen["exp"] - seen["iat"] == 600
    assert seen["nonce"] == "n"
    assert seen[CLAIM + "message_type"] == "LtiResourceLinkRequest"
    assert seen[CLAIM + "version"] == "1.3.0"
    assert seen[CLAIM + "deployment_id"].startswith(f"{world.lti.client_id}-")
    assert seen[CLAIM + "context"] == {
        "id": str(room.section.id),
        "title": room.section.name,
        "label": None,
    }
    assert seen[CLAIM + "custom"] == {
        "section_id": str(room.section.id),
        "section_school_code": room.section.school_code,
        "user_id": str(room.teacher.uid),
        "school_uid": room.teacher.school_uid,
        "building_id": str(room.section.course.building),
        "domain": "riverside.schoology.com",
        "user_timezone": "America/Los_Angeles",
    }


def test_subject_does_not_give_the_uid_away(world: World, room: Classroom) -> None:
    number, _, digest = claims(world.lti, world.lti.id_token(room.teacher, room.section))["sub"].partition(
        "::"
    )
    assert number.isdecimal()
    assert int(number) not in world.schoology.users
    assert len(digest) == 32


def test_roles_follow_the_section_and_the_organization(world: World, room: Classroom) -> None:
    student = world.schoology.users[room.section.students()[0].uid]
    roles = {
        who.uid: claims(world.lti, world.lti.id_token(who, room.section))[CLAIM + "roles"]
        for who in (room.teacher, student, world.admin)
    }
    assert roles[room.teacher.uid] == [f"{MEMBERSHIP}Instructor"]
    assert roles[student.uid] == [f"{MEMBERSHIP}Learner"]
    assert roles[world.admin.uid] == [f"{MEMBERSHIP}Administrator", f"{MEMBERSHIP}Instructor"]


def test_test_can_bend_any_claim(world: World, room: Classroom) -> None:
    platform = world.lti
    bent = claims(
        platform,
        platform.id_token(
            room.teacher,
            room.section,
            ["Learner"],
            at=1000,
            aud=["somebody else"],
            deployment_id="other-1",
            context=OMIT,
            custom={},
            nonce=None,
        ),
    )
    assert (bent["iat"], bent["exp"], bent["aud"]) == (1000, 1600, ["somebody else"])
    assert (bent[CLAIM + "deployment_id"], bent[CLAIM + "custom"]) == ("other-1", {})
    assert bent[CLAIM + "roles"] == [f"{MEMBERSHIP}Learner"]
    assert CLAIM + "context" not in bent


def test_another_key_does_not_pass(world: World, room: Classroom) -> None:
    forged = world.lti.id_token(room.teacher, room.section, key=signing_key("sandbox-1", "a stranger"))
    unknown = world.lti.id_token(room.teacher, room.section, key=signing_key("a stranger's"))
    with pytest.raises(BadSignatureError):
        claims(world.lti, forged)
    with pytest.raises(InvalidKeyIdError):
        claims(world.lti, unknown)


def test_rotated_key_signs_and_the_old_one_verifies(world: World, room: Classroom) -> None:
    old = world.lti.id_token(room.teacher, room.section)
    world.lti.rotate("sandbox-2")
    new = world.lti.id_token(room.teacher, room.section)
    assert claims(world.lti, old)["iss"] == claims(world.lti, new)["iss"]
    world.lti.rotate("sandbox-2", keep_old=False)
    with pytest.raises(InvalidKeyIdError):
        claims(world.lti, old)


async def begin(browser: httpx.AsyncClient, room: Classroom, **query: str) -> Form:
    """Open the course page and read the login initiation that it starts in the iframe."""
    who = {"user": str(room.teacher.uid), "section": str(room.section.id)}
    page = await browser.get("/course", params=who | query)
    assert page.status_code == 200
    return Form(page.text)


def request_of(login: Form) -> dict[str, str]:
    """Return a tool's authentication request after that login."""
    return {
        "scope": "openid",
        "response_type": "id_token",
        "response_mode": "form_post",
        "prompt": "none",
        "client_id": login.fields["client_id"],
        "redirect_uri": f"{TOOL}/lti/launch",
        "login_hint": login.fields["login_hint"],
        "lti_message_hint": login.fields["lti_message_hint"],
        "state": "s & t",
        "nonce": "once",
    }


async def test_course_page_starts_a_launch_to_the_tool(
    browser: httpx.AsyncClient, world: World, room: Classroom
) -> None:
    login = await begin(browser, room)
    assert (login.action, login.method) == (f"{TOOL}/lti/login", "get")
    assert login.fields["iss"] == world.lti.issuer
    assert login.fields["lti_storage_target"] == "_parent"
    assert login.fields["lti_deployment_id"] == world.lti.deployment_id
    page = await browser.get(f"/authorize-redirect?{urlencode(request_of(login))}")
    launch = Form(page.text)
    assert (launch.action, launch.method) == (f"{TOOL}/lti/launch", "post")
    assert launch.fields["state"] == "s & t"
    seen = claims(world.lti, launch.fields["id_token"])
    assert seen["nonce"] == "once"
    assert seen[CLAIM + "custom"]["user_id"] == str(room.teacher.uid)


async def test_login_can_be_posted_and_go_without_storage(
    browser: httpx.AsyncClient, room: Classroom
) -> None:
    login = await begin(browser, room, method="post", storage="none", role="Learner")
    assert login.method == "post"
    assert "lti_storage_target" not in login.fields
    page = await browser.post("/authorize-redirect", data=request_of(login))
    assert "id_token" in Form(page.text).fields


async def test_hint_serves_once(browser: httpx.AsyncClient, room: Classroom) -> None:
    asked = request_of(await begin(browser, room))
    first = Form((await browser.post("/authorize-redirect", data=asked)).text)
    again = Form((await browser.post("/authorize-redirect", data=asked)).text)
    assert "id_token" in first.fields
    assert again.fields == {"error": "login_required", "state": "s & t"}


@pytest.mark.parametrize(
    ("bent", "error"),
    [
        ({"scope": "profile"}, "invalid_request"),
        ({"response_type": "code"}, "invalid_request"),
        ({"response_mode": "query"}, "invalid_request"),
        ({"prompt": "login"}, "invalid_request"),
        ({"nonce": ""}, "invalid_request"),
        ({"login_hint": "1"}, "login_required"),
    ],
)
async def test_wrong_request_is_answered_to_the_tool(
    browser: httpx.AsyncClient, room: Classroom, bent: dict[str, str], error: str
) -> None:
    asked = request_of(await begin(browser, room)) | bent
    answer = Form((await browser.post("/authorize-redirect", data=asked)).text)
    assert answer.fields["error"] == error
    assert "id_token" not in answer.fields


@pytest.mark.parametrize("bent", [{"client_id": "1"}, {"redirect_uri": "https://elsewhere.example/"}])
async def test_nothing_is_sent_to_an_address_that_is_not_registered(
    browser: httpx.AsyncClient, room: Classroom, bent: dict[str, str]
) -> None:
    asked = request_of(await begin(browser, room)) | bent
    answer = await browser.post("/authorize-redirect", data=asked)
    assert answer.status_code == 400
    assert "<form" not in answer.text


async def test_token_can_be_fetched_without_a_browser(
    browser: httpx.AsyncClient, world: World, room: Classroom
) -> None:
    query = {"user": str(world.admin.uid), "section": str(room.section.id), "role": "Instructor"}
    token = (await browser.get("/id_token", params=query)).json()["id_token"]
    assert claims(world.lti, token)[CLAIM + "roles"] == [f"{MEMBERSHIP}Instructor"]
    assert (await browser.get("/id_token", params=query | {"user": "1"})).status_code == 404


async def test_tool_is_installed_over_http(browser: httpx.AsyncClient, world: World, room: Classroom) -> None:
    world.lti.tool = None
    query = {"user": str(room.teacher.uid), "section": str(room.section.id)}
    assert (await browser.get("/course", params=query)).status_code == 409
    assert (await browser.post("/tool", json={"login_url": "x"})).status_code == 422
    urls = {"login_url": "https://t.example/in", "redirect_uris": ["https://t.example/out"]}
    assert (await browser.post("/tool", json=urls)).status_code == 204
    assert (await begin(browser, room)).fields["target_link_uri"] == "https://t.example/out"
    assert room.section.name in (await browser.get("/")).text


async def test_course_can_open_the_tool_by_lti_1_1(
    browser: httpx.AsyncClient, world: World, room: Classroom
) -> None:
    query = {"user": str(room.teacher.uid), "section": str(room.section.id), "url": f"{TOOL}/lti/basic"}
    form = Form((await browser.get("/lti11", params=query)).text)
    assert (form.action, form.method) == (f"{TOOL}/lti/basic", "post")
    assert form.fields["oauth_consumer_key"] == world.lti.consumer_key
    assert form.fields["oauth_signature"]


async def test_course_can_keep_its_storage_in_a_frame_of_its_own(
    browser: httpx.AsyncClient, room: Classroom
) -> None:
    login = await begin(browser, room, storage="lti_storage")
    assert login.fields["lti_storage_target"] == "lti_storage"
    assert "lti.put_data" in (await browser.get("/storage")).text
