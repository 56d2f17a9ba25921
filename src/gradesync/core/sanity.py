"""Look at columns before they are sent, and advise on what seems mistaken. Nothing is held back for it.

Only what a plan writes is looked at: what was sent before was somebody's choice by then.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from gradesync.core.catalog import Facts
from gradesync.core.ledger import Ledger, LedgerAssignment, points_of, read_points
from gradesync.core.plan import AssignmentPlan
from gradesync.core.reasons import Reason
from gradesync.core.sis import Policy

# A column of fewer scores shows nothing of its class.
CLASS = 8
# So many scores make a set of points typed as parts of 1 improbable.
FRACTION_POINTS = 5.0
# Columns whose mean a new one is held against.
SETTLED_COLUMNS = 3
SWAPPED_SHARE = 0.9
# Whoever changes more columns at once did not just exchange two, and comparing them all takes long.
COMPARED_COLUMNS = 20
# All of a large section's columns at once would take more memory than its plan.
HELD_SCORES = 10_000


class Column(NamedTuple):
    """Hold the points of one column, by SIS student key: as they were sent, and as the plan leaves them.

    `total` are its points possible. `counts`: it is part of the grade.
    """

    before: Mapping[str, float]
    after: Mapping[str, float]
    total: float
    counts: bool


class Advice(NamedTuple):
    """Hold what seems mistaken, and the facts that its sentence names."""

    reason: Reason
    facts: Facts


def advise(plans: Sequence[AssignmentPlan], ledger: Ledger, policy: Policy) -> tuple[AssignmentPlan, ...]:
    """Return the plans with a warning on each assignment whose scores seem mistaken."""
    written = {plan.id: plan for plan in plans if plan.writes}
    klass = _Class.of(written, ledger)
    if not any(len(klass.column(key).after) >= CLASS for key in written):
        return tuple(plans)
    advice = {key: found for key in written if (found := klass.inspect(key)) is not None}
    others = [key for key in written if key not in advice]
    movers = [key for key in others if _may_move_mean(klass.column(key), policy)]
    if not movers:  # the other columns need not be read
        return tuple(_warn(plan, advice.get(plan.id)) for plan in plans)
    # What seems mistaken shows nothing of the class: held against it, every other column moves the average.
    settled = (_settled(entry) for key, entry in ledger.items() if entry.sent and key not in written)
    sums = _add_up(chain(settled, map(klass.column, others)))
    if sums.columns > SETTLED_COLUMNS:
        advice |= {
            key: found
            for key in movers
            if (found := _inspect_mean(klass.column(key), sums, policy)) is not None
        }
    return tuple(_warn(plan, advice.get(plan.id)) for plan in plans)


def _warn(plan: AssignmentPlan, advice: Advice | None) -> AssignmentPlan:
    if advice is None:
        return plan
    return plan._replace(warnings=(*plan.warnings, advice.reason), facts={**plan.facts, **advice.facts})


def _make_column(plan: AssignmentPlan, entry: LedgerAssignment | None) -> Column:
    before = read_points(entry.sent) if entry is not None and plan.ref is not None else {}
    written = dict(zip(plan.writes.keys, map(points_of, plan.writes.values), strict=True))
    kept = {key: points for key, points in before.items() if key not in written}
    after = kept | {key: float(points) for key, points in written.items() if points is not None}
    spec = plan.spec
    return Column(before, after, float(spec.points) if spec else 0.0, counts=spec is not None and spec.counts)


def _settled(entry: LedgerAssignment) -> Column:
    """Return a column that the plan leaves as it is."""
    points, spec = read_points(entry.sent), entry.spec
    total = float(spec.points) if spec else 0.0
    return Column(points, points, total, counts=spec is not None and spec.counts)


class _Sums(NamedTuple):
    """Hold what each student earned of how many points, in the columns that count, and their number."""

    students: Mapping[str, tuple[float, float]]
    columns: int


def _add_up(columns: Iterable[Column]) -> _Sums:
    counted, sums = 0, dict[str, tuple[float, float]]()
    for column in columns:
        if not column.counts or not column.total:
            continue
        counted += 1
        for student, points in column.after.items():
            earned, possible = sums.get(student, (0.0, 0.0))
            sums[student] = earned + points, possible + column.total
    return _Sums(sums, counted)


class _Class(NamedTuple):
    """Hold the assignments whose scores a plan writes, by their ids, and their columns as far as held."""

    plans: Mapping[str, AssignmentPlan]
    ledger: Ledger
    held: Mapping[str, Column]

    @classmethod
    def of(cls, plans: Mapping[str, AssignmentPlan], ledger: Ledger) -> "_Class":
        are_few = sum(len(plan.writes) for plan in plans.values()) <= HELD_SCORES
        held = plans if are_few or len(plans) <= COMPARED_COLUMNS else {}
        return cls(plans, ledger, {key: _make_column(plan, ledger.get(key)) for key, plan in held.items()})

    def column(self, key: str) -> Column:
        return self.held.get(key) or _make_column(self.plans[key], self.ledger.get(key))

    def inspect(self, key: str) -> Advice | None:
        """Return the advice on a column whose values, or exchanged values, show enough."""
        column = self.column(key)
        if not _has_class(column):
            return None
        compared = len(self.plans) <= COMPARED_COLUMNS and _may_swap(column)
        for other, beside in self.held.items() if compared else ():
            if other != key and _swaps(column, beside):
                return Advice(Reason.COLUMNS_SWAPPED, {"other": self.plans[other].title.strip()})
        return _inspect_values(column)


def _has_class(column: Column) -> bool:
    return len(column.after) >= CLASS and bool(column.total)


def _may_move_mean(column: Column, policy: Policy) -> bool:
    """Return False where changed points come to less than the bound, whatever the other columns hold."""
    if column.before.keys() != column.after.keys():
        return True
    moved = sum([abs(points - column.before[key]) for key, points in column.after.items()])
    return 100 * moved > float(policy.mean_shift) * CLASS * column.total


def _inspect_mean(column: Column, sums: _Sums, policy: Policy) -> Advice | None:
    """Return the advice on a column that moves the class average by more than the district's bound."""
    shift = _shift_mean(column, sums) if _has_class(column) else None
    if shift is None or abs(shift) <= policy.mean_shift:
        return None
    facts = {"shift": f"{abs(shift):.1f}", "direction": "higher" if shift > 0 else "lower"}
    return Advice(Reason.MEAN_MOVED, facts)


