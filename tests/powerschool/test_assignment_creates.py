"""Test creating assignments in PowerTeacher Pro: sent once, refused for a reason, in doubt."""

import json
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

import httpx
import pytest

from gradesync.core.reasons import Reason
from gradesync.core.sis import Ref
from gradesync.errors import AnswerLost, Rejected
from gradesync.powerschool.target import CAPABILITIES
from gradesync_sandbox.faults import Body, LoseAfter, Status
from harness.errors import expect_rejection, expect_stop
from harness.powerschool_target import Classroom


async def test_a_created_assignment_is_listed_as_it_was_sent(room: Classroom) -> None:
    section, spec = await room.resolved(), room.spec(points=Decimal("12.5"), counts=False)
    made = await room.target().create_assignment(section, spec, "a1")
    (live,) = await room.target().assignments(section)
    assert live.ref == made.ref
    assert (live.spec, live.name, live.due) == (spec, spec.name, spec.due)
    assert (live.ours, live.shared, live.locked) == (True, False, False)
    assert room.kinds() == ["assignment.create", "assignment.list"]


@pytest.mark.parametrize("header", [True, False])
async def test_created_ids_come_from_the_header_or_the_list(room: Classroom, header: bool) -> None:
    room.sis.switches.assignment_section_ids_header = header
    section = await room.resolved()
    made = await room.target().create_assignment(section, room.spec(), "a1")
    (live,) = await room.target().assignments(section)
    assert made.ref is not None
    assert room.target().is_complete(made.ref) is header
    assert room.target().is_complete(live.ref)
    assert made.ref.key == live.ref.key
    if header:
        assert made.ref.value == live.ref.value


@pytest.mark.parametrize(
    ("headers", "key"),
    [
        ({"location": "https://sis.example/ws/xte/section/assignment/55/?x=1"}, "55"),
        ({"location": "/ws/xte/section/assignment/55", "assignmentsectionids": "[1,2]"}, "55"),
        ({"location": "nonsense"}, None),
        ({}, None),
    ],
)
async def test_ids_of_a_create_are_read_with_care(
    room: Classroom, headers: dict[str, str], key: str | None
) -> None:
    section = await room.resolved()
    room.order("assignment.create", Status(201, "", headers))
    made = await room.target().create_assignment(section, room.spec(), "a1")
    assert (made.ref.key if made.ref else None) == key
    assert made.ref is None or not room.target().is_complete(made.ref)


async def test_the_create_body_is_minimal_with_exact_numbers(room: Classroom) -> None:
    section = await room.resolved()
    keeping = KeepingTransport(room.client.transport)
    room.connection = replace(room.connection, transport=keeping)
    await room.target().create_assignment(section, room.spec(points=Decimal("0.30")), "a1")
    (body,) = [content for content in keeping.sent if content]
    (part,) = json.loads(body)["_assignmentsections"]
    assert b'"scoreentrypoints":0.3,"totalpointvalue":0.3,"weight":1,' in body
    assert "publishoption" not in part
    assert "description" not in part


@dataclass
class KeepingTransport(httpx.AsyncBaseTransport):
    """Forward calls, and keep the bodies of those for assignments."""

    inner: httpx.AsyncBaseTransport
    sent: list[bytes] = field(default_factory=list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if "section/assignment" in request.url.path:
            self.sent.append(request.content)
        return await self.inner.handle_async_request(request)


@pytest.mark.parametrize("effect", [LoseAfter(), Body("<html>log in</html>"), Status(503), Status(302)])
async def test_a_create_without_a_sound_response_is_in_doubt(
    room: Classroom, effect: LoseAfter | Body | Status
) -> None:
    section = await room.resolved()
    room.order("assignment.create", effect)
    with pytest.raises(AnswerLost):
        await room.target().create_assignment(section, room.spec(), "a1")
    assert len(room.sis.gradebook.assignments) <= 1
    assert len(room.faults.struck) == 1


async def test_a_create_that_never_reached_powerschool_is_sent_again(room: Classroom) -> None:
    section = await room.resolved()
    room.order("assignment.create", Status(429, "", {"retry-after": "0"}))
    made = await room.target().create_assignment(section, room.spec(), "a1")
    assert made.ref is not None
    assert len(room.sis.gradebook.assignments) == 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"due": date(2027, 3, 1)}, Reason.DUE_DATE_OUTSIDE_TERM),
        ({"name": "x" * (CAPABILITIES.name_max + 1)}, Reason.TITLE_NOT_ACCEPTED),
        ({"name": "Other", "points": CAPABILITIES.points_max + 1}, Reason.POINTS_NOT_ACCEPTED),
        ({"name": "Other", "category": Ref("1")}, Reason.ASSIGNMENT_NOT_ACCEPTED),
        ({}, Reason.DUPLICATE_NAME),
    ],
)
async def test_R29_R30_a_refused_create_has_a_reason(
    room: Classroom, change: dict[str, object], reason: Reason
) -> None:
    section = await room.resolved()
    await room.made(section)
    with expect_rejection(reason):
        await room.target().create_assignment(section, room.spec(**change), "a1")
    assert len(room.sis.gradebook.assignments) == 1


