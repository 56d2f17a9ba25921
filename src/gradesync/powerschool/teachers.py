"""Find the teacher in whose name a section is written (R43, upstream.md PowerSchool §3)."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from gradesync.core.reasons import Reason
from gradesync.core.sis import id_order
from gradesync.errors import SyncStopped
from gradesync.powerschool.calls import Calls, ReadRefused
from gradesync.powerschool.refusals import stop_for_permission
from gradesync.upstream.response import read_day

Row = Mapping[str, str]


class Teacher(NamedTuple):
    """Hold an acting teacher: USERS.DCID, SCHOOLSTAFF.ID, and the last day of teaching the section."""

    users_dcid: str
    staff_id: str
    last: date


async def read_teachers(calls: Calls, section_id: str, staff_id: str | None, *, today: date) -> list[Row]:
    """Read who teaches a section: all rows, or the pages up to today's row of a SCHOOLSTAFF.ID."""
    return await read_optional(
        calls,
        "sectionteacher",
        ("sectionid", "teacherid"),
        ("roleid", "start_date", "end_date"),
        {"sectionid==": section_id},
        until=lambda row: staff_id is not None and _teaches(row, staff_id, today),
    )


def teaches_alone(rows: Sequence[Row], staff_id: str, *, today: date, page_size: int) -> date | None:
    """Return the last day of a teacher who alone teaches today, and so acts whoever leads; else None.

    Rows that fill a page are not all: others may come after the teacher's.
    """
    current = [row for row in rows if _is_current(row, today)]
    if len(rows) >= page_size or {row.get("teacherid") for row in current} != {staff_id}:
        return None
    return _last_day(current[0])


async def find_acting_teacher(
    calls: Calls,
    section_id: str,
    *,
    lead: str | None,
    chosen: str | None,
    today: date,
    known: Mapping[str, str],
    rows: Sequence[Row],
) -> Teacher:
    """Return who teaches a section today: the lead, else the lead role, else the lowest SCHOOLSTAFF.ID.

    `lead` is SECTIONS.TEACHER, a SCHOOLSTAFF.ID, None where it may not be read. `chosen` is a USERS.DCID
    that must be among today's teachers. `known` maps SCHOOLSTAFF.ID to USERS.DCID. `rows` were read before,
    and are read again unless they show the lead. Raises `SyncStopped("teacher-not-in-sis-section")`.
    """
    leads = lead is not None and chosen in (None, known.get(lead))
    if not (leads and any(_teaches(row, lead, today) for row in rows)):
        rows = await read_teachers(calls, section_id, lead if leads else None, today=today)
    current = [row for row in rows if "teacherid" in row and _is_current(row, today)]
    for row in await _rank(calls, current, rows, lead):
        staff_id = row["teacherid"]
        users_dcid = known.get(staff_id) or await _find_user(calls, staff_id)
        if users_dcid is not None and chosen in (None, users_dcid):
            return Teacher(users_dcid, staff_id, _last_day(row))
    raise SyncStopped(Reason.TEACHER_NOT_IN_SIS_SECTION, _explain_none(rows, chosen))


def _teaches(row: Row, staff_id: str | None, today: date) -> bool:
    return row.get("teacherid") == staff_id and _is_current(row, today)


def _last_day(row: Row) -> date:
    return read_day(row.get("end_date")) or date.max


def _is_current(row: Row, today: date) -> bool:
    first, last = read_day(row.get("start_date")), read_day(row.get("end_date"))
    return (first or today) <= today <= (last or today)


async def _rank(calls: Calls, current: Sequence[Row], rows: Sequence[Row], lead: str | None) -> list[Row]:
    """Return today's rows in the order in which their teachers are taken."""
    role = None
    if len({row["teacherid"] for row in current}) > 1 and lead not in {row["teacherid"] for row in current}:
        role = await _find_lead_role(calls, rows, lead)
    return sorted(
        current,
        key=lambda row: (
            row["teacherid"] != lead,
            role is None or row.get("roleid") != role,
            id_order(row["teacherid"]),
        ),
    )


async def _find_lead_role(calls: Calls, rows: Sequence[Row], lead: str | None) -> str | None:
    """Return the ROLEDEF.ID of leads: the role that SECTIONS.TEACHER has or had, else by the role's name."""
    known = next((row.get("roleid") for row in rows if row.get("teacherid") == lead), None)
    if known is not None:
        return known
    try:
        roles = await calls.read_table("roledef", ("id", "name"), {})
    except ReadRefused:
        return None
    # A guess: every server numbers its roles itself, and the name is its administrator's.
    named = (role for role in roles if role.get("name", "").casefold().startswith("lead"))
    return next((role["id"] for role in named if "id" in role), None)


def _explain_none(rows: Sequence[Row], chosen: str | None) -> str:
    if chosen is not None:
        return "PowerSchool doesn't list the chosen teacher as a teacher of the section today"
    if rows:
        return "the dates of every teacher of the section in PowerSchool have ended, or not begun"
    return "PowerSchool lists no teacher of the section"


async def read_optional(
    calls: Calls,
    table: str,
    needed: Sequence[str],
    more: Sequence[str],
    conditions: Mapping[str, str | int],
    *,
    until: Callable[[Row], bool] = lambda row: False,
) -> list[Row]:
    """Read rows with further columns where the plugin may read those; else without them, for a while.

    `until`: the row after which no other is needed.
    """
    read = f"{table}.{','.join(more)}"
    if not calls.memory.is_refused(read):
        try:
            return await calls.read_table(table, (*needed, *more), conditions, until=until)
        except ReadRefused:
            calls.memory.mark_refused(read)
    return await _read_or_stop(calls, table, needed, conditions)


async def _find_user(calls: Calls, staff_id: str) -> str | None:
    rows = await _read_or_stop(calls, "schoolstaff", ("id", "users_dcid"), {"id==": staff_id})
    return next((row["users_dcid"] for row in rows if "users_dcid" in row), None)


async def _read_or_stop(
    calls: Calls, table: str, columns: Sequence[str], conditions: Mapping[str, str | int]
) -> list[Row]:
    """Return rows without which there is no sync. Raises `SyncStopped` where they are refused."""
    try:
        return await calls.read_table(table, columns, conditions)
    except ReadRefused as refused:
        stop_for_permission(refused.refusal, table)
        raise SyncStopped(
            Reason.SIS_UNREADABLE, f"PowerSchool answered {refused.refusal.status} to {table}"
        ) from refused
