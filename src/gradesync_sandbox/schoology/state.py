"""Let teachers and administrators change Schoology, as they do in the course of a school year."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from gradesync_sandbox.schoology.model import ARCHIVED, Category, Enrollment, Item, Section, User
from gradesync_sandbox.schoology.organization import Organization


@dataclass
class Schoology(Organization):
    """Simulate one organization, and the people who work in it."""

    # --- enrollments

    def end_enrollment(self, section: int, enrollment: int, status: int = ARCHIVED) -> None:
        """End one enrollment of perhaps several; its grades stay."""
        self.sections[section].enrollments[enrollment].status = status

    def renumber_enrollments(self, section: int, *, keep_cells: bool = False) -> dict[int, int]:
        """Give every enrollment a new id, as an import does; return the new ids by the old ones.

        The cells of the new ones were never touched, unless `keep_cells`.
        """
        book, new = self.sections[section], {}
        for old, enrollment in list(book.enrollments.items()):
            new[old] = enrollment.id = next(self.ids["enrollment"])
        book.enrollments = {e.id: e for e in book.enrollments.values()}
        book.cells = {(i, new[e]): c for (i, e), c in book.cells.items() if e in new} if keep_cells else {}
        for item in book.items.values():
            item.assignees = [new.get(enrollment, enrollment) for enrollment in item.assignees]
        return new

    def set_course_admin(self, section: int, uid: int, *, admin: bool = True) -> Enrollment:
        """Make a person a course admin of the section, or take that right; enroll the person where needed."""
        enrollment = self.enroll(section, uid, admin=admin)
        enrollment.admin = admin
        return enrollment

    # --- accounts

    def set_school_uid(self, uid: int, school_uid: str) -> None:
        """Correct a person's school id."""
        self.users[uid].school_uid = school_uid

    def swap_school_uids(self, one: int, other: int) -> None:
        """Exchange the school ids of two people."""
        first, second = self.users[one], self.users[other]
        first.school_uid, second.school_uid = second.school_uid, first.school_uid

    def add_second_account(self, uid: int) -> User:
        """Add another account with the same name and school id; enroll it where it is needed."""
        known = self.users[uid]
        return self.add_user(known.first, known.last, known.role, known.building, known.school_uid)

    def replace_account(self, uid: int, *, keep_cells: bool = True) -> User:
        """Give a person a new account: it takes over school id and enrollments; the old one keeps neither."""
        made = self.add_second_account(uid)
        self.users[uid].school_uid = ""
        for book in self.sections.values():
            for enrollment in book.enrollments_of(uid):
                self._take_over(book, enrollment, made, keep_cells=keep_cells)
        return made

    def _take_over(self, book: Section, former: Enrollment, user: User, *, keep_cells: bool) -> None:
        enrollment = self.enroll_anew(book.id, user.uid, admin=former.admin, source=former.source)
        enrollment.status, former.status = former.status, ARCHIVED
        if keep_cells:
            self._copy_cells(book, {former.id: enrollment.id})

    def _copy_cells(self, book: Section, enrollments: dict[int, int]) -> None:
        for (item, enrollment), cell in list(book.cells.items()):
            if enrollment in enrollments:
                book.cells[item, enrollments[enrollment]] = replace(cell)

    # --- sections

    def recode_section(self, section: int, school_code: str) -> None:
        """Change the section school code: the section belongs to another SIS section from now on."""
        self.sections[section].school_code = school_code

    def set_synced(self, section: int, *, synced: bool) -> None:
        """Mark a section as made by the SIS, or by hand."""
        self.sections[section].synced = synced

    def link_sections(self, main: int, other: int) -> dict[int, int]:
        """Link a section to `main`: its people and items go there (a guess); return the new ids of its items.

        Its students keep the code of their own SIS section in the enrollment, and `other` is inactive.
        """
        home, guest = self.sections[main], self.sections[other]
        enrollments: dict[int, int] = {}
        for former in guest.enrollments.values():
            if home.enrollments_of(former.uid):
                enrollments[former.id] = home.enrollment_of(former.uid).id
                continue
            enrollment = self.enroll_anew(main, former.uid, admin=former.admin, source=former.source)
            enrollment.status, enrollment.own_section_code = former.status, guest.school_code
            enrollments[former.id] = enrollment.id
        guest.active = False
        return {item.id: self._copied_to(guest, home, item, enrollments).id for item in guest.standing()}

    # --- categories

    def delete_category(self, section: int, category: int, *, move_to: int = 0) -> None:
        """Delete a category; its items go to another one, or become ungraded."""
        del self.sections[section].categories[category]
        for item in self.sections[section].items.values():
            if item.category == category:
                item.category = move_to

    def remake_category(self, section: int, category: int, title: str | None = None) -> Category:
        """Delete a category and make one of the same title; its items go to the new one."""
        known = self.sections[section].categories[category]
        made = self.add_category(section, known.title if title is None else title, weight=known.weight)
        made.delta = known.delta
        self.delete_category(section, category, move_to=made.id)
        return made

    def reorder_categories(self, section: int, order: Iterable[int]) -> None:
        """List categories in the order of these ids; the others follow."""
        known = self.sections[section].categories
        ids = [*order]
        ids += [key for key in known if key not in ids]
        self.sections[section].categories = {key: known[key] for key in ids}
        for position, key in enumerate(ids):
            known[key].delta = position

    # --- items

    def move_assignment(self, section: int, item: int, category: int) -> Item:
        """Put an item into another category; 0 is none."""
        return self.edit_assignment(section, item, category=category)

    def copy_assignment(
        self, section: int, item: int, title: str | None = None, *, to: int | None = None
    ) -> Item:
        """Copy an item without its grades, into another section's category of the same title for `to`."""
        source = self.sections[section]
        target = self.sections[section if to is None else to]
        copy = self._copied_to(source, target, source.items[item], {})
        copy.title = copy.title if title is None else title
        return copy

    def reimport_assignments(
        self, section: int, items: Iterable[int] | None = None, *, with_grades: bool = True
    ) -> dict[int, int]:
        """Delete items (all where None) and import them under new ids; return the new ids by the old ones.

        With their grades, cells keep values and timestamps; else the new cells were never touched.
        """
        book = self.sections[section]
        chosen = [item.id for item in book.standing()] if items is None else list(items)
        same = {key: key for key in book.enrollments} if with_grades else {}
        new = {key: self._copied_to(book, book, book.items[key], same).id for key in chosen}
        for key in chosen:
            self.delete_assignment(section, key)
        return new

    def _copied_to(self, source: Section, target: Section, item: Item, enrollments: dict[int, int]) -> Item:
        """Copy an item; cells come along for the enrollments that are named, by old and new id."""
        key = next(self.ids["item"])
        node = next(self.ids["node"]) if item.type == "discussion" else key
        assignees = [enrollments.get(e, e) for e in item.assignees] if enrollments or source is target else []
        copy = replace(item, id=key, grade_item_id=node, assignees=assignees, last_updated=int(self.now()))
        if source is not target:
            copy.category = self._category_like(source, target, item.category)
        target.items[key] = copy
        for old, new in enrollments.items():
            if (item.id, old) in source.cells:
                target.cells[key, new] = replace(source.cells[item.id, old])
        return copy

    def _category_like(self, source: Section, target: Section, category: int) -> int:
        if category not in source.categories:
            return 0
        title = source.categories[category].title
        known = [c.id for c in target.categories.values() if c.title == title]
        return known[0] if known else self.add_category(target.id, title).id
