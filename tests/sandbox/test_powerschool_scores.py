"""Test PowerSchool's score writes (upstream.md PowerSchool §4.4, §5)."""

from decimal import Decimal
from typing import Any

import pytest

from harness.powerschool_client import Assignment, District, Plugin, part, row


@pytest.fixture
async def made(client: Plugin) -> Assignment:
    """Create an assignment of the class, and return it as PowerSchool shows it."""
    return await client.created()


def cells(district: District) -> dict[int, str | None]:
    """Return the cells of the only assignment."""
    (only,) = district.sis.gradebook.table(district.section).values()
    return only


async def test_scores_are_upserted_and_named_by_student_only(
    district: District, client: Plugin, made: Assignment
) -> None:
    first, second, _ = district.students
    answer = await client.score(row(made, first, "9.5"), row(made, second, "0"), status="A", term_id=3600)
    assert answer.status_code == 200
    shown = answer.json()["assignment_scores"]
    assert [(s["studentsdcid"], s["scorepoints"]) for s in shown] == [(first.dcid, 9.5), (second.dcid, 0.0)]
    assert all("assignmentscoreid" not in s for s in shown)
    ids = [
        s.assignmentscoreid for s in district.sis.gradebook.scores[part(made)["assignmentsectionid"]].values()
    ]
    await client.score(row(made, first, "10"))
    scores = district.sis.gradebook.scores[part(made)["assignmentsectionid"]]
    assert [s.assignmentscoreid for s in scores.values()] == ids
    assert cells(district) == {first.dcid: "10", second.dcid: "0"}


async def test_points_stay_exact(district: District, client: Plugin, made: Assignment) -> None:
    exact = b'{"assignment_scores":[{"_assignmentsection":{"assignmentsectionid":%d},"studentsdcid":%d,' % (
        part(made)["assignmentsectionid"],
        district.students[0].dcid,
    )
    exact += (
        b'"actualscoreentered":"0.3","actualscorekind":"REAL_SCORE","scoretype":"POINTS","scorepoints":0.3}]}'
    )
    who = {"users_dcid": district.teacher.dcid}
    assert (await client.http.put("/ws/xte/score", params=who, content=exact)).status_code == 200
    (score,) = district.sis.gradebook.scores[part(made)["assignmentsectionid"]].values()
    assert score.scorepoints == Decimal("0.3")


async def test_batch_may_span_assignments_by_switch(district: District, client: Plugin) -> None:
    one, two = await client.created(name="One"), await client.created(name="Two")
    rows = row(one, district.students[0], "1"), row(two, district.students[0], "2")
    assert (await client.score(*rows)).status_code == 200
    district.sis.switches.spanning = False
    assert (await client.score(*rows)).status_code == 409
    district.sis.switches.spanning_status = 400
    assert (await client.score(*rows)).status_code == 400
    assert (await client.score(rows[0])).status_code == 200


@pytest.mark.parametrize(("names", "expected"), [("all", 2), ("first", 1)])
async def test_unenrolled_students_refuse_the_whole_batch(
    district: District, client: Plugin, made: Assignment, names: str, expected: int
) -> None:
    district.sis.switches.bad_students = names  # type: ignore[assignment]
    good, bad, stranger = *district.students[:2], district.sis.add_student(district.school)
    district.sis.drop(bad, district.section)
    refused = await client.score(*(row(made, student, "5") for student in (good, bad, stranger)))
    assert refused.status_code == 409
    errors = refused.json()["errors"]
    key = part(made)["assignmentsectionid"]
    lacks = "does not have an AssignmentStudentAssociation in AssignmentSection.Id"
    sentence = f"Student.id [{bad.dcid}] {lacks}: [{key}]"
    assert refused.json()["message"] == sentence
    params = {"assignment_section_id": key, "student_dcid": bad.dcid}
    assert errors[0] == {"code": "1", "field": sentence, "params": params}
    assert len(errors) == expected
    assert cells(district) == {}
    assert [r.effect for r in district.sis.log.score_rows()] == ["refused"] * 3


