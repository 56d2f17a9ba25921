"""Decide who may open the console of a district, and with which scopes."""

from collections.abc import Mapping

from gradesync.access.tokens import CONSOLE, Caller, Scope
from gradesync.core.district import OIDC, District, Role

READING = frozenset(
    {Scope.SYNCS_READ, Scope.SECTIONS_READ, Scope.DISTRICT_READ, Scope.AUDIT_READ, Scope.STUDENTS_READ}
)
ACTING = frozenset({Scope.SYNCS_WRITE, Scope.SECTIONS_WRITE, Scope.DISTRICT_WRITE, Scope.CONNECTIONS_CHECK})
SCOPES: Mapping[Role, frozenset[str]] = {"viewer": READING, "operator": READING | ACTING}


def find_role(district: District, subject: str) -> Role | None:
    """Return the role that the district gives a console's subject now; None for none."""
    if subject.startswith(OIDC):
        return district.oidc.role_of(subject.removeprefix(OIDC)) if district.oidc else None
    role = district.console.system_admins
    return None if role == "none" or not (district.lti or district.lti11) else role


def console_caller(district: District, subject: str, role: Role) -> Caller:
    """Return the caller of a session in that role."""
    return Caller(district.id, CONSOLE, subject, SCOPES[role])


def is_allowed(district: District, caller: Caller) -> bool:
    """Return whether the district still gives a console's person all that their token allows."""
    role = find_role(district, caller.subject)
    return role is not None and caller.scopes <= SCOPES[role]


def is_viewer(caller: Caller) -> bool:
    """Return True for an admin who may look and change nothing."""
    return not caller.scopes & ACTING
