"""Simulate Schoology by canned responses, for tests in which single bytes matter."""

import json
import re
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx

from gradesync.core.gradebook import Assignment, Gradebook
from gradesync.schoology.calls import SchoologyDialect
from gradesync.schoology.source import SchoologySource
from gradesync.upstream.auth import OAuth1
from gradesync.upstream.client import Backoff, Upstream

SECTION = "7900000001"
ADA, BEN = "5790011", "5790018"
HERS, HIS = "3490989701", "3490989704"
QUIZ, ESSAY = "8269049251", "8269049270"
NOW = datetime(2026, 11, 24, 7, 0, tzinfo=UTC)
SINCE = datetime(2026, 11, 23, 12, 0, 0, 900_000, tzinfo=UTC)
"""Set the time of an earlier read, in the middle of a second."""

THREE = ["grading_categories", "grading_periods", "multiget"]
PLAIN = [SECTION, "enrollments", "grade_items", "grades", "grading_categories", "grading_periods"]
"""List the calls of a read by the last part of their path: usually, and where multiget is refused."""

Json = dict[str, Any]


@dataclass(frozen=True)
class Literal:
    """Hold JSON that goes onto the wire as it stands."""

    text: str


def encoded(value: object) -> bytes:
    """Encode a value as JSON with its literals as they stand."""
    text = json.dumps(value, default=lambda literal: f"@@{literal.text}@@")
    return re.sub(r'"@@(.*?)@@"', lambda found: json.loads(f'"{found[1]}"'), text).encode()


def enrollment(enrollment_id: object, uid: object, /, **fields: object) -> Json:
    row = {"id": enrollment_id, "uid": uid, "school_uid": "1_10001", "name_display": "Ada B",
           "admin": 0, "status": "1", "enrollment_source": 6}  # fmt: skip
    return row | fields


def item(item_id: object, /, **fields: object) -> Json:
    row = {"id": item_id, "title": "Quiz 1", "due": "2026-10-09 23:59:59", "grading_period": "1123041",
           "grading_category": "92557271", "max_points": "100", "factor": "1", "is_final": "0",
           "published": 1, "type": "assignment", "count_in_grade": 1, "collected_only": 0,
           "num_assignees": 0, "assignees": []}  # fmt: skip
    return row | fields


def grade(enrollment_id: object, item_id: object, /, points: object = 8, **fields: object) -> Json:
    row = {"enrollment_id": int(str(enrollment_id)), "assignment_id": int(str(item_id)), "grade": points,
           "exception": 0, "max_points": 100, "timestamp": 1775041468, "comment": "", "override": None,
           "type": "assignment", "category_id": 92557271, "school_uid": "1_10001"}  # fmt: skip
    return row | fields


def grades(*rows: object, **beside: object) -> Json:
    return {"grades": {"grade": list(rows)}, "period": [], "final_grade": [], **beside}


def dense(*items: str) -> list[Json]:
    return [grade(each, wanted) for wanted in items for each in (HERS, HIS)]


@dataclass(frozen=True)
class CannedResponse:
    """Describe a response that is not simply a 200 with JSON."""

    body: bytes = b""
    status: int = 200


Given = Json | list[Any] | bytes | CannedResponse | Callable[[httpx.Request], "Json | CannedResponse | bytes"]


