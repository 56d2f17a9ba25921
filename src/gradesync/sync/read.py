"""Reads what a sync needs of both sides, and no more than its plan will ask for."""

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from gradesync.core.gradebook import Gradebook
from gradesync.core.ledger import Ledger
from gradesync.core.sis import LiveGradebook, LiveScores, Ref, SisSection
from gradesync.sync.ports import Source, Target

FULL_READ_EVERY = timedelta(days=7)

First = TypeVar("First")
Second = TypeVar("Second")


def since(ledger: Ledger, last_full_read: datetime | None, now: datetime) -> datetime | None:
    """The smallest cursor among the assignments that sync; None where everything is to be read."""
    if last_full_read is None or now - last_full_read >= FULL_READ_EVERY:
        return None
    cursors = [
        entry.read_through
        for entry in ledger.values()
        if entry.ref and entry.read_through and entry.problem is None and not entry.opted_out
    ]
    return min(cursors, default=None)


async def both(
    first: Coroutine[Any, Any, First], second: Coroutine[Any, Any, Second]
) -> tuple[First, Second]:
    """Wait for two reads at once; the first failure ends both."""
    try:
        async with asyncio.TaskGroup() as group:
            one, other = group.create_task(first), group.create_task(second)
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return one.result(), other.result()


def behind(ids: Sequence[str], ledger: Ledger, read_from: datetime) -> list[str]:
    """The assignments among `ids` of which a read of changes since then told too little."""
    return [
        assignment_id
        for assignment_id in ids
        if (entry := ledger.get(assignment_id)) is None
        or entry.read_through is None
        or entry.read_through < read_from
    ]


async def read_all(source: Source, gradebook: Gradebook) -> Gradebook:
    """Read every cell, in the place of what a read of changes told."""
    told = await source.cells(gradebook, None)
    return replace(
        gradebook,
        cells=told.cells,
        unreadable=told.unreadable,
        partial=told.partial,
        read_through=told.read_through,
        full=True,
    )


async def top_up(source: Source, gradebook: Gradebook, ids: Sequence[str]) -> Gradebook:
    """Read every cell of some assignments, in the place of what a read of changes told of them."""
    if not ids:
        return gradebook
    told = await source.cells(gradebook, ids)
    again = set(ids)
    kept = {key: why for key, why in gradebook.unreadable.items() if key[0] not in again}
    cells = {assignment_id: told.cells.get(assignment_id, {}) for assignment_id in ids}
    return replace(
        gradebook,
        cells={**gradebook.cells, **cells},
        unreadable={**kept, **told.unreadable},
        partial=gradebook.partial | told.partial,
        read_through={**gradebook.read_through, **told.read_through},
    )


async def confirm_missing(
    target: Target, section: SisSection, live: LiveGradebook, absent: Sequence[tuple[str, Ref]]
) -> tuple[LiveGradebook, frozenset[str]]:
    """Ask by id for every assignment that the SIS's list lacks: absence from a list proves nothing (R20).

    `absent` are (assignment id, ref). The second value are the assignment ids that are deleted indeed.
    """
    found, gone = list(live.assignments), {}
    for assignment_id, ref in absent:
        there = await target.assignment(section, ref)
        if there is None:
            gone[assignment_id] = ref.key
        else:
            found.append(there)
    return LiveGradebook(tuple(found), gone=frozenset(gone.values())), frozenset(gone)


async def read_scores(
    target: Target, section: SisSection, live: LiveGradebook, refs: Sequence[Ref]
) -> LiveGradebook:
    """Read back the scores of some assignments, where the SIS lets us."""
    scores: dict[str, LiveScores] = {}
    for ref in refs:
        told = await target.scores(section, ref)
        if told is not None:
            scores[ref.key] = told
    return replace(live, scores=scores)
