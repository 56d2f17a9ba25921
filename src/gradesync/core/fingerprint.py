"""Names a plan by what it would write: equal plans have equal fingerprints, on any machine."""

import json
from collections.abc import Iterable
from decimal import Decimal
from hashlib import sha256

from gradesync.core.assignments import changes
from gradesync.core.gradebook import Mark
from gradesync.core.ledger import Value
from gradesync.core.plan import AssignmentPlan


def fingerprint(plans: Iterable[AssignmentPlan]) -> str:
    """Hash every write of a plan's assignments, in their order: SHA-256, as hexadecimal text."""
    digest = sha256()
    for plan in plans:
        rows = [(write.student, write.sis_student, _value(write.value)) for write in plan.writes]
        placed = _placed(plan)
        if placed or rows:
            line = [plan.id, plan.ref.key if plan.ref else None, placed, rows]
            digest.update(json.dumps(line).encode())
    return digest.hexdigest()


def _placed(plan: AssignmentPlan) -> list[object] | None:
    """What would be written of the assignment itself."""
    spec = plan.spec
    if spec is None or not (plan.ref is None or changes(plan.action, plan.before, spec)):
        return None
    due = spec.due.isoformat()
    return [plan.action, spec.name, _number(spec.points), due, spec.category.key, spec.counts]


def _value(value: Value) -> object:
    if value is None:
        return None
    if isinstance(value, Mark):
        return [value.exception, _value(value.points)]
    return _number(value)


def _number(points: Decimal) -> str:
    """Equal numbers in one spelling: 9.5 and 9.50 are the same score."""
    return format(points.normalize(), "f")
