"""Find the cell of each district, and of each name that leads to one, as the owner of all cells."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import text

from gradesync.db.connections import open_owner
from gradesync.db.districts import COPY

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


async def list_routes(cells: Mapping[str, str]) -> dict[str, str]:
    """Return the cell of each district, and of each name that leads to one, from the URLs of all owners.

    Names are `client:ID`, `lti:ISSUER|CLIENT|DEPLOYMENT` and `lti11:KEY`.
    """
    owners = await list_owners(cells)
    routes = dict(owners)
    for cell, url in cells.items():
        async with open_owner(url) as owner, owner.begin() as connection:
            for row in await connection.execute(NAMED):
                if owners.get(row.district_id, cell) == cell:
                    routes[row.name] = cell
    return dict(sorted(routes.items()))


async def list_owners(cells: Mapping[str, str]) -> dict[str, str]:
    """Return the cell of each district, from the owners' URLs of all cells.

    A district in two cells is under way: the one whose rows are no copy owns it. Of two that are none, the
    older one does: it moved there, and somebody applied its file at another cell again.
    """
    found: list[tuple[bool, datetime, str, str]] = []
    for cell, url in cells.items():
        async with open_owner(url) as owner, owner.begin() as connection:
            for row in await connection.execute(OWNED, {"copy": COPY}):
                found.append((row.is_copy, row.created_at, row.id, cell))
    owners = {id_: cell for _, _, id_, cell in sorted(found, reverse=True)}
    return dict(sorted(owners.items()))
