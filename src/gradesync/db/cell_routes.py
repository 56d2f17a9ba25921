"""Find the cell of each district, and of each name that leads to one, as the owner of all cells."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection

from gradesync.db.connections import UrlUnreadable, open_owner
from gradesync.db.district_rows import OWNS
from gradesync.db.districts import COPY
from gradesync.errors import DatabaseAway, GradeSyncError

OWNED = text("""
    SELECT d.id, d.created_at, EXISTS (
        SELECT FROM pause p WHERE p.district_id = d.id AND p.level = 'district' AND p.paused_by = :copy
    ) AS is_copy FROM district d
""")
# What a request names before it has a token: a client of the API, an installation of the LTI tool.
NAMED = text("""
    SELECT 'client:' || id AS name, district_id FROM client WHERE revoked_at IS NULL
    UNION ALL
    SELECT concat('lti:', config #>> '{lti,issuer}', '|', config #>> '{lti,client_id}', '|',
                  config #>> '{lti,deployment_id}'), id
    FROM district WHERE config #>> '{lti,issuer}' IS NOT NULL
    UNION ALL
    SELECT 'lti11:' || (config #>> '{lti11,consumer_key}'), id
    FROM district WHERE config #>> '{lti11,consumer_key}' IS NOT NULL
    UNION
    SELECT district_id, district_id FROM invitation  -- a district that somebody is to set up
""")


class CellUnreadable(GradeSyncError):
    """Report the cell whose districts cannot be listed."""


async def list_routes(cells: Mapping[str, str]) -> dict[str, str]:
    """Return the cell of each district, and of each name that leads to one, from the URLs of all owners.

    Names are `client:ID`, `lti:ISSUER|CLIENT|DEPLOYMENT` and `lti11:KEY`. Raises `CellUnreadable`.
    """
    owners = await list_owners(cells)
    routes = dict(owners)
    for cell, url in cells.items():
        async with _open_cell(cell, url) as connection:
            for row in await connection.execute(NAMED):
                if owners.get(row.district_id, cell) == cell:
                    routes[row.name] = cell
    return dict(sorted(routes.items()))


async def list_owners(cells: Mapping[str, str]) -> dict[str, str]:
    """Return the cell of each district, from the owners' URLs of all cells.

    A district in two cells is under way: the one whose rows are no copy owns it. Of two that are none, the
    older one does: it moved there, and somebody applied its file at another cell again. Raises
    `CellUnreadable`.
    """
    found: list[tuple[bool, datetime, str, str]] = []
    for cell, url in cells.items():
        async with _open_cell(cell, url) as connection:
            for row in await connection.execute(OWNED, {"copy": COPY}):
                found.append((row.is_copy, row.created_at, row.id, cell))
    owners = {id_: cell for _, _, id_, cell in sorted(found, reverse=True)}
    return dict(sorted(owners.items()))


@asynccontextmanager
async def _open_cell(cell: str, url: str) -> AsyncIterator[AsyncConnection]:
    """Open a cell as its owner. To any other role it would look empty."""
    try:
        async with open_owner(url) as owner, owner.begin() as connection:
            if not await connection.scalar(OWNS):
                raise CellUnreadable(
                    f"The cell {cell} cannot be read: the role in its URL owns no tables there."
                )
            yield connection
    except (DatabaseAway, UrlUnreadable) as error:
        raise CellUnreadable(f"The cell {cell} cannot be read: {str(error).rstrip('.')}.") from error
    except ProgrammingError as error:
        raise CellUnreadable(f"The cell {cell} cannot be read: it is of another release.") from error
