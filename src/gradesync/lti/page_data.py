"""What a checked launch says for the page, beside who opened which section."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gradesync.access.launch import CLAIM, Launch
from gradesync.core.district import District
from gradesync.lti.logins import Opened

SCHOOLOGY = "https://*.schoology.com"
TITLE_MAX = 300


def opened(district: District, launch: Launch, claims: Mapping[str, Any]) -> Opened:
    context, custom = (_members(claims.get(CLAIM + name)) for name in ("context", "custom"))
    title = context.get("title")
    return Opened(
        district_id=district.id,
        uid=launch.uid,
        section_id=launch.section_id,
        administrator=launch.administrator,
        learner=launch.learner,
        frames=(SCHOOLOGY, *district.schoology.domains),
        title=title[:TITLE_MAX] if isinstance(title, str) else None,
        timezone=_zone(custom.get("user_timezone")),
    )


def _members(claim: object) -> Mapping[str, Any]:
    return claim if isinstance(claim, dict) else {}


def _zone(name: object) -> str | None:
    """A time zone by its IANA name; None where the platform left the variable as it was."""
    try:
        return ZoneInfo(name).key if isinstance(name, str) else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
