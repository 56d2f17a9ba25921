"""LTI 1.3 launches: what opens the page, and everything that must not."""

import hmac
from base64 import urlsafe_b64encode
from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from gradesync.access.tokens import PAGE
from gradesync.db import audit
from gradesync.settings import Settings
from gradesync_sandbox.lti.platform import OMIT, signing_key
from gradesync_sandbox.world import build
from harness.lti import LtiHarness, Page, apply, choose, open_lti

READS, WRITES = {"syncs:read"}, {"syncs:read", "syncs:write"}


async def test_a_teacher_gets_a_token_for_this_section_alone(tool: LtiHarness) -> None:
    answer = await tool.launch()
    caller = tool.caller(answer)
    assert (caller.district_id, caller.client_id) == (tool.district.id, PAGE)
    assert (caller.subject, caller.section_id) == (str(tool.room.teacher.uid), str(tool.room.section.id))
    assert caller.scopes == WRITES
    bearer = {"authorization": f"Bearer {Page(answer).start['token']}"}
    own = await tool.browser.get(f"/sections/{tool.room.section.id}/syncs", headers=bearer)
    other = tool.world.classrooms[1].section.id
    foreign = await tool.browser.get(f"/sections/{other}/syncs", headers=bearer)
    assert (own.status_code, foreign.status_code) == (200, 404)


async def test_the_page_knows_the_section_and_the_teachers_clock(tool: LtiHarness) -> None:
    page = Page(await tool.launch())
    assert page.start["title"] == tool.room.section.name
    assert page.start["section"] == str(tool.room.section.id)
    assert page.start["timezone"] == "America/Los_Angeles"
    assert page.start["may_sync"] is True


async def test_a_time_zone_that_the_platform_did_not_fill_in_is_none(tool: LtiHarness) -> None:
    custom = tool.world.lti.custom(tool.room.teacher, tool.room.section)
    unfilled = custom | {"user_timezone": "$com.schoology.User.timezone"}
    assert Page(await tool.launch(custom=unfilled)).start["timezone"] is None


async def test_the_page_is_for_the_districts_frames_and_loads_nothing_from_elsewhere(
    tool: LtiHarness,
) -> None:
    answer = await tool.launch()
    policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
    assert policy["frame-ancestors"] == f"https://*.schoology.com {tool.sandbox.lti_url}"
    assert policy["default-src"] == "'none'"
    assert all(
        "unsafe" not in sources and "http" not in sources
        for name, sources in policy.items()
        if name != "frame-ancestors"
    )
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert "x-frame-options" not in answer.headers
    assert "set-cookie" not in answer.headers


async def test_text_of_others_is_text(tool: LtiHarness) -> None:
    title = '</script><script>alert("1")</script>'
    answer = await tool.launch(context={"id": str(tool.room.section.id), "title": title})
    assert "<script>alert" not in answer.text
    assert Page(answer).start["title"] == title


async def test_a_state_is_good_for_one_launch(tool: LtiHarness) -> None:
    form = tool.authorize(tool.authorization_request(await tool.login()))
    assert (await tool.post(form)).status_code == 200
    again = await tool.post(form)
    assert again.status_code == 400
    assert not Page(again).start


async def test_an_id_token_that_opened_the_page_is_worth_nothing_elsewhere(tool: LtiHarness) -> None:
    form = tool.authorize(tool.authorization_request(await tool.login()))
    await tool.post(form)
    second = tool.authorization_request(await tool.login())
    assert (await tool.post({**form, "state": second["state"]})).status_code == 401  # not its nonce


async def test_another_browser_cannot_finish_a_launch(tool: LtiHarness) -> None:
    form = tool.authorize(tool.authorization_request(await tool.login()))
    tool.browser.cookies.clear()
    answer = await tool.post(form)
    assert answer.status_code == 403
    assert not Page(answer).start


async def test_two_launches_of_one_browser_do_not_disturb_each_other(tool: LtiHarness) -> None:
    first, second = (
        tool.authorization_request(await tool.login()),
        tool.authorization_request(await tool.login()),
    )
    assert (await tool.post(tool.authorize(second))).status_code == 200
    assert (await tool.post(tool.authorize(first))).status_code == 200


