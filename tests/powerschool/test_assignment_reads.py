"""Test reading categories and assignments of PowerTeacher Pro, by list and by id."""

import json
from datetime import date
from typing import Any

import pytest

from gradesync.core.reasons import Reason
from gradesync.core.sis import Ref
from gradesync.errors import Retriable, SyncStopped
from gradesync_sandbox.faults import Body, RefuseBefore, Status
from harness.errors import expect_rejection, expect_stop
from harness.powerschool_target import ENTRY, Classroom, entry


async def test_categories_have_ids_titles_and_active_flags(room: Classroom) -> None:
    room.sis.add_category(room.teacher, "Old", active=False)
    categories = await room.target().categories(await room.resolved())
    assert [(c.title, c.active) for c in categories] == [("Homework", True), ("Old", False)]
    assert categories[0].ref == Ref(str(room.category.teachercategoryid))


async def test_a_broken_category_fails_alone(room: Classroom) -> None:
    section = await room.resolved()
    broken = [None, 7, {}, {"teachercategoryid": "x", "name": "A"}, {"teachercategoryid": 3, "name": None}]
    room.order("teacher_category", Body(json.dumps([*broken, {"teachercategoryid": 4, "name": "B"}])))
    (only,) = await room.target().categories(section)
    assert (only.ref.key, only.title) == ("4", "B")


async def test_an_empty_list_is_a_list(room: Classroom) -> None:
    assert await room.target().assignments(await room.resolved()) == ()


@pytest.mark.parametrize(
    "response", ["", "<html>", '{"message":"sorry"}', '"text"', "[1", "[" * 100_000, "[NaN]", "null"]
)
async def test_a_garbled_list_is_unreadable(room: Classroom, response: str) -> None:
    section = await room.resolved()
    room.order("assignment.list", Body(response))
    with expect_stop(Reason.SIS_UNREADABLE) as stopped:
        await room.target().assignments(section)
    assert not response or response not in stopped.value.detail


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
async def test_a_garbled_field_costs_only_its_assignment(
    room: Classroom, change: dict[str, Any], due: str | None
) -> None:
    section = await room.resolved()
    broken, fine = await room.listed(section, entry(change), entry({}, top={"assignmentid": 9}))
    assert (broken.ref.key, broken.name, broken.spec) == ("1", "Essay", None)
    assert (broken.due.isoformat() if broken.due else None) == due
    assert fine.spec is not None


@pytest.mark.parametrize(
    "strange",
    [None, 3, {}, {"assignmentid": 1}, entry({"sectionsdcid": 1}), entry({"assignmentsectionid": None})],
)
async def test_entries_of_other_sections_are_left_out(room: Classroom, strange: object) -> None:
    assert await room.listed(await room.resolved(), strange) == ()


async def test_a_due_date_with_a_time_and_points_with_zeros_are_read(room: Classroom) -> None:
    section = await room.resolved()
    (live,) = await room.listed(section, entry({"duedate": "2026-09-28T00:00:00", "name": 5}))
    assert live.due == date(2026, 9, 28)
    (live,) = await room.listed(section, entry({"scoreentrypoints": 120.0, "islocked": True}))
    assert live.spec is not None
    assert str(live.spec.points) == "120"
    assert live.spec.counts
    assert live.locked


async def test_the_only_association_is_the_primary_one(room: Classroom) -> None:
    section = await room.resolved()
    alone, several = [{"teachercategoryid": 5}], [{"teachercategoryid": 5}, {"teachercategoryid": 6}]
    (live,) = await room.listed(section, entry({"_assignmentcategoryassociations": alone}))
    assert live.spec is not None
    assert live.spec.category.key == "5"
    (live,) = await room.listed(section, entry({"_assignmentcategoryassociations": several}))
    assert live.spec is None


async def test_the_plugin_id_is_read_once_and_marks_our_assignments(room: Classroom) -> None:
    section = await room.resolved()
    ours, theirs = entry({}), entry({}, top={"assignmentid": 9, "createdbyplugin": "745"})
    assert [live.ours for live in await room.listed(section, ours, theirs)] == [True, False]
    assert room.connection.memory.plugin_id == "744"
    assert room.kinds() == ["assignment.list"]
    room.connection = room.connect(plugin_id="745")
    assert [live.ours for live in await room.listed(section, ours, theirs)] == [False, True]
    assert "v1.metadata" not in room.kinds()


@pytest.mark.parametrize("effect", [Status(404), Body("<html>"), Body("[]"), Body('{"metadata":{}}')])
async def test_without_metadata_nothing_is_taken_for_ours(room: Classroom, effect: Status | Body) -> None:
    section = await room.resolved()
    room.connection = room.connect()
    room.order("v1.metadata", effect, times=None)
    for _ in range(2):
        assert [live.ours for live in await room.listed(section, entry({}))] == [False]
    assert [struck.kind for struck in room.faults.struck].count("v1.metadata") == 1


