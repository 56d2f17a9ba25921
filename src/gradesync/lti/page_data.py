"""Read what a checked launch holds for the page beside person and section: title and time zone."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gradesync.access.launch import CLAIM, Launch
from gradesync.core.district import District
from gradesync.lti.logins import CheckedLaunch

SCHOOLOGY = "https://*.schoology.com"
MAX_TITLE = 300


def add_page_data(district: District, launch: Launch, claims: Mapping[str, Any]) -> CheckedLaunch:
    """Return the launch with the district, the frames, the title and the time zone of its page."""
    context, custom = (_members(claims.get(CLAIM + name)) for name in ("context", "custom"))
    title = context.get("title")
    return CheckedLaunch(
        district_id=district.id,
        uid=launch.uid,
        section_id=launch.section_id,
        administrator=launch.administrator,
        learner=launch.learner,
        frames=(SCHOOLOGY, *district.schoology.domains),
        title=title[:MAX_TITLE] if isinstance(title, str) else None,
        timezone=_zone(custom.get("user_timezone")),
    )


def _members(claim: object) -> Mapping[str, Any]:
    return claim if isinstance(claim, dict) else {}


def _zone(name: object) -> str | None:
    """Return a time zone by its IANA name; None where the platform left the variable as it was."""
    try:
        return ZoneInfo(name).key if isinstance(name, str) else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
