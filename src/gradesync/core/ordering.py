"""Order the assignments of a plan so that every name is free when its assignment is written (R29)."""

from collections.abc import Iterable
from typing import NamedTuple

from gradesync.core.fit import temporary_suffix
from gradesync.core.graphemes import cut_text
from gradesync.core.plan import Action, AssignmentPlan
from gradesync.core.sis import Ref, Spec, fold_case

CREATES = frozenset({Action.CREATE, Action.RECREATE})


class AssignmentWrite(NamedTuple):
    """Describe an assignment to write, and what the SIS should hold of it.

    `after` is the one before it in order that leaves the name which it takes.
    """

    item: AssignmentPlan
    spec: Spec
    after: str | None = None


class TemporaryName(NamedTuple):
    """Describe an assignment that gives up its name before it is written, and how it stands now."""

    item: AssignmentPlan
    ref: Ref
    before: Spec

    def spec(self, name_max: int) -> Spec:
        """Return what stands, by a name of at most `name_max` characters that nobody else has."""
        suffix = temporary_suffix(self.item.id)
        return self.before._replace(name=cut_text(self.before.name, name_max - len(suffix)) + suffix)


class WriteOrder(NamedTuple):
    """Hold the `writes` in order, and the `temporary` names to give first: one for each cycle of names."""

    temporary: tuple[TemporaryName, ...]
    writes: tuple[AssignmentWrite, ...]


def order_writes(assignments: Iterable[AssignmentPlan]) -> WriteOrder:
    """Order the writes of assignments: whatever wants a name comes after the one that leaves it.

    Each assignment waits for one other at most, so what waits is a line, or a line that ends in a cycle.
    """
    writes = {
        item.id: AssignmentWrite(item, item.spec)
        for item in assignments
        if item.action is not Action.KEEP and item.spec is not None
    }
    leaving = {
        fold_case(item.before.slot): item.id
        for item, spec, _ in writes.values()
        if item.before is not None and fold_case(item.before.slot) != fold_case(spec.slot)
    }
    order: dict[str, AssignmentWrite] = {}
    cyclic: set[str] = set()
    for start in writes:
        line: dict[str, AssignmentWrite] = {}
        at: str | None = start
        while at is not None and at not in order and at not in line:
            line[at] = writes[at]
            at = leaving.get(fold_case(writes[at].spec.slot))
        if at is not None and at in line:
            cyclic.add(at)
        for name, write in reversed(line.items()):
            first = leaving.get(fold_case(write.spec.slot))
            order[name] = write._replace(after=first if first in order else None)
    temporary = (
        TemporaryName(item, item.ref, item.before)
        for item, _, _ in order.values()
        if item.id in cyclic and item.ref is not None and item.before is not None
    )
    return WriteOrder(tuple(temporary), tuple(order.values()))
