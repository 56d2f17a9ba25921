"""Read the titles of schools: the organization is Schoology's school, its buildings are everybody's."""

from collections.abc import Iterable
from contextlib import suppress

from gradesync.schoology.calls import PAGE, Calls, Request
from gradesync.schoology.scalars import UnreadableError, read_id, read_text
from gradesync.schoology.wire import BUILDINGS, SCHOOLS, SchoolRow

ORGANIZATIONS_MAX = 20  # each takes a call; a district has one


async def read_schools(calls: Calls) -> dict[str, str]:
    """Return the titles of the organizations and their buildings, by id (upstream.md Schoology §2.8)."""
    listed = await calls.read_list(SCHOOLS, Request(SCHOOLS.kind, f"/schools?{PAGE}"))
    titles = _read_titles(listed.rows)
    for organization in list(titles)[:ORGANIZATIONS_MAX]:
        path = f"/schools/{organization}/buildings?{PAGE}"
        titles |= _read_titles((await calls.read_list(BUILDINGS, Request(BUILDINGS.kind, path))).rows)
    return titles


def _read_titles(rows: Iterable[SchoolRow | None]) -> dict[str, str]:
    """Return the titles by id; rows that name none are left out."""
    titles = {}
    for row in rows:
        with suppress(UnreadableError):
            id_ = read_id("id", row.id) if row else None
            title = read_text("title", row.title).strip() if row else ""
            if id_ and title:
                titles[id_] = title
    return titles
