"""Hold assignments and scores as PowerTeacher Pro does, and let people change them there."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import count

from gradesync_sandbox.powerschool.rows import (
    Assignment,
    AssignmentSection,
    Category,
    CategoryAssoc,
    Score,
    Section,
    Student,
)


class Sequences:
    """Number the gradebook's keys from disjoint starts, so that an assignment's id is never a section part's
    id.
    """

    def __init__(self) -> None:
        self.assignment = count(55010)
        self.assignment_section = count(7_077_010)
        self.category_assoc = count(13_323_300)
        self.score = count(29_900_100)


@dataclass(eq=False)
class Gradebook:
    """Hold the gradebook of the whole district, with the indexes that the API needs."""

    assignments: dict[int, Assignment] = field(default_factory=dict)  # ASSIGNMENTID
    parts: dict[int, tuple[Assignment, AssignmentSection]] = field(default_factory=dict)  # …SECTIONID
    scores: dict[int, dict[int, Score]] = field(default_factory=dict)  # …SECTIONID -> STUDENTS.DCID
    # ASSIGNMENTID of those that a list leaves out although they can be read by id.
    hidden_from_lists: set[int] = field(default_factory=set)
    by_section: dict[int, dict[int, Assignment]] = field(default_factory=dict)  # SECTIONS.DCID
    next_id: Sequences = field(default_factory=Sequences)

    def add(self, assignment: Assignment) -> Assignment:
        """Add an assignment to all indexes."""
        self.assignments[assignment.assignmentid] = assignment
        for part in assignment.sections:
            self.parts[part.assignmentsectionid] = assignment, part
            self.scores.setdefault(part.assignmentsectionid, {})
            self.by_section.setdefault(part.sectionsdcid, {})[assignment.assignmentid] = assignment
        return assignment

    def delete_assignment(self, assignmentid: int) -> None:
        """Remove an assignment with its scores. Raises `KeyError` where there is none."""
        for part in self.assignments.pop(assignmentid).sections:
            self.detach(part)
            del self.by_section[part.sectionsdcid][assignmentid]

    def detach(self, part: AssignmentSection) -> None:
        """Remove one section's part with its scores."""
        del self.parts[part.assignmentsectionid]
        del self.scores[part.assignmentsectionid]

    def add_assignment(
        self,
        sections: Section | list[Section],
        name: str,
        category: Category,
        *,
        due: date,
        points: Decimal | int = 10,
        by_plugin: str | None = None,
        scoretype: str = "POINTS",
    ) -> Assignment:
        """Make an assignment as a teacher does in PowerTeacher Pro, in one section or shared by several."""
        several = sections if isinstance(sections, list) else [sections]
        parts = [self._part(section, name, category, due, Decimal(points)) for section in several]
        for part in parts:
            part.scoretype = scoretype
        yearid = several[0].termid // 100
        return self.add(Assignment(next(self.next_id.assignment), yearid, parts, by_plugin))

    def _part(
        self, section: Section, name: str, category: Category, due: date, points: Decimal
    ) -> AssignmentSection:
        assoc = CategoryAssoc(next(self.next_id.category_assoc), category.teachercategoryid, isprimary=True)
        return AssignmentSection(
            next(self.next_id.assignment_section), section.dcid, name, due, points, points, [assoc]
        )

    def of_section(self, section: Section) -> list[Assignment]:
        """Return the assignments of a section, oldest first."""
        return list(self.by_section.get(section.dcid, {}).values())

    def named(self, section: Section, name: str) -> list[Assignment]:
        """Return the assignments of a section with exactly this name."""
        return [a for a in self.of_section(section) if a.section(section.dcid).name == name]

    def edit_assignment(
        self,
        part: AssignmentSection,
        *,
        name: str | None = None,
        due: date | None = None,
        points: Decimal | None = None,
        scoretype: str | None = None,
        category: Category | None = None,
    ) -> None:
        """Change an assignment as a teacher does in PowerTeacher Pro; scores keep their points."""
        part.name = part.name if name is None else name
        part.duedate = part.duedate if due is None else due
        part.scoretype = part.scoretype if scoretype is None else scoretype
        if category is not None:
            assoc = CategoryAssoc(
                next(self.next_id.category_assoc), category.teachercategoryid, isprimary=True
            )
            part.categories = [assoc]
        if points is not None:
            part.scoreentrypoints, part.totalpointvalue = points, points * part.weight

    def lock_assignment(self, part: AssignmentSection, *, locked: bool = True) -> None:
        """Close one assignment of a section for changes, or open it."""
        part.locked = locked

    def hide_from_lists(self, assignment: Assignment, *, hidden: bool = True) -> None:
        """Hide an assignment from lists while it is still found by its id, or show it again."""
        change = self.hidden_from_lists.add if hidden else self.hidden_from_lists.discard
        change(assignment.assignmentid)

    def edit_score(self, part: AssignmentSection, student: Student, points: Decimal | None) -> Score:
        """Type points into a cell as a teacher does in PowerTeacher Pro; None empties it."""
        score = self.score_of(part.assignmentsectionid, student.dcid)
        score.actualscoreentered = None if points is None else f"{points.normalize():f}"
        score.scorepoints = points
        score.actualscorekind = None if points is None else "REAL_SCORE"
        score.by = "sis"
        return score

    def delete_score(self, part: AssignmentSection, student: Student) -> None:
        """Delete the cell's row. Raises `KeyError` where there is none."""
        del self.scores[part.assignmentsectionid][student.dcid]

    def score_of(self, assignmentsectionid: int, studentsdcid: int) -> Score:
        """Return the cell's row, made blank where there was none: one per (part, student)."""
        cells = self.scores[assignmentsectionid]
        if studentsdcid not in cells:
            cells[studentsdcid] = Score(next(self.next_id.score), assignmentsectionid, studentsdcid)
        return cells[studentsdcid]

    def recode_section(self, former: int, dcid: int) -> None:
        """Let assignments of SECTIONS.DCID `former` belong to `dcid`."""
        mine = self.by_section.pop(former, {})
        for assignment in mine.values():
            assignment.section(former).sectionsdcid = dcid
        self.by_section[dcid] = mine

    def renumber_student(self, former: int, dcid: int) -> None:
        """Let scores of STUDENTS.DCID `former` belong to `dcid`."""
        for _, part in self.parts.values():
            part.students = [dcid if key == former else key for key in part.students]
        for cells in self.scores.values():
            if former in cells:
                score = cells.pop(former)
                score.studentsdcid = dcid
                cells[dcid] = score

    def table(self, section: Section) -> dict[str, dict[int, str | None]]:
        """Return the section's gradebook as a table: name -> STUDENTS.DCID -> text.

        Clashing names get their id.
        """
        shown: dict[str, dict[int, str | None]] = {}
        for assignment in self.of_section(section):
            part = assignment.section(section.dcid)
            name = part.name if part.name not in shown else f"{part.name} #{assignment.assignmentid}"
            cells = self.scores[part.assignmentsectionid]
            shown[name] = {dcid: score.actualscoreentered for dcid, score in cells.items()}
        return shown
