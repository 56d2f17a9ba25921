"""Test sending scores to PowerTeacher Pro in batches, and their refusals."""

import json
from decimal import Decimal

import httpx
import pytest

from gradesync.core.ports import BatchResult, ScoreRow
from gradesync.core.reasons import Reason
from gradesync.core.sis import SisSection
from gradesync.errors import AnswerLost, Retriable
from gradesync_sandbox.faults import Body, LoseAfter, Status, Truncate
from harness.errors import expect_stop
from harness.powerschool_target import Classroom


async def refused(room: Classroom, section: SisSection, *rows: ScoreRow) -> BatchResult:
    response = await room.target().write_scores(section, rows)
    assert not response.accepted
    return response


async def test_R26_a_batch_spans_assignments_and_keeps_decimals_exact(room: Classroom) -> None:
    section, first, second = await room.two()
    ann, ben, _ = room.students
    rows = [
        room.row(first, ann, Decimal("9.50")),
        room.row(first, ben, Decimal(100)),
        room.row(second, ann, Decimal("0.000001")),
    ]
    assert await room.target().write_scores(section, rows) == BatchResult(accepted=True)
    assert room.cells(first) == {ann.dcid: "9.5", ben.dcid: "100"}
    assert room.cells(second) == {ann.dcid: "0.000001"}
    assert room.kinds() == ["score.write"]


async def test_R27_an_absent_student_is_named_and_nothing_is_written(room: Classroom) -> None:
    section, first, second = await room.two()
    ann, ben, cleo = room.students
    room.sis.drop(ben, room.section)
    rows = [room.row(first, ann, Decimal(1)), room.row(second, ben, Decimal(2)), room.row(first, cleo, None)]
    response = await refused(room, section, *rows)
    assert response.students == {str(ben.dcid)}
    assert response.pairs == {(second.ref.key, str(ben.dcid))}
    assert response.reason == Reason.STUDENT_NOT_IN_SIS_SECTION
    assert str(ben.dcid) not in response.detail
    assert room.cells(first) == {}


@pytest.mark.parametrize("which", ["all", "first"])
async def test_R27_one_or_all_absent_students_may_be_named(room: Classroom, which: str) -> None:
    room.sis.switches.bad_students = which  # type: ignore[assignment]
    section, live = await room.one()
    for student in room.students[1:]:
        room.sis.drop(student, room.section)
    response = await refused(room, section, *(room.row(live, s, Decimal(1)) for s in room.students))
    gone = [str(student.dcid) for student in room.students[1:]]
    assert response.students == frozenset(gone if which == "all" else gone[:1])


async def test_R27_students_named_in_the_text_alone_are_found(room: Classroom) -> None:
    section, live = await room.one()
    ann = room.students[0]
    text = f"Student.id [{ann.dcid}] does not have an AssignmentStudentAssociation"
    room.order("score.write", Status(409, json.dumps({"message": text})))
    assert (await refused(room, section, room.row(live, ann, None))).students == {str(ann.dcid)}


async def test_a_refused_value_is_not_taken_for_a_missing_student(room: Classroom) -> None:
    room.sis.switches.inferred.add("negative_score")
    section, live = await room.one()
    response = await refused(room, section, room.row(live, room.students[0], Decimal(-1)))
    assert (response.students, response.reason) == (frozenset(), Reason.SCORE_NOT_ACCEPTED)


async def test_R30_scores_into_a_locked_term_are_refused(room: Classroom) -> None:
    section, live = await room.one()
    room.sis.lock_term(room.term)
    response = await refused(room, section, room.row(live, room.students[0], Decimal(1)))
    assert response.reason == Reason.TERM_LOCKED


@pytest.mark.parametrize("status", [400, 409])
async def test_a_refusal_without_a_reason_stays_without_one(room: Classroom, status: int) -> None:
    section, live = await room.one()
    room.order("score.write", Status(status, "{}"))
    rows = [room.row(live, student, Decimal(1)) for student in room.students]
    response = await refused(room, section, *rows)
    assert (response.reason, response.too_large) == (None, status == 400)


async def test_too_many_rows_are_reported(room: Classroom) -> None:
    section, live = await room.one()
    room.sis.switches.batch_limit = 2
    rows = [room.row(live, student, Decimal(1)) for student in room.students]
    assert (await refused(room, section, *rows)).too_large
    assert (await room.target().write_scores(section, rows[:2])).accepted


async def test_a_single_row_is_never_too_large_by_a_400(room: Classroom) -> None:
    section, live = await room.one()
    room.order("score.write", Status(400, "{}"))
    assert not (await refused(room, section, room.row(live, room.students[0], None))).too_large


async def test_R20_a_deleted_assignment_is_named_among_others(room: Classroom) -> None:
    section, first, second = await room.two()
    room.sis.gradebook.delete_assignment(int(second.ref.key))
    rows = [room.row(live, room.students[0], Decimal(1)) for live in (first, second)]
    response = await refused(room, section, *rows)
    assert response.gone == {second.ref.key}
    assert room.kinds() == ["score.write"]


