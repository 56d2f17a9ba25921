"""Check who may open the console, by the roles of a launch and by the district's file."""

from dataclasses import replace
from typing import Any

import pytest

from gradesync.access.console import SCOPES, console_caller, find_role, is_allowed, is_viewer
from gradesync.access.launch import CLAIM, find_system_admin
from gradesync.core.district import ConsoleAccess, District, OidcAccess
from gradesync.errors import RequestRefused
from harness.store import RIVERSIDE

LIS, SHORT = "http://purl.imsglobal.org/vocab/lis/v2/", "urn:lti:"
UID = "5790001"
MEMBER_ADMIN = LIS + "membership#Administrator"
INSTRUCTOR = LIS + "membership#Instructor"
INSTITUTION = LIS + "institution/person#Administrator"
OIDC = OidcAccess("https://login.example.org", "gradesync", viewers=("ann",), operators=("bob",))


def launched(*roles: str, uid: str = UID) -> dict[str, Any]:
    return {CLAIM + "roles": list(roles), CLAIM + "custom": {"user_id": uid}}


@pytest.mark.parametrize(
    "roles",
    [
        [MEMBER_ADMIN, INSTRUCTOR],
        [MEMBER_ADMIN],
        [INSTITUTION],
        [LIS + "system/person#Administrator", INSTRUCTOR],
        [LIS + "system/person#SysAdmin"],
        [SHORT + "sysrole:ims/lis/Administrator", "Instructor"],
        [SHORT + "instrole:ims/lis/Administrator"],
        ["Administrator", "Instructor"],
    ],
)
def test_system_admin_is_found(roles: list[str]) -> None:
    assert find_system_admin(launched(*roles)) == UID


@pytest.mark.parametrize(
    "roles",
    [
        [],
        [INSTRUCTOR],
        ["Instructor"],
        [INSTRUCTOR, INSTITUTION],  # a platform adds institution roles to anybody's launch
        ["Learner", SHORT + "instrole:ims/lis/Administrator"],
        [LIS + "institution/person#Faculty"],
        [LIS + "membership/Administrator#Support/x#Administrator"],
        ["https://evil.example/system/person#Administrator"],
        ["NotAdministrator"],
    ],
)
def test_other_roles_make_no_system_admin(roles: list[str]) -> None:
    assert find_system_admin(launched(*roles)) is None


def test_system_admin_without_an_id_is_refused() -> None:
    with pytest.raises(RequestRefused) as refused:
        find_system_admin(launched(MEMBER_ADMIN, uid="$User.id"))
    assert refused.value.code == "lti-user-unknown"


def district(system_admins: Any = "viewer", oidc: OidcAccess | None = OIDC) -> District:
    return replace(RIVERSIDE, console=ConsoleAccess(system_admins), oidc=oidc)


def test_roles_are_those_of_the_district_file() -> None:
    assert find_role(district("operator"), UID) == "operator"
    assert find_role(district("none"), UID) is None
    assert find_role(replace(district("operator"), lti=None, lti11=None), UID) is None
    assert find_role(district(), "oidc:ann") == "viewer"
    assert find_role(district(), "oidc:bob") == "operator"
    for stranger in ("oidc:cy", "oidc:", "oidc:oidc:ann"):
        assert find_role(district(), stranger) is None
    assert find_role(district(oidc=None), "oidc:bob") is None


def test_session_ends_where_its_role_shrinks() -> None:
    caller = console_caller(district("operator"), UID, "operator")
    assert is_allowed(district("operator"), caller)
    assert not is_allowed(district("viewer"), caller)
    assert not is_allowed(district("none"), caller)
    viewer = console_caller(district("viewer"), UID, "viewer")
    assert is_allowed(district("operator"), viewer)


def test_only_viewers_of_the_console_may_only_look() -> None:
    viewer = console_caller(RIVERSIDE, UID, "viewer")
    assert is_viewer(viewer)
    assert not is_viewer(console_caller(RIVERSIDE, UID, "operator"))
    assert SCOPES["viewer"] < SCOPES["operator"]
