"""Weigh a plan, so that accidents wait for a person's approval, and fingerprint what was approved."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from hashlib import sha256

from gradesync.core.assignments import changes
from gradesync.core.gradebook import Cell, Mark
from gradesync.core.ledger import Ledger, Value, points_of
from gradesync.core.plan import Action, AssignmentPlan, Guard, ScoreWrite
from gradesync.core.sis import Policy

_CLEARED, _ZEROED, _CHANGED, _HARMLESS = "cleared", "zeroed", "changed", "harmless"


def weigh(plans: Sequence[AssignmentPlan], ledger: Ledger, cells: Mapping[str, Mapping[str, Cell]]) -> Guard:
    """Weigh a plan against everything that the section's ledger holds."""
    effects: Counter[str] = Counter()
    for plan in plans:
        if overwrites := [write for write in plan.writes if write.before is not None]:
            read = cells.get(plan.id, {})
            effects.update([_classify(write, read.get(write.student)) for write in overwrites])
    return Guard(
        sent=len([1 for entry in ledger.values() for value in entry.sent.values() if value is not None]),
        cleared=effects[_CLEARED],
        zeroed=effects[_ZEROED],
        changed=effects[_CHANGED],
        known=sum(entry.ref is not None for entry in ledger.values()),
        recreated=[plan.action for plan in plans].count(Action.RECREATE),
    )


def needs_approval(guard: Guard, policy: Policy) -> bool:
    """Return True if a person must approve a plan that weighs this much."""
    emptied = guard.cleared + guard.zeroed
    return (guard.sent >= policy.guard_scores and emptied > policy.guard_share * guard.sent) or (
        guard.known >= policy.guard_assignments and guard.recreated > policy.guard_share * guard.known
    )


def _classify(write: ScoreWrite, cell: Cell) -> str:
    """Return the effect of a write on the score that was last sent."""
    before, after = points_of(write.before), points_of(write.value)
    if before is None or before == after:
        return _HARMLESS
    if after:
        return _CHANGED
    if after is None:
        return _CLEARED
    return _ZEROED if isinstance(cell, Mark) or isinstance(write.value, Mark) else _CHANGED


def fingerprint(plans: Iterable[AssignmentPlan]) -> str:
    """Hash every write of a plan's assignments, in their order: SHA-256, as hexadecimal text.

    Equal plans have equal fingerprints, on any machine.
    """
    digest = sha256()
    for plan in plans:
        assignment = _encode_assignment(plan)
        if assignment or plan.writes:
            line = [plan.id, plan.ref.key if plan.ref else None, assignment, _encode_scores(plan.writes)]
            digest.update(json.dumps(line).encode())
    return digest.hexdigest()


def _encode_scores(writes: Sequence[ScoreWrite]) -> list[object]:
    # By column, not by row: this is the fastest form to serialize.
    return [
        [write.student for write in writes],
        [write.sis_student for write in writes],
        [_encode_value(write.value) for write in writes],
    ]


def _encode_assignment(plan: AssignmentPlan) -> list[object] | None:
    """Return the fields that would be written of the assignment itself; None where none would be."""
    spec = plan.spec
    if spec is None or not (plan.ref is None or changes(plan.action, plan.before, spec)):
        return None
    due = spec.due.isoformat()
    return [plan.action, spec.name, _format_number(spec.points), due, spec.category.key, spec.counts]


def _encode_value(value: Value) -> object:
    if isinstance(value, Mark):
        return [value.exception, _encode_value(value.points)]
    return None if value is None else _format_number(value)


def _format_number(points: Decimal) -> str:
    """Format equal numbers alike: 9.5 and 9.50 are the same score."""
    return str(points.normalize())
