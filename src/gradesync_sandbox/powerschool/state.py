"""Let people in the SIS change the district, as tests and the control API play them through a school year."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from gradesync_sandbox.powerschool.roster import Roster
from gradesync_sandbox.powerschool.rows import (
    LEAD,
    Category,
    CategoryAssoc,
    Section,
    SectionTeacher,
    Student,
    Term,
    User,
)


@dataclass(eq=False)
class PowerSchool(Roster):
    """Simulate one PowerSchool server and the people who work in it."""

    # --- teachers

    def unassign_teacher(self, teacher: User, section: Section) -> None:
        """Delete a teacher's rows of the section."""
        staff = self.staff_of(teacher, section.schoolid)
        rows = self.sectionteachers[section.id]
        self.sectionteachers[section.id] = [row for row in rows if row.teacherid != staff.id]

    def end_teaching(self, teacher: User, section: Section, last: date) -> None:
        """Let a teacher's rows of the section end with that day; they stay in the table."""
        for row in self.rows_of(teacher, section):
            row.end_date = last

    def replace_lead(
        self, section: Section, teacher: User, first: date | None = None, *, set_column: bool = True
    ) -> SectionTeacher:
        """Make a teacher the lead from `first` (or today); the former lead's row ends the day before.

        SECTIONS.TEACHER follows, unless `set_column` is off.
        """
        day = first or self.today()
        for row in self.sectionteachers[section.id]:
            if row.roleid == LEAD and row.current(day):
                row.end_date = day - timedelta(days=1)
        if set_column:
            self.set_section_teacher(section, teacher)
        return self.assign_teacher(teacher, section, role=LEAD, first=day)

    def set_section_teacher(self, section: Section, teacher: User) -> None:
        """Set SECTIONS.TEACHER alone; SECTIONTEACHER stays as it is."""
        section.teacher = self.staff_of(teacher, section.schoolid).id

    def rows_of(self, teacher: User, section: Section) -> list[SectionTeacher]:
        """Return a teacher's rows of the section, ended ones too."""
        staff = self.staff_of(teacher, section.schoolid)
        return [row for row in self.sectionteachers[section.id] if row.teacherid == staff.id]

    # --- terms and sections

    def lock_term(self, term: Term, *, locked: bool = True) -> None:
        """Close a reporting term for changes, or open it."""
        term.locked = locked

    def move_term(self, term: Term, first: date | None = None, last: date | None = None) -> None:
        """Change a term's first or last day."""
        term.firstday, term.lastday = first or term.firstday, last or term.lastday

    def move_section(self, section: Section, term: Term) -> None:
        """Put a section into another term of its school."""
        section.termid = term.id
        for row in self.cc[section.id].values():
            row.termid = term.id

    def recode_section(self, section: Section, dcid: int) -> None:
        """Give a section another DCID; its gradebook goes along. Raises `KeyError` for a taken DCID."""
        if dcid in self.sections:
            raise KeyError(f"section {dcid} exists")
        former, section.dcid = section.dcid, dcid
        self.sections = {s.dcid: s for s in self.sections.values()}
        self.gradebook.recode_section(former, dcid)

    def split_section(self, section: Section, students: Iterable[Student]) -> Section:
        """Move students to a new section of the same course, term and teacher; its gradebook is empty."""
        lead = self.users[self.schoolstaff[section.teacher].users_dcid]
        school = next(s for s in self.schools.values() if s.school_number == section.schoolid)
        half = self.add_section(school, self.term_of(section), lead, section.course_number)
        for student in students:
            self.drop(student, section)
            self.enroll(student, half)
        return half

    # --- students

    def drop(self, student: Student, section: Section) -> None:
        """Drop a student from a section; the row stays as a dropped one."""
        self.cc[section.id][student.id].dropped = True

    def renumber_student(
        self, student: Student, *, dcid: int | None = None, id: int | None = None, number: int | None = None
    ) -> None:
        """Change a student's keys; enrollments and scores go along. Raises `KeyError` for a taken DCID."""
        if dcid in self.students:
            raise KeyError(f"student {dcid} exists")
        former_dcid, former_id = student.dcid, student.id
        student.dcid, student.id = dcid or student.dcid, id or student.id
        student.student_number = number or student.student_number
        self.students = {s.dcid: s for s in self.students.values()}
        self.student_dcids = {s.id: s.dcid for s in self.students.values()}
        for rows in self.cc.values():
            if former_id in rows:
                row = rows.pop(former_id)
                row.studentid = student.id
                rows[student.id] = row
        self.gradebook.renumber_student(former_dcid, student.dcid)

    # --- categories

    def rename_category(self, category: Category, name: str) -> None:
        """Rename a category; its id stays."""
        category.name = name

    def set_category_active(self, category: Category, *, active: bool) -> None:
        """Take a category out of use, or back into it."""
        category.isactive = active

    def delete_category(self, category: Category) -> None:
        """Delete a category. Assignments that use it keep its id, which then leads nowhere (a guess)."""
        del self.categories[category.teachercategoryid]

    def remake_category(self, category: Category, *, move: bool = True) -> Category:
        """Delete a category and make one of the same name; with `move` its assignments go to the new one."""
        teacher = self.users[category.usersdcid]
        self.delete_category(category)
        made = self.add_category(teacher, category.name, active=category.isactive)
        made.displayposition = category.displayposition
        for assoc in self._assocs(category) if move else ():
            assoc.teachercategoryid = made.teachercategoryid
        return made

    def reorder_categories(self, teacher: User, order: Iterable[int]) -> None:
        """Put a teacher's categories into the order of these ids; the others follow."""
        first = [self.categories[key] for key in order]
        others = [c for c in self.categories_of(teacher.dcid) if c not in first]
        for position, category in enumerate([*first, *others]):
            category.displayposition = position

    def copy_categories(self, giver: User, taker: User) -> dict[int, Category]:
        """Give a teacher categories of the same names as another's; return them by the other's ids."""
        mine = self.categories_of(giver.dcid)
        return {c.teachercategoryid: self.add_category(taker, c.name, active=c.isactive) for c in mine}

    def _assocs(self, category: Category) -> list[CategoryAssoc]:
        return [
            assoc
            for _, part in self.gradebook.parts.values()
            for assoc in part.categories
            if assoc.teachercategoryid == category.teachercategoryid
        ]
