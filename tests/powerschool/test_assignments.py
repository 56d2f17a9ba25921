"""Assignments and categories of PowerTeacher Pro: listed, asked for, created, changed."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from gradesync.core.reasons import Reason
from gradesync.core.sis import LiveAssignment, Ref, SisSection
from gradesync.errors import AnswerLost, Rejected, Retriable, SyncStopped
from gradesync.powerschool.target import CAPABILITIES
from gradesync_sandbox.faults import Body, LoseAfter, RefuseBefore, Status
from powerschool_room import Classroom

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
    """The entry above with some fields of its section changed; None takes a field out."""
    part = {**ENTRY["_assignmentsections"][0], **change}
    kept = {name: value for name, value in part.items() if value is not None}
    return {**ENTRY, "_assignmentsections": [kept], **(top or {})}


async def listed(room: Classroom, section: SisSection, *entries: object) -> tuple[LiveAssignment, ...]:
    room.order("assignment.list", Body(json.dumps(entries)))
    return await room.target().assignments(section)


async def test_categories_come_with_ids_titles_and_whether_they_are_active(room: Classroom) -> None:
    room.sis.add_category(room.teacher, "Old", active=False)
    found = await room.target().categories(await room.resolved())
    assert [(c.title, c.active) for c in found] == [("Homework", True), ("Old", False)]
    assert found[0].ref == Ref(str(room.category.teachercategoryid))


async def test_a_broken_category_fails_alone(room: Classroom) -> None:
    section = await room.resolved()
    broken = [None, 7, {}, {"teachercategoryid": "x", "name": "A"}, {"teachercategoryid": 3, "name": None}]
    room.order("teacher_category", Body(json.dumps([*broken, {"teachercategoryid": 4, "name": "B"}])))
    (only,) = await room.target().categories(section)
    assert (only.ref.key, only.title) == ("4", "B")


async def test_an_assignment_is_created_once_and_listed_as_it_was_sent(room: Classroom) -> None:
    section, spec = await room.resolved(), room.spec(points=Decimal("12.5"), counts=False)
    made = await room.target().create_assignment(section, spec)
    (live,) = await room.target().assignments(section)
    assert live.ref == made.ref
    assert (live.spec, live.name, live.due) == (spec, spec.name, spec.due)
    assert (live.ours, live.shared, live.locked) == (True, False, False)
    assert room.kinds() == ["assignment.create", "assignment.list"]


@pytest.mark.parametrize("header", [True, False])
async def test_a_create_tells_both_ids_where_the_header_is_sent_else_the_list_completes_it(
    room: Classroom, header: bool
) -> None:
    room.sis.switches.assignment_section_ids_header = header
    section = await room.resolved()
    made = await room.target().create_assignment(section, room.spec())
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
    made = await room.target().create_assignment(section, room.spec())
    assert (made.ref.key if made.ref else None) == key
    assert made.ref is None or not room.target().is_complete(made.ref)


async def test_the_body_of_a_create_is_the_smallest_proven_one_with_exact_numbers(room: Classroom) -> None:
    section = await room.resolved()
    sent: list[bytes] = []
    room.client.event_hooks["request"] = [lambda request: _keep(sent, request)]
    await room.target().create_assignment(section, room.spec(points=Decimal("0.30")))
    room.client.event_hooks["request"] = []
    (body,) = [content for content in sent if content]
    (part,) = json.loads(body)["_assignmentsections"]
    assert b'"scoreentrypoints":0.3,"totalpointvalue":0.3,"weight":1,' in body
    assert "publishoption" not in part
    assert "description" not in part


async def _keep(sent: list[bytes], request: Any) -> None:
    if "section/assignment" in request.url.path:
        sent.append(request.content)


@pytest.mark.parametrize("effect", [LoseAfter(), Body("<html>log in</html>"), Status(503), Status(302)])
async def test_a_create_without_a_sound_answer_is_in_doubt_and_not_repeated(
    room: Classroom, effect: LoseAfter | Body | Status
) -> None:
    section = await room.resolved()
    room.order("assignment.create", effect)
    with pytest.raises(AnswerLost):
        await room.target().create_assignment(section, room.spec())
    assert len(room.sis.gradebook.assignments) <= 1
    assert len(room.faults.struck) == 1


async def test_a_create_that_never_reached_powerschool_is_sent_again(room: Classroom) -> None:
    section = await room.resolved()
    room.order("assignment.create", Status(429, "", {"retry-after": "0"}))
    made = await room.target().create_assignment(section, room.spec())
    assert made.ref is not None
    assert len(room.sis.gradebook.assignments) == 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"due": date(2027, 3, 1)}, Reason.DUE_DATE_OUTSIDE_TERM),
        ({"name": "x" * 51}, Reason.TITLE_NOT_ACCEPTED),
        ({"name": "Other", "points": Decimal(10_000)}, Reason.POINTS_NOT_ACCEPTED),
        ({"name": "Other", "category": Ref("1")}, Reason.ASSIGNMENT_NOT_ACCEPTED),
        ({}, Reason.DUPLICATE_NAME),
    ],
)
async def test_R29_R30_a_refused_create_says_why(
    room: Classroom, change: dict[str, object], reason: Reason
) -> None:
    section = await room.resolved()
    await room.made(section)
    with pytest.raises(Rejected) as rejected:
        await room.target().create_assignment(section, room.spec(**change))
    assert rejected.value.reason == reason
    assert len(room.sis.gradebook.assignments) == 1


async def test_R30_a_locked_term_says_so(room: Classroom) -> None:
    section = await room.resolved()
    room.sis.lock_term(room.term)
    with pytest.raises(Rejected) as rejected:
        await room.target().create_assignment(section, room.spec())
    assert rejected.value.reason == Reason.TERM_LOCKED


async def test_words_of_the_assignments_own_name_are_no_reason(room: Classroom) -> None:
    section = await room.resolved()
    body = '{"message":"Value of Locked term points is refused"}'
    room.order("assignment.create", Status(409, body))
    with pytest.raises(Rejected) as rejected:
        await room.target().create_assignment(section, room.spec(name="Locked term points"))
    assert rejected.value.reason == Reason.ASSIGNMENT_NOT_ACCEPTED


async def test_a_refused_create_tells_its_fields_and_nothing_that_it_says(room: Classroom) -> None:
    section = await room.resolved()
    error = {"code": "1", "field": "AssignmentSection.dueDate", "params": {"student": "Ada Lovelace"}}
    body = {"message": "Ada Lovelace [81001]: TeacherCategoryId is refused, says Duedate", "errors": [error]}
    room.order("assignment.create", Status(409, json.dumps(body)))
    with pytest.raises(Rejected) as rejected:
        await room.target().create_assignment(section, room.spec(name="Duedate"))
    assert rejected.value.detail == "PowerSchool answered 409 and named duedate, teachercategoryid"


async def test_R30_a_refused_field_is_named(room: Classroom) -> None:
    section = await room.resolved()
    room.sis.plugin.deny("assignment", "createdbyplugin")
    for call in (
        room.target().create_assignment(section, room.spec()),
        room.target().assignments(section),
    ):
        with pytest.raises(SyncStopped) as stopped:
            await call
        assert stopped.value.reason == Reason.SIS_PERMISSION_MISSING
        assert "ASSIGNMENT.CREATEDBYPLUGIN" in stopped.value.detail


async def test_R30_a_teacher_who_does_not_teach_the_section_is_told(room: Classroom) -> None:
    section = await room.resolved()
    room.sis.unassign_teacher(room.teacher, room.section)
    for call in (
        room.target().create_assignment(section, room.spec()),
        room.target().assignments(section),
    ):
        with pytest.raises(SyncStopped) as stopped:
            await call
        assert stopped.value.reason == Reason.TEACHER_NOT_IN_SIS_SECTION


async def test_an_endpoint_that_is_not_there_stops_the_sync(room: Classroom) -> None:
    section = await room.resolved()
    room.order("assignment.create", Status(404))
    with pytest.raises(SyncStopped):
        await room.target().create_assignment(section, room.spec())


async def test_an_empty_list_is_a_list(room: Classroom) -> None:
    assert await room.target().assignments(await room.resolved()) == ()


@pytest.mark.parametrize(
    "answer", ["", "<html>", '{"message":"sorry"}', '"text"', "[1", "[" * 100_000, "[NaN]", "null"]
)
async def test_a_list_that_is_none_is_unreadable(room: Classroom, answer: str) -> None:
    section = await room.resolved()
    room.order("assignment.list", Body(answer))
    with pytest.raises(SyncStopped) as stopped:
        await room.target().assignments(section)
    assert stopped.value.reason == Reason.SIS_UNREADABLE
    assert not answer or answer not in stopped.value.detail


@pytest.mark.parametrize(
    ("change", "due"),
    [
        ({"scoreentrypoints": None}, "2026-09-28"),
        ({"scoreentrypoints": "12"}, "2026-09-28"),
        ({"scoreentrypoints": True}, "2026-09-28"),
        ({"duedate": "soon"}, None),
        ({"duedate": 20260928}, None),
        ({"_assignmentcategoryassociations": []}, "2026-09-28"),
        ({"_assignmentcategoryassociations": "x"}, "2026-09-28"),
        ({"_assignmentcategoryassociations": [{"isprimary": True}]}, "2026-09-28"),
    ],
)
async def test_a_field_that_makes_no_sense_costs_only_its_assignment(
    room: Classroom, change: dict[str, Any], due: str | None
) -> None:
    section = await room.resolved()
    broken, fine = await listed(room, section, entry(change), entry({}, top={"assignmentid": 9}))
    assert (broken.ref.key, broken.name, broken.spec) == ("1", "Essay", None)
    assert (broken.due.isoformat() if broken.due else None) == due
    assert fine.spec is not None


@pytest.mark.parametrize(
    "strange",
    [None, 3, {}, {"assignmentid": 1}, entry({"sectionsdcid": 1}), entry({"assignmentsectionid": None})],
)
async def test_what_is_no_assignment_of_the_section_is_left_out(room: Classroom, strange: object) -> None:
    assert await listed(room, await room.resolved(), strange) == ()


async def test_a_due_date_with_a_time_and_points_with_zeros_are_read(room: Classroom) -> None:
    section = await room.resolved()
    (live,) = await listed(room, section, entry({"duedate": "2026-09-28T00:00:00", "name": 5}))
    assert live.due == date(2026, 9, 28)
    (live,) = await listed(room, section, entry({"scoreentrypoints": 120.0, "islocked": True}))
    assert live.spec is not None
    assert str(live.spec.points) == "120"
    assert live.spec.counts
    assert live.locked


async def test_without_an_association_marked_primary_the_only_one_counts(room: Classroom) -> None:
    section = await room.resolved()
    one, two = [{"teachercategoryid": 5}], [{"teachercategoryid": 5}, {"teachercategoryid": 6}]
    (live,) = await listed(room, section, entry({"_assignmentcategoryassociations": one}))
    assert live.spec is not None
    assert live.spec.category.key == "5"
    (live,) = await listed(room, section, entry({"_assignmentcategoryassociations": two}))
    assert live.spec is None


async def test_the_plugins_number_is_asked_once_and_tells_our_assignments(room: Classroom) -> None:
    section = await room.resolved()
    ours, theirs = entry({}), entry({}, top={"assignmentid": 9, "createdbyplugin": "745"})
    assert [live.ours for live in await listed(room, section, ours, theirs)] == [True, False]
    assert room.connection.memory.plugin_id == "744"
    assert room.kinds() == ["assignment.list"]
    room.connection = room.connect(plugin_id="745")
    assert [live.ours for live in await listed(room, section, ours, theirs)] == [False, True]
    assert "v1.metadata" not in room.kinds()


@pytest.mark.parametrize("effect", [Status(404), Body("<html>"), Body("[]"), Body('{"metadata":{}}')])
async def test_without_metadata_nothing_is_taken_for_ours(room: Classroom, effect: Status | Body) -> None:
    section = await room.resolved()
    room.connection = room.connect()
    room.order("v1.metadata", effect, times=None)
    for _ in range(2):
        assert [live.ours for live in await listed(room, section, entry({}))] == [False]
    assert [struck.kind for struck in room.faults.struck].count("v1.metadata") == 1


async def test_metadata_that_fails_for_now_is_asked_again_later(room: Classroom) -> None:
    section = await room.resolved()
    room.connection = room.connect()
    room.order("v1.metadata", Status(503), times=3)
    assert [live.ours for live in await listed(room, section, entry({}))] == [False]
    assert [live.ours for live in await listed(room, section, entry({}))] == [True]


async def test_an_assignment_is_found_by_id_though_lists_leave_it_out(room: Classroom) -> None:
    section = await room.resolved()
    live = await room.made(section)
    room.sis.gradebook.hide_from_lists(room.sis.gradebook.assignments[int(live.ref.key)])
    assert await room.target().assignments(section) == ()
    assert await room.target().assignment(section, live.ref) == live


@pytest.mark.parametrize("status", [404, 500])
async def test_R20_a_deleted_assignment_is_known_to_be_deleted(room: Classroom, status: int) -> None:
    room.sis.switches.gone_status = status  # type: ignore[assignment]  # one of the two
    section = await room.resolved()
    live = await room.made(section)
    room.sis.gradebook.delete_assignment(int(live.ref.key))
    assert await room.target().assignment(section, live.ref) is None
    assert room.kinds() == ["assignment.get"]
    with pytest.raises(Rejected) as rejected:
        await room.target().update_assignment(section, live.ref, room.spec(), rescore=False)
    assert rejected.value.reason == Reason.ASSIGNMENT_GONE


async def test_R20_an_assignment_that_left_the_section_is_gone_for_us(room: Classroom) -> None:
    section = await room.resolved()
    live = await room.made(section)
    room.order("assignment.get", Body(json.dumps(entry({"sectionsdcid": 1}))), times=2)
    assert await room.target().assignment(section, live.ref) is None
    with pytest.raises(Rejected) as rejected:
        await room.target().update_assignment(section, live.ref, room.spec(), rescore=False)
    assert rejected.value.reason == Reason.ASSIGNMENT_GONE


@pytest.mark.parametrize(
    "effect",
    [Status(403), Status(400), Status(404, "<html>"), Body("<html>"), Body("[]"), Body("{}"), Body("[1,2]")],
)
async def test_R20_an_answer_that_proves_nothing_is_unreadable(
    room: Classroom, effect: Status | Body
) -> None:
    section = await room.resolved()
    live = await room.made(section)
    room.order("assignment.get", effect)
    with pytest.raises(SyncStopped) as stopped:
        await room.target().assignment(section, live.ref)
    assert stopped.value.reason in (Reason.SIS_UNREADABLE, Reason.SIS_PERMISSION_MISSING)


async def test_an_array_of_one_is_an_assignment(room: Classroom) -> None:
    section = await room.resolved()
    room.order("assignment.get", Body(json.dumps([ENTRY])))
    live = await room.target().assignment(section, Ref("1"))
    assert live is not None
    assert live.ref.value == {"assignmentid": "1", "assignmentsectionid": "2"}


async def test_an_update_changes_what_we_own_and_leaves_the_rest_as_it_came(room: Classroom) -> None:
    section = await room.resolved()
    live = await room.made(section)
    (part,) = room.sis.gradebook.assignments[int(live.ref.key)].sections
    part.description, part.publishoption, part.weight = "<p>By hand</p>", "Never", Decimal("1.50")
    part.extracreditpoints = Decimal("0.125000")
    other = room.sis.add_category(room.teacher, "Tests")
    spec = room.spec(
        name="Unit 3",
        points=Decimal(8),
        due=date(2026, 10, 1),
        category=Ref(str(other.teachercategoryid)),
        counts=False,
    )
    await room.target().update_assignment(section, live.ref, spec, rescore=True)
    (after,) = await room.target().assignments(section)
    assert after.ref.value == live.ref.value
    assert after.spec == spec
    (part,) = room.sis.gradebook.assignments[int(live.ref.key)].sections
    assert (part.description, part.publishoption) == ("<p>By hand</p>", "Never")
    assert (part.weight, part.totalpointvalue) == (Decimal("1.5"), Decimal(12))
    assert part.extracreditpoints == Decimal("0.125")
    assert room.kinds() == ["assignment.get", "assignment.update", "assignment.list"]


@pytest.mark.parametrize("status", [200, 201, 204])
async def test_any_2xx_ends_an_update(room: Classroom, status: int) -> None:
    room.sis.switches.update_status = status  # type: ignore[assignment]  # one of the three
    section = await room.resolved()
    live = await room.made(section)
    await room.target().update_assignment(section, live.ref, room.spec(name="New"), rescore=False)
    (after,) = await room.target().assignments(section)
    assert after.name == "New"


async def test_R18_an_update_that_would_change_nothing_is_not_written(room: Classroom) -> None:
    section = await room.resolved()
    live = await room.made(section)
    await room.target().update_assignment(section, live.ref, room.spec(), rescore=True)
    assert room.kinds() == ["assignment.get"]


async def test_update_scores_is_true_only_for_a_rescore(room: Classroom) -> None:
    section = await room.resolved()
    live = await room.made(section)
    await room.target().write_scores(section, [room.row(live, room.students[0], Decimal(9))])
    for spec, rescore, query in (
        (room.spec(name="A"), False, ""),
        (room.spec(points=Decimal(20)), True, "update_scores=true"),
        (room.spec(points=Decimal(30)), False, "update_scores=false"),
    ):
        room.sis.log.clear()
        await room.target().update_assignment(section, live.ref, spec, rescore=rescore)
        (put,) = room.sis.log.of("assignment.update")
        assert query in put.query
        assert query or "update_scores" not in put.query


async def test_an_assignment_of_several_sections_is_not_edited(room: Classroom) -> None:
    section = await room.resolved()
    sibling = room.sis.add_section(room.school, room.term, room.teacher)
    room.sis.gradebook.add_assignment([room.section, sibling], "Shared", room.category, due=date(2026, 9, 9))
    (live,) = await room.target().assignments(section)
    assert live.shared
    with pytest.raises(Rejected) as rejected:
        await room.target().update_assignment(section, live.ref, room.spec(), rescore=False)
    assert rejected.value.reason == Reason.SIS_ASSIGNMENT_SHARED
    assert "assignment.update" not in room.kinds()


@pytest.mark.parametrize(
    ("effect", "reason"),
    [
        (Status(409, '{"message":"Locked Term"}'), Reason.TERM_LOCKED),
        (Status(400, "{}"), Reason.ASSIGNMENT_NOT_ACCEPTED),
        (
            Status(403, '{"message":"User does not teach section 1 with EDIT"}'),
            Reason.TEACHER_NOT_IN_SIS_SECTION,
        ),
        (Status(404, ""), Reason.ASSIGNMENT_GONE),
        (Status(500, '{"message":"Unable to find Assignment with id 1"}'), Reason.ASSIGNMENT_GONE),
    ],
)
async def test_R30_a_refused_update_says_why(room: Classroom, effect: Status, reason: Reason) -> None:
    section = await room.resolved()
    live = await room.made(section)
    room.order("assignment.update", effect)
    with pytest.raises(Rejected) as rejected:
        await room.target().update_assignment(section, live.ref, room.spec(name="B"), rescore=False)
    assert rejected.value.reason == reason


async def test_an_unreadable_object_concerns_its_own_update_alone(room: Classroom) -> None:
    section = await room.resolved()
    live = await room.made(section)
    weights = json.dumps(entry({"weight": "heavy"}))
    for effect in (Body("<html>"), Body(weights)):
        room.order("assignment.get", effect)
        with pytest.raises(Rejected) as rejected:
            await room.target().update_assignment(
                section, live.ref, room.spec(points=Decimal(5)), rescore=False
            )
        assert rejected.value.reason == Reason.SIS_UNREADABLE


@pytest.mark.parametrize("effect", [Body("<html>"), Body("{"), LoseAfter()])
async def test_an_update_that_nobody_confirms_is_in_doubt(room: Classroom, effect: Body | LoseAfter) -> None:
    section = await room.resolved()
    live = await room.made(section)
    room.order("assignment.update", effect, times=None)
    with pytest.raises(AnswerLost):
        await room.target().update_assignment(section, live.ref, room.spec(name="B"), rescore=False)
    assert len(room.faults.struck) == 1


async def test_a_category_that_is_there_already_becomes_the_primary_one(room: Classroom) -> None:
    section = await room.resolved()
    live = await room.made(section)
    extra = room.sis.add_category(room.teacher, "Extra")
    (part,) = room.sis.gradebook.assignments[int(live.ref.key)].sections
    part.categories.append(
        replace(part.categories[0], teachercategoryid=extra.teachercategoryid, isprimary=False)
    )
    spec = room.spec(category=Ref(str(extra.teachercategoryid)))
    await room.target().update_assignment(section, live.ref, spec, rescore=False)
    (part,) = room.sis.gradebook.assignments[int(live.ref.key)].sections
    assert [(c.teachercategoryid, c.isprimary) for c in part.categories] == [
        (room.category.teachercategoryid, False),
        (extra.teachercategoryid, True),
    ]


async def test_an_assignment_without_category_gets_one(room: Classroom) -> None:
    section = await room.resolved()
    live = await room.made(section)
    (part,) = room.sis.gradebook.assignments[int(live.ref.key)].sections
    part.categories.clear()
    await room.target().update_assignment(section, live.ref, room.spec(), rescore=False)
    (after,) = await room.target().assignments(section)
    assert after.spec == room.spec()


async def test_powerschool_that_is_away_is_asked_again_and_then_given_up(room: Classroom) -> None:
    section = await room.resolved()
    room.order("assignment.list", RefuseBefore(), times=2)
    assert await room.target().assignments(section) == ()
    room.order("assignment.list", Status(503), times=None)
    with pytest.raises(Retriable):
        await room.target().assignments(section)


def test_the_capabilities_are_powerschools_columns() -> None:
    assert (CAPABILITIES.name_max, CAPABILITIES.score_places) == (50, 6)
    assert CAPABILITIES.points_max == 9999
    assert CAPABILITIES.score_max == Decimal("999999999999.999999")


@pytest.mark.parametrize("status", [400, 404, 405])
async def test_a_list_that_is_refused_is_unreadable(room: Classroom, status: int) -> None:
    section = await room.resolved()
    room.order("assignment.list", Status(status, "{}"))
    with pytest.raises(SyncStopped) as stopped:
        await room.target().assignments(section)
    assert stopped.value.reason == Reason.SIS_UNREADABLE


async def test_R30_a_field_refused_when_asking_for_one_is_named(room: Classroom) -> None:
    section = await room.resolved()
    live = await room.made(section)
    room.sis.plugin.deny("assignmentsection", "name")
    for call in (
        room.target().assignment(section, live.ref),
        room.target().update_assignment(section, live.ref, room.spec(name="B"), rescore=False),
    ):
        with pytest.raises(SyncStopped) as stopped:
            await call
        assert stopped.value.reason == Reason.SIS_PERMISSION_MISSING
        assert "ASSIGNMENTSECTION.NAME" in stopped.value.detail


async def test_points_that_are_missing_in_the_sis_are_written(room: Classroom) -> None:
    section = await room.resolved()
    live = await room.made(section)
    object_ = entry({"scoreentrypoints": None, "sectionsdcid": room.section.dcid})
    part = object_["_assignmentsections"][0]
    part["assignmentsectionid"] = int(str(live.ref.value["assignmentsectionid"]))
    part["_assignmentcategoryassociations"][0]["teachercategoryid"] = room.category.teachercategoryid
    object_["assignmentid"] = int(live.ref.key)
    room.order("assignment.get", Body(json.dumps(object_)))
    await room.target().update_assignment(section, live.ref, room.spec(points=Decimal(7)), rescore=True)
    (after,) = await room.target().assignments(section)
    assert after.spec == room.spec(points=Decimal(7))
