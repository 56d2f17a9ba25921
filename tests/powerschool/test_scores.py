"""Scores in PowerTeacher Pro: sent in batches, refused in many ways, read back."""

import json
from decimal import Decimal
from typing import Any

import httpx
import pytest

from gradesync.core.exchange import BatchAnswer, ScoreRow
from gradesync.core.gradebook import EXCUSED, INCOMPLETE, MISSING, Mark
from gradesync.core.ledger import Value
from gradesync.core.plan import ScoreWrite
from gradesync.core.reasons import Reason
from gradesync.core.sis import LiveAssignment, Ref, SisSection
from gradesync.errors import AnswerLost, Retriable, SyncStopped
from gradesync.powerschool.scores import score_body
from gradesync.powerschool.wire import encode
from gradesync_sandbox.faults import Body, LoseAfter, Status, Truncate
from powerschool_room import Classroom


async def refused(room: Classroom, section: SisSection, *rows: ScoreRow) -> BatchAnswer:
    answer = await room.target().write_scores(section, rows)
    assert not answer.accepted
    return answer


async def two(room: Classroom) -> tuple[SisSection, LiveAssignment, LiveAssignment]:
    section = await room.resolved()
    first = await room.made(section)
    return section, first, await room.made(section, room.spec(name="Second"))


async def test_R26_a_batch_spans_assignments_and_keeps_decimals_exact(room: Classroom) -> None:
    section, first, second = await two(room)
    ann, ben, _ = room.students
    rows = [
        room.row(first, ann, Decimal("9.50")),
        room.row(first, ben, Decimal(100)),
        room.row(second, ann, Decimal("0.000001")),
    ]
    assert await room.target().write_scores(section, rows) == BatchAnswer(accepted=True)
    assert room.cells(first) == {ann.dcid: "9.5", ben.dcid: "100"}
    assert room.cells(second) == {ann.dcid: "0.000001"}
    assert room.kinds() == ["score.write"]


@pytest.mark.parametrize(
    ("points", "literal"),
    [("9.50", "9.5"), ("1E+2", "100"), ("0", "0"), ("0.000001", "0.000001"), ("999999999999.999999", None)],
)
def test_R26_points_are_plain_literals_in_text_and_number(points: str, literal: str | None) -> None:
    row = a_row(Decimal(points))
    body = encode(score_body([row], "nulls")).decode()
    literal = literal or points
    assert f'"actualscoreentered":"{literal}"' in body
    assert f'"scorepoints":{literal}' in body


def a_row(value: Value, before: Value = None) -> ScoreRow:
    ref = Ref("1", {"assignmentid": "1", "assignmentsectionid": "77010"})
    return ScoreRow("a", ref, ScoreWrite("u", "81001", value, before))


def sent(row: ScoreRow) -> dict[str, Any]:
    (only,) = json.loads(encode(score_body([row], "nulls")))["assignment_scores"]
    assert isinstance(only, dict)
    return only


def test_a_row_is_the_proven_one() -> None:
    assert sent(a_row(Decimal("9.5"))) == {
        "_assignmentsection": {"assignmentsectionid": 77010},
        "studentsdcid": 81001,
        "actualscoreentered": "9.5",
        "actualscorekind": "REAL_SCORE",
        "scoretype": "POINTS",
        "scorepoints": 9.5,
    }


def test_R3_a_clear_is_switchable_as_nobody_knows_it() -> None:
    cleared = sent(a_row(None))
    assert (cleared["actualscoreentered"], cleared["scorepoints"]) == (None, None)
    (other,) = json.loads(encode(score_body([a_row(None)], "empty")))["assignment_scores"]
    assert (other["actualscoreentered"], other["scorepoints"]) == ("", None)