async def test_R30_a_locked_term_is_reported(room: Classroom) -> None:
    section = await room.resolved()
    room.sis.lock_term(room.term)
    with expect_rejection(Reason.TERM_LOCKED):
        await room.target().create_assignment(section, room.spec(), "a1")


async def test_words_of_the_own_name_are_no_reason(room: Classroom) -> None:
    section = await room.resolved()
    body = '{"message":"Value of Locked term points is refused"}'
    room.order("assignment.create", Status(409, body))
    with expect_rejection(Reason.ASSIGNMENT_NOT_ACCEPTED):
        await room.target().create_assignment(section, room.spec(name="Locked term points"), "a1")


async def test_a_refused_create_shows_only_its_columns(room: Classroom) -> None:
    section = await room.resolved()
    error = {"code": "1", "field": "AssignmentSection.dueDate", "params": {"student": "Ada Lovelace"}}
    body = {"message": "Ada Lovelace [81001]: TeacherCategoryId is refused, see Duedate", "errors": [error]}
    room.order("assignment.create", Status(409, json.dumps(body)))
    with pytest.raises(Rejected) as rejected:
        await room.target().create_assignment(section, room.spec(name="Duedate"), "a1")
    assert rejected.value.detail == "PowerSchool answered 409 and named duedate, teachercategoryid"


async def test_R30_a_refused_field_is_named(room: Classroom) -> None:
    section = await room.resolved()
    room.sis.plugin.deny("assignment", "createdbyplugin")
    for call in (
        room.target().create_assignment(section, room.spec(), "a1"),
        room.target().assignments(section),
    ):
        with expect_stop(Reason.SIS_PERMISSION_MISSING, "ASSIGNMENT.CREATEDBYPLUGIN"):
            await call


async def test_R30_a_teacher_of_another_section_is_refused(room: Classroom) -> None:
    section = await room.resolved()
    room.sis.unassign_teacher(room.teacher, room.section)
    for call in (
        room.target().create_assignment(section, room.spec(), "a1"),
        room.target().assignments(section),
    ):
        with expect_stop(Reason.TEACHER_NOT_IN_SIS_SECTION):
            await call


async def test_a_missing_endpoint_stops_the_sync(room: Classroom) -> None:
    section = await room.resolved()
    room.order("assignment.create", Status(404))
    with expect_stop(Reason.UPSTREAM_ANSWER_UNEXPECTED):
        await room.target().create_assignment(section, room.spec(), "a1")


async def test_values_at_the_capability_limits_are_accepted(room: Classroom) -> None:
    section, longest = await room.resolved(), "x" * CAPABILITIES.name_max
    live = await room.made(section, room.spec(name=longest, points=CAPABILITIES.points_max))
    assert live.spec == room.spec(name=longest, points=CAPABILITIES.points_max)
    most = CAPABILITIES.score_max.quantize(Decimal(1).scaleb(-CAPABILITIES.score_decimals))
    await room.target().write_scores(section, [room.row(live, room.students[0], most)])
    assert room.cells(live) == {room.students[0].dcid: "999999999999.999999"}
