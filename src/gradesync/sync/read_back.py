"""Looks at scores whose assignment got other total points: the SIS may have rescaled them, or kept them."""

from dataclasses import replace

from gradesync.core.gradebook import Mark
from gradesync.core.ledger import points_of
from gradesync.core.plan import Action, AssignmentPlan, Plan, Result, ScoreOutcome, ScoreWrite
from gradesync.core.sis import LiveScores
from gradesync.sync.assignments import AssignmentWriter


async def look_again(placing: AssignmentWriter, plan: Plan) -> Plan:
    """The plan without the writes of scores that the SIS holds after their assignment was rescaled.

    Where the SIS cannot be read, they stay: nobody knows what it made of them.
    """
    return replace(
        plan,
        assignments=tuple(
            [await _looked_at(placing, item) if _rescaled(item) else item for item in plan.assignments]
        ),
    )


def _rescaled(item: AssignmentPlan) -> bool:
    before, spec = item.before, item.spec
    placed = item.action in {Action.UPDATE, Action.ADOPT} and spec is not None and before != spec
    return placed and spec is not None and (before is None or before.points != spec.points)


async def _looked_at(placing: AssignmentWriter, item: AssignmentPlan) -> AssignmentPlan:
    ref = placing.refs.get(item.id)
    if ref is None or not item.writes:
        return item
    live = await placing.target.scores(placing.section, ref)
    if live is None:
        return item
    there = [write for write in item.writes if _stands(write, live)]
    taken = {write.student for write in there}
    placing.journal.done += len(there)
    return item._replace(
        writes=tuple(write for write in item.writes if write.student not in taken),
        settled=item.settled + tuple(map(_adopted, there)),
    )


def _stands(write: ScoreWrite, live: LiveScores) -> bool:
    """Whether the SIS holds a score. A mark beside the points is not read back, so it goes again."""
    marked = isinstance(write.value, Mark) or isinstance(write.before, Mark)
    return not marked and live.get(write.sis_student) == points_of(write.value)


def _adopted(write: ScoreWrite) -> ScoreOutcome:
    return ScoreOutcome(
        write.student, Result.ADOPTED, warnings=write.warnings, before=write.before, after=write.value
    )
