"""Store what each section's last sync came to: a summary for people who answer for many sections.

Settling a sync keeps it, in the same statement; nothing else writes it.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Date,
    Select,
    Text,
    and_,
    bindparam,
    case,
    cast,
    delete,
    func,
    or_,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.dml import ReturningUpdate

from gradesync.core.catalog import SyncResult
from gradesync.db.codec import GRACE, LOG_KEPT
from gradesync.db.tables import metadata

STATE = metadata.tables["section_state"]
CHANGE = metadata.tables["section_change"]
ZONE = select(func.coalesce(func.max(metadata.tables["district"].c.config["timezone"].astext), "UTC"))
DAY = cast(func.timezone(ZONE.scalar_subquery(), func.statement_timestamp()), Date)
JSON = JSONB(none_as_null=True)
PROFILE: Mapping[str, Any] = {
    "title": Text(),
    "code": Text(),
    "school": Text(),
    "teachers": JSON,
    "term_first": Date(),
    "term_last": Date(),
    "categories": JSON,
}


def keep_state(settle: ReturningUpdate[Any]) -> Select[Any]:
    """Return a statement that settles a sync and keeps what its section came to; it returns the settled row.

    A sync of a part cannot make a section right: it may only find something new.
    """
    settled = settle.cte("ours")
    judged = _judge(settled)
    names = [column.name for column in judged.c if column.name != "before"]
    state = insert(STATE).from_select(names, select(*(judged.c[name] for name in names)))
    kept = state.on_conflict_do_update(
        index_elements=["district_id", "section_id"],
        set_={name: state.excluded[name] for name in names if name != "section_id"},
    )
    change = insert(CHANGE).from_select(
        ["sync_id", "section_id", "before", "after", "day"],
        select(judged.c.sync_id, judged.c.section_id, judged.c.before, judged.c.result, DAY).where(
            judged.c.result.is_distinct_from(judged.c.before)
        ),
    )
    return select(settled).add_cte(kept.cte("kept"), change.cte("changed"))


def _judge(settled: CTE) -> CTE:
    """Return the new state of the section of a settled sync, and the result that it had `before`."""
    before = STATE.alias("before")
    chosen = or_(
        func.coalesce(func.jsonb_typeof(settled.c.selection) == "object", False),
        func.coalesce(func.jsonb_typeof(settled.c.undo) == "object", False),
    )
    part = and_(chosen, before.c.section_id.is_not(None))
    found = bindparam("new_reasons", type_=JSON)
    result: ColumnElement[str] = case(
        (~part, settled.c.result),
        (settled.c.result == SyncResult.ALL_SENT, before.c.result),
        (
            or_(before.c.result == SyncResult.FAILED, before.c.result == SyncResult.STOPPED_FOR_REVIEW),
            before.c.result,
        ),
        else_=SyncResult.NEEDS_ATTENTION,
    )
    return (
        select(
            settled.c.section_id,
            settled.c.id.label("sync_id"),
            result.label("result"),
            case((part, before.c.reasons.op("||")(found)), else_=found).label("reasons"),
            settled.c.finished_at.label("settled_at"),
            before.c.result.label("before"),
            *(_latest(name, before.c[name]).label(name) for name in PROFILE),
        )
        .select_from(settled.outerjoin(before, before.c.section_id == settled.c.section_id))
        .where(~settled.c.dry_run, settled.c.result.is_not(None))
        .cte("judged")
    )


def _latest(name: str, before: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return what the sync read of the section, or what is known of it; a text or a map is never null."""
    known = func.coalesce(bindparam(f"profile_{name}", type_=PROFILE[name]), before)
    empty = {"title": "''", "teachers": "'{}'::jsonb", "categories": "'[]'::jsonb"}.get(name)
    return func.coalesce(known, text(empty)) if empty else known


async def purge(db: AsyncSession) -> None:
    """Delete the changes that the picture of the last days no longer shows."""
    await db.execute(delete(CHANGE).where(CHANGE.c.day < cast(func.now() - (LOG_KEPT + GRACE), Date)))
