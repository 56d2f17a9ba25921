"""Read a checked LTI launch: the person, the section, the roles (upstream.md LTI §2.2)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gradesync.errors import RequestRefused

CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"
SCHOOLOGY_ID = re.compile(r"[1-9][0-9]{0,19}", re.ASCII)

# A membership role by any of its spellings: LTI 1.3, its 2019 schema, a sub-role, and the names of LTI 1.1.
_MEMBERSHIP = re.compile(
    r"(?:http://purl\.imsglobal\.org/vocab/lis/v2/(?:institution/)?membership(?:/(?P<parent>\w+))?#"
    r"|urn:lti:role:ims/lis/|)(?P<role>\w+)(?:/\w+)?"
)
# Roles of the whole platform. Institution roles are not: platforms add those to launches of anybody.
_SYSTEM = re.compile(
    r"(?:http://purl\.imsglobal\.org/vocab/lis/v2/system/person#|urn:lti:sysrole:ims/lis/)"
    r"(?:Administrator|SysAdmin)"
)
_INSTITUTION = re.compile(
    r"(?:http://purl\.imsglobal\.org/vocab/lis/v2/institution/person#|urn:lti:instrole:ims/lis/)Administrator"
)
_ADMINISTRATOR = re.compile(r"[#/]Administrator$|[#/]SysAdmin$|^Administrator$")


@dataclass(frozen=True, slots=True)
class Launch:
    """Describe an instructor who opened the tool. `uid` and `section_id` are Schoology's.

    `administrator` and `learner` are roles beside Instructor: with them, being an instructor proves little.
    """

    uid: str
    section_id: str
    administrator: bool = False
    learner: bool = False


def read_launch(claims: Mapping[str, Any]) -> Launch:
    """Read the claims of a verified id_token.

    Raises `RequestRefused`: `lti-not-instructor`, `lti-user-unknown`, `lti-section-unknown`.
    """
    roles = _texts(claims.get(CLAIM + "roles"))
    memberships = {role for role in map(_membership, roles) if role}
    if "Instructor" not in memberships:
        raise RequestRefused("lti-not-instructor", "The launch has no Instructor role in this section.")
    custom = claims.get(CLAIM + "custom")
    parameters = custom if isinstance(custom, dict) else {}
    return Launch(
        uid=_uid(parameters),
        section_id=_section(claims, parameters),
        administrator=any(_ADMINISTRATOR.search(role) for role in roles),
        learner="Learner" in memberships,
    )


def find_system_admin(claims: Mapping[str, Any]) -> str | None:
    """Return the uid of a system admin who launched, from any course or from none; None for anybody else.

    Raises `RequestRefused("lti-user-unknown")`.
    """
    roles = _texts(claims.get(CLAIM + "roles"))
    memberships = {role for role in map(_membership, roles) if role}
    # Where a launch names roles in a course, those decide: an institution role beside them proves nothing.
    fallback = not memberships and any(_INSTITUTION.fullmatch(role) for role in roles)
    if "Administrator" in memberships or any(_SYSTEM.fullmatch(role) for role in roles) or fallback:
        custom = claims.get(CLAIM + "custom")
        return _uid(custom if isinstance(custom, dict) else {})
    return None


def _membership(role: str) -> str | None:
    match = _MEMBERSHIP.fullmatch(role)
    return (match["parent"] or match["role"]) if match else None


def _uid(parameters: Mapping[str, Any]) -> str:
    """Return the person of the signed custom parameter: `sub` is not Schoology's user id."""
    uid = _id(parameters.get("user_id"))
    if uid is None:
        raise RequestRefused("lti-user-unknown", "The launch has no custom parameter user_id.")
    return uid


def _section(claims: Mapping[str, Any], parameters: Mapping[str, Any]) -> str:
    """Return the section of the context claim, or of the custom parameter: a relaunch omits the claim."""
    context = claims.get(CLAIM + "context")
    named = {
        section
        for value in (context.get("id") if isinstance(context, dict) else None, parameters.get("section_id"))
        if (section := _id(value)) is not None
    }
    if len(named) != 1:
        raise RequestRefused(
            "lti-section-unknown",
            "The launch names two different sections." if named else "The launch names no section.",
        )
    return named.pop()


def _id(value: object) -> str | None:
    """Return a Schoology id; None where the platform left a variable such as `$User.id` as it was."""
    text = str(value) if isinstance(value, str | int) else ""
    return text if SCHOOLOGY_ID.fullmatch(text) else None


def _texts(value: object) -> list[str]:
    return [role for role in value if isinstance(role, str)] if isinstance(value, list) else []
