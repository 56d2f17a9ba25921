"""Test token exchange: the rights that a launch's roles, user and section give."""

from typing import Any

import pytest

from gradesync_sandbox.lti.platform import CLAIM, MEMBERSHIP, OMIT
from harness.api import ApiClient, ApiHarness, expect_oauth_error, expect_problem

INSTITUTION = "http://purl.imsglobal.org/vocab/lis/v2/institution/person#"
SYSTEM = "http://purl.imsglobal.org/vocab/lis/v2/system/person#"


async def test_R22_a_student_gets_nothing(api: ApiHarness) -> None:
    student = api.world.schoology.users[next(iter(api.room.students))]
    token = api.world.lti.id_token(student, api.room.section)
    expect_oauth_error(await api.exchange(token), 400, "invalid_grant", "lti-not-instructor")


@pytest.mark.sample(4)
@pytest.mark.parametrize(
    "roles",
    [
        [],
        [MEMBERSHIP + "Learner"],
        [MEMBERSHIP + "Administrator"],
        [MEMBERSHIP + "Mentor"],
        [INSTITUTION + "Instructor"],
        [INSTITUTION + "Faculty", MEMBERSHIP + "Learner"],
        [SYSTEM + "Administrator"],
        ["http://evil.example/membership#Instructor"],
        ["XInstructor"],
        [7],
        "Instructor",
        OMIT,
    ],
)
async def test_only_a_membership_role_makes_an_instructor(api: ApiHarness, roles: Any) -> None:
    token = with_roles(api, api.room.teacher, roles)
    expect_oauth_error(await api.exchange(token), 400, "invalid_grant", "lti-not-instructor")


@pytest.mark.sample(4)
@pytest.mark.parametrize(
    "role",
    [
        MEMBERSHIP + "Instructor",
        "http://purl.imsglobal.org/vocab/lis/v2/membership/Instructor#TeachingAssistant",
        "http://purl.imsglobal.org/vocab/lis/v2/institution/membership#Instructor",
        "urn:lti:role:ims/lis/Instructor",
        "Instructor",
    ],
)
async def test_every_spelling_of_instructor_counts(api: ApiHarness, role: str) -> None:
    response = await api.exchange(with_roles(api, api.room.teacher, [role]))
    assert response.json()["scope"] == "syncs:read syncs:write"


@pytest.mark.sample(4)
@pytest.mark.parametrize(
    "role",
    [
        MEMBERSHIP + "Administrator",
        INSTITUTION + "Administrator",
        SYSTEM + "Administrator",
        SYSTEM + "SysAdmin",
        "urn:lti:sysrole:ims/lis/Administrator",
        "urn:lti:instrole:ims/lis/Administrator",
        MEMBERSHIP + "Learner",
    ],
)
async def test_R22_an_administrator_only_reads_unless_course_admin(api: ApiHarness, role: str) -> None:
    roles = [MEMBERSHIP + "Instructor", role]
    admin = api.world.admin
    response = await api.exchange(with_roles(api, admin, roles))
    assert response.json()["scope"] == "syncs:read"
    reader = ApiClient(api.http, response.json()["access_token"])
    expect_problem(await reader.post(f"{api.path}/syncs"), 403, "scope-missing")
    assert (await reader.get(f"{api.path}/syncs")).status_code == 200
    insider = await api.exchange(with_roles(api, api.room.teacher, roles))
    assert insider.json()["scope"] == "syncs:read syncs:write"


async def test_R22_a_district_can_let_its_administrators_sync(api: ApiHarness) -> None:
    await api.change_policy(admin_sync=True)
    response = await api.exchange(api.world.lti.id_token(api.world.admin, api.room.section))
    assert response.json()["scope"] == "syncs:read syncs:write"


async def test_without_enrollments_an_administrator_only_reads(api: ApiHarness) -> None:
    api.refuse("schoology")
    token = with_roles(api, api.room.teacher, [MEMBERSHIP + "Instructor", MEMBERSHIP + "Administrator"])
    assert (await api.exchange(token)).json()["scope"] == "syncs:read"


async def test_a_course_admin_is_known_for_ten_minutes(api: ApiHarness) -> None:
    api.world.schoology.log.clear()
    roles = [MEMBERSHIP + "Instructor", MEMBERSHIP + "Administrator"]
    for _ in range(3):
        await api.exchange(with_roles(api, api.room.teacher, roles))
    assert sum(api.world.schoology.log.counts().values()) == 1


async def test_R37_nobody_is_taken_for_an_outsider_from_memory(api: ApiHarness) -> None:
    api.world.schoology.log.clear()
    for _ in range(3):
        await api.exchange(api.world.lti.id_token(api.world.admin, api.room.section))
    assert sum(api.world.schoology.log.counts().values()) == 3


async def test_an_instructor_needs_no_call(api: ApiHarness) -> None:
    api.world.schoology.log.clear()
    await api.exchange(api.launch())
    assert not api.world.schoology.log.counts()


@pytest.mark.sample(4)
@pytest.mark.parametrize(
    "user_id", [None, "", "$User.id", "5790000::abc", "-1", "0", "1" * 21, 5.5, True, ["5790000"]]
)
async def test_a_launch_without_a_user_id_is_refused(api: ApiHarness, user_id: Any) -> None:
    custom = {**api.world.lti.custom(api.room.teacher, api.room.section), "user_id": user_id}
    token = api.launch(custom=custom)
    expect_oauth_error(await api.exchange(token), 400, "invalid_grant", "lti-user-unknown")
    expect_oauth_error(await api.exchange(api.launch(custom=OMIT)), 400, "invalid_grant", "lti-user-unknown")


async def test_the_section_is_of_the_context_or_custom_parameter(api: ApiHarness) -> None:
    custom = api.world.lti.custom(api.room.teacher, api.room.section)
    alone = {name: value for name, value in custom.items() if name != "section_id"}
    launches: list[dict[str, Any]] = [
        {"context": OMIT},
        {"custom": alone},
        {"custom": {**custom, "section_id": "$com.schoology.CourseSection.id"}},
        {"context": {"id": int(api.section)}},
    ]
    for claims in launches:
        teacher = await api.teacher(**claims)
        assert (await teacher.get(f"{api.path}/syncs")).status_code == 200


async def test_a_launch_with_no_or_two_sections_is_refused(api: ApiHarness) -> None:
    custom = api.world.lti.custom(api.room.teacher, api.room.section)
    alone = {name: value for name, value in custom.items() if name != "section_id"}
    launches: list[dict[str, Any]] = [
        {"context": OMIT, "custom": alone},
        {"context": {"id": "41"}},
        {"context": {"id": ""}, "custom": alone},
        {"context": api.section, "custom": alone},
    ]
    for claims in launches:
        response = await api.exchange(api.launch(**claims))
        expect_oauth_error(response, 400, "invalid_grant", "lti-section-unknown")


async def test_a_front_end_may_request_fewer_scopes(api: ApiHarness) -> None:
    response = await api.exchange(api.launch(), scope="syncs:read")
    assert response.json()["scope"] == "syncs:read"
    response = await api.exchange(api.launch(), scope="audit:read")
    expect_oauth_error(response, 400, "invalid_scope", "scope-not-allowed")
    response = await api.exchange(api.launch(), scope="syncs:read audit:read")
    assert response.json()["scope"] == "syncs:read"


def with_roles(api: ApiHarness, user: Any, roles: Any) -> str:
    """Return a launch with exactly these roles."""
    return api.world.lti.id_token(user, api.room.section, **{f"{CLAIM}roles": roles})
