"""Puts the assignments of a plan in such an order that every name is free when its turn comes (R29)."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

from gradesync.core.plan import Action, AssignmentPlan
from gradesync.core.sis import Ref, Slot, Spec


class Turn(NamedTuple):
    """An assignment that goes, and what the SIS should hold of it."""

    item: AssignmentPlan
    spec: Spec


class TemporaryName(NamedTuple):
    """An assignment that leaves its name to another before its own turn comes, and how it stands now."""

    item: AssignmentPlan
    ref: Ref
    before: Spec

    def spec(self, name_max: int) -> Spec:
        """As it stands, by a name of at most `name_max` characters that nobody else has."""
        mark = _mark(self.item.id)
        return replace(self.before, name=self.before.name[: name_max - len(mark)] + mark)


@dataclass(frozen=True, slots=True)
class Turns:
    """The assignments that go, in their `order`, after one of each circle of names has stepped `aside`."""

    aside: tuple[TemporaryName, ...]
    order: tuple[Turn, ...]


def in_order_of_writes(assignments: Iterable[AssignmentPlan]) -> Turns:
    """Let whoever wants a name wait for the one who leaves it.

    Each assignment waits for one other at most, so what waits is a line, or a line that ends in a circle.
    """
    turns = {
        item.id: Turn(item, item.spec)
        for item in assignments
        if item.action is not Action.KEEP and item.spec is not None
    }
    leaving = {
        _place(item.before.slot): item.id
        for item, spec in turns.values()
        if item.before is not None and _place(item.before.slot) != _place(spec.slot)
    }
    order: dict[str, Turn] = {}
    circular: set[str] = set()
    for start in turns:
        line: dict[str, Turn] = {}
        at: str | None = start
        while at is not None and at not in order and at not in line:
            line[at] = turns[at]
            at = leaving.get(_place(turns[at].spec.slot))
        if at is not None and at in line:
            circular.add(at)
        order.update(reversed(line.items()))
    aside = (
        TemporaryName(item, item.ref, item.before)
        for item, _ in order.values()
        if item.id in circular and item.ref is not None and item.before is not None
    )
    return Turns(tuple(aside), tuple(order.values()))


def stands_aside(assignment_id: str, spec: Spec | None) -> bool:
    """Whether an assignment was last sent by the name with which it stepped aside."""
    return spec is not None and spec.name.endswith(_mark(assignment_id))


def _mark(assignment_id: str) -> str:
    return f" ({assignment_id})"


def _place(slot: Slot) -> Slot:
    """Names that differ in case alone may clash in a SIS: to wait without need costs nothing."""
    name, due = slot
    return name.casefold(), due
