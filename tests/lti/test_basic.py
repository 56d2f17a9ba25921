"""LTI 1.1 launches: forms signed with the district's key and secret."""

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


async def test_a_signed_form_opens_the_page(tool: LtiHarness) -> None:
    answer = await launch(tool)
    caller = tool.caller(answer)
    assert (caller.subject, caller.section_id) == (str(tool.room.teacher.uid), str(tool.room.section.id))
    assert caller.scopes == {"syncs:read", "syncs:write"}
    assert Page(answer).start["title"] == tool.room.section.name
    assert Page(answer).start["timezone"] == "America/Los_Angeles"


async def test_text_beyond_ascii_is_signed_too(tool: LtiHarness) -> None:
    answer = await launch(tool, context_title="Größe & Maß: 数学")
    assert Page(answer).start["title"] == "Größe & Maß: 数学"


async def test_a_form_is_taken_once(tool: LtiHarness) -> None:
    form = signed(tool)
    assert (await tool.post(form)).status_code == 200
    again = await tool.post(form)
    assert again.status_code == 400
    assert not Page(again).start


async def test_the_section_is_found_by_the_custom_parameter(tool: LtiHarness) -> None:
    answer = await launch(tool, context_id="f3a9c0")
    assert tool.caller(answer).section_id == str(tool.room.section.id)


@pytest.mark.parametrize(
    "bent",
    [
        {"custom_user_id": "1"},
        {"roles": "Instructor,Administrator"},
        {"oauth_signature": "AAAA"},
        {"oauth_nonce": "another"},
    ],
)
async def test_a_form_that_was_changed_after_signing_opens_nothing(
    tool: LtiHarness, bent: dict[str, str]
) -> None:
    answer = await tool.post(signed(tool) | bent)
    assert answer.status_code == 401
    assert not Page(answer).start


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
async def test_a_form_that_was_not_signed_for_us_now_opens_nothing(tool: LtiHarness, forge: Any) -> None:
    answer = await tool.post(await forge(tool))
    assert answer.status_code == 401
    assert not Page(answer).start


async def test_a_key_that_no_district_has_opens_nothing(tool: LtiHarness) -> None:
    assert (await launch(tool, oauth_consumer_key="1")).status_code == 403


async def test_a_district_that_installs_by_lti_1_3_alone_takes_no_such_form(tool: LtiHarness) -> None:
    await apply(tool, replace(tool.district, lti11=None))
    assert (await launch(tool)).status_code == 403


@pytest.mark.parametrize("bent", [{"lti_version": "LTI-2p0"}, {"lti_message_type": "ContentItemSelection"}])
async def test_another_kind_of_message_opens_nothing(tool: LtiHarness, bent: dict[str, Any]) -> None:
    assert (await launch(tool, **bent)).status_code == 400


async def test_R22_roles_are_read_by_their_old_names(tool: LtiHarness) -> None:
    assert (await launch(tool, tool.student())).status_code == 403
    assert tool.caller(await launch(tool, tool.world.admin)).scopes == {"syncs:read"}


@pytest.mark.parametrize(("role", "status"), [("urn:lti:role:ims/lis/Instructor", 200), ("Learner", 403)])
async def test_roles_may_be_written_as_urns(tool: LtiHarness, role: str, status: int) -> None:
    assert (await launch(tool, roles=[role])).status_code == status