@pytest.mark.parametrize(
    ("value", "before", "flags"),
    [
        (Decimal(1), None, {}),
        (Mark(MISSING, Decimal(0)), None, {"ismissing": True}),
        (Mark(EXCUSED), None, {"isexempt": True}),
        (Mark(INCOMPLETE), None, {}),
        (Decimal(1), Mark(EXCUSED), {"isexempt": False}),
        (Mark(MISSING, Decimal(0)), Mark(EXCUSED), {"isexempt": False, "ismissing": True}),
        (Mark(EXCUSED), Mark(EXCUSED), {"isexempt": True}),
        (None, Mark(MISSING, Decimal(0)), {"ismissing": False}),
    ],
)
def test_marks_are_set_and_taken_back(value: Value, before: Value, flags: dict[str, bool]) -> None:
    row = sent(a_row(value, before))
    assert {name: row[name] for name in row if name.startswith("is")} == flags


async def test_R6_a_cleared_score_reads_back_as_none(room: Classroom) -> None:
    section, live, _ = await two(room)
    ann, ben, _ = room.students
    await room.target().write_scores(section, [room.row(live, s, Decimal("7.50")) for s in (ann, ben)])
    await room.target().write_scores(section, [room.row(live, ann, None)])
    assert await room.target().scores(section, live.ref) == {
        str(ann.dcid): None,
        str(ben.dcid): Decimal("7.5"),
    }


async def test_R27_a_student_who_is_not_there_is_named_and_nothing_is_written(room: Classroom) -> None:
    section, first, second = await two(room)
    ann, ben, cleo = room.students
    room.sis.drop(ben, room.section)
    rows = [room.row(first, ann, Decimal(1)), room.row(second, ben, Decimal(2)), room.row(first, cleo, None)]
    answer = await refused(room, section, *rows)
    assert answer.students == {str(ben.dcid)}
    assert answer.pairs == {(second.ref.key, str(ben.dcid))}
    assert answer.reason == Reason.STUDENT_NOT_IN_SIS_SECTION
    assert str(ben.dcid) not in answer.detail
    assert room.cells(first) == {}


@pytest.mark.parametrize("which", ["all", "first"])
async def test_R27_one_or_all_strangers_may_be_named(room: Classroom, which: str) -> None:
    room.sis.switches.bad_students = which  # type: ignore[assignment]
    section, live, _ = await two(room)
    for student in room.students[1:]:
        room.sis.drop(student, room.section)
    answer = await refused(room, section, *(room.row(live, s, Decimal(1)) for s in room.students))
    gone = [str(student.dcid) for student in room.students[1:]]
    assert answer.students == frozenset(gone if which == "all" else gone[:1])


async def test_R27_students_named_in_the_text_alone_are_found(room: Classroom) -> None:
    section, live, _ = await two(room)
    ann = room.students[0]
    text = f"Student.id [{ann.dcid}] does not have an AssignmentStudentAssociation"
    room.order("score.write", Status(409, json.dumps({"message": text})))
    assert (await refused(room, section, room.row(live, ann, None))).students == {str(ann.dcid)}


async def test_a_refused_value_is_not_taken_for_a_missing_student(room: Classroom) -> None:
    room.sis.switches.inferred.add("negative_score")
    section, live, _ = await two(room)
    answer = await refused(room, section, room.row(live, room.students[0], Decimal(-1)))
    assert (answer.students, answer.reason) == (frozenset(), Reason.SCORE_NOT_ACCEPTED)


async def test_R30_scores_into_a_locked_term_say_so(room: Classroom) -> None:
    section, live, _ = await two(room)
    room.sis.lock_term(room.term)
    answer = await refused(room, section, room.row(live, room.students[0], Decimal(1)))
    assert answer.reason == Reason.TERM_LOCKED


@pytest.mark.parametrize("status", [400, 409])
async def test_a_refusal_without_a_reason_stays_without_one(room: Classroom, status: int) -> None:
    section, live, _ = await two(room)
    room.order("score.write", Status(status, "{}"))
    rows = [room.row(live, student, Decimal(1)) for student in room.students]
    answer = await refused(room, section, *rows)
    assert (answer.reason, answer.too_large) == (None, status == 400)


async def test_too_many_rows_are_told(room: Classroom) -> None:
    section, live, _ = await two(room)
    room.sis.switches.batch_limit = 2
    rows = [room.row(live, student, Decimal(1)) for student in room.students]
    assert (await refused(room, section, *rows)).too_large
    assert (await room.target().write_scores(section, rows[:2])).accepted