async def test_a_foreign_assignment_is_named_among_others(room: Classroom) -> None:
    section, first, second = await room.two()
    part = second.ref.value["assignmentsectionid"]
    text = f"User does not teach section of assignment section {part} with access EDIT"
    room.order("score.write", Status(403, json.dumps({"message": text})))
    rows = [room.row(live, room.students[0], Decimal(1)) for live in (first, second)]
    response = await refused(room, section, *rows)
    assert response.foreign == {second.ref.key}


async def test_R30_a_batch_of_another_teacher_is_refused(room: Classroom) -> None:
    section, first, second = await room.two()
    room.sis.unassign_teacher(room.teacher, room.section)
    rows = [room.row(live, room.students[0], Decimal(1)) for live in (first, second)]
    response = await refused(room, section, *rows)
    assert (response.foreign, response.reason) == (frozenset(), Reason.TEACHER_NOT_IN_SIS_SECTION)
    assert (await refused(room, section, rows[0])).foreign == {first.ref.key}


async def test_R30_a_refused_score_field_stops_the_sync_and_is_named(room: Classroom) -> None:
    section, live = await room.one()
    room.sis.plugin.deny("assignmentscore", "whocreated")
    with expect_stop(Reason.SIS_PERMISSION_MISSING, "ASSIGNMENTSCORE.WHOCREATED"):
        await room.target().write_scores(section, [room.row(live, room.students[0], Decimal(1))])


async def test_a_request_to_resubmit_is_followed_once(room: Classroom) -> None:
    section, live = await room.one()
    rows = [room.row(live, room.students[0], Decimal(1))]
    room.sis.switches.resubmit_next = 1
    assert (await room.target().write_scores(section, rows)).accepted
    room.sis.switches.resubmit_next = 2
    with pytest.raises(Retriable):
        await room.target().write_scores(section, rows)


@pytest.mark.parametrize(
    "effect",
    [
        LoseAfter(),
        Status(503),
        Status(500, '{"message":"oops"}'),
        Body("<html>log in</html>"),
        Body('{"errors":[]}'),
        Truncate(keep=12, honest=True),
    ],
)
async def test_an_unconfirmed_write_is_in_doubt_and_not_repeated(
    room: Classroom, effect: LoseAfter | Status | Body | Truncate
) -> None:
    section, live = await room.one()
    room.order("score.write", effect, times=None)
    with pytest.raises(AnswerLost):
        await room.target().write_scores(section, [room.row(live, room.students[0], Decimal(1))])
    assert len(room.faults.struck) == 1


@pytest.mark.parametrize("response", ["", "[]", '[{"studentsdcid":1}]', '{"assignment_scores":[]}'])
async def test_a_sound_response_may_be_empty_or_an_array(room: Classroom, response: str) -> None:
    section, live = await room.one()
    room.order("score.write", Body(response))
    assert (await room.target().write_scores(section, [room.row(live, room.students[0], None)])).accepted


@pytest.mark.parametrize(("status", "form"), [(429, "header"), (503, "text"), (403, "text"), (429, "text")])
async def test_throttling_is_recognized_in_every_form(room: Classroom, status: int, form: str) -> None:
    section, live = await room.one()
    wait = "Too many requests. Please wait for 0 seconds before the next request."
    headers = {"retry-after": "0"} if form == "header" else {}
    body = "" if form == "header" else json.dumps({"message": wait})
    room.order("score.write", Status(status, body, headers))
    room.order("assignment.create", Status(status, body, headers))
    assert (await room.target().write_scores(section, [room.row(live, room.students[0], None)])).accepted
    assert (await room.target().create_assignment(section, room.spec(name="Third"))).ref is not None


async def test_the_seconds_of_a_throttling_text_pause_the_budget(room: Classroom) -> None:
    section, live = await room.one()
    text = '{"message":"Too many requests, wait for 40 seconds"}'
    room.order("score.write", Status(400, text), times=None)
    with pytest.raises(Retriable) as refused_:
        await room.target(seconds=20).write_scores(section, [room.row(live, room.students[0], None)])
    assert room.budget.pauses == [40.0]
    assert refused_.value.retry_at is not None


async def test_no_response_content_reaches_an_error(
    room: Classroom, caplog: pytest.LogCaptureFixture
) -> None:
    section, live = await room.one()
    room.order("score.write", Status(409, '{"message":"Kim Doe refused 9.5"}'))
    response = await refused(room, section, room.row(live, room.students[0], Decimal(1)))
    assert "Kim" not in response.detail
    assert "Kim" not in caplog.text


async def test_the_query_names_teacher_term_and_active_students(room: Classroom) -> None:
    section, live = await room.one()
    await room.target().write_scores(section, [room.row(live, room.students[0], Decimal(1))])
    (call,) = room.sis.log.of("score.write")
    assert dict(httpx.QueryParams(call.query)) == {
        "users_dcid": str(room.teacher.dcid),
        "status": "A",
        "term_id": str(room.term.id),
    }
