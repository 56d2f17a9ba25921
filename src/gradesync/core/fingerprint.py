"""Names a plan by what it would write: equal plans have equal fingerprints, on any machine."""

import json
from collections.abc import Iterable, Sequence
from decimal import Decimal
from hashlib import sha256

from gradesync.core.assignments import changes
from gradesync.core.gradebook import Mark
from gradesync.core.ledger import Value
from gradesync.core.plan import AssignmentPlan, ScoreWrite


def fingerprint(plans: Iterable[AssignmentPlan]) -> str:
    """Hash every write of a plan's assignments, in their order: SHA-256, as hexadecimal text."""
    digest = sha256()
    for plan in plans:
        written = _placed(plan)
        if written or plan.writes:
            line = [plan.id, plan.ref.key if plan.ref else None, written, _columns(plan.writes)]
            digest.update(json.dumps(line).encode())
    return digest.hexdigest()


def _columns(writes: Sequence[ScoreWrite]) -> list[object]:
    """Writes by column, which is the quickest form to spell."""
    return [
        [write.student for write in writes],
        [write.sis_student for write in writes],
        [_value(write.value) for write in writes],
    ]


def _placed(plan: AssignmentPlan) -> list[object] | None:
    """What would be written of the assignment itself."""
    spec = plan.spec
    if spec is None or not (plan.ref is None or changes(plan.action, plan.before, spec)):
        return None
    due = spec.due.isoformat()
    return [plan.action, spec.name, _number(spec.points), due, spec.category.key, spec.counts]


def _value(value: Value) -> object:
    if isinstance(value, Mark):
        return [value.exception, _value(value.points)]
    return None if value is None else _number(value)


def _number(points: Decimal) -> str:
    """Equal numbers in one spelling: 9.5 and 9.50 are the same score."""
    return str(points.normalize())
