"""Test LTI 1.1 launches: forms signed with the district's key and secret."""

import time
from dataclasses import replace
from typing import Any

import httpx
import pytest

from gradesync_sandbox.lti.basic import basic_launch
from gradesync_sandbox.lti.platform import Platform
from gradesync_sandbox.schoology.model import User
from harness.lti import TOOL, LtiHarness, Page, apply

URL = f"{TOOL}/lti/launch"


def signed(tool: LtiHarness, user: User | None = None, url: str = URL, **overrides: Any) -> dict[str, str]:
    return basic_launch(tool.world.lti, user or tool.room.teacher, tool.room.section, url, **overrides)


async def launch(tool: LtiHarness, user: User | None = None, **overrides: Any) -> httpx.Response:
    return await tool.post(signed(tool, user, **overrides))


async def test_signed_form_opens_the_page(tool: LtiHarness) -> None:
    response = await launch(tool)
    caller = tool.caller(response)
    assert (caller.subject, caller.section_id) == (str(tool.room.teacher.uid), str(tool.room.section.id))
    assert caller.scopes == {"syncs:read", "syncs:write"}
    assert Page(response).start["title"] == tool.room.section.name
    assert Page(response).start["timezone"] == "America/Los_Angeles"


async def test_text_beyond_ascii_is_signed_too(tool: LtiHarness) -> None:
    response = await launch(tool, context_title="Größe & Maß: 数学")
    assert Page(response).start["title"] == "Größe & Maß: 数学"


async def test_form_is_accepted_once(tool: LtiHarness) -> None:
    form = signed(tool)
    assert (await tool.post(form)).status_code == 200
    again = await tool.post(form)
    assert again.status_code == 400
    assert not Page(again).start


async def test_section_comes_from_the_custom_parameter(tool: LtiHarness) -> None:
    response = await launch(tool, context_id="f3a9c0")
    assert tool.caller(response).section_id == str(tool.room.section.id)


@pytest.mark.parametrize(
    "changes",
    [
        {"custom_user_id": "1"},
        {"roles": "Instructor,Administrator"},
        {"oauth_signature": "AAAA"},
        {"oauth_nonce": "another"},
    ],
)
async def test_form_changed_after_signing_is_refused(tool: LtiHarness, changes: dict[str, str]) -> None:
    response = await tool.post(signed(tool) | changes)
    assert response.status_code == 401
    assert not Page(response).start


async def signed_long_ago(tool: LtiHarness) -> dict[str, str]:
    return signed(tool, oauth_timestamp=str(int(time.time()) - 301))


async def signed_for_another_address(tool: LtiHarness) -> dict[str, str]:
    return signed(tool, url="https://elsewhere.example/lti/launch")


async def signed_with_another_secret(tool: LtiHarness) -> dict[str, str]:
    platform = Platform(tool.world.schoology, consumer_secret="another")
    return basic_launch(platform, tool.room.teacher, tool.room.section, URL)


async def signed_with_nothing(tool: LtiHarness) -> dict[str, str]:
    form = signed(tool, oauth_signature_method="PLAINTEXT")
    return form | {"oauth_signature": f"{tool.world.lti.consumer_secret}&"}


async def without_a_nonce(tool: LtiHarness) -> dict[str, str]:
    return {name: value for name, value in signed(tool).items() if name != "oauth_nonce"}


@pytest.mark.parametrize(
    "forge",
    [
        signed_long_ago,
        signed_for_another_address,
        signed_with_another_secret,
        signed_with_nothing,
        without_a_nonce,
    ],
)
async def test_form_not_signed_for_us_now_is_refused(tool: LtiHarness, forge: Any) -> None:
    response = await tool.post(await forge(tool))
    assert response.status_code == 401
    assert not Page(response).start


async def test_unknown_key_is_refused(tool: LtiHarness) -> None:
    assert (await launch(tool, oauth_consumer_key="1")).status_code == 403


async def test_district_without_lti11_accepts_no_form(tool: LtiHarness) -> None:
    await apply(tool, replace(tool.district, lti11=None))
    assert (await launch(tool)).status_code == 403


@pytest.mark.parametrize(
    "changes", [{"lti_version": "LTI-2p0"}, {"lti_message_type": "ContentItemSelection"}]
)
async def test_other_kinds_of_message_are_refused(tool: LtiHarness, changes: dict[str, Any]) -> None:
    assert (await launch(tool, **changes)).status_code == 400


async def test_R22_roles_are_read_by_their_lti11_names(tool: LtiHarness) -> None:
    assert (await launch(tool, tool.student())).status_code == 403
    start = Page(await launch(tool, tool.world.admin)).start
    assert (start["token"], start["console"]["role"]) == (None, "viewer")


@pytest.mark.parametrize(("role", "status"), [("urn:lti:role:ims/lis/Instructor", 200), ("Learner", 403)])
async def test_roles_may_be_urns(tool: LtiHarness, role: str, status: int) -> None:
    assert (await launch(tool, roles=[role])).status_code == status