async def test_metadata_that_failed_is_read_again_later(room: Classroom) -> None:
    section = await room.resolved()
    room.connection = room.connect()
    room.order("v1.metadata", Status(503), times=3)
    assert [live.ours for live in await room.listed(section, entry({}))] == [False]
    assert [live.ours for live in await room.listed(section, entry({}))] == [True]


async def test_an_assignment_is_found_by_id_without_the_list(room: Classroom) -> None:
    section, live = await room.one()
    room.sis.gradebook.hide_from_lists(room.sis.gradebook.assignments[int(live.ref.key)])
    assert await room.target().assignments(section) == ()
    assert await room.target().assignment(section, live.ref) == live


@pytest.mark.parametrize("status", [404, 500])
async def test_R20_a_deleted_assignment_is_recognized(room: Classroom, status: int) -> None:
    room.sis.switches.gone_status = status  # type: ignore[assignment]  # one of the two
    section, live = await room.one()
    room.sis.gradebook.delete_assignment(int(live.ref.key))
    assert await room.target().assignment(section, live.ref) is None
    looks = ["schema.assignmentsection"] if status == 500 else []
    assert room.kinds() == ["assignment.get", *looks]
    with expect_rejection(Reason.ASSIGNMENT_GONE):
        await room.target().update_assignment(section, live.ref, room.spec(), rescore=False)


async def test_R20_an_assignment_that_left_the_section_is_gone_for_us(room: Classroom) -> None:
    section, live = await room.one()
    room.order("assignment.get", Body(json.dumps(entry({"sectionsdcid": 1}))), times=2)
    assert await room.target().assignment(section, live.ref) is None
    with expect_rejection(Reason.ASSIGNMENT_GONE):
        await room.target().update_assignment(section, live.ref, room.spec(), rescore=False)


@pytest.mark.parametrize(
    "effect",
    [Status(403), Status(400), Status(404, "<html>"), Body("<html>"), Body("[]"), Body("{}"), Body("[1,2]")],
)
async def test_R20_an_unexpected_response_is_no_deletion(room: Classroom, effect: Status | Body) -> None:
    section, live = await room.one()
    room.order("assignment.get", effect)
    with pytest.raises(SyncStopped) as stopped:
        await room.target().assignment(section, live.ref)
    assert stopped.value.reason in (Reason.SIS_UNREADABLE, Reason.SIS_PERMISSION_MISSING)


async def test_R42_an_error_is_no_deletion_whatever_its_words(room: Classroom) -> None:
    section, live = await room.one()
    room.order("assignment.get", Status(500, '{"message":"Unable to find Assignment with id 1"}'))
    assert await room.target().assignment(section, live.ref) == live
    room.order("assignment.get", Status(500), times=None)
    with pytest.raises(Retriable):
        await room.target().assignment(section, live.ref)


async def test_R20_an_error_is_no_deletion_without_the_table(room: Classroom) -> None:
    section = await room.resolved()
    room.sis.plugin.deny("assignmentsection", "assignmentid")
    room.order("assignment.get", Status(500))
    with expect_stop(Reason.SIS_UNREADABLE):
        await room.target().assignment(section, Ref("1", {"assignmentid": "1"}))


async def test_an_array_of_one_is_an_assignment(room: Classroom) -> None:
    section = await room.resolved()
    room.order("assignment.get", Body(json.dumps([ENTRY])))
    live = await room.target().assignment(section, Ref("1"))
    assert live is not None
    assert live.ref.value == {"assignmentid": "1", "assignmentsectionid": "2"}


async def test_an_unreachable_powerschool_is_retried_and_given_up(room: Classroom) -> None:
    section = await room.resolved()
    room.order("assignment.list", RefuseBefore(), times=2)
    assert await room.target().assignments(section) == ()
    room.order("assignment.list", Status(503), times=None)
    with pytest.raises(Retriable):
        await room.target().assignments(section)


@pytest.mark.parametrize("status", [400, 404, 405])
async def test_a_list_that_is_refused_is_unreadable(room: Classroom, status: int) -> None:
    section = await room.resolved()
    room.order("assignment.list", Status(status, "{}"))
    with expect_stop(Reason.SIS_UNREADABLE):
        await room.target().assignments(section)


async def test_R30_a_field_refused_in_a_read_is_named(room: Classroom) -> None:
    section, live = await room.one()
    room.sis.plugin.deny("assignmentsection", "name")
    for call in (
        room.target().assignment(section, live.ref),
        room.target().update_assignment(section, live.ref, room.spec(name="B"), rescore=False),
    ):
        with expect_stop(Reason.SIS_PERMISSION_MISSING, "ASSIGNMENTSECTION.NAME"):
            await call
