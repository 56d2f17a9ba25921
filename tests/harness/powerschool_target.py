"""Build one class in an invented PowerSchool on a real socket, and the target that syncs into it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from gradesync.core.district import SisAccess
from gradesync.core.ledger import Value
from gradesync.core.sis import LiveAssignment, Ref, SisSection, Spec
from gradesync.core.writes import ScoreRow, ScoreWrite
from gradesync.powerschool.connection import PowerSchool
from gradesync.powerschool.target import PowerSchoolTarget
from gradesync.upstream.client import Backoff
from gradesync.upstream.egress import GuardedClient
from gradesync_sandbox.faults import Body, Effect, Fault, Faults
from gradesync_sandbox.faulty import with_faults
from gradesync_sandbox.powerschool import state
from gradesync_sandbox.powerschool.app import create_app
from gradesync_sandbox.powerschool.kinds import kind_of
from gradesync_sandbox.powerschool.rows import Category, School, Section, Student, Term, User

Clock = Callable[[], datetime]

AT_ONCE = Backoff(attempts=3, initial=0, longest=0, jitter=0)
FIRST, LAST = date(2026, 8, 17), date(2027, 1, 15)
ENTRY: dict[str, Any] = {
    "assignmentid": 1,
    "createdbyplugin": "744",
    "_assignmentsections": [
        {
            "assignmentsectionid": 2,
            "sectionsdcid": 85001,
            "name": "Essay",
            "duedate": "2026-09-28",
            "scoreentrypoints": 12.0,
            "_assignmentcategoryassociations": [{"teachercategoryid": 5, "isprimary": True}],
        }
    ],
}


def entry(change: Mapping[str, Any], *, top: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return `ENTRY` with some fields of its section changed; None removes a field."""
    part = {**ENTRY["_assignmentsections"][0], **change}
    kept = {name: value for name, value in part.items() if value is not None}
    return {**ENTRY, "_assignmentsections": [kept], **(top or {})}


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Unbounded:
    """Record pauses and reports of a call budget without limits."""

    pauses: list[float] = field(default_factory=list)
    reports: list[bool] = field(default_factory=list)

    async def acquire(self, cost: int = 1, until: datetime | None = None) -> None: ...

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)

    async def report(self, ok: bool) -> None:
        self.reports.append(ok)


@dataclass
class Classroom:
    """Build one school, one teacher, one section with three students, one category."""

    sis: state.PowerSchool
    faults: Faults
    school: School
    term: Term
    teacher: User
    section: Section
    students: list[Student]
    category: Category
    client: GuardedClient
    url: str
    budget: Unbounded = field(default_factory=Unbounded)
    connection: PowerSchool = field(init=False)

    def __post_init__(self) -> None:
        self.connection = self.connect()

    def connect(
        self, plugin_id: str | None = None, secret: str | None = None, clock: Clock = now
    ) -> PowerSchool:
        plugin = self.sis.plugin
        access = SisAccess("powerschool", self.url, plugin.client_id, secret or plugin.client_secret)
        return PowerSchool.open(
            access,
            self.client.transport,
            self.budget,
            plugin_id=plugin_id,
            timeout=5,
            backoff=AT_ONCE,
            clock=clock,
        )

    def target(self, student_id: str = "dcid", seconds: float = 30) -> PowerSchoolTarget:
        until = datetime.now(UTC) + timedelta(seconds=seconds)
        return self.connection.target(permit=None, until=until, student_id=student_id)

    async def resolved(self) -> SisSection:
        found = await self.target().resolve_section(str(self.section.dcid))
        self.sis.log.clear()
        return found

    async def made(self, section: SisSection, spec: Spec | None = None) -> LiveAssignment:
        """Create an assignment and return it as listed."""
        new = await self.target().create_assignment(section, spec or self.spec(), "a1")
        (live,) = [a for a in await self.target().assignments(section) if new.ref and a.ref == new.ref]
        self.sis.log.clear()
        return live

    async def one(self) -> tuple[SisSection, LiveAssignment]:
        """Return the section, and a new assignment in it."""
        section = await self.resolved()
        return section, await self.made(section)

    async def two(self) -> tuple[SisSection, LiveAssignment, LiveAssignment]:
        """Return the section, and two new assignments in it."""
        section, first = await self.one()
        return section, first, await self.made(section, self.spec(name="Second"))

    async def listed(self, section: SisSection, *entries: object) -> tuple[LiveAssignment, ...]:
        """Return the target's reading of a list of these entries."""
        self.order("assignment.list", Body(json.dumps(entries)))
        return await self.target().assignments(section)

    def spec(self, **changes: object) -> Spec:
        usual = Spec("Unit 3 test", Decimal(12), date(2026, 9, 28), Ref(str(self.category.teachercategoryid)))
        return usual._replace(**changes)  # type: ignore[arg-type]  # a test names real fields

    def row(self, live: LiveAssignment, student: Student, value: Value, before: Value = None) -> ScoreRow:
        key = str(student.dcid)
        return ScoreRow("a1", live.ref, ScoreWrite(f"u{key}", key, value, before))

    def order(self, call: str, effect: Effect, *, nth: int | None = None, times: int | None = 1) -> None:
        self.faults.add(Fault("powerschool", call, effect, nth, times))

    def kinds(self) -> list[str]:
        """Return the calls since the log was cleared, without those for tokens."""
        return [call.kind for call in self.sis.log.calls if call.kind != "token"]

    def cells(self, live: LiveAssignment) -> dict[int, str | None]:
        scores = self.sis.gradebook.scores[int(str(live.ref.value["assignmentsectionid"]))]
        return {dcid: score.actualscoreentered for dcid, score in scores.items()}


@dataclass
class Switchboard:
    """Serve one socket for all tests; each test puts its own class behind it."""

    app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self.app is not None
        await self.app(scope, receive, send)


def classroom(board: Switchboard, client: GuardedClient, url: str) -> Classroom:
    """Build a new class. Another school has a term of the same TERMS.ID."""
    sis, faults = state.PowerSchool(), Faults()
    school = sis.add_school("Cedar High")
    sis.add_term(sis.add_school("Other High"), "S1", date(2026, 7, 1), date(2026, 7, 2))
    term = sis.add_term(school, "S1", FIRST, LAST)
    teacher = sis.add_teacher(school)
    section = sis.add_section(school, term, teacher)
    students = [sis.add_student(school) for _ in range(3)]
    for student in students:
        sis.enroll(student, section)
    category = sis.add_category(teacher, "Homework")
    board.app = with_faults(create_app(sis), "powerschool", faults, kind_of)
    return Classroom(sis, faults, school, term, teacher, section, students, category, client, url)