async def test_assignment_for_some_students_refuses_the_others(district: District, client: Plugin) -> None:
    first, second, _ = district.students
    made = await client.created(_assignmentStudentAssociations=[{"studentsdcid": first.dcid}])
    assert (await client.score(row(made, first, "5"))).status_code == 200
    assert (await client.score(row(made, second, "5"))).status_code == 409


async def test_assignmentid_as_assignmentsectionid_is_403(
    district: District, client: Plugin, made: Assignment
) -> None:
    mixed = {"_assignmentsection": {"assignmentsectionid": made["assignmentid"]}}
    assert (await client.score(row(made, district.students[0], "5") | mixed)).status_code == 403


async def test_scores_of_a_deleted_assignment_are_500(
    district: District, client: Plugin, made: Assignment
) -> None:
    await client.delete(made["assignmentid"])
    key = part(made)["assignmentsectionid"]
    refused = await client.score(row(made, district.students[0], "5"))
    assert refused.status_code == 500
    assert refused.json() == {
        "message": f"Unable to find com.pearson.powerschool.xte.model.AssignmentSection with id {key}"
    }


async def test_resubmit_comes_once_and_writes_nothing(
    district: District, client: Plugin, made: Assignment
) -> None:
    district.sis.switches.resubmit_next = 1
    assert (await client.score(row(made, district.students[0], "5"))).status_code == 412
    assert cells(district) == {}
    assert (await client.score(row(made, district.students[0], "5"))).status_code == 200


async def test_scores_above_the_maximum_are_taken(district: District, client: Plugin) -> None:
    made = await client.created(scoreentrypoints=10, totalpointvalue=10)
    assert (await client.score(row(made, district.students[0], "12"))).status_code == 200
    assert cells(district) == {district.students[0].dcid: "12"}


@pytest.mark.parametrize("text", ["A+", "1e3", "", "0" * 30 + "9"])
async def test_texts_that_are_no_score_are_409(
    district: District, client: Plugin, made: Assignment, text: str
) -> None:
    sent = row(made, district.students[0], "9") | {"actualscoreentered": text}
    refused = await client.score(sent)
    assert refused.status_code == 409
    (error,) = refused.json()["errors"]
    assert error["params"]["student_dcid"] == district.students[0].dcid
    district.sis.switches.inferred.discard("score_text")
    assert (await client.score(sent)).status_code == 200


async def test_scores_below_zero_are_taken_unless_switched(
    district: District, client: Plugin, made: Assignment
) -> None:
    assert (await client.score(row(made, district.students[0], "-1"))).status_code == 200
    district.sis.switches.inferred.add("negative_score")
    assert (await client.score(row(made, district.students[0], "-2"))).status_code == 409


@pytest.mark.parametrize("kept", ["kept", "gone"])
async def test_null_text_and_null_points_clear_a_score(
    district: District, client: Plugin, made: Assignment, kept: str
) -> None:
    district.sis.switches.cleared_row = kept  # type: ignore[assignment]
    student = district.students[0]
    await client.score(row(made, student, "5"))
    assert (await client.score(row(made, student, None))).status_code == 200
    assert cells(district) == ({student.dcid: None} if kept == "kept" else {})
    assert [r.effect for r in district.sis.log.score_rows()] == ["written", "cleared"]


async def test_clears_can_be_refused(district: District, client: Plugin, made: Assignment) -> None:
    district.sis.switches.clears = "refuse"
    await client.score(row(made, district.students[0], "5"))
    assert (await client.score(row(made, district.students[0], None))).status_code == 400
    assert cells(district) == {district.students[0].dcid: "5"}


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"grade": 5}, "grade"),
        ({"studentsdcid": "181001"}, "studentsdcid"),
        ({"actualscoreentered": 5}, "actualscoreentered"),
        ({"scorepoints": "5"}, "scorepoints"),
        ({"scorepoints": 6}, "differ"),
        ({"scorepoints": 10**12, "actualscoreentered": "1000000000000"}, "scorepoints"),
        ({"scorepoints": None}, "scorepoints"),
        ({"actualscoreentered": None}, "actualscoreentered"),
        ({"actualscorekind": "GUESS"}, "GUESS"),
    ],
)
async def test_malformed_or_contradictory_rows_are_400(
    district: District, client: Plugin, made: Assignment, changes: dict[str, Any], named: str
) -> None:
    refused = await client.score(row(made, district.students[0], "5") | changes)
    assert refused.status_code == 400
    assert named in refused.json()["message"]


