"""Read a checked launch: person, section, and what the page shows of them, title and time zone."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gradesync.access.console import find_role
from gradesync.access.launch import CLAIM, Launch, find_system_admin, read_launch
from gradesync.core.district import District
from gradesync.errors import RequestRefused
from gradesync.lti.logins import CheckedLaunch

SCHOOLOGY = "https://*.schoology.com"
MAX_TITLE = 300


def check_launch(district: District, claims: Mapping[str, Any]) -> CheckedLaunch:
    """Return the launch of verified claims, with the frames, the title and the time zone of its page.

    Raises what `read_launch` raises for people who may not even open the console.
    """
    uid = find_system_admin(claims)
    system_admin = uid is not None and find_role(district, uid) is not None
    instructor = _read_instructor(claims, required=not system_admin)
    context, custom = (_members(claims.get(CLAIM + name)) for name in ("context", "custom"))
    title = context.get("title")
    return CheckedLaunch(
        district_id=district.id,
        uid=instructor.uid if instructor else str(uid),
        instructor=instructor,
        system_admin=system_admin,
        frames=(SCHOOLOGY, *district.schoology.domains),
        title=title[:MAX_TITLE] if isinstance(title, str) else None,
        timezone=_zone(custom.get("user_timezone")),
    )


def _read_instructor(claims: Mapping[str, Any], *, required: bool) -> Launch | None:
    try:
        return read_launch(claims)
    except RequestRefused:
        if required:
            raise
        return None


def _members(claim: object) -> Mapping[str, Any]:
    return claim if isinstance(claim, dict) else {}


def _zone(name: object) -> str | None:
    """Return a time zone by its IANA name; None where the platform left the variable as it was."""
    try:
        return ZoneInfo(name).key if isinstance(name, str) else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
