"""Test sending scores to PowerTeacher Pro in batches, and their refusals."""

import json
from decimal import Decimal

import httpx
import pytest

from gradesync.core.ports import BatchResult
from gradesync.core.reasons import Reason
from gradesync.core.sis import SisSection
from gradesync.core.writes import ScoreRow
from gradesync.errors import AnswerLost, Retriable
from gradesync_sandbox.faults import Body, LoseAfter, Status, Truncate
from gradesync_sandbox.powerschool.switches import ScoreFault
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


async def test_R42_students_named_in_the_text_alone_are_not_believed(room: Classroom) -> None:
    section, live = await room.one()
    ann = room.students[0]
    text = f"Student.id [{ann.dcid}] does not have an AssignmentStudentAssociation"
    room.order("score.write", Status(409, json.dumps({"message": text})))
    response = await refused(room, section, room.row(live, ann, None))
    assert (response.students, response.reason) == (frozenset(), None)


async def test_a_refused_value_is_not_taken_for_a_missing_student(room: Classroom) -> None:
    room.sis.switches.inferred.add("negative_score")
    section, live = await room.one()
    response = await refused(room, section, room.row(live, room.students[0], Decimal(-1)))
    assert (response.students, response.reason) == (frozenset(), None)


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
    assert (response.reason, response.too_large) == (None, False)


async def test_too_many_rows_are_reported(room: Classroom) -> None:
    section, live = await room.one()
    room.sis.switches.batch_limit = 2
    rows = [room.row(live, student, Decimal(1)) for student in room.students]
    assert (await refused(room, section, *rows)).too_large
    assert (await room.target().write_scores(section, rows[:2])).accepted


async def test_a_deleted_assignment_fails_the_whole_batch(room: Classroom) -> None:
    section, first, second = await room.two()
    room.sis.gradebook.delete_assignment(int(second.ref.key))
    rows = [room.row(live, room.students[0], Decimal(1)) for live in (first, second)]
    response = await refused(room, section, *rows)
    assert (response.failed, response.gone, response.reason) == (True, frozenset(), None)
    assert room.kinds() == ["score.write"]


async def test_R20_a_404_may_name_the_deleted_assignment(room: Classroom) -> None:
    section, first, second = await room.two()
    part = int(str(second.ref.value["assignmentsectionid"]))
    body = {"errors": [{"params": {"assignment_section_id": part}}, {"params": {}}]}
    room.order("score.write", Status(404, json.dumps(body)))
    rows = [room.row(live, room.students[0], Decimal(1)) for live in (first, second)]
    response = await refused(room, section, *rows)
    assert response.missing
    assert response.gone == {second.ref.key}


async def test_R42_a_denied_batch_names_nothing_by_its_text(room: Classroom) -> None:
    section, first, second = await room.two()
    part = second.ref.value["assignmentsectionid"]
    text = f"User does not teach section of assignment section {part} with access EDIT"
    room.order("score.write", Status(403, json.dumps({"message": text})))
    rows = [room.row(live, room.students[0], Decimal(1)) for live in (first, second)]
    response = await refused(room, section, *rows)
    assert (response.denied, response.reason) == (True, Reason.TEACHER_NOT_IN_SIS_SECTION)


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
        Body("<html>log in</html>"),
        Body('{"errors":[]}'),
        Truncate(keep=12, honest=True),
    ],
)
async def test_an_unconfirmed_write_is_in_doubt_and_not_repeated(
    room: Classroom, effect: LoseAfter | Body | Truncate
) -> None:
    section, live = await room.one()
    room.order("score.write", effect, times=None)
    with pytest.raises(AnswerLost):
        await room.target().write_scores(section, [room.row(live, room.students[0], Decimal(1))])
    assert len(room.faults.struck) == 1


@pytest.mark.parametrize(("status", "reason"), [(500, None), (501, None), (503, Reason.UPSTREAM_UNAVAILABLE)])
async def test_R47_a_failure_is_an_answer_that_names_nobody(
    room: Classroom, status: int, reason: Reason | None
) -> None:
    section, live = await room.one()
    room.order("score.write", Status(status, '{"message":"Unable to find, wait 9 s"}'))
    response = await refused(room, section, room.row(live, room.students[0], None))
    assert (response.failed, response.reason) == (True, reason)
    assert room.budget.pauses == []


@pytest.mark.parametrize("response", ["[]", '[{"studentsdcid":1}, 7, {}]', '{"assignment_scores":[]}'])
async def test_R41_rows_that_a_response_leaves_out_are_doubtful(room: Classroom, response: str) -> None:
    section, live = await room.one()
    room.order("score.write", Body(response))
    ann = room.students[0]
    accepted = await room.target().write_scores(section, [room.row(live, ann, None)])
    assert accepted == BatchResult(accepted=True, doubtful=frozenset({(live.ref.key, str(ann.dcid))}))


async def test_R41_an_empty_response_bears_nothing_out(room: Classroom) -> None:
    section, live = await room.one()
    room.order("score.write", Body(""))
    accepted = await room.target().write_scores(section, [room.row(live, room.students[0], None)])
    assert (accepted.accepted, accepted.unconfirmed, len(accepted.doubtful)) == (True, True, 1)


async def test_R41_a_contradicted_value_makes_its_student_doubtful(room: Classroom) -> None:
    section, first, second = await room.two()
    ann, ben, _ = room.students
    fault = ScoreFault("misreport", student=ann.dcid, points=Decimal(3))
    room.sis.switches.score_faults.append(fault)
    rows = [
        room.row(first, ann, Decimal(9)),
        room.row(second, ann, Decimal(8)),
        room.row(first, ben, None),
    ]
    accepted = await room.target().write_scores(section, rows)
    assert accepted.doubtful == {(live.ref.key, str(ann.dcid)) for live in (first, second)}


@pytest.mark.parametrize("status", [429, 503, 403])
async def test_throttling_is_recognized_by_its_header(room: Classroom, status: int) -> None:
    section, live = await room.one()
    for call in ("score.write", "assignment.create"):
        room.order(call, Status(status, "", {"retry-after": "0"}))
    assert (await room.target().write_scores(section, [room.row(live, room.students[0], None)])).accepted
    assert (await room.target().create_assignment(section, room.spec(name="Third"), "a1")).ref is not None


WAIT = '{"message":"Too many requests, wait for 40 seconds"}'


@pytest.mark.parametrize("status", [400, 403, 429, 503])
async def test_throttling_text_pauses_where_nobody_typed_it(room: Classroom, status: int) -> None:
    room.order("schema.sections", Status(status, WAIT), times=None)
    with pytest.raises(Retriable) as refused_:
        await room.target(seconds=20).resolve_section(str(room.section.dcid))
    assert room.budget.pauses == [40.0]
    assert refused_.value.retry_at is not None


@pytest.mark.parametrize(("status", "pauses"), [(400, []), (403, []), (409, []), (429, [1.0])])
async def test_R42_a_text_that_asks_to_wait_pauses_nothing(
    room: Classroom, status: int, pauses: list[float]
) -> None:
    section, live = await room.one()
    room.order("score.write", Status(status, WAIT, {"retry-after": "7"} if status == 409 else {}))
    response = await room.target().write_scores(section, [room.row(live, room.students[0], None)])
    assert response.accepted is (status == 429)
    assert room.budget.pauses == pauses


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
