"""Test changing assignments in PowerTeacher Pro: only our fields, and only when they differ."""

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from gradesync.core.reasons import Reason
from gradesync.core.sis import Ref
from gradesync.errors import AccessRefused, AnswerLost
from gradesync_sandbox.faults import Body, LoseAfter, Status
from harness.errors import expect_rejection
from harness.powerschool_target import Classroom, entry


async def test_an_update_changes_only_the_fields_that_we_own(room: Classroom) -> None:
    section, live = await room.one()
    (part,) = room.sis.gradebook.assignments[int(live.ref.key)].sections
    part.description, part.publishoption, part.weight = "<p>By hand</p>", "Never", Decimal("1.50")
    part.extracreditpoints = Decimal("0.125000")
    tests = room.sis.add_category(room.teacher, "Tests")
    spec = room.spec(
        name="Unit 3",
        points=Decimal(8),
        due=date(2026, 10, 1),
        category=Ref(str(tests.teachercategoryid)),
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
    section, live = await room.one()
    await room.target().update_assignment(section, live.ref, room.spec(name="New"), rescore=False)
    (after,) = await room.target().assignments(section)
    assert after.name == "New"


async def test_R18_an_update_that_would_change_nothing_is_not_written(room: Classroom) -> None:
    section, live = await room.one()
    await room.target().update_assignment(section, live.ref, room.spec(), rescore=True)
    assert room.kinds() == ["assignment.get"]


async def test_update_scores_is_true_only_for_a_rescore(room: Classroom) -> None:
    section, live = await room.one()
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
    with expect_rejection(Reason.SIS_ASSIGNMENT_SHARED):
        await room.target().update_assignment(section, live.ref, room.spec(), rescore=False)
    assert "assignment.update" not in room.kinds()


@pytest.mark.parametrize(
    ("effect", "reason"),
    [
        (Status(409, '{"message":"Locked Term"}'), Reason.TERM_LOCKED),
        (Status(400, "{}"), Reason.ASSIGNMENT_NOT_ACCEPTED),
        (Status(404, ""), Reason.ASSIGNMENT_GONE),
    ],
)
async def test_R30_a_refused_update_has_a_reason(room: Classroom, effect: Status, reason: Reason) -> None:
    section, live = await room.one()
    room.order("assignment.update", effect)
    with expect_rejection(reason):
        await room.target().update_assignment(section, live.ref, room.spec(name="B"), rescore=False)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("User does not teach section 1 with EDIT", Reason.TEACHER_NOT_IN_SIS_SECTION),
        ("no", Reason.SIS_PERMISSION_MISSING),
    ],
)
async def test_R42_a_denied_update_may_concern_the_teacher(
    room: Classroom, text: str, reason: Reason
) -> None:
    section, live = await room.one()
    room.order("assignment.update", Status(403, json.dumps({"message": text})))
    with pytest.raises(AccessRefused) as refused:
        await room.target().update_assignment(section, live.ref, room.spec(name="B"), rescore=False)
    assert refused.value.reason == reason


async def test_an_unreadable_object_concerns_its_own_update_alone(room: Classroom) -> None:
    section, live = await room.one()
    weights = json.dumps(entry({"weight": "heavy"}))
    for effect in (Body("<html>"), Body(weights)):
        room.order("assignment.get", effect)
        with expect_rejection(Reason.SIS_UNREADABLE):
            await room.target().update_assignment(
                section, live.ref, room.spec(points=Decimal(5)), rescore=False
            )


@pytest.mark.parametrize("effect", [Body("<html>"), Body("{"), LoseAfter(), Status(500)])
async def test_an_unconfirmed_update_is_in_doubt(room: Classroom, effect: Body | LoseAfter | Status) -> None:
    section, live = await room.one()
    room.order("assignment.update", effect, times=None)
    with pytest.raises(AnswerLost):
        await room.target().update_assignment(section, live.ref, room.spec(name="B"), rescore=False)
    assert len(room.faults.struck) == 1


async def test_an_associated_category_becomes_the_primary_one(room: Classroom) -> None:
    section, live = await room.one()
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
    section, live = await room.one()
    (part,) = room.sis.gradebook.assignments[int(live.ref.key)].sections
    part.categories.clear()
    await room.target().update_assignment(section, live.ref, room.spec(), rescore=False)
    (after,) = await room.target().assignments(section)
    assert after.spec == room.spec()


async def test_points_that_are_missing_in_the_sis_are_written(room: Classroom) -> None:
    section, live = await room.one()
    object_ = entry({"scoreentrypoints": None, "sectionsdcid": room.section.dcid})
    part = object_["_assignmentsections"][0]
    part["assignmentsectionid"] = int(str(live.ref.value["assignmentsectionid"]))
    part["_assignmentcategoryassociations"][0]["teachercategoryid"] = room.category.teachercategoryid
    object_["assignmentid"] = int(live.ref.key)
    room.order("assignment.get", Body(json.dumps(object_)))
    await room.target().update_assignment(section, live.ref, room.spec(points=Decimal(7)), rescore=True)
    (after,) = await room.target().assignments(section)
    assert after.spec == room.spec(points=Decimal(7))
