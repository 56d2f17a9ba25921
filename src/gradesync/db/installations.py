"""Find LTI installations before a district is known, and store the key of our LTI tool."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.db.codec import Secrets
from gradesync.db.tables import metadata

TOOL_KEY = metadata.tables["tool_key"]
# The tool's keys are sealed with these in the place of a district and its field.
NO_DISTRICT, FIELD = "", "tool key"

LOGIN = text(
    "SELECT client_id, authorization_url FROM tenantless_lti_platforms(:issuer, :client, :deployment)"
)
DEPLOYMENT = text("SELECT district_id FROM tenantless_lti_district(:issuer, :client, :deployment)")
CONSUMER = text("SELECT district_id FROM tenantless_lti11_district(:key)")


@dataclass(frozen=True, slots=True)
class Platform:
    """Describe where the browser of a login goes next, and as which client of the platform."""

    client_id: str
    authorization_url: str


async def find_platform(
    db: AsyncSession, issuer: str, client_id: str | None, deployment_id: str | None
) -> Platform | None:
    """Find the one platform with these ids, as far as they are given; None for none or for several."""
    parameters = {"issuer": issuer, "client": client_id, "deployment": deployment_id}
    rows = (await db.execute(LOGIN, parameters)).all()
    return Platform(rows[0].client_id, rows[0].authorization_url) if len(rows) == 1 else None


async def find_district(db: AsyncSession, issuer: str, client_id: str, deployment_id: str) -> str | None:
    """Find the district that has this LTI 1.3 installation."""
    parameters = {"issuer": issuer, "client": client_id, "deployment": deployment_id}
    return (await db.execute(DEPLOYMENT, parameters)).scalar_one_or_none()


async def find_district_by_key(db: AsyncSession, consumer_key: str) -> str | None:
    """Find the district that installed us by this LTI 1.1 key."""
    return (await db.execute(CONSUMER, {"key": consumer_key})).scalar_one_or_none()


async def reseal(db: AsyncSession) -> None:
    """Seal the tool's keys with our newest key."""
    secrets: Secrets = db.info["secrets"]
    for row in (await db.execute(select(TOOL_KEY.c.id, TOOL_KEY.c.sealed))).all():
        await db.execute(
            update(TOOL_KEY).where(TOOL_KEY.c.id == row.id).values(sealed=secrets.rotate(row.sealed))
        )


async def get_tool_keys(db: AsyncSession, make: Callable[[], tuple[str, str]]) -> list[str]:
    """Return the tool's private keys, the newest first. The first time, `make` returns a new id and key.

    Two processes may both make one: both are stored, and either is good.
    """
    secrets: Secrets = db.info["secrets"]
    newest = select(TOOL_KEY.c.sealed).order_by(TOOL_KEY.c.created_at.desc(), TOOL_KEY.c.id)
    if not (sealed := (await db.scalars(newest)).all()):
        key_id, key = make()
        await db.execute(insert(TOOL_KEY).values(id=key_id, sealed=secrets.encrypt(NO_DISTRICT, FIELD, key)))
        return [key]
    return [secrets.decrypt(NO_DISTRICT, FIELD, each) for each in sealed]