def _inspect_values(column: Column) -> Advice | None:
    """Find what all scores of a column have in common; full marks for all are ordinary."""
    values = list(column.after.values())
    low, high, facts = min(values), max(values), {"scores": str(len(values)), "total": f"{column.total:g}"}
    if not high:
        return Advice(Reason.ALL_ZERO, facts)
    if low > column.total:
        return Advice(Reason.ALL_ABOVE_TOTAL, facts)
    if high <= 1 and column.total >= FRACTION_POINTS:
        return Advice(Reason.ALL_AT_MOST_ONE, facts)
    if low == high and high != column.total:
        return Advice(Reason.ALL_EQUAL, {**facts, "score": f"{high:g}"})
    return None


def _may_swap(column: Column) -> bool:
    """Return True where enough scores of a column change for it to get those of another one."""
    changed = [key for key, points in column.before.items() if column.after.get(key) != points]
    return len(changed) >= SWAPPED_SHARE * CLASS


def _swaps(column: Column, beside: Column) -> bool:
    """Return True where two columns get the scores that the other one had."""
    shared = column.before.keys() & beside.before.keys()
    differing = [key for key in shared if column.before[key] != beside.before[key]]
    if len(differing) < CLASS:
        return False
    swapped = sum(
        column.after.get(key) == beside.before[key] and beside.after.get(key) == column.before[key]
        for key in differing
    )
    return swapped >= SWAPPED_SHARE * len(differing)


def _shift_mean(column: Column, sums: _Sums) -> float | None:
    """Return by how much a column moves the mean of the students' totals, in points of percent.

    None where there are too few students to compare.
    """
    if not column.counts:
        return None
    shifts = []
    for student in column.before.keys() | column.after.keys():
        earned, possible = sums.students.get(student, (0.0, 0.0))
        if student in column.after:
            earned, possible = earned - column.after[student], possible - column.total
        if possible > 0:
            former = _mean_with(earned, possible, column.before.get(student), column.total)
            shifts.append(_mean_with(earned, possible, column.after.get(student), column.total) - former)
    return sum(shifts) / len(shifts) if len(shifts) >= CLASS else None


def _mean_with(earned: float, possible: float, points: float | None, total: float) -> float:
    if points is None:
        return 100 * earned / possible
    return 100 * (earned + points) / (possible + total)
