"""Test LTI 1.3 launches: which open the page, and which must not."""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from gradesync.access.tokens import PAGE
from gradesync.core.district import ConsoleAccess
from gradesync.db import audit
from gradesync.settings import Settings
from gradesync_sandbox.lti.platform import OMIT, signing_key
from gradesync_sandbox.world import build
from harness.lti import TOOL, LtiHarness, Page, apply, choose, open_lti

READS, WRITES = {"syncs:read"}, {"syncs:read", "syncs:write"}


async def test_teacher_gets_a_token_for_this_section_only(tool: LtiHarness) -> None:
    response = await tool.launch()
    caller = tool.caller(response)
    assert (caller.district_id, caller.client_id) == (tool.district.id, PAGE)
    assert (caller.subject, caller.section_id) == (str(tool.room.teacher.uid), str(tool.room.section.id))
    assert caller.scopes == WRITES
    bearer = {"authorization": f"Bearer {Page(response).start['token']}"}
    own = await tool.browser.get(f"/sections/{tool.room.section.id}/syncs", headers=bearer)
    other = tool.world.classrooms[1].section.id
    foreign = await tool.browser.get(f"/sections/{other}/syncs", headers=bearer)
    assert (own.status_code, foreign.status_code) == (200, 404)


async def test_page_has_the_section_and_the_teachers_time_zone(tool: LtiHarness) -> None:
    page = Page(await tool.launch())
    assert page.start["title"] == tool.room.section.name
    assert page.start["section"] == str(tool.room.section.id)
    assert page.start["timezone"] == "America/Los_Angeles"
    assert page.start["may_sync"] is True


async def test_unfilled_time_zone_is_none(tool: LtiHarness) -> None:
    custom = tool.world.lti.custom(tool.room.teacher, tool.room.section)
    unfilled = custom | {"user_timezone": "$com.schoology.User.timezone"}
    assert Page(await tool.launch(custom=unfilled)).start["timezone"] is None


async def test_page_allows_district_frames_and_no_foreign_files(
    tool: LtiHarness,
) -> None:
    response = await tool.launch()
    policy = dict(part.split(" ", 1) for part in response.headers["content-security-policy"].split("; "))
    assert policy["frame-ancestors"] == f"https://*.schoology.com {tool.sandbox.lti_url}"
    assert policy["default-src"] == "'none'"
    assert all(
        "unsafe" not in sources and "http" not in sources
        for name, sources in policy.items()
        if name != "frame-ancestors"
    )
    assert response.headers["referrer-policy"] == "no-referrer"
    assert response.headers["cache-control"] == "no-store"
    assert "x-frame-options" not in response.headers
    assert "set-cookie" not in response.headers


async def test_title_with_markup_is_escaped(tool: LtiHarness) -> None:
    title = '</script><script>alert("1")</script>'
    response = await tool.launch(context={"id": str(tool.room.section.id), "title": title})
    assert "<script>alert" not in response.text
    assert Page(response).start["title"] == title


async def test_state_is_good_for_one_launch(tool: LtiHarness) -> None:
    form = tool.authorize(tool.authorization_request(await tool.login()))
    assert (await tool.post(form)).status_code == 200
    again = await tool.post(form)
    assert again.status_code == 400
    assert not Page(again).start


async def test_used_id_token_does_not_answer_another_login(tool: LtiHarness) -> None:
    form = tool.authorize(tool.authorization_request(await tool.login()))
    await tool.post(form)
    second = tool.authorization_request(await tool.login())
    assert (await tool.post({**form, "state": second["state"]})).status_code == 401  # not its nonce


async def test_another_browser_cannot_finish_a_launch(tool: LtiHarness) -> None:
    form = tool.authorize(tool.authorization_request(await tool.login()))
    tool.browser.cookies.clear()
    response = await tool.post(form)
    assert response.status_code == 403
    assert not Page(response).start


