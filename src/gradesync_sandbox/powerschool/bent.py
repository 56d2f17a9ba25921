"""Bend score writes as `Switches.score_faults` orders."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal

import msgspec

from gradesync_sandbox.powerschool.bodies import ScoreRow
from gradesync_sandbox.powerschool.rows import Assignment, AssignmentSection, Section
from gradesync_sandbox.powerschool.state import PowerSchool
from gradesync_sandbox.powerschool.switches import ScoreFault
from gradesync_sandbox.powerschool.wire import Refused


@dataclass(frozen=True)
class Entry:
    """Hold a row of the batch with the records that it names."""

    row: ScoreRow
    assignment: Assignment
    part: AssignmentSection
    section: Section

    @property
    def cell(self) -> tuple[int, int]:
        """Return ASSIGNMENTSECTIONID and STUDENTS.DCID."""
        return self.part.assignmentsectionid, self.row.studentsdcid


@dataclass
class Bent:
    """Hold the faults that strike one batch, by cell."""

    faults: dict[tuple[int, int], ScoreFault] = field(default_factory=dict)
    extra: list[int] = field(default_factory=list)  # STUDENTS.DCID
    empty: bool = False

    def kind(self, entry: Entry) -> str:
        """Return the kind of the fault that strikes a row, or an empty text."""
        fault = self.faults.get(entry.cell)
        return fault.kind if fault else ""

    def points(self, entry: Entry) -> Decimal:
        """Return the points that a fault puts into a row."""
        return self.faults[entry.cell].points or Decimal(0)

    def shown(self, entries: list[Entry]) -> Iterable[Entry]:
        """Return the rows of the response."""
        yield from (entry for entry in entries if self.kind(entry) not in ("omit", "mute"))
        for student in self.extra:
            yield replace(entries[0], row=_row_of(entries[0].row, student))


def bend(sis: PowerSchool, entries: list[Entry]) -> Bent:
    """Find the faults that strike this batch, and count them. Raises `Refused` 500 for a poisoned row."""
    bent = Bent()
    for fault in list(sis.switches.score_faults):
        hits = [e.cell for e in entries if fault.matches(*e.cell) and e.cell not in bent.faults]
        if hits:
            _count(sis, fault)
            _strike(bent, fault, hits)
    return bent


def _strike(bent: Bent, fault: ScoreFault, hits: list[tuple[int, int]]) -> None:
    match fault.kind:
        case "poison":
            raise Refused(500, "Internal Server Error")
        case "empty":
            bent.empty = True
        case "extra":
            bent.extra.append(fault.student or 0)
        case _:
            bent.faults.update(dict.fromkeys(hits, fault))


def is_poisoned(sis: PowerSchool, part: int, student: int) -> bool:
    """Return whether a cell breaks whatever call holds it, and count that."""
    for fault in sis.switches.score_faults:
        if fault.kind == "poison" and fault.matches(part, student):
            _count(sis, fault)
            return True
    return False


def _count(sis: PowerSchool, fault: ScoreFault) -> None:
    if fault.times is None:
        return
    fault.times -= 1
    if fault.times <= 0:
        sis.switches.score_faults.remove(fault)


def _row_of(row: ScoreRow, student: int) -> ScoreRow:
    return msgspec.structs.replace(row, studentsdcid=student)
