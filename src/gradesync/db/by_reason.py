"""Read the outcomes of a sync by reason: whom or what each reason concerns, and how often."""

from collections.abc import Collection
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.core.reasons import Reason
from gradesync.db.outcomes import Outcome, read_outcome

# So many outcomes of a student or of an assignment are shown beside it.
SHOWN = 3
# The outcome of the assignment itself has the reason.
SHARED = (Reason.ASSIGNMENT_FAILED, Reason.ASSIGNMENT_SKIPPED)

# Each outcome once for each of its codes, in groups: those of a student, or those of an assignment.
GROUPS = text("""
    WITH named AS (
        SELECT outcome.*, code, position > 1 AS warning,
               CASE WHEN code = ANY(:by_student) AND count IS NULL THEN student_id ELSE '' END AS concerned,
               CASE WHEN student_id = '' OR student_id LIKE 'assignment:%' THEN 0 ELSE coalesce(count, 1) END
                   AS scores
        FROM outcome,
             unnest(array_prepend(CASE WHEN result IN ('skipped', 'failed') THEN reason END, warnings))
                 WITH ORDINALITY AS codes (code, position)
        WHERE sync_id = CAST(:sync_id AS uuid) AND (result IN ('skipped', 'failed') OR warnings IS NOT NULL)
          AND code <> ALL(:shared)
    ), grouped AS (
        SELECT *,
               row_number() OVER (
                   own ORDER BY assignment_length, assignment_id, student_length, student_id
               ) AS number,
               sum(scores) OVER own AS all_scores, sum(coalesce(count, 1)) OVER own AS all_outcomes
        FROM named
        WINDOW own AS (
            PARTITION BY code, warning, concerned, CASE WHEN concerned = '' THEN assignment_id ELSE '' END
        )
    )
    SELECT * FROM grouped
    WHERE number <= CASE WHEN concerned <> '' AND all_outcomes > :shown THEN 1 ELSE :shown END
    ORDER BY assignment_length, assignment_id, student_length, student_id
""")


class Concerned(NamedTuple):
    """Describe the outcomes with one reason of one student, or of one assignment.

    `student` is empty for an assignment. `scores` and `assignments` count them; `first` are some of them:
    all where they are few, else one of a student's, or a few of an assignment's, whose facts may differ.
    """

    code: str
    warning: bool
    student: str
    scores: int
    assignments: int
    first: tuple[Outcome, ...]


async def list_concerned(db: AsyncSession, sync_id: str, by_student: Collection[str]) -> list[Concerned]:
    """List whom or what each reason of a sync concerns, in the order of assignments.

    Reasons are those of what was left out or failed, and all warnings. `by_student` are the codes of reasons
    whose cause is a student; the others are listed by assignment.
    """
    values = {
        "sync_id": UUID(sync_id),
        "by_student": list(by_student),
        "shared": list(SHARED),
        "shown": SHOWN + 1,
    }
    groups: dict[tuple[str, bool, str, str], list[Row[Any]]] = {}
    for row in await db.execute(GROUPS, values):
        assignment = "" if row.concerned else row.assignment_id
        groups.setdefault((row.code, row.warning, row.concerned, assignment), []).append(row)
    return [_join(*key[:3], rows) for key, rows in groups.items()]


def _join(code: str, warning: bool, student: str, rows: list[Row[Any]]) -> Concerned:
    scores, everything = rows[0].all_scores, rows[0].all_outcomes
    return Concerned(
        code, warning, student, scores, everything - scores, tuple(read_outcome(row) for row in rows)
    )