@dataclass
class CannedSchoology:
    """Respond by path below `/v1`; `grades` paths may be given with their query. Records requests."""

    answers: dict[str, Given] = field(default_factory=dict)
    base: str = "https://api.schoology.example/v1"
    date: datetime | None = NOW
    asked: list[str] = field(default_factory=list)
    sent: list[httpx.Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        at = f"/sections/{SECTION}"
        usual: dict[str, Given] = {
            at: {"id": SECTION, "section_school_code": "49355", "synced": "1", "active": 1},
            f"{at}/enrollments": {"enrollment": [enrollment(HERS, ADA), enrollment(HIS, BEN),
                enrollment("3490989707", "5790004", admin=1, school_uid="2_7")], "total": "3"},
            f"{at}/grade_items": {"assignment": [item(int(QUIZ)), item(int(ESSAY), title="Essay")],
                "total": 2},
            f"{at}/grades": grades(*dense(QUIZ, ESSAY)),
            f"{at}/grading_categories": {"grading_category": [{"id": 92557271, "title": "Homework"}]},
            f"{at}/grading_periods": {"grading_period": [{"id": 1123041, "end": "2027-06-11 00:00:00"}]},
        }  # fmt: skip
        self.answers = usual | self.answers

    def put(self, name: str, given: Given) -> None:
        """Set the response of a list of the section: `grades`, `enrollments`, …; '' is the section."""
        self.answers[f"/sections/{SECTION}/{name}".rstrip("/")] = given

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path.decode().removeprefix(httpx.URL(self.base).path)
        self.asked.append(path)
        self.sent.append(request)
        if path == "/multiget" and path not in self.answers:
            found = self._multiget(request)
        else:
            found = self._answer(path, request)
        headers = {"date": format_datetime(self.date, usegmt=True)} if self.date else {}
        return httpx.Response(found.status, content=found.body, headers=headers)

    def _answer(self, path: str, request: httpx.Request) -> CannedResponse:
        given = self.answers.get(path, self.answers.get(path.partition("?")[0], CannedResponse(status=404)))
        found = given(request) if callable(given) else given
        if isinstance(found, CannedResponse):
            return found
        return CannedResponse(found if isinstance(found, bytes) else encoded(found))

    def _multiget(self, request: httpx.Request) -> CannedResponse:
        prefix = httpx.URL(self.base).path
        paths = [path.removeprefix(prefix) for path in json.loads(request.content)["request"]]
        rows = [self._row(self._answer(path, request)) for path in paths]
        return CannedResponse(b'{"response":[' + b",".join(rows) + b"]}")

    def _row(self, inner: CannedResponse) -> bytes:
        body = inner.body if inner.status == 200 else b"null"
        return b'{"location":"","response_code":%d,"headers":[],"body":%b}' % (inner.status, body)

    @property
    def kinds(self) -> list[str]:
        """Return the last part of each requested path, sorted."""
        return sorted(path.partition("?")[0].rpartition("/")[2] for path in self.asked)


@dataclass
class Tally:
    """Count what is spent of a call budget that never waits."""

    spent: list[int] = field(default_factory=list)

    async def acquire(self, cost: int = 1, until: datetime | None = None) -> None:
        self.spent.append(cost)

    async def pause(self, seconds: float) -> None: ...

    async def report(self, ok: bool) -> None: ...


@asynccontextmanager
async def open_source(
    transport: httpx.AsyncBaseTransport,
    base: str,
    key: tuple[str, str] = ("key", "secret"),
    *,
    run_as: str | None = None,
    budget: Tally | None = None,
    clock: Callable[[], datetime] = lambda: NOW,
    attempts: int = 2,
    **options: Any,
) -> AsyncIterator[SchoologySource]:
    """Open a source over a transport; `options` are those of `SchoologySource`."""
    async with transport:
        upstream = Upstream(
            "schoology",
            base,
            OAuth1(*key, run_as=run_as),
            transport,
            budget or Tally(),
            until=clock() + timedelta(minutes=1),
            dialect=SchoologyDialect(),
            backoff=Backoff(attempts=attempts, initial=0, longest=0, jitter=0),
            clock=clock,
        )
        yield SchoologySource(upstream, **options)


def canned_source(
    schoology: CannedSchoology, transport: httpx.AsyncBaseTransport | None = None, **options: Any
) -> AbstractAsyncContextManager[SchoologySource]:
    """Open a source that reads the canned responses."""
    return open_source(transport or httpx.MockTransport(schoology), schoology.base, **options)


async def read(schoology: CannedSchoology, since: datetime | None = None, **options: Any) -> Gradebook:
    """Return the section as a source reads it from canned responses."""
    async with canned_source(schoology, **options) as source:
        return await source.read(SECTION, since)


def by_id(rows: Iterable[Assignment]) -> dict[str, Assignment]:
    return {row.id: row for row in rows}