class TestWithoutCookies:
    """The browser shows the state that it put into the platform's storage."""

    async def held(self, tool: LtiHarness) -> dict[str, str]:
        answer = await tool.login(lti_storage_target="_parent")
        tool.browser.cookies.clear()
        page = Page(await tool.post(tool.authorize(tool.authorization_request(answer))))
        assert "token" not in page.start
        assert page.start["frame"] == "_parent"
        assert page.start["origin"] == tool.sandbox.lti_url
        return page.start

    async def confirm(
        self, tool: LtiHarness, ticket: str, value: str, origin: str = "https://tool.example"
    ) -> Any:
        return await tool.browser.post(
            "/lti/confirm", json={"ticket": ticket, "value": value}, headers={"origin": origin}
        )

    async def test_the_state_out_of_the_storage_opens_the_page(self, tool: LtiHarness) -> None:
        start = await self.held(tool)
        answer = await self.confirm(tool, start["ticket"], start["state"])
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"
        assert tool.runtime.tokens.verify(answer.json()["token"]).scopes == WRITES

    async def test_another_value_opens_nothing_and_there_is_no_second_try(self, tool: LtiHarness) -> None:
        start = await self.held(tool)
        assert (await self.confirm(tool, start["ticket"], "")).status_code == 403
        assert (await self.confirm(tool, start["ticket"], start["state"])).status_code == 403

    async def test_a_page_of_another_origin_opens_nothing(self, tool: LtiHarness) -> None:
        start = await self.held(tool)
        answer = await self.confirm(tool, start["ticket"], start["state"], "https://evil.example")
        assert answer.status_code == 403
        assert set(answer.json()) == {"title", "text"}

    async def test_what_cannot_be_read_is_refused(self, tool: LtiHarness) -> None:
        answer = await tool.browser.post(
            "/lti/confirm", content=b"[]", headers={"origin": "https://tool.example"}
        )
        assert answer.status_code == 400


