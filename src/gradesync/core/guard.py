"""Weighs how much of what stands in the SIS a plan would change, and stops what looks like an accident."""

from collections import Counter
from collections.abc import Mapping, Sequence

from gradesync.core.gradebook import Cell, Mark
from gradesync.core.ledger import Ledger, points_of
from gradesync.core.plan import Action, AssignmentPlan, Guard, ScoreWrite
from gradesync.core.sis import Policy

_CLEARED, _ZEROED, _CHANGED, _HARMLESS = "cleared", "zeroed", "changed", "harmless"


def weigh(plans: Sequence[AssignmentPlan], ledger: Ledger, cells: Mapping[str, Mapping[str, Cell]]) -> Guard:
    """Weigh a plan against all that the section's ledger holds."""
    effects: Counter[str] = Counter()
    for plan in plans:
        if over := [write for write in plan.writes if write.before is not None]:
            read = cells.get(plan.id, {})
            effects.update([_effect(write, read.get(write.student)) for write in over])
    return Guard(
        sent=len([1 for entry in ledger.values() for value in entry.sent.values() if value is not None]),
        cleared=effects[_CLEARED],
        zeroed=effects[_ZEROED],
        changed=effects[_CHANGED],
        known=sum(entry.ref is not None for entry in ledger.values()),
        recreated=[plan.action for plan in plans].count(Action.RECREATE),
    )


def trips(guard: Guard, policy: Policy) -> bool:
    """Whether a person must approve a plan that weighs this much."""
    emptied = guard.cleared + guard.zeroed
    return (guard.sent >= policy.guard_scores and emptied > policy.guard_share * guard.sent) or (
        guard.known >= policy.guard_assignments and guard.recreated > policy.guard_share * guard.known
    )


def _effect(write: ScoreWrite, cell: Cell) -> str:
    """What a write does to the score that was last sent."""
    before, after = points_of(write.before), points_of(write.value)
    if before is None or before == after:
        return _HARMLESS
    if after:
        return _CHANGED
    if after is None:
        return _CLEARED
    return _ZEROED if isinstance(cell, Mark) or isinstance(write.value, Mark) else _CHANGED