async def test_two_launches_of_one_browser_do_not_disturb_each_other(tool: LtiHarness) -> None:
    first, second = (
        tool.authorization_request(await tool.login()),
        tool.authorization_request(await tool.login()),
    )
    assert (await tool.post(tool.authorize(second))).status_code == 200
    assert (await tool.post(tool.authorize(first))).status_code == 200


INVALID_CLAIMS: dict[str, dict[str, Any]] = {
    "another audience": {"aud": ["somebody else"]},
    "a second audience without a party": {"aud": ["7480000123", "somebody else"]},
    "another party": {"azp": "somebody else"},
    "another issuer": {"iss": "https://canvas.example"},
    "expired": {"at": 1_000_000_000},
    "no expiry": {"exp": OMIT},
    "from the future": {"iat": 4_000_000_000},
    "no time of issue": {"iat": OMIT},
    "no subject": {"sub": OMIT},
    "another nonce": {"nonce": "another"},
    "another version": {"version": "1.2.0"},
    "another kind of message": {"message_type": "LtiDeepLinkingRequest"},
    "no deployment": {"deployment_id": OMIT},
    "made for another tool": {"target_link_uri": "https://elsewhere.example/lti/launch"},
    "made for no tool": {"target_link_uri": OMIT},
    "a stranger's key": {"key": signing_key("sandbox-1", "a stranger")},
    "an unknown key": {"key": signing_key("a stranger's")},
}


@pytest.mark.parametrize("changes", INVALID_CLAIMS.values(), ids=INVALID_CLAIMS.keys())
async def test_invalid_id_token_is_refused(tool: LtiHarness, changes: dict[str, Any]) -> None:
    response = await tool.launch(**changes)
    assert response.status_code == 401
    assert not Page(response).start
    assert "couldn't be checked" in Page(response).text


async def test_unknown_installation_is_refused(tool: LtiHarness) -> None:
    assert (await tool.launch(deployment_id="7480000123-99")).status_code == 403


async def test_hmac_with_the_platforms_public_key_is_refused(tool: LtiHarness) -> None:
    request = tool.authorization_request(await tool.login())
    _, claims, _ = tool.forge(request)["id_token"].split(".")
    signed = _encoded(b'{"alg":"HS256","kid":"sandbox-1"}') + f".{claims}"
    public = tool.world.lti.keys[0].as_pem(private=False)
    forged = f"{signed}.{_encoded(hmac.digest(public, signed.encode(), 'sha256'))}"
    assert (await tool.post({"state": request["state"], "id_token": forged})).status_code == 401


def _encoded(part: bytes) -> str:
    return urlsafe_b64encode(part).rstrip(b"=").decode()


@pytest.mark.parametrize("id_token", ["", "no token", "a.b.c", "x" * 20_000])
async def test_malformed_id_token_is_refused(tool: LtiHarness, id_token: str) -> None:
    request = tool.authorization_request(await tool.login())
    response = await tool.post({"state": request["state"], "id_token": id_token})
    assert response.status_code == (401 if id_token else 400)


async def test_unknown_state_is_refused(tool: LtiHarness) -> None:
    request = tool.authorization_request(await tool.login())
    assert (await tool.post(tool.forge(request) | {"state": "made up"})).status_code == 400
    assert (await tool.post({"id_token": "x"})).status_code == 400


async def test_platforms_error_is_shown(tool: LtiHarness) -> None:
    request = tool.authorization_request(await tool.login())
    response = await tool.post({"error": "login_required", "state": request["state"]})
    assert response.status_code == 400
    assert "signed in to Schoology" in Page(response).text


async def test_section_is_found_without_the_context_claim(tool: LtiHarness) -> None:
    caller = tool.caller(await tool.launch(context=OMIT))
    assert caller.section_id == str(tool.room.section.id)


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"custom": OMIT}, "who you are"),
        ({"custom": {"user_id": "$User.id"}}, "who you are"),
        ({"custom": {"user_id": "5790018"}, "context": OMIT}, "which course"),
        ({"custom": {"user_id": "5790018", "section_id": "1"}}, "which course"),
    ],
)
async def test_missing_parameters_are_shown_to_the_administrator(
    tool: LtiHarness, changes: dict[str, Any], missing: str
) -> None:
    response = await tool.launch(**changes)
    assert response.status_code == 400
    assert missing in Page(response).text
    assert "For the administrator:" in Page(response).text


