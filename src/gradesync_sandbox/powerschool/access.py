"""Check rights under `/ws/xte`: the acting teacher, the plugin's grants, locked terms."""

from collections.abc import Iterable

from starlette.requests import Request

from gradesync_sandbox.powerschool.rows import AssignmentSection, Section
from gradesync_sandbox.powerschool.state import PowerSchool
from gradesync_sandbox.powerschool.tables import TABLES
from gradesync_sandbox.powerschool.wire import Problem, Refused, conflict, no_access, whole_number

ASSIGNMENT_TABLES = ("assignment", "assignmentsection", "assignmentcategoryassoc")


def acting_teacher(request: Request) -> int:
    """Return USERS.DCID of the teacher whom the caller acts for: required of every OAuth caller (upstream.md
    PowerSchool §4).
    """
    return whole_number(request.query_params.get("users_dcid"), "users_dcid")


def taught_section(sis: PowerSchool, users_dcid: int, sectionsdcid: int, *, write: bool) -> Section:
    """Return the section if the teacher teaches it.

    Raises `Refused` 403 otherwise, also for one that does not exist.
    """
    section = sis.sections.get(sectionsdcid)
    if section is None or not sis.teaches(users_dcid, section, write=write):
        raise Refused(403, f"User does not teach section {sectionsdcid} with access EDIT")
    return section


def check_grants(sis: PowerSchool, tables: Iterable[str], *, write: bool) -> None:
    """Require every column of these tables, audit columns too (upstream.md PowerSchool §2).

    Raises `Refused` 403 naming the rest.
    """
    allowed = sis.plugin.writes if write else sis.plugin.reads
    columns = ((table, column) for table in tables for column in TABLES[table].columns)
    if missing := [f"{table}.{column}" for table, column in columns if not allowed(table, column)]:
        raise no_access(missing)


def check_open(sis: PowerSchool, sections: Iterable[Section], parts: Iterable[AssignmentSection]) -> None:
    """Require open terms, and open assignments among those that stand there.

    Raises `Refused` 409 for a locked one: named for deletes only, inferred for the rest (upstream.md
    PowerSchool §5).
    """
    if "locked_term" not in sis.switches.inferred:
        return
    if any(sis.term_of(section).locked for section in sections) or any(part.locked for part in parts):
        raise conflict([Problem("Locked Term", field="term")])
