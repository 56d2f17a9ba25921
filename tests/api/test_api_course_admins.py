"""Test that whoever is no course admin of a section changes nothing in it, by any route (R22)."""

from dataclasses import replace
from typing import Any

import pytest

from gradesync_sandbox.lti.platform import CLAIM
from gradesync_sandbox.schoology.model import User
from harness.api import ApiClient, ApiHarness, expect_problem
from harness.api_document import api_document

SECTION = "/sections/{section_id}"
SYNCS = f"{SECTION}/syncs"
BODIES: dict[str, Any] = {
    f"{SECTION}/assignments/{{assignment_id}}": {"sync_to_sis": False},
    f"{SECTION}/assignments": {"ids": ["1"], "sync_to_sis": False},
    f"{SECTION}/drift": {"decisions": [{"assignment": "1", "sis_student": "1", "choice": "stop"}]},
}
READS = {"get", "head"}
# An undo is a sync: it is checked as that is, when the enrollments are read.
UNDO = f"{SECTION}/undo"
WRITES = [
    (method.upper(), path)
    for path, operations in api_document()["paths"].items()
    if path.startswith(SECTION)
    for method in operations
    if method not in READS and path != UNDO
]


def assistant(api: ApiHarness) -> User:
    """Return a person who is enrolled, and is no course admin."""
    return api.world.schoology.users[next(iter(api.room.students))]


def visitor(api: ApiHarness) -> User:
    """Return a person who is not enrolled."""
    return api.world.admin


async def launch(api: ApiHarness, user: User) -> ApiClient:
    """Launch as a teaching assistant: a role of an Instructor, and no enrollment as one."""
    role = "http://purl.imsglobal.org/vocab/lis/v2/membership/Instructor#TeachingAssistant"
    claims: dict[str, Any] = {f"{CLAIM}roles": [role]}
    response = await api.exchange(api.world.lti.id_token(user, api.room.section, **claims))
    assert response.json()["scope"] == "syncs:read syncs:write"
    return ApiClient(api.http, response.json()["access_token"])


def address(api: ApiHarness, path: str) -> str:
    assignment = api.room.section.standing()[0]
    return path.replace("{section_id}", api.section).replace("{assignment_id}", str(assignment.id))


@pytest.mark.sample(4)
@pytest.mark.parametrize("who", [assistant, visitor])
@pytest.mark.parametrize(("method", "path"), WRITES)
async def test_R22_only_a_course_admin_changes_a_section(
    api: ApiHarness, method: str, path: str, who: Any
) -> None:
    person = await launch(api, who(api))
    before = await api.rows()
    if path == SYNCS:
        sync = await api.sync(person)
        assert (sync["status"], sync["error"]["code"]) == ("failed", "not-course-admin")
        assert api.world.powerschool.log.effects() == {}
        return
    response = await person.ask(method, address(api, path), json=BODIES.get(path, {}))
    assert response.status_code == 403
    assert await api.rows() == before


async def test_R22_a_switch_needs_a_course_admin_unless_allowed(api: ApiHarness) -> None:
    path, off = address(api, next(iter(BODIES))), {"sync_to_sis": False}
    outsider = await launch(api, visitor(api))
    expect_problem(await outsider.ask("PATCH", path, json=off), 403, "not-course-admin")
    assert (await (await api.teacher()).ask("PATCH", path, json=off)).status_code == 200
    await api.change_policy(admin_sync=True)
    assert (await outsider.ask("PATCH", path, json=off)).status_code == 200


async def test_R37_a_new_course_admin_is_not_refused_from_memory(api: ApiHarness) -> None:
    path, off = address(api, next(iter(BODIES))), {"sync_to_sis": False}
    person = visitor(api)
    outsider = await launch(api, person)
    expect_problem(await outsider.ask("PATCH", path, json=off), 403, "not-course-admin")
    enrollment = next(iter(api.room.section.enrollments.values()))
    api.room.section.enrollments[1] = replace(enrollment, id=1, uid=person.uid, admin=True)
    assert (await outsider.ask("PATCH", path, json=off)).status_code == 200


async def test_R22_admins_start_syncs_only_if_allowed(api: ApiHarness) -> None:
    operator = await api.operator()
    refused = expect_problem(await operator.post(f"{api.path}/syncs"), 403, "not-course-admin")
    assert "admin_sync" in refused["fix"]
    switch = await operator.ask("PATCH", f"{api.path}/assignments", json={"ids": ["1"], "sync_to_sis": False})
    expect_problem(switch, 403, "not-course-admin")
    await api.change_policy(admin_sync=True)
    sync = await api.sync(operator)
    assert (sync["requested_by"]["kind"], sync["result"]) == ("admin", "needs-attention")
