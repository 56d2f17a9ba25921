"""Hold changes after a term's end until a second person approves them, where a district wants that."""

from dataclasses import replace
from datetime import date

from gradesync.core.district import OIDC
from gradesync.core.plan import Action, Danger, Plan, changes

_CREATES = frozenset({Action.CREATE, Action.RECREATE})


def hold_late(plan: Plan, term_last: date, today: date) -> Plan:
    """Return a plan that waits for approval if it changes anything in the SIS after the term's last day."""
    late = _count_changes(plan)
    if today <= term_last or not late:
        return plan
    guard = replace(plan.guard, danger=Danger.LATE, late=late, term_ended=term_last.isoformat())
    return replace(plan, guard=guard)


def _count_changes(plan: Plan) -> int:
    scores = sum(len(item.writes) for item in plan.assignments)
    return scores + sum(
        item.action in _CREATES or (item.spec is not None and changes(item.action, item.before, item.spec))
        for item in plan.assignments
    )


def is_second_person(first: str | None, second: str) -> bool:
    """Return True where two actors, such as `teacher:5790000`, are certainly two: a person may have two ids.

    One of the district's own provider may be anybody in Schoology, whose ids are digits alone.
    """
    if first is None:
        return False
    ids = {actor.partition(":")[2] for actor in (first, second)}
    unrelated = any(id.startswith(OIDC) for id in ids) and any(id.isdecimal() for id in ids)
    return len(ids) == 2 and not unrelated