async def test_R22_student_is_refused(tool: LtiHarness) -> None:
    response = await tool.launch(tool.student())
    assert response.status_code == 403
    assert not Page(response).start
    assert "This page is for teachers." in Page(response).text


async def without_console(tool: LtiHarness) -> None:
    await apply(tool, replace(tool.district, console=ConsoleAccess("none")))


async def test_R22_system_admin_may_look_and_not_sync(tool: LtiHarness) -> None:
    await without_console(tool)
    response = await tool.launch(tool.world.admin)
    assert tool.caller(response).scopes == READS
    assert Page(response).start["may_sync"] is False


async def test_R22_system_admin_who_is_course_admin_may_sync(tool: LtiHarness) -> None:
    tool.world.schoology.enroll(tool.room.section.id, tool.world.admin.uid, admin=True)
    assert tool.caller(await tool.launch(tool.world.admin)).scopes == WRITES


async def test_R22_policy_may_let_system_admins_sync(tool: LtiHarness) -> None:
    await choose(tool, admin_sync=True)
    assert tool.caller(await tool.launch(tool.world.admin)).scopes == WRITES


async def test_R22_system_admin_may_look_without_enrollments(tool: LtiHarness) -> None:
    await without_console(tool)
    tool.world.schoology.enroll(tool.room.section.id, tool.world.admin.uid, admin=True)
    tool.world.schoology.credentials.clear()
    assert tool.caller(await tool.launch(tool.world.admin)).scopes == READS


async def test_opening_the_page_is_in_the_audit_log(tool: LtiHarness) -> None:
    await tool.launch()
    async with tool.runtime.context.database.district(tool.district.id) as db:
        (entry,) = await audit.page(db)
    assert (entry.actor, entry.action) == (f"teacher:{tool.room.teacher.uid}", "page.opened")
    assert entry.objects["section"] == str(tool.room.section.id)


async def test_district_without_installation_accepts_no_launch(tool: LtiHarness) -> None:
    request = tool.authorization_request(await tool.login())
    await apply(tool, replace(tool.district, lti=None))
    assert (await tool.post(tool.forge(request))).status_code == 403


async def test_without_redis_the_page_asks_to_wait(settings: Settings) -> None:
    without_redis = settings.model_copy(update={"redis_url": SecretStr("redis://127.0.0.1:1/0")})
    async with open_lti(without_redis, build(students=1, assignments=1, sections=1)) as tool:
        response = await tool.login()
    assert response.status_code == 503
    assert "doesn't work right now" in Page(response).text


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/lti/launch", 405), ("GET", "/lti/nothing", 404)]
)
async def test_other_addresses_point_to_schoology(
    tool: LtiHarness, method: str, path: str, status: int
) -> None:
    response = await tool.browser.request(method, path)
    assert response.status_code == status
    assert "in Schoology" in Page(response).text


async def test_too_large_token_is_refused(tool: LtiHarness) -> None:
    response = await tool.browser.post("/lti/launch", content=b"id_token=" + b"x" * 100_000)
    assert response.status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        ("POST", "/lti/launch", "text/html"),
        ("POST", "/lti/login", "text/html"),
        ("POST", "/lti/confirm", "application/json"),
        ("POST", "/console/setup/session", "application/json"),
    ],
)
async def test_growing_body_is_refused_while_it_streams(
    tool: LtiHarness, method: str, path: str, kind: str
) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b" " * 100_000

    response = await tool.browser.request(method, path, content=endless(), headers={"origin": TOOL})
    assert response.status_code == 413
    assert response.headers["content-type"].startswith(kind)
