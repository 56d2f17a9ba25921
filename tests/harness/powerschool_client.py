"""Build one class in an invented PowerSchool, and call it as an installed plugin does."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

import httpx

from gradesync_sandbox.powerschool.app import create_app
from gradesync_sandbox.powerschool.rows import Category, School, Section, Student, Term, User
from gradesync_sandbox.powerschool.state import PowerSchool

Assignment = dict[str, Any]
"""Name an assignment as PowerSchool shows it."""


@dataclass
class District:
    """Build one school, one teacher, one section with three students."""

    sis: PowerSchool = field(default_factory=PowerSchool)
    school: School = field(init=False)
    term: Term = field(init=False)
    teacher: User = field(init=False)
    section: Section = field(init=False)
    students: list[Student] = field(init=False)
    category: Category = field(init=False)

    def __post_init__(self) -> None:
        self.school = self.sis.add_school("Cedar High")
        self.term = self.sis.add_term(self.school, "S1", date(2026, 8, 17), date(2027, 1, 15))
        self.teacher = self.sis.add_teacher(self.school)
        self.section = self.sis.add_section(self.school, self.term, self.teacher)
        self.students = [self.sis.add_student(self.school) for _ in range(3)]
        for student in self.students:
            self.sis.enroll(student, self.section)
        self.category = self.sis.add_category(self.teacher, "Homework")

    def client(self) -> "Plugin":
        """Return a client that holds a token."""
        return Plugin(self)


class Plugin:
    """Make the calls of a plugin, by their documented addresses."""

    def __init__(self, district: District) -> None:
        self.district = district
        transport = httpx.ASGITransport(create_app(district.sis))
        token = district.sis.tokens.issue(3600)
        headers = {"authorization": f"Bearer {token}", "accept": "application/json"}
        self.http = httpx.AsyncClient(transport=transport, base_url="http://sis.example", headers=headers)

    @property
    def _who(self) -> dict[str, Any]:
        return {"users_dcid": self.district.teacher.dcid}

    async def create(self, body: dict[str, Any] | None = None, **section: Any) -> httpx.Response:
        sent = new_assignment(self.district, **section) if body is None else body
        return await self.http.post("/ws/xte/section/assignment/", params=self._who, json=sent)

    async def created(self, **section: Any) -> Assignment:
        """Create an assignment and return it as read back."""
        made = await self.create(**section)
        assert made.status_code == 201, made.text
        return (await self.get(int(made.headers["location"].rpartition("/")[2]))).json()  # type: ignore[no-any-return]

    async def get(self, assignmentid: int) -> httpx.Response:
        return await self.http.get(f"/ws/xte/section/assignment/{assignmentid}", params=self._who)

    async def list(self) -> httpx.Response:
        asked = self._who | {"section_ids": self.district.section.dcid}
        return await self.http.get("/ws/xte/section/assignment/", params=asked)

    async def put(self, assignmentid: int, body: dict[str, Any], **query: Any) -> httpx.Response:
        path = f"/ws/xte/section/assignment/{assignmentid}"
        return await self.http.put(path, params=self._who | query, json=body)

    async def delete(self, assignmentid: int, **query: Any) -> httpx.Response:
        path = f"/ws/xte/section/assignment/{assignmentid}"
        return await self.http.delete(path, params=self._who | query)

    async def score(self, *rows: dict[str, Any], **query: Any) -> httpx.Response:
        body = {"assignment_scores": list(rows)}
        return await self.http.put("/ws/xte/score", params=self._who | query, json=body)

    async def table(self, name: str, projection: str, q: str = "", **query: Any) -> httpx.Response:
        asked = {"projection": projection, "q": q, **query}
        return await self.http.get(f"/ws/schema/table/{name}", params=asked)


def new_assignment(district: District, **section: Any) -> dict[str, Any]:
    """Return the smallest body that was proven live."""
    part: dict[str, Any] = {
        "sectionsdcid": district.section.dcid,
        "name": "Unit 3 test",
        "duedate": "2026-09-28",
        "scoretype": "POINTS",
        "scoreentrypoints": 12,
        "totalpointvalue": 12,
        "weight": 1,
        "iscountedinfinalgrade": True,
        "isscoringneeded": True,
        "publishoption": "Immediately",
        "_assignmentcategoryassociations": [
            {"teachercategoryid": district.category.teachercategoryid, "isprimary": True}
        ],
    }
    return {"_assignmentsections": [part | section]}


def row(assignment: Assignment, student: Student, text: str | None, **more: Any) -> dict[str, Any]:
    """Return a score row as proven live; None for its text makes it a clear."""
    return {
        "_assignmentsection": {"assignmentsectionid": part(assignment)["assignmentsectionid"]},
        "studentsdcid": student.dcid,
        "actualscoreentered": text,
        "actualscorekind": None if text is None else "REAL_SCORE",
        "scoretype": "POINTS",
        "scorepoints": None if text is None else float(text),
        **more,
    }


def part(assignment: Assignment) -> dict[str, Any]:
    """Return the only section's part of an assignment."""
    (only,) = assignment["_assignmentsections"]
    return dict(only)
