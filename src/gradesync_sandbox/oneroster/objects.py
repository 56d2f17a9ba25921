"""Show the invented SIS as objects of OneRoster."""

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from gradesync_sandbox.oneroster.state import OneRoster
from gradesync_sandbox.powerschool.rows import (
    Assignment,
    AssignmentSection,
    Category,
    School,
    Score,
    Section,
    Student,
    Term,
    User,
)

Object = dict[str, Any]


class Shown:
    """Show objects of one SIS. `url` is the base that references lead to."""

    def __init__(self, face: OneRoster, url: str) -> None:
        self.face = face
        self.sis = face.sis
        self.url = url
        # The standard's end is the day after the last.
        self.end = timedelta(days=face.demands.term_end == "excluded")

    def _base(self, sourced_id: str) -> Object:
        return {"sourcedId": sourced_id, "status": "active", "dateLastModified": self.face.now()}

    def ref(self, kind: str, collection: str, sourced_id: str) -> Object:
        if self.face.demands.refs != "full":
            return {"sourcedId": sourced_id}
        return {"href": f"{self.url}/{collection}/{sourced_id}", "sourcedId": sourced_id, "type": kind}

    def section(self, section: Section) -> Object:
        school = next(s for s in self.sis.schools.values() if s.school_number == section.schoolid)
        term = self.sis.term_of(section)
        return {
            **self._base(str(section.dcid)),
            "title": f"{section.course_number} {section.section_number}",
            "classType": "scheduled",
            "course": self.ref("course", "courses", section.course_number),
            "school": self.ref("org", "orgs", str(school.dcid)),
            "terms": [self.ref("academicSession", "academicSessions", str(term.dcid))],
        }

    def term(self, term: Term) -> Object:
        return self._session(str(term.dcid), term.name, "term", term.firstday, term.lastday)

    def grading_periods(self, term: Term) -> list[Object]:
        """Return two halves of a term."""
        middle = term.firstday + (term.lastday - term.firstday) / 2
        halves = (term.firstday, middle), (middle + timedelta(days=1), term.lastday)
        return [
            self._session(f"{term.dcid}-{n}", f"{term.name} {n}", "gradingPeriod", first, last)
            for n, (first, last) in enumerate(halves, 1)
        ]

    def _session(self, key: str, title: str, kind: str, first: date, last: date) -> Object:
        return {
            **self._base(key),
            "title": title,
            "type": kind,
            "startDate": first.isoformat(),
            "endDate": (last + self.end).isoformat(),
            "schoolYear": str(first.year + 1),
        }

    def student(self, student: Student, school: School) -> Object:
        return {
            **self._base(str(student.dcid)),
            "enabledUser": "true",
            "givenName": student.first_name,
            "familyName": student.last_name,
            "identifier": str(student.student_number),
            "email": f"student{student.dcid}@district.example",
            **self._roles("student", school),
        }

    def teacher(self, user: User, school: School) -> Object:
        return {
            **self._base(str(user.dcid)),
            "enabledUser": "true",
            "givenName": user.first_name,
            "familyName": user.last_name,
            "email": user.email_addr,
            **self._roles("teacher", school),
        }

    def _roles(self, role: str, school: School) -> Object:
        org = self.ref("org", "orgs", str(school.dcid))
        if self.face.demands.old:
            return {"role": role, "orgs": [org], "username": ""}
        return {"roles": [{"roleType": "primary", "role": role, "org": org}]}

    def category(self, category: Category) -> Object:
        status = "active" if category.isactive else "tobedeleted"
        return {**self._base(str(category.teachercategoryid)), "status": status, "title": category.name}

    def line_item(self, assignment: Assignment, part: AssignmentSection) -> Object:
        section, sourced_id = self.sis.sections[part.sectionsdcid], self.face.id_of_item(assignment)
        school = next(s for s in self.sis.schools.values() if s.school_number == section.schoolid)
        fields = self.face.item_fields.get(assignment.assignmentid, {})
        due = fields.get("dueDate", "")
        if due[:10] != part.duedate.isoformat():  # a teacher moved it
            due = f"{part.duedate}T12:00:00.000Z"
        made: Object = {
            "assignDate": due,
            "resultValueMin": 0,
            **fields,
            **self._base(sourced_id),
            "title": part.name,
            "dueDate": due,
            "resultValueMax": _plain(part.scoreentrypoints),
            "class": self.ref("class", "classes", str(section.dcid)),
        }
        if part.categories:
            category = self.face.id_of_category(part.categories[0].teachercategoryid)
            made["category"] = self.ref("category", "categories", category)
        if constant := self.face.demands.constant_category:
            made["category"] = self.ref("category", "categories", constant)
        if not self.face.demands.old:
            made["school"] = self.ref("org", "orgs", str(school.dcid))
        return made

    def result(self, part: AssignmentSection, score: Score) -> Object:
        assignment = self.sis.gradebook.parts[part.assignmentsectionid][0]
        pair = part.assignmentsectionid, score.studentsdcid
        fields = dict(self.face.result_fields.get(pair, {}))
        shown: Object = {
            "scoreStatus": "fully graded",
            "scoreDate": self.sis.today().isoformat(),
            **fields,
            **self._base(self.face.id_of_result(score)),
            "lineItem": self.ref("lineItem", "lineItems", self.face.id_of_item(assignment)),
            "student": self.ref("user", "users", str(score.studentsdcid)),
        }
        if score.scorepoints is not None:
            shown["score"] = _plain(score.scorepoints)
        elif "isexempt" not in score.flags:
            shown.pop("score", None)
        return shown

    def results(self, parts: Iterable[AssignmentSection]) -> list[Object]:
        """Return the results of these parts: a blank one without a mark is none."""
        scores = self.sis.gradebook.scores
        return [
            self.result(part, score)
            for part in parts
            for score in scores[part.assignmentsectionid].values()
            if not score.blank or score.flags or self._is_unsubmitted(part, score)
        ]

    def _is_unsubmitted(self, part: AssignmentSection, score: Score) -> bool:
        fields = self.face.result_fields.get((part.assignmentsectionid, score.studentsdcid), {})
        return fields.get("scoreStatus") == "not submitted"


def _plain(value: Decimal) -> Decimal:
    exact = value.normalize()
    return exact.quantize(Decimal(1)) if exact == exact.to_integral_value() else exact
