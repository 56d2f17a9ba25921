"""LTI installations, found before any district is known, and the key of our LTI tool."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.db.crypto import Secrets
from gradesync.db.tables import metadata

TOOL_KEY = metadata.tables["tool_key"]
C = TOOL_KEY.c
NOBODY, FIELD = "", "tool key"
"""What the tool's keys are sealed with in place of a district and its field."""

LOGIN = text(
    "SELECT client_id, authorization_url FROM tenantless_lti_platforms(:issuer, :client, :deployment)"
)
DEPLOYMENT = text("SELECT district_id FROM tenantless_lti_district(:issuer, :client, :deployment)")
CONSUMER = text("SELECT district_id FROM tenantless_lti11_district(:key)")


@dataclass(frozen=True, slots=True)
class Platform:
    """Where the browser of a login goes next, and as which client of the platform."""

    client_id: str
    authorization_url: str


async def platform(
    door: AsyncSession, issuer: str, client_id: str | None, deployment_id: str | None
) -> Platform | None:
    """The one platform that these mean, the ids as far as they are given; None for none or for several."""
    wanted = {"issuer": issuer, "client": client_id, "deployment": deployment_id}
    found = (await door.execute(LOGIN, wanted)).all()
    return Platform(found[0].client_id, found[0].authorization_url) if len(found) == 1 else None


async def district_of(door: AsyncSession, issuer: str, client_id: str, deployment_id: str) -> str | None:
    """The district that has this LTI 1.3 installation."""
    wanted = {"issuer": issuer, "client": client_id, "deployment": deployment_id}
    return (await door.execute(DEPLOYMENT, wanted)).scalar_one_or_none()


async def district_of_key(door: AsyncSession, consumer_key: str) -> str | None:
    """The district that installed us by this LTI 1.1 key."""
    return (await door.execute(CONSUMER, {"key": consumer_key})).scalar_one_or_none()


async def reseal(door: AsyncSession) -> None:
    """Seal the tool's keys with the newest of ours."""
    secrets: Secrets = door.info["secrets"]
    for row in (await door.execute(select(C.id, C.sealed))).all():
        await door.execute(update(TOOL_KEY).where(C.id == row.id).values(sealed=secrets.rotate(row.sealed)))


async def tool_keys(door: AsyncSession, make: Callable[[], tuple[str, str]]) -> list[str]:
    """The tool's private keys, the newest first. The first time, `make` makes one: its id and its text.

    Two processes may both make one: both are kept, and either is good.
    """
    secrets: Secrets = door.info["secrets"]
    newest = select(C.sealed).order_by(C.created_at.desc(), C.id)
    if not (sealed := (await door.scalars(newest)).all()):
        key_id, key = make()
        await door.execute(insert(TOOL_KEY).values(id=key_id, sealed=secrets.encrypt(NOBODY, FIELD, key)))
        return [key]
    return [secrets.decrypt(NOBODY, FIELD, each) for each in sealed]
