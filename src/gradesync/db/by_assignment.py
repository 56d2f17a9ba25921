"""Read the outcomes of a sync by assignment: how many of each result, and what became of each score."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Row, case, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.core.catalog import needs_attention
from gradesync.core.ledger import Value
from gradesync.core.reasons import Reason, Result
from gradesync.core.sis import id_order
from gradesync.db import codec
from gradesync.db.ledger import LEDGER
from gradesync.db.outcomes import OUTCOME, Outcome, read_outcome

ASSIGNMENT = (OUTCOME.c.assignment_length, OUTCOME.c.assignment_id)
IS_SCORE = case(
    (OUTCOME.c.count.is_(None), OUTCOME.c.student_id != ""), else_=OUTCOME.c.student_id.startswith("score:")
).label("is_score")
CLEARS = (OUTCOME.c.before.is_not(None) & OUTCOME.c.after.is_(None)).label("clears")
GROUPS = (OUTCOME.c.assignment_id, IS_SCORE, OUTCOME.c.result, OUTCOME.c.reason, OUTCOME.c.warnings, CLEARS)
NUMBER = func.sum(func.coalesce(OUTCOME.c.count, 1)).label("number")
SENT = frozenset({Result.WRITTEN, Result.CLEARED})


@dataclass(slots=True)
class AssignmentSummary:
    """Count the outcomes of one assignment and of its scores, by result.

    The id is empty for what is counted in summaries of more than one assignment. `own` is the outcome of the
    assignment itself, None where it is in such a summary. `reasons`, `clears` and `attention` count scores:
    by their reason, those that are or would have been cleared, and those that need attention.
    """

    assignment_id: str
    title: str | None = None
    own: Outcome | None = None
    assignments: Counter[str] = field(default_factory=Counter)
    scores: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    clears: int = 0
    attention: int = 0


class CellOutcome(NamedTuple):
    """Describe what became of one score."""

    assignment_id: str
    student_id: str
    title: str | None
    result: str
    reason: str | None
    warnings: tuple[str, ...]
    before: Value
    after: Value


async def summarize_page(
    db: AsyncSession, sync_id: str, *, after: str | None, limit: int
) -> list[AssignmentSummary]:
    """List the assignments of a sync's outcomes in the numeric order of their ids, after one."""
    ids = await _list_ids(db, sync_id, after, limit)
    found = {assignment_id: AssignmentSummary(assignment_id) for assignment_id in ids}
    query = (
        select(*GROUPS, func.max(OUTCOME.c.title).label("title"), NUMBER)
        .where(_are(sync_id, ids))
        .group_by(*GROUPS)
    )
    for row in await db.execute(query):
        _add(found[row.assignment_id], row)
    for own in await read_own(db, sync_id, ids):
        found[own.assignment_id].own = own
    return list(found.values())


def _add(summary: AssignmentSummary, row: Row[Any]) -> None:
    """Add a group of outcomes that are alike."""
    summary.title = summary.title or row.title
    counts = summary.scores if row.is_score else summary.assignments
    counts[row.result] += row.number
    if not row.is_score:
        return
    if row.reason:
        summary.reasons[row.reason] += row.number
    if row.clears and (row.result in SENT or row.reason == Reason.NOT_ATTEMPTED):
        summary.clears += row.number
    if needs_attention(row.result, row.reason, row.warnings or ()):
        summary.attention += row.number


async def read_own(db: AsyncSession, sync_id: str, ids: Collection[str]) -> list[Outcome]:
    """Read the outcomes of these assignments themselves."""
    query = select(OUTCOME).where(_are(sync_id, ids), OUTCOME.c.student_id == "")
    return [read_outcome(row) for row in await db.execute(query)]


async def list_columns(
    db: AsyncSession, sync_id: str, *, section_id: str | None, after: str | None, limit: int
) -> list[str]:
    """List the assignments of a sync, and those of the section's ledger that the SIS holds, by their ids.

    Without a section they are those of the sync alone.
    """
    found = set(await _list_ids(db, sync_id, after or "", limit))  # after the empty id, which is of none
    if section_id is not None:
        length = func.length(LEDGER.c.assignment_id)
        held = select(LEDGER.c.assignment_id).where(
            LEDGER.c.section_id == section_id, LEDGER.c.ref_key.is_not(None)
        )
        if after is not None:
            held = held.where(tuple_(length, LEDGER.c.assignment_id) > id_order(after))
        found.update(await db.scalars(held.order_by(length, LEDGER.c.assignment_id).limit(limit)))
    return sorted(found, key=id_order)[:limit]


async def read_cells(db: AsyncSession, sync_id: str, ids: Collection[str]) -> list[CellOutcome]:
    """Read what became of each score of these assignments; summaries are left out."""
    names = ("assignment_id", "student_id", "title", "result", "reason", "warnings", "before", "after")
    query = select(*(OUTCOME.c[name] for name in names)).where(
        _are(sync_id, ids), OUTCOME.c.student_id != "", OUTCOME.c.count.is_(None)
    )
    return [_cell(row) for row in await db.execute(query)]


async def _list_ids(db: AsyncSession, sync_id: str, after: str | None, limit: int) -> list[str]:
    query = select(*ASSIGNMENT).where(OUTCOME.c.sync_id == UUID(sync_id)).distinct()
    if after is not None:
        query = query.where(tuple_(*ASSIGNMENT) > id_order(after))
    return [row.assignment_id for row in await db.execute(query.order_by(*ASSIGNMENT).limit(limit))]


def _are(sync_id: str, ids: Iterable[str]) -> ColumnElement[bool]:
    """Select the outcomes of these assignments, by the table's key."""
    return (OUTCOME.c.sync_id == UUID(sync_id)) & tuple_(*ASSIGNMENT).in_([id_order(id_) for id_ in ids])


def _cell(row: Row[Any]) -> CellOutcome:
    *facts, warnings, before, after = tuple(row)
    return CellOutcome._make([*facts, tuple(warnings or ()), _load_value(before), _load_value(after)])


@lru_cache(maxsize=4096)
def _load_value(text: str | None) -> Value:
    return None if text is None else codec.load_value(codec.load(text))  # thousands of cells share few values
