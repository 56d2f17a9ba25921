"""Plan the sync of an undo: both sides as read, and the values from the history."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.core.plan import Plan, weigh
from gradesync.core.planner import plan as make_plan
from gradesync.core.undo import (
    Undo,
    UndoTargets,
    decide_next,
    find_targets,
    forget_taken,
    put_back,
    restrain,
    spare_debts,
)
from gradesync.db import history, links
from gradesync.db.links import SectionLink
from gradesync.errors import RequestRefused
from gradesync.sync.claim import Attempt
from gradesync.sync.link import remember_students
from gradesync.sync.read import Reading


def dump_undo(undo: Undo) -> dict[str, Any]:
    """Return an undo as a sync's row keeps it."""
    return {
        "sync_id": undo.sync_id,
        "assignment": undo.assignment,
        "student": undo.student,
        "as_of": undo.as_of.isoformat() if undo.as_of else None,
        "reason": undo.reason,
    }


def load_undo(raw: Mapping[str, Any]) -> Undo:
    as_of = raw["as_of"] and datetime.fromisoformat(raw["as_of"])
    return Undo(raw["sync_id"], raw["assignment"], raw["student"], as_of, raw["reason"])


async def require_targets(db: AsyncSession, section_id: str, undo: Undo, kept_from: datetime) -> None:
    """Raise `RequestRefused("undo-not-possible")` where the history has nothing to put back.

    `kept_from` is when it begins, by the district's clock: nobody knows what stood before that.
    """
    if undo.as_of is not None and undo.as_of < kept_from:
        since = kept_from.date().isoformat()
        raise RequestRefused("undo-not-possible", f"The history is kept from {since} on.")
    link = await links.get(db, section_id)
    if link is None or not await _read_targets(db, undo, link):
        raise RequestRefused("undo-not-possible", "The history of this section has nothing to put back.")


async def _read_targets(db: AsyncSession, undo: Undo, link: SectionLink, own: str = "") -> UndoTargets:
    """Return what an undo puts back, by the students' keys of a link."""
    keys: Collection[str] | None = None
    if undo.student is not None:
        keys = {key for key, uid in _find_holders(link).items() if uid == undo.student}
    events = await history.read(db, link.section_id, sighted=True)
    return find_targets(events, undo, own, keys, link.reassigned)


def _find_holders(link: SectionLink) -> Mapping[str, str]:
    """Return the uids by all SIS keys that students have, or had last."""
    return {**link.former, **{key: uid for uid, key in link.remembered.items()}}


async def plan_undo(attempt: Attempt, reading: Reading, raw: Mapping[str, Any]) -> Plan:
    """Plan an undo; the attempt then has its selection, and its journal what is to be kept in mind."""
    sync, journal = attempt.sync, attempt.journal
    # What is found to be another student's only now was so at no time that the history knows.
    link = remember_students(attempt.link, reading.matched.keys, attempt.context.clock())
    async with attempt.context.database.district(attempt.district.id) as db:
        targets = await _read_targets(db, load_undo(raw), link, sync.id)
    holders, current = _find_holders(link), set(link.remembered.values())
    targets = spare_debts(targets, journal.entries, holders)
    renumbered = {key: holders[key] for column in targets.values() for key in column if key not in current}
    gradebook, attempt.selection = put_back(reading.gradebook, targets, holders)
    # An edit made in the SIS is never overwritten here, whatever the district's policy is for syncs. Nor is
    # one score emptied before a person has seen how many: a share of the section is no measure for a child.
    policy = replace(reading.book.policy, drift="report", guard_scores=0, guard_share=Decimal(0))
    book = replace(reading.book, policy=policy)
    plan = make_plan(
        gradebook,
        forget_taken(journal.entries),
        reading.live,
        book,
        reading.matched.keys,
        remembered=attempt.link.remembered,
        selection=attempt.selection,
        full=True,
    )
    journal.decisions = decide_next(targets, journal.entries, holders)
    restrained = restrain(plan, targets, reading.live, renumbered)
    guard = weigh(restrained.assignments, journal.entries, gradebook.cells, policy)
    return replace(restrained, guard=guard)
