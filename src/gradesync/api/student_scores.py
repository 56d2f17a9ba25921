"""Gather what was sent for one student: from the history, the ledgers, and the SIS as it is now."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import Row

from gradesync.api.auth import RequestContext
from gradesync.api.computing import compute
from gradesync.api.live import SectionRef, limit_time
from gradesync.core.history import KnownScore, trace
from gradesync.core.ledger import Ledger, Value
from gradesync.core.sis import LiveScores, Ref, id_order
from gradesync.db import history, ledger, links
from gradesync.db.links import StudentLink
from gradesync.errors import Retriable, SyncStopped

Changes: TypeAlias = Mapping[str, Sequence[KnownScore]]
NOT_READ: Mapping[str, LiveScores] = {}


@dataclass(frozen=True, slots=True)
class SentScore:
    """Hold what is known of a student's score in one assignment.

    `sent` is what was last sent, where `standing`: the ledger has it. `live` are the scores of the SIS
    assignment now, None where they were not read.
    """

    section: StudentLink
    assignment_id: str
    changes: Sequence[KnownScore]
    sent: Value
    standing: bool
    live: LiveScores | None


@dataclass(frozen=True, slots=True)
class GatheredScores:
    """Hold the sections and the scores of one student, and since when changes are known."""

    sections: Sequence[StudentLink]
    scores: Sequence[SentScore]
    ledgers: Mapping[str, Ledger]
    known_since: datetime | None


async def gather(context: RequestContext, sections: Sequence[StudentLink], *, live: bool) -> GatheredScores:
    """Gather what was sent for a student in these sections; `live` also reads what the SIS holds now."""
    async with context.database() as db:
        ledgers = {one.section_id: await ledger.load(db, one.section_id) for one in sections}
        packed = await history.read_packed(db, list(ledgers), sighted=True)
    lines = await compute(lambda: _trace(packed, sections))
    scores: list[SentScore] = []
    for one, traced in zip(sections, lines, strict=True):
        entries = ledgers[one.section_id]
        held = {id_ for id_, entry in entries.items() if entry.ref and one.sis_student in entry.sent}
        refs = {id_: ref for id_ in held if (ref := entries[id_].ref) is not None}
        read = await _read(context, one, refs) if live else NOT_READ
        for assignment_id in sorted(held | traced.keys(), key=id_order):
            entry = entries.get(assignment_id)
            scores.append(
                SentScore(
                    section=one,
                    assignment_id=assignment_id,
                    changes=traced.get(assignment_id, ()),
                    sent=entry.sent.get(one.sis_student) if entry else None,
                    standing=assignment_id in held,
                    live=read.get(assignment_id),
                )
            )
    return GatheredScores(sections, scores, ledgers, packed[0].at if packed else None)


def _trace(packed: Sequence[Row[Any]], sections: Sequence[StudentLink]) -> list[Changes]:
    """Return the changes of a student's scores in each section, by assignment id."""
    own = ([row for row in packed if row.section_id == one.section_id] for one in sections)
    return [
        trace((event for _, event in history.load(rows)), one.sis_student)
        for one, rows in zip(sections, own, strict=True)
    ]


async def _read(
    context: RequestContext, section: StudentLink, refs: Mapping[str, Ref]
) -> Mapping[str, LiveScores]:
    """Read the scores of SIS assignments, by assignment id, as long as a person waits for it.

    What cannot be read, or not in that time, is absent. Waiting syncs come first, call by call.
    """
    found: dict[str, LiveScores] = {}
    async with context.database() as db:
        link = await links.get(db, section.section_id)
    if link is None or link.sis is None:
        return found
    target, sis_section = context.live.spare_target(await context.district()), link.sis

    async def read_each() -> None:
        for assignment_id, ref in sorted(refs.items()):
            scores = await target.scores(sis_section, ref)
            if scores is None:
                return  # nobody may read scores here
            found[assignment_id] = scores

    with suppress(SyncStopped, Retriable):
        await limit_time(read_each())
    return found


async def find_name(context: RequestContext, sections: Sequence[StudentLink]) -> str | None:
    """Look a student's name up in Schoology; None where it does not respond. It is stored nowhere."""
    for one in sections[-1:]:
        try:
            members = await context.live.members(SectionRef(context.caller.district_id, one.section_id))
        except (SyncStopped, Retriable):
            return None
        return next((member.display_name for member in members if member.uid == one.student_id), None)
    return None
