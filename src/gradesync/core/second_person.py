"""Hold changes after a term's end until a second person approves them, where a district wants that."""

from dataclasses import replace
from datetime import date

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


def is_same_person(first: str, second: str) -> bool:
    """Return True where two actors, such as `teacher:5790000`, have one id: a person has one in Schoology."""
    return first.partition(":")[2] == second.partition(":")[2]