async def test_a_single_row_is_never_too_large_by_a_400(room: Classroom) -> None:
    section, live, _ = await two(room)
    room.order("score.write", Status(400, "{}"))
    assert not (await refused(room, section, room.row(live, room.students[0], None))).too_large


async def test_R20_a_deleted_assignment_is_named_among_others(room: Classroom) -> None:
    section, first, second = await two(room)
    room.sis.gradebook.delete_assignment(int(second.ref.key))
    rows = [room.row(live, room.students[0], Decimal(1)) for live in (first, second)]
    answer = await refused(room, section, *rows)
    assert answer.gone == {second.ref.key}
    assert room.kinds() == ["score.write"]


async def test_a_foreign_assignment_is_named_among_others(room: Classroom) -> None:
    section, first, second = await two(room)
    part = second.ref.value["assignmentsectionid"]
    text = f"User does not teach section of assignment section {part} with access EDIT"
    room.order("score.write", Status(403, json.dumps({"message": text})))
    rows = [room.row(live, room.students[0], Decimal(1)) for live in (first, second)]
    answer = await refused(room, section, *rows)
    assert answer.foreign == {second.ref.key}


async def test_R30_a_teacher_who_does_not_teach_is_told_for_the_batch(room: Classroom) -> None:
    section, first, second = await two(room)
    room.sis.unassign_teacher(room.teacher, room.section)
    rows = [room.row(live, room.students[0], Decimal(1)) for live in (first, second)]
    answer = await refused(room, section, *rows)
    assert (answer.foreign, answer.reason) == (frozenset(), Reason.TEACHER_NOT_IN_SIS_SECTION)
    assert (await refused(room, section, rows[0])).foreign == {first.ref.key}


async def test_R30_a_refused_score_field_stops_the_sync_and_is_named(room: Classroom) -> None:
    section, live, _ = await two(room)
    room.sis.plugin.deny("assignmentscore", "whocreated")
    with pytest.raises(SyncStopped) as stopped:
        await room.target().write_scores(section, [room.row(live, room.students[0], Decimal(1))])
    assert stopped.value.reason == Reason.SIS_PERMISSION_MISSING
    assert "ASSIGNMENTSCORE.WHOCREATED" in stopped.value.detail


async def test_a_request_to_resubmit_is_followed_once(room: Classroom) -> None:
    section, live, _ = await two(room)
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
async def test_a_write_that_nobody_confirms_is_in_doubt_and_not_sent_again(
    room: Classroom, effect: LoseAfter | Status | Body | Truncate
) -> None:
    section, live, _ = await two(room)
    room.order("score.write", effect, times=None)
    with pytest.raises(AnswerLost):
        await room.target().write_scores(section, [room.row(live, room.students[0], Decimal(1))])
    assert len(room.faults.struck) == 1


@pytest.mark.parametrize("answer", ["", "[]", '[{"studentsdcid":1}]', '{"assignment_scores":[]}'])
async def test_a_sound_answer_may_be_empty_or_a_bare_array(room: Classroom, answer: str) -> None:
    section, live, _ = await two(room)
    room.order("score.write", Body(answer))
    assert (await room.target().write_scores(section, [room.row(live, room.students[0], None)])).accepted


async def test_scores_of_more_than_a_page_are_read_to_the_end(room: Classroom) -> None:
    room.sis.switches.page_cap = 2
    section, live, _ = await two(room)
    rows = [room.row(live, student, Decimal(4)) for student in room.students]
    await room.target().write_scores(section, rows)
    found = await room.target().scores(section, live.ref)
    assert found == {str(student.dcid): Decimal(4) for student in room.students}


