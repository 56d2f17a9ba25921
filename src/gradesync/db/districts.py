"""Store districts: their configuration, their sealed secrets, and facts about their systems."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal, TypeAlias
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Text, exists, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.core.district import USUAL_SIS, District
from gradesync.db import schedules, webhooks
from gradesync.db.codec import Secrets
from gradesync.db.driver import Session, Statement, refuse_taken
from gradesync.db.session import Database
from gradesync.db.tables import metadata
from gradesync.errors import GradeSyncError, RequestRefused

DISTRICT = metadata.tables["district"]
PAUSE = metadata.tables["pause"]
COPY = "operator:move-copy"  # paused what a move has copied, until it is over
# Without it nobody reads or changes what another database has, or the move would lose it.
IS_COPY = exists().where(
    PAUSE.c.district_id == func.current_setting("gradesync.district"),
    PAUSE.c.level == "district",
    PAUSE.c.paused_by == COPY,
)
IS_HERE = exists().where(DISTRICT.c.id == func.current_setting("gradesync.district"), ~IS_COPY)
SELECT_KNOWN = select(
    DISTRICT.c.id,
    DISTRICT.c.config.cast(Text).label("config"),
    DISTRICT.c.secrets.cast(Text).label("secrets"),
    DISTRICT.c.category_titles.cast(Text).label("titles"),
    DISTRICT.c.facts,
).where(~IS_COPY)
FIND_HERE = Statement(select(IS_HERE.label("is_here")))
KNOWN = Statement(SELECT_KNOWN)
DISTRICTS_KEPT = 200  # that a process remembers, opened
# The secrets in a district, as part and field. It may have no such part.
SECRETS = (
    ("schoology", "consumer_secret"),
    ("sis", "client_secret"),
    ("sis", "headers"),
    ("lti11", "consumer_secret"),
    ("oidc", "client_secret"),
)

Applied: TypeAlias = Literal["created", "changed", "unchanged"]


@dataclass(frozen=True, slots=True)
class Facts:
    """Remember what a district's systems can do, so that no sync has to find it out again.

    `non_spanning`: a batch of scores may not span assignments.
    """

    non_spanning: bool = False


@dataclass(frozen=True, slots=True)
class DistrictName:
    """Name a district in a list."""

    id: str
    name: str


class InstallationTaken(GradeSyncError):
    """Report that another district has that LTI installation."""


class CopyRefused(GradeSyncError):
    """Report that the district is only a copy that a move has made."""


@dataclass(frozen=True, slots=True)
class KnownDistrict:
    """Hold a district and the facts about its systems."""

    district: District
    facts: Facts


async def is_here(db: Session) -> bool:
    """Return whether the district of the transaction is this database's own: it is there, and no copy."""
    row = await FIND_HERE.fetch_one(db)
    return row is not None and row.is_here


@asynccontextmanager
async def open_staying(
    database: Database, district_id: str, *, lock: str | None = None, snapshot: bool = False
) -> AsyncIterator[AsyncSession]:
    """Open a transaction of a district whose token was accepted, with a lock or of one moment.

    Raises `RequestRefused` at its end where the district has left meanwhile, whatever was read or refused in
    it: what is gone looks as if it had never been.
    """
    if lock is not None:
        opened = database.with_lock(district_id, lock)
    else:
        opened = database.snapshot(district_id) if snapshot else database.district(district_id)
    try:
        async with opened as db:
            yield db
            await _require_here(db)
    except RequestRefused:
        async with database.on_driver(district_id) as anew:
            await _require_here(anew)
        raise


async def _require_here(db: Session) -> None:
    if not await is_here(db):
        raise RequestRefused("token-not-accepted", "The district is no more.")


async def refuse_copy(db: AsyncSession) -> None:
    """Raise `CopyRefused` where the district of the transaction is a copy."""
    if await db.scalar(select(IS_COPY)):
        raise CopyRefused("The district is being moved here, and is a copy until then. End the move first.")


async def get(db: Session) -> District | None:
    """Return the district of the transaction; None for a copy. Raises `SecretUnreadable`."""
    known = await get_known(db)
    return known.district if known else None


async def get_known(db: Session) -> KnownDistrict | None:
    """Return the district of the transaction and its facts; None for a copy. Raises `SecretUnreadable`."""
    row = await KNOWN.fetch_one(db)
    return None if row is None else open_known(db, row)


def open_known(db: Session, row: Any) -> KnownDistrict:
    """Return a district from a row of `SELECT_KNOWN`. Raises `SecretUnreadable`."""
    district = _opened(db.info["secrets"], row.id, row.config, row.secrets, row.titles)
    # Facts of a later release are ignored while both are at work.
    return KnownDistrict(district, msgspec.convert(row.facts, Facts))


