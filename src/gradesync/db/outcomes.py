"""Store what became of each assignment and each score of a sync: ids and points, no names of people.

What stayed unchanged is stored in summaries, so that a sync of a large section does not store a row for each
score.
"""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from operator import attrgetter
from typing import Any, Literal, NamedTuple, TypeAlias
from uuid import UUID

import msgspec
from sqlalchemy import Row, any_, delete, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.core.catalog import NO_FACTS, Facts, select_attention
from gradesync.core.ledger import Value
from gradesync.core.plan import Edit, Selection
from gradesync.core.reasons import Result
from gradesync.core.sis import id_order
from gradesync.db import codec
from gradesync.db.codec import GRACE, LOG_KEPT, first_id_at
from gradesync.db.driver import ALONE, Session, StatementPart
from gradesync.db.tables import metadata

OUTCOME = metadata.tables["outcome"]
PART = 5000  # rows
KEPT = LOG_KEPT + GRACE + timedelta(days=7)  # a partition is of a week, and ends before it is dropped
ORDER = (OUTCOME.c.assignment_length, OUTCOME.c.assignment_id, OUTCOME.c.student_length, OUTCOME.c.student_id)

# Warnings are several in a row and none in most: they travel as one text. Each column travels as JSON, since
# the driver takes long to encode an array: it asks of each element whether it is one.
RECORD = """
    INSERT INTO outcome (sync_id, assignment_length, assignment_id, student_length, student_id,
                         title, result, reason, detail, warnings, before, after, count, facts)
    SELECT CAST(:outcome_sync AS uuid), length(assignment_id), assignment_id, length(student_id), student_id,
           title, result, reason, detail, string_to_array(warnings, ' '), before, after,
           CAST(count AS int), facts
    FROM ROWS FROM (
        json_array_elements_text(CAST(:outcome_assignment_id AS json)),
        json_array_elements_text(CAST(:outcome_student_id AS json)),
        json_array_elements_text(CAST(:outcome_title AS json)),
        json_array_elements_text(CAST(:outcome_result AS json)),
        json_array_elements_text(CAST(:outcome_reason AS json)),
        json_array_elements_text(CAST(:outcome_detail AS json)),
        json_array_elements_text(CAST(:outcome_warnings AS json)),
        json_array_elements_text(CAST(:outcome_before AS json)),
        json_array_elements_text(CAST(:outcome_after AS json)),
        json_array_elements_text(CAST(:outcome_count AS json)),
        json_array_elements_text(CAST(:outcome_facts AS json))
    ) AS new (assignment_id, student_id, title, result, reason, detail, warnings, before, after, count, facts)
    WHERE EXISTS (SELECT FROM ours)
    ON CONFLICT (district_id, sync_id, assignment_length, assignment_id, student_length, student_id)
    DO UPDATE SET title = excluded.title, result = excluded.result, reason = excluded.reason,
                  detail = excluded.detail, warnings = excluded.warnings,
                  before = excluded.before, after = excluded.after, count = excluded.count,
                  facts = excluded.facts
"""

Kind: TypeAlias = Literal["assignment", "score"]
KINDS: tuple[Kind, ...] = ("assignment", "score")