async def test_rows_must_not_be_empty_or_doubled(
    district: District, client: Plugin, made: Assignment
) -> None:
    bare = row(made, district.students[0], "5")
    bare.pop("actualscoreentered")
    assert (await client.score(bare)).status_code == 400
    assert (await client.score()).status_code == 400
    twice = row(made, district.students[0], "5")
    assert (await client.score(twice, twice)).status_code == 400


@pytest.mark.parametrize("query", [{"status": "Z"}, {"term_id": "S1"}, {"term_id": 3601}, {"status": ""}])
async def test_status_and_term_are_optional_and_validated(
    district: District, client: Plugin, made: Assignment, query: dict[str, Any]
) -> None:
    assert (await client.score(row(made, district.students[0], "5"), **query)).status_code == 400
    assert (await client.score(row(made, district.students[0], "5"))).status_code == 200


async def test_marks_change_and_leave_the_points(
    district: District, client: Plugin, made: Assignment
) -> None:
    student = district.students[0]
    await client.score(row(made, student, "5", ismissing=True, islate=True))
    marked = row(made, student, None, ismissing=False)
    for name in ("actualscoreentered", "scorepoints"):
        marked.pop(name)
    assert (await client.score(marked)).status_code == 200
    (score,) = district.sis.gradebook.scores[part(made)["assignmentsectionid"]].values()
    assert score.value == ("5", Decimal(5), frozenset({"islate"}))


async def test_web_apps_fuller_rows_must_agree(district: District, client: Plugin, made: Assignment) -> None:
    target = {
        "assignmentsectionid": part(made)["assignmentsectionid"],
        "sectionsdcid": district.section.dcid,
        "_assignment": {"assignmentid": made["assignmentid"]},
    }
    fuller = row(made, district.students[0], "5", isexempt=False, scorepercent=None)
    fuller.pop("scorepoints")
    assert (await client.score(fuller | {"_assignmentsection": target})).status_code == 200
    (score,) = district.sis.gradebook.scores[part(made)["assignmentsectionid"]].values()
    assert score.scorepoints == 5
    for wrong in ({"sectionsdcid": 1}, {"_assignment": {"assignmentid": 1}}):
        assert (await client.score(fuller | {"_assignmentsection": target | wrong})).status_code == 400


@pytest.mark.parametrize("status", [413, 400])
async def test_batch_over_the_limit_is_refused(
    district: District, client: Plugin, made: Assignment, status: int
) -> None:
    district.sis.switches.batch_limit = 2
    district.sis.switches.batch_status = status  # type: ignore[assignment]
    rows = [row(made, student, "5") for student in district.students]
    assert (await client.score(*rows)).status_code == status
    assert (await client.score(*rows[:2])).status_code == 200


async def test_log_has_every_rows_effect(district: District, client: Plugin, made: Assignment) -> None:
    first, second, _ = district.students
    await client.score(row(made, first, "5"))
    await client.score(row(made, first, "5"), row(made, second, "6"))
    rows = district.sis.log.score_rows()
    assert [(r.studentsdcid, r.value, r.effect) for r in rows] == [
        (first.dcid, "5", "written"),
        (first.dcid, "5", "unchanged"),
        (second.dcid, "6", "written"),
    ]
    assert {r.assignmentid for r in rows} == {made["assignmentid"]}
    assert district.sis.log.effects() == {"written": 2, "unchanged": 1}


async def test_people_in_the_sis_edit_and_delete_scores(
    district: District, client: Plugin, made: Assignment
) -> None:
    first, second, _ = district.students
    await client.score(row(made, first, "5"), row(made, second, "6"))
    gradebook = district.sis.gradebook
    (assignment,) = gradebook.of_section(district.section)
    mine = assignment.section(district.section.dcid)
    assert gradebook.edit_score(mine, first, Decimal("7.50")).by == "sis"
    gradebook.delete_score(mine, second)
    assert cells(district) == {first.dcid: "7.5"}
    gradebook.edit_score(mine, first, None)
    assert cells(district) == {first.dcid: None}