async def test_letters_and_texts_in_cells_are_no_points(room: Classroom) -> None:
    section, live, _ = await two(room)
    cells = [
        {"studentsdcid": "1", "scorepoints": "9.500000", "actualscoreentered": "9.5"},
        {"studentsdcid": "2", "actualscoreentered": "8"},
        {"studentsdcid": "3", "actualscoreentered": "B+"},
        {"studentsdcid": "4", "scorepoints": "NaN"},
        {"scorepoints": "1"},
    ]
    record = [{"id": n, "tables": {"assignmentscore": cell}} for n, cell in enumerate(cells)]
    strange: list[object] = [7, {"tables": 3}, {"tables": {"other": {}}}]
    room.order("schema.assignmentscore", Body(json.dumps({"record": [*record, *strange]})))
    assert await room.target().scores(section, live.ref) == {
        "1": Decimal("9.5"),
        "2": Decimal(8),
        "3": None,
        "4": None,
    }


async def test_scores_that_may_not_be_read_are_unreadable_and_not_asked_for_again(room: Classroom) -> None:
    section, live, _ = await two(room)
    room.sis.plugin.deny("assignmentscore", "scorepoints")
    assert await room.target().scores(section, live.ref) is None
    assert await room.target().scores(section, live.ref) is None
    assert room.kinds() == ["schema.assignmentscore"]


@pytest.mark.parametrize("answer", ["<html>", "[]", "{}", '{"record":'])
async def test_scores_that_make_no_sense_are_unreadable_for_now(room: Classroom, answer: str) -> None:
    section, live, _ = await two(room)
    room.order("schema.assignmentscore", Body(answer))
    assert await room.target().scores(section, live.ref) is None
    assert await room.target().scores(section, live.ref) == {}


async def test_pages_without_end_are_given_up(room: Classroom) -> None:
    section, live, _ = await two(room)
    record = [{"id": n, "tables": {"assignmentscore": {"studentsdcid": str(n)}}} for n in range(100)]
    room.order("schema.assignmentscore", Body(json.dumps({"record": record})), times=None)
    with pytest.raises(SyncStopped) as stopped:
        await room.target().scores(section, live.ref)
    assert stopped.value.reason == Reason.UPSTREAM_ANSWER_UNEXPECTED


@pytest.mark.parametrize(("status", "says"), [(429, "header"), (503, "text"), (403, "text"), (429, "text")])
async def test_throttling_is_recognised_in_every_form_and_waited_for(
    room: Classroom, status: int, says: str
) -> None:
    section, live, _ = await two(room)
    wait = "Too many requests. Please wait for 0 seconds before the next request."
    headers = {"retry-after": "0"} if says == "header" else {}
    body = "" if says == "header" else json.dumps({"message": wait})
    room.order("score.write", Status(status, body, headers))
    room.order("assignment.create", Status(status, body, headers))
    assert (await room.target().write_scores(section, [room.row(live, room.students[0], None)])).accepted
    assert (await room.target().create_assignment(section, room.spec(name="Third"))).ref is not None


async def test_the_seconds_of_a_throttling_text_pause_everybody(room: Classroom) -> None:
    section, live, _ = await two(room)
    text = '{"message":"Too many requests, wait for 40 seconds"}'
    room.order("score.write", Status(400, text), times=None)
    with pytest.raises(Retriable) as refused_:
        await room.target(seconds=20).write_scores(section, [room.row(live, room.students[0], None)])
    assert room.pace.pauses == [40.0]
    assert refused_.value.retry_at is not None


async def test_no_answer_content_reaches_an_error(room: Classroom, caplog: pytest.LogCaptureFixture) -> None:
    section, live, _ = await two(room)
    room.order("score.write", Status(409, '{"message":"Kim Doe refused 9.5"}'))
    answer = await refused(room, section, room.row(live, room.students[0], Decimal(1)))
    assert "Kim" not in answer.detail
    assert "Kim" not in caplog.text


async def test_the_query_names_teacher_term_and_active_students(room: Classroom) -> None:
    section, live, _ = await two(room)
    await room.target().write_scores(section, [room.row(live, room.students[0], Decimal(1))])
    (call,) = room.sis.log.of("score.write")
    assert dict(httpx.QueryParams(call.query)) == {
        "users_dcid": str(room.teacher.dcid),
        "status": "A",
        "term_id": str(room.term.id),
    }