class Outcome(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Describe what became of one assignment, or of one score where `student_id` is not empty.

    `title` is the assignment's. `detail` is the refusal of the SIS, as far as it may be shown. `before` and
    `after` are the score as it was last sent and as it is now; `edits` are what changed in the assignment
    itself. `facts` are what the sentences about it name. `count` is set in a summary (`summarize`), which
    stands for so many assignments or scores.
    """

    assignment_id: str
    student_id: str = ""
    title: str | None = None
    result: Result
    reason: str | None = None
    detail: str = ""
    warnings: Sequence[str] = ()
    before: Value = None
    after: Value = None
    edits: Sequence[Edit] = ()
    count: int | None = None
    facts: Facts = NO_FACTS

    @property
    def key(self) -> tuple[str, str]:
        return self.assignment_id, self.student_id

    @property
    def kind(self) -> Kind:
        if self.count is None:
            return "score" if self.student_id else "assignment"
        return "score" if self.student_id.startswith("score:") else "assignment"


def summarize(
    kind: Kind,
    result: Result,
    count: int,
    assignment_id: str = "",
    *,
    title: str | None = None,
    reason: str | None = None,
) -> Outcome:
    """Return one outcome for `count` assignments, or scores, with the same result.

    The scores are those of one assignment, or of any in the section where `assignment_id` is empty.
    """
    return Outcome(
        assignment_id=assignment_id,
        student_id=f"{kind}:{result}",  # no student has such an id: it makes the key one of its own
        title=title,
        result=result,
        reason=reason,
        count=count,
    )


class RecordedOutcome(NamedTuple):
    """Hold what a recorded outcome adds to the counts of its sync; `reasons` are why it needs attention."""

    result: Result
    warnings: tuple[str, ...]
    reasons: tuple[str, ...]

    @classmethod
    @cache
    def of(cls, result: Result, reason: str | None, warnings: tuple[str, ...]) -> "RecordedOutcome":
        """Return the one object for a result with its reasons: there are few, and very many outcomes."""
        return cls(result, warnings, select_attention(result, reason, warnings))

    @property
    def needs_attention(self) -> bool:
        """Return True where there is such a reason."""
        return bool(self.reasons)


async def record(db: Session, sync_id: str, rows: Iterable[Outcome]) -> None:
    """Write outcomes in one statement."""
    if parts := make_parts(sync_id, rows):
        await ALONE.fetch_one(db, parts=parts)


def make_parts(sync_id: str, rows: Iterable[Outcome]) -> list[StatementPart]:
    """Return what writes outcomes; of two for the same assignment or score the later one counts."""
    latest = {row.key: row for row in rows}
    if not latest:
        return []
    new = [latest[key] for key in sorted(latest)]
    titles = {title: title and codec.storable(title) for title in {row.title for row in new}}
    columns: dict[str, Sequence[object]] = {
        "assignment_id": [row.assignment_id for row in new],
        "student_id": [row.student_id for row in new],
        "title": [titles[row.title] for row in new],
        "result": [row.result for row in new],
        "reason": [row.reason for row in new],
        "detail": [codec.storable(row.detail) if row.detail else None for row in new],
        "warnings": [" ".join(row.warnings) or None for row in new],
        "before": [_dump(row.before, row.edits, attrgetter("field", "before")) for row in new],
        "after": [_dump(row.after, row.edits, attrgetter("field", "after")) for row in new],
        "count": [row.count for row in new],
        "facts": [codec.dump(_storable(row.facts)) if row.facts else None for row in new],
    }
    values = {f"outcome_{name}": codec.dump(column) for name, column in columns.items()}
    return [StatementPart("noted", RECORD, {"outcome_sync": UUID(sync_id), **values})]


async def page(
    db: AsyncSession,
    sync_id: str,
    *,
    assignment: str | None = None,
    student: str | None = None,
    result: str | None = None,
    reason: str | None = None,
    after: tuple[str, str] | None = None,
    limit: int = 100,
) -> list[Outcome]:
    """List outcomes in the numeric order of assignments, each before its scores, after a key.

    `reason` is an outcome's reason, or one of its warnings.
    """
    query = select(OUTCOME).where(OUTCOME.c.sync_id == UUID(sync_id))
    if assignment is not None:
        key = OUTCOME.c.assignment_length, OUTCOME.c.assignment_id
        query = query.where(tuple_(*key) == id_order(assignment))
    if student is not None:
        query = query.where(OUTCOME.c.student_id == student)
    if result is not None:
        query = query.where(OUTCOME.c.result == result)
    if reason is not None:
        query = query.where((OUTCOME.c.reason == reason) | (any_(OUTCOME.c.warnings) == reason))
    if after is not None:
        assignment, student = after
        query = query.where(tuple_(*ORDER) > (len(assignment), assignment, len(student), student))
    return [read_outcome(row) for row in await db.execute(query.order_by(*ORDER).limit(limit))]


async def get_failed(db: AsyncSession, sync_id: str) -> Selection:
    """Select for a retry: failed assignments with all their scores, and the failed scores of others."""
    query = select(OUTCOME.c.assignment_id, OUTCOME.c.student_id).where(
        OUTCOME.c.sync_id == UUID(sync_id), OUTCOME.c.result == Result.FAILED, OUTCOME.c.count.is_(None)
    )
    failed: dict[str, set[str]] = {}
    for assignment_id, student_id in await db.execute(query):
        failed.setdefault(assignment_id, set()).add(student_id)
    return {key: None if "" in students else frozenset(students) for key, students in failed.items()}


async def read_recorded(db: AsyncSession, sync_id: str) -> AsyncIterator[tuple[str, str, RecordedOutcome]]:
    """Read what a sync that has not settled recorded: assignment id, student id, outcome.

    There may be hundreds of thousands: they are read in parts.
    """
    query = select(
        OUTCOME.c.assignment_id, OUTCOME.c.student_id, OUTCOME.c.result, OUTCOME.c.reason, OUTCOME.c.warnings
    ).where(OUTCOME.c.sync_id == UUID(sync_id), OUTCOME.c.count.is_(None))
    async for assignment_id, student_id, result, reason, warnings in await db.stream(
        query.execution_options(yield_per=PART)
    ):
        yield assignment_id, student_id, RecordedOutcome.of(Result(result), reason, tuple(warnings or ()))


async def count_recorded(db: AsyncSession, sync_id: str) -> dict[Kind, Counter[RecordedOutcome]]:
    """Count by kind what a sync that has not settled recorded."""
    groups = (OUTCOME.c.student_id != "", OUTCOME.c.result, OUTCOME.c.reason, OUTCOME.c.warnings)
    query = (
        select(*groups, func.count())
        .where(OUTCOME.c.sync_id == UUID(sync_id), OUTCOME.c.count.is_(None))
        .group_by(*groups)
    )
    counts: dict[Kind, Counter[RecordedOutcome]] = {kind: Counter() for kind in KINDS}
    for is_score, result, reason, warnings, number in await db.execute(query):
        row = RecordedOutcome.of(Result(result), reason, tuple(warnings or ()))
        counts["score" if is_score else "assignment"][row] += number
    return counts


async def purge(db: AsyncSession) -> None:
    """Delete the outcomes that the owner's `maintain` should have dropped with their week."""
    await db.execute(delete(OUTCOME).where(OUTCOME.c.sync_id < first_id_at(datetime.now(UTC) - KEPT)))


def _storable(facts: Facts) -> dict[str, str]:
    return {fact: codec.storable(words) for fact, words in facts.items()}


def _dump(value: Value, edits: Sequence[Edit], pick: Callable[[Edit], tuple[str, str]]) -> str | None:
    """Dump a score, or the values of an assignment in the fields that changed."""
    if edits:
        return codec.dump(dict(map(pick, edits)))
    return None if value is None else codec.dump(codec.dump_value(value))


def read_outcome(row: Row[tuple[object, ...]]) -> Outcome:
    """Read an outcome from a whole row of its table."""
    before, after = _load(row.before), _load(row.after)
    edited = isinstance(before, dict)
    return Outcome(
        assignment_id=row.assignment_id,
        student_id=row.student_id,
        title=row.title,
        result=Result(row.result),
        reason=row.reason,
        detail=row.detail or "",
        warnings=tuple(row.warnings or ()),
        before=None if edited else codec.load_value(before),
        after=None if edited else codec.load_value(after),
        edits=tuple(Edit(field, text, after[field]) for field, text in before.items()) if edited else (),
        count=row._mapping["count"],
        facts=_load(row.facts) or NO_FACTS,
    )


def _load(text: str | None) -> Any:
    return None if text is None else codec.load(text)
