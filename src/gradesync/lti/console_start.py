"""Start a session of the console: issue its token, and record that in the audit log."""

import msgspec

from gradesync.access.console import console_caller, find_role
from gradesync.access.tokens import PAGE_LIFETIME
from gradesync.core.district import District, Role
from gradesync.db import audit
from gradesync.errors import RequestRefused
from gradesync.lti.tool import Tool


class ConsoleStart(msgspec.Struct, frozen=True):
    """Hold what the console starts with: its token, and what it shows without a request.

    `scopes` decide which actions it offers; the API checks them again. `sign_in` is the address where the
    person can open it again; None: from Schoology.
    """

    token: str
    person: str
    role: Role
    scopes: list[str]
    district: str
    timezone: str
    sign_in: str | None = None


async def start_console(
    tool: Tool, district: District, subject: str, ip: str | None, *, sign_in: str | None = None
) -> ConsoleStart:
    """Return a new session of a person. Raises `RequestRefused("console-not-allowed")`."""
    role = find_role(district, subject)
    if role is None:
        raise RequestRefused("console-not-allowed", subject)
    caller = console_caller(district, subject, role)
    async with tool.database.district(district.id) as db:
        await audit.append(db, caller.actor, "console.opened", {"role": role}, ip)
    return ConsoleStart(
        token=tool.tokens.issue(caller, PAGE_LIFETIME),
        person=caller.subject,
        role=role,
        scopes=sorted(caller.scopes),
        district=district.name,
        timezone=district.timezone,
        sign_in=sign_in,
    )