async def get_sis_name(db: AsyncSession) -> str:
    """Return what people call the SIS of the district of the transaction."""
    return await db.scalar(select(DISTRICT.c.config["sis"]["name"].astext)) or USUAL_SIS


async def apply(db: AsyncSession, district: District) -> Applied:
    """Store `district` as the district of the transaction, without its category titles.

    Raises `CopyRefused`, and `InstallationTaken`, after which the transaction can only be rolled back.
    """
    await refuse_copy(db)
    before = await get(db)
    if before and before == replace(district, category_titles=before.category_titles):
        return "unchanged"
    config, secrets = _sealed(db.info["secrets"], district)
    values = {"config": config, "secrets": secrets, "changed_at": func.now()}
    statement = insert(DISTRICT).values(id=district.id, **values)
    taken = "Another district has this LTI installation: the same deployment, or the same LTI 1.1 key."
    with refuse_taken(InstallationTaken(taken)):
        await db.execute(statement.on_conflict_do_update(index_elements=["id"], set_=values))
    if before and before.timezone != district.timezone:
        await schedules.move_zone(db, ZoneInfo(before.timezone), ZoneInfo(district.timezone))
    return "changed" if before else "created"


async def set_filed(db: AsyncSession, district: District) -> None:
    """Store what the operator's file has now, without secrets."""
    config, _ = _sealed(db.info["secrets"], district)
    await db.execute(update(DISTRICT).values(filed=config, filed_at=func.now()))


async def get_filed(db: AsyncSession) -> tuple[District, datetime] | None:
    """Return what the operator's file had last, without secrets, and since when; None for no file."""
    row = (await db.execute(select(DISTRICT.c.filed, DISTRICT.c.filed_at))).one_or_none()
    if row is None or row.filed is None:
        return None
    config = row.filed
    for part, name in SECRETS:
        if config[part] is not None:
            config[part].setdefault(name, "")
    return msgspec.convert(config, District, strict=False), row.filed_at


async def rotate_secrets(db: AsyncSession) -> None:
    """Seal the district's secrets, those of its webhooks too, with the newest key."""
    keys: Secrets = db.info["secrets"]
    sealed = await db.scalar(select(DISTRICT.c.secrets)) or {}
    await db.execute(
        update(DISTRICT).values(secrets={field: keys.rotate(old) for field, old in sealed.items()})
    )
    await webhooks.reseal(db)


async def lock(db: AsyncSession) -> None:
    """Lock the district against changes until this transaction ends."""
    await db.execute(select(DISTRICT.c.id).with_for_update())


async def set_category_titles(db: AsyncSession, titles: Mapping[str, str]) -> None:
    """Replace the category titles of the district; they are not in its file."""
    await db.execute(update(DISTRICT).values(category_titles=dict(titles)))


async def save_facts(db: AsyncSession, *, non_spanning: bool) -> None:
    """Store what is given of `Facts`."""
    await db.execute(update(DISTRICT).values(facts=DISTRICT.c.facts.concat({"non_spanning": non_spanning})))


async def list_names(db: AsyncSession) -> list[DistrictName]:
    """List all districts by id, in a session without a tenant."""
    rows = await db.execute(text("SELECT id, name FROM tenantless_districts()"))
    return [DistrictName(row.id, row.name) for row in rows]


def _sealed(keys: Secrets, district: District) -> tuple[dict[str, Any], dict[str, str]]:
    config: dict[str, Any] = msgspec.to_builtins(district)
    del config["category_titles"]
    secrets = {}
    for part, name in SECRETS:
        if config[part] is not None and config[part][name]:
            field = f"{part}.{name}"
            secrets[field] = keys.encrypt(district.id, field, config[part].pop(name))
    return config, secrets


# Every sync reads its district, and hardly any finds another one than the last.
@lru_cache(maxsize=DISTRICTS_KEPT)
def _opened(keys: Secrets, id_: str, config: str, secrets: str, titles: str) -> District:
    """Return a district from its stored texts."""
    whole, sealed = msgspec.json.decode(config), msgspec.json.decode(secrets)
    for part, name in SECRETS:
        if (secret := sealed.get(f"{part}.{name}")) is not None:
            whole[part][name] = keys.decrypt(id_, f"{part}.{name}", secret)
    district = msgspec.convert(whole, District, strict=False)
    return replace(district, category_titles=msgspec.json.decode(titles))