CLAIMS_THAT_DO_NOT_HOLD: dict[str, dict[str, Any]] = {
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


@pytest.mark.parametrize("bent", CLAIMS_THAT_DO_NOT_HOLD.values(), ids=CLAIMS_THAT_DO_NOT_HOLD.keys())
async def test_a_token_that_does_not_hold_opens_nothing(tool: LtiHarness, bent: dict[str, Any]) -> None:
    answer = await tool.launch(**bent)
    assert answer.status_code == 401
    assert not Page(answer).start
    assert "could not be verified" in Page(answer).text


async def test_an_installation_that_nobody_has_opens_nothing(tool: LtiHarness) -> None:
    assert (await tool.launch(deployment_id="7480000123-99")).status_code == 403


async def test_the_platforms_public_key_is_no_secret_to_sign_with(tool: LtiHarness) -> None:
    asked = tool.authorization_request(await tool.login())
    _, claims, _ = tool.forge(asked)["id_token"].split(".")
    signed = _encoded(b'{"alg":"HS256","kid":"sandbox-1"}') + f".{claims}"
    public = tool.world.lti.keys[0].as_pem(private=False)
    forged = f"{signed}.{_encoded(hmac.digest(public, signed.encode(), 'sha256'))}"
    assert (await tool.post({"state": asked["state"], "id_token": forged})).status_code == 401


def _encoded(part: bytes) -> str:
    return urlsafe_b64encode(part).rstrip(b"=").decode()


@pytest.mark.parametrize("id_token", ["", "no token", "a.b.c", "x" * 20_000])
async def test_what_is_no_token_opens_nothing(tool: LtiHarness, id_token: str) -> None:
    asked = tool.authorization_request(await tool.login())
    answer = await tool.post({"state": asked["state"], "id_token": id_token})
    assert answer.status_code == (401 if id_token else 400)


async def test_an_unknown_state_opens_nothing(tool: LtiHarness) -> None:
    asked = tool.authorization_request(await tool.login())
    assert (await tool.post(tool.forge(asked) | {"state": "made up"})).status_code == 400
    assert (await tool.post({"id_token": "x"})).status_code == 400


async def test_the_platforms_own_error_is_said_plainly(tool: LtiHarness) -> None:
    asked = tool.authorization_request(await tool.login())
    answer = await tool.post({"error": "login_required", "state": asked["state"]})
    assert answer.status_code == 400
    assert "signed in to Schoology" in Page(answer).text


async def test_the_section_is_found_where_the_context_is_left_out(tool: LtiHarness) -> None:
    caller = tool.caller(await tool.launch(context=OMIT))
    assert caller.section_id == str(tool.room.section.id)


@pytest.mark.parametrize(
    ("bent", "missing"),
    [
        ({"custom": OMIT}, "who you are"),
        ({"custom": {"user_id": "$User.id"}}, "who you are"),
        ({"custom": {"user_id": "5790018"}, "context": OMIT}, "which course"),
        ({"custom": {"user_id": "5790018", "section_id": "1"}}, "which course"),
    ],
)
async def test_what_the_launch_does_not_say_is_asked_of_the_administrator(
    tool: LtiHarness, bent: dict[str, Any], missing: str
) -> None:
    answer = await tool.launch(**bent)
    assert answer.status_code == 400
    assert missing in Page(answer).text
    assert "For the administrator:" in Page(answer).text


async def test_R22_a_student_is_plainly_refused(tool: LtiHarness) -> None:
    answer = await tool.launch(tool.student())
    assert answer.status_code == 403
    assert not Page(answer).start
    assert "This page is for teachers." in Page(answer).text


async def test_R22_a_system_admin_may_look_and_not_sync(tool: LtiHarness) -> None:
    answer = await tool.launch(tool.world.admin)
    assert tool.caller(answer).scopes == READS
    assert Page(answer).start["may_sync"] is False


async def test_R22_a_system_admin_who_runs_the_section_may_sync(tool: LtiHarness) -> None:
    tool.world.schoology.enroll(tool.room.section.id, tool.world.admin.uid, admin=True)
    assert tool.caller(await tool.launch(tool.world.admin)).scopes == WRITES


async def test_R22_a_district_may_let_its_system_admins_sync(tool: LtiHarness) -> None:
    await choose(tool, admin_sync=True)
    assert tool.caller(await tool.launch(tool.world.admin)).scopes == WRITES


async def test_where_the_enrollments_cannot_be_read_an_admin_may_look(tool: LtiHarness) -> None:
    tool.world.schoology.enroll(tool.room.section.id, tool.world.admin.uid, admin=True)
    tool.world.schoology.credentials.clear()
    assert tool.caller(await tool.launch(tool.world.admin)).scopes == READS


async def test_who_opened_the_page_is_written_down(tool: LtiHarness) -> None:
    await tool.launch()
    async with tool.runtime.database.district(tool.district.id) as db:
        (entry,) = await audit.page(db)
    assert (entry.actor, entry.action) == (f"teacher:{tool.room.teacher.uid}", "page.opened")
    assert entry.objects["section"] == str(tool.room.section.id)


async def test_a_district_that_gave_its_installation_up_takes_no_launches(tool: LtiHarness) -> None:
    asked = tool.authorization_request(await tool.login())
    await apply(tool, replace(tool.district, lti=None))
    assert (await tool.post(tool.forge(asked))).status_code == 403


async def test_without_redis_it_is_said_that_it_does_not_work_now(settings: Settings) -> None:
    away = settings.model_copy(update={"redis_url": SecretStr("redis://127.0.0.1:1/0")})
    async with open_lti(away, build(students=1, assignments=1, sections=1)) as tool:
        answer = await tool.login()
    assert answer.status_code == 503
    assert "does not work just now" in Page(answer).text


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/lti/launch", 405), ("GET", "/lti/nothing", 404)]
)
async def test_whoever_comes_by_another_way_is_sent_to_schoology(
    tool: LtiHarness, method: str, path: str, status: int
) -> None:
    answer = await tool.browser.request(method, path)
    assert answer.status_code == status
    assert "in Schoology" in Page(answer).text


async def test_a_body_that_is_too_large_is_not_read(tool: LtiHarness) -> None:
    answer = await tool.browser.post("/lti/launch", content=b"id_token=" + b"x" * 100_000)
    assert answer.status_code in {400, 413}
