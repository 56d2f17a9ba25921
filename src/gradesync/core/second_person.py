"""Hold plans until a person approves them, after a term's end a second one, where a district wants that."""

from dataclasses import replace
from datetime import date, timedelta

from gradesync.core.district import OIDC
from gradesync.core.ordering import CREATES
from gradesync.core.plan import Guard, Plan, changes
from gradesync.core.reasons import Reason

APPROVABLE = timedelta(hours=24)
"""Limit the age of a sync whose plan may be approved: what a person reviewed is old after it."""


def hold_late(plan: Plan, term_last: date, today: date) -> Plan:
    """Return a plan that waits for a second person if it changes anything in the SIS after the term's end."""
    late = _count_changes(plan)
    if today <= term_last or not late:
        return plan
    return replace(plan, guard=replace(plan.guard, late=late, term_ended=term_last.isoformat()))


def _count_changes(plan: Plan) -> int:
    scores = sum(len(item.writes) for item in plan.assignments)
    return scores + sum(
        item.action in CREATES or (item.spec is not None and changes(item.action, item.before, item.spec))
        for item in plan.assignments
    )


def find_stop(plan: Plan, approved: str | None, *, by_second: bool) -> Reason | None:
    """Return why a plan may not be written; None where it may.

    `approved` is the fingerprint that a person approved, `by_second` whether that is a second person, who
    gave a reason.
    """
    if approved is not None and plan.fingerprint != approved:
        return Reason.PLAN_CHANGED
    if plan.guard.late and not by_second:
        return Reason.LATE_CHANGE
    return Reason.MASS_CHANGE if plan.needs_approval and approved is None else None


def may_approve(error: str | None, guard: Guard, requester: str, actor: str) -> bool:
    """Return True where `actor` may approve what `requester` asked for in a sync that `error` stopped.

    Only a sync that stopped as late has asked for changes after the term's end: no preview has, and none that
    stopped because its approved plan changed.
    """
    return not guard.late or (error == Reason.LATE_CHANGE and is_second_person(requester, actor))


def is_second_person(first: str | None, second: str) -> bool:
    """Return True where two actors, such as `teacher:5790000`, are certainly two: a person may have two ids.

    One of the district's own provider may be anybody in Schoology, whose ids are digits alone.
    """
    if first is None:
        return False
    ids = {actor.partition(":")[2] for actor in (first, second)}
    unrelated = any(id.startswith(OIDC) for id in ids) and any(id.isdecimal() for id in ids)
    return len(ids) == 2 and not unrelated
