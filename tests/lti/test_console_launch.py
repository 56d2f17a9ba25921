"""Test launches of system admins: they open the console, in their own district, in their role."""

from dataclasses import replace
from typing import Any

import httpx
import pytest

from gradesync.access.console import SCOPES
from gradesync.access.tokens import CONSOLE, PAGE
from gradesync.core.district import ConsoleAccess
from gradesync.db import audit
from gradesync_sandbox.lti.basic import basic_launch
from gradesync_sandbox.lti.platform import CLAIM, MEMBERSHIP, OMIT
from harness.lti import LtiHarness, Page, apply

INSTITUTION_ADMIN = "http://purl.imsglobal.org/vocab/lis/v2/institution/person#Administrator"


def with_roles(*roles: str) -> dict[str, Any]:
    return {CLAIM + "roles": list(roles)}


async def give(tool: LtiHarness, role: Any) -> None:
    await apply(tool, replace(tool.district, console=ConsoleAccess(role)))


async def ask(tool: LtiHarness, start: dict[str, Any], path: str) -> httpx.Response:
    return await tool.browser.get(path, headers={"authorization": f"Bearer {start['console']['token']}"})


@pytest.mark.parametrize("role", ["viewer", "operator"])
async def test_system_admin_gets_the_console_of_the_district(tool: LtiHarness, role: Any) -> None:
    await give(tool, role)
    start = Page(await tool.launch(tool.world.admin)).start
    caller = tool.runtime.tokens.verify(start["console"]["token"])
    assert (caller.district_id, caller.client_id, caller.section_id) == (tool.district.id, CONSOLE, None)
    assert (caller.subject, caller.kind) == (str(tool.world.admin.uid), "admin")
    assert caller.scopes == SCOPES[role]
    assert (start["token"], start["section"]) == (None, str(tool.room.section.id))
    assert start["console"]["role"] == role
    assert (await ask(tool, start, "/sections")).status_code == 200


async def test_console_opens_from_the_apps_own_configuration(tool: LtiHarness) -> None:
    custom = {"user_id": str(tool.world.admin.uid), "section_id": "$com.schoology.CourseSection.id"}
    response = await tool.launch(
        tool.world.admin, **with_roles(INSTITUTION_ADMIN), context=OMIT, resource_link=OMIT, custom=custom
    )
    start = Page(response).start
    assert (start["token"], start["section"]) == (None, None)
    assert start["console"]["role"] == "viewer"


async def test_lti_1_1_launch_opens_the_console(tool: LtiHarness) -> None:
    form = basic_launch(
        tool.world.lti, tool.world.admin, tool.room.section, "https://tool.example/lti/launch"
    )
    start = Page(await tool.post(form)).start
    assert start["console"]["person"] == str(tool.world.admin.uid)


async def test_course_admin_is_offered_both(tool: LtiHarness) -> None:
    tool.world.schoology.enroll(tool.room.section.id, tool.world.admin.uid, admin=True)
    start = Page(await tool.launch(tool.world.admin)).start
    assert tool.runtime.tokens.verify(start["token"]).client_id == PAGE
    assert start["may_sync"] is True
    assert tool.runtime.tokens.verify(start["console"]["token"]).client_id == CONSOLE


async def test_teacher_and_student_get_no_console(tool: LtiHarness) -> None:
    await give(tool, "operator")
    assert Page(await tool.launch()).start["console"] is None
    beside = with_roles(MEMBERSHIP + "Instructor", INSTITUTION_ADMIN)
    assert Page(await tool.launch(**beside)).start["console"] is None
    assert (await tool.launch(tool.student())).status_code == 403


async def test_district_may_keep_system_admins_out(tool: LtiHarness) -> None:
    await give(tool, "none")
    start = Page(await tool.launch(tool.world.admin)).start
    assert start["console"] is None
    assert tool.runtime.tokens.verify(start["token"]).scopes == {"syncs:read"}
    outside = await tool.launch(tool.world.admin, **with_roles(INSTITUTION_ADMIN), context=OMIT)
    assert outside.status_code == 403


async def test_opening_the_console_is_in_the_audit_log(tool: LtiHarness) -> None:
    await tool.launch(tool.world.admin)
    async with tool.runtime.context.database.district(tool.district.id) as db:
        (entry,) = await audit.page(db)
    assert (entry.actor, entry.action) == (f"admin:{tool.world.admin.uid}", "console.opened")
    assert entry.objects == {"role": "viewer"}


async def test_session_ends_once_its_role_is_taken(tool: LtiHarness) -> None:
    start = Page(await tool.launch(tool.world.admin)).start
    await give(tool, "none")
    assert (await ask(tool, start, "/sections")).status_code == 401
