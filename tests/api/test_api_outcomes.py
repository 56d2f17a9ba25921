"""Test the outcomes of a sync as JSON and as a spreadsheet."""

import csv
import io
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from gradesync.core.reasons import Reason, Result
from gradesync.db import outcomes
from gradesync.db.outcomes import Outcome
from gradesync_sandbox.faults import Fault, Status
from harness.api import ApiClient, ApiHarness, expect_problem

TITLE = '=HYPERLINK("http://evil.example")'


async def test_a_student_who_left_is_named_with_a_fix(api: ApiHarness) -> None:
    uid = api.drop_student()
    teacher = await api.teacher()
    sync = await api.sync(teacher)
    assert (sync["status"], sync["error"]) == ("failed", None)
    body = (await teacher.get(sync["links"]["outcomes"], result="failed")).json()
    failed = [item for item in body["items"] if item["student"]]
    assert failed
    assert {item["student"]["id"] for item in failed} == {str(uid)}
    assert {item["reason"]["code"] for item in failed} == {"student-not-in-sis-section"}
    user = api.world.schoology.users[uid]
    assert all(user.display in item["student"]["name"] for item in failed)
    assert all(item["reason"]["fix"] and item["reason"]["title"] for item in failed)
    assert all(item["assignment"]["title"] for item in failed)
    assert body["names_unavailable"] is False


async def test_an_edit_in_the_sis_is_listed_with_a_warning(
    api: ApiHarness,
) -> None:
    office = await api.office()
    await api.sync(office)
    edited = next(iter(api.world.powerschool.gradebook.assignments.values()))
    for part in edited.sections:
        part.name = "Edited by hand"
    sync = await api.sync(office, dry_run=True)
    listed = (await office.get(sync["links"]["outcomes"], result="unchanged")).json()["items"]
    outcomes = [item for item in listed if item["warnings"]]
    assert [(item["kind"], item["student"], item["count"]) for item in outcomes] == [("assignment", None, 1)]
    assert [warning["code"] for warning in outcomes[0]["warnings"]] == ["edited-in-sis"]


async def test_points_are_decimal_strings(api: ApiHarness) -> None:
    teacher = await api.teacher()
    sync = await api.sync(teacher)
    written = (await teacher.get(sync["links"]["outcomes"], result="written")).json()["items"]
    assert written
    for item in written:
        assert item["before"] is None
        assert isinstance(item["after"], str)
        assert float(item["after"]) >= 0


async def test_an_update_lists_the_changed_fields(api: ApiHarness) -> None:
    office = await api.office()
    await api.sync(office)
    item = next(item for item in api.room.section.standing() if item.title.startswith("Homework 1:"))
    before = format(item.max_points, "f")
    api.world.schoology.edit_assignment(api.room.section.id, item.id, max_points=Decimal("77.5"))
    sync = await api.sync(office, dry_run=True)
    (outcome,) = (await office.get(sync["links"]["outcomes"], result="updated")).json()["items"]
    (edit,) = outcome["edits"]
    assert (edit["field"], edit["before"], edit["after"]) == ("points", before, "77.5")
    assert (outcome["before"], outcome["after"]) == (None, None)
    sheet = await office.ask("GET", sync["links"]["outcomes"], headers={"accept": "text/csv"})
    assert f'"Points: {before}","Points: 77.5"' in sheet.text


async def test_a_changed_category_is_shown_by_its_sis_titles(api: ApiHarness) -> None:
    office = await api.office()
    await api.sync(office)
    section = api.room.section
    item = next(item for item in section.standing() if item.title.startswith("Homework 1:"))
    quizzes = next(category for category in section.categories.values() if category.title.startswith("Quiz"))
    api.world.schoology.edit_assignment(section.id, item.id, category=quizzes.id)
    sync = await api.sync(office)
    (outcome,) = (await office.get(sync["links"]["outcomes"], result="updated")).json()["items"]
    (edit,) = outcome["edits"]
    assert (edit["field"], edit["before_title"], edit["after_title"]) == ("category", "homework", "Quizzes")
    assert edit["before"] != edit["after"]
    sheet = await office.ask("GET", sync["links"]["outcomes"], headers={"accept": "text/csv"})
    assert '"Category: homework","Category: Quizzes"' in sheet.text


async def test_a_refused_assignment_shows_the_sis_message(api: ApiHarness) -> None:
    no = Status(409, '{"message":"TeacherCategoryId is refused, Ada"}')
    api.sandbox.faults.add(Fault("powerschool", "assignment.create", no))
    office = await api.office()
    sync = await api.sync(office)
    response = await office.get(sync["links"]["outcomes"], reason="assignment-not-accepted")
    (outcome,) = response.json()["items"]
    assert outcome["detail"] == "PowerSchool answered 409 and named teachercategoryid"
    sheet = await office.ask("GET", sync["links"]["outcomes"], headers={"accept": "text/csv"})
    assert f'"{outcome["detail"]}"' in sheet.text


async def test_a_districts_client_gets_ids_without_names(api: ApiHarness) -> None:
    office = await api.office()
    sync = await api.sync(office)
    items = (await office.get(sync["links"]["outcomes"])).json()["items"]
    assert all(item["student"]["name"] is None for item in items if item["student"])


async def test_names_are_omitted_while_schoology_is_down(api: ApiHarness) -> None:
    teacher = await api.teacher()
    sync = await api.sync(teacher)
    api.refuse("schoology")
    body = (await teacher.get(sync["links"]["outcomes"])).json()
    assert body["names_unavailable"] is True
    assert body["items"]
    assert all(item["student"]["name"] is None for item in body["items"] if item["student"])


async def test_names_are_cached(api: ApiHarness) -> None:
    teacher = await api.teacher()
    sync = await api.sync(teacher)
    api.world.schoology.log.clear()
    for _ in range(3):
        await teacher.get(sync["links"]["outcomes"])
    assert sum(api.world.schoology.log.counts().values()) == 1


async def test_outcomes_are_read_page_by_page_each_once(api: ApiHarness) -> None:
    office = await api.office()
    sync = await api.sync(office)
    everything = (await office.get(sync["links"]["outcomes"], limit=200)).json()["items"]
    items: list[Any] = []
    path, query = sync["links"]["outcomes"], {"limit": 7}
    while path:
        response = await office.get(path, **query)
        items += response.json()["items"]
        path, query = response.links.get("next", {}).get("url", ""), {}
    assert items == everything
    assert len(items) > 7


async def test_outcomes_are_filtered_by_result_and_reason(api: ApiHarness) -> None:
    api.drop_student()
    office = await api.office()
    sync = await api.sync(office)
    path = sync["links"]["outcomes"]
    failed = (await office.get(path, result="failed", limit=200)).json()["items"]
    assert len(failed) == sync["scores"]["failed"] + sync["assignments"]["failed"]
    reason = failed[0]["reason"]["code"]
    same = (await office.get(path, reason=reason, limit=200)).json()["items"]
    assert {item["reason"]["code"] for item in same} == {reason}
    expect_problem(await office.get(path, result="lost"), 422, "request-not-valid")
    expect_problem(await office.get(path, reason="because"), 422, "request-not-valid")


@pytest.mark.sample(1)
@pytest.mark.parametrize("mode", ["changes", "full"])
async def test_R54_counts_add_up_from_the_listed_outcomes(api: ApiHarness, mode: str) -> None:
    api.drop_student()
    office = await api.office()
    for sync in (
        await api.sync(office, dry_run=True),
        await api.sync(office),
        await api.sync(office, mode=mode),
    ):
        sheet = await spreadsheet(office, sync)
        for kind in ("assignment", "score"):
            for result, number in sync[f"{kind}s"].items():
                query = {} if result == "read" else {"result": result}
                body = (await office.get(sync["links"]["outcomes"], limit=200, **query)).json()
                assert body["next_cursor"] is None
                assert sum(item["count"] for item in body["items"] if item["kind"] == kind) == number
                own = [row for row in sheet if row["kind"] == kind.capitalize()]
                rows = [row for row in own if result in {row["result code"], "read"}]
                assert sum(int(row["count"]) for row in rows) == number


async def test_a_summary_names_no_student(api: ApiHarness) -> None:
    office = await api.office()
    await api.sync(office)
    sync = await api.sync(office, mode="full")
    first, *scores = (await office.get(sync["links"]["outcomes"], result="unchanged")).json()["items"]
    assert (first["kind"], first["assignment"]) == ("assignment", None)
    assert first["count"] == sync["assignments"]["unchanged"] > 1
    assert {(item["kind"], item["student"]) for item in scores} == {("score", None)}
    assert all(item["assignment"]["title"] for item in scores)


async def test_a_cursor_belongs_to_its_list_and_filters(api: ApiHarness) -> None:
    office = await api.office()
    first = await api.sync(office)
    second = await api.sync(office, mode="full")
    cursor = (await office.get(first["links"]["outcomes"], limit=1)).json()["next_cursor"]
    assert (await office.get(first["links"]["outcomes"], limit=50, cursor=cursor)).status_code == 200
    for path, query in (
        (second["links"]["outcomes"], {}),
        (first["links"]["outcomes"], {"result": "failed"}),
        (f"{api.path}/syncs", {}),
        ("/syncs", {}),
        ("/sections", {}),
        ("/audit", {}),
    ):
        expect_problem(await office.get(path, cursor=cursor, **query), 422, "cursor-not-valid")
    for broken in ("x", "é", "AAAA", cursor[:-2], cursor + "A", "A" * 1001):
        response = await office.get(first["links"]["outcomes"], cursor=broken)
        assert response.status_code == 422, broken


async def test_the_spreadsheet_explains_every_row(api: ApiHarness) -> None:
    uid = api.drop_student()
    teacher = await api.teacher()
    sync = await api.sync(teacher)
    rows = await spreadsheet(teacher, sync)
    everything = (await teacher.get(sync["links"]["outcomes"], limit=200)).json()["items"]
    assert len(rows) == len(everything)
    failed = [row for row in rows if row["student id"] == str(uid) and row["result code"] == "failed"]
    assert failed
    assert all(row["what happened"] and row["what to do"] and row["student"] for row in failed)
    only = await spreadsheet(teacher, sync, result="failed")
    assert {(row["result code"], row["result"]) for row in only} == {("failed", "Failed")}


async def test_the_spreadsheet_has_all_rows_of_a_long_list(api: ApiHarness) -> None:
    office = await api.office()
    sync = await api.sync(office, dry_run=True)
    rows = [
        Outcome(assignment_id="1", student_id=str(number), result=Result.SKIPPED, title="Long")
        for number in range(1, 2301)
    ]
    async with api.runtime.context.database.district(api.district.id) as db:
        await outcomes.record(db, sync["id"], rows)
    lines = await spreadsheet(office, sync)
    assert len({row["student id"] for row in lines if row["assignment"] == "Long"}) == 2300


FORMULAS = (TITLE, "+1", "-1+2", "@SUM(A1)", "\t=1", "  =1", "\r=1", "|calc", "\u22121", "\u3000=1")
FULL_WIDTH = (
    "\uff1d1+1",
    "\uff0b1",
    "\uff0d1",
    "\uff20SUM(A1)",
    "\t\uff1d1",
    "\r\uff0d1",
    "\ufe631",
    "\uff05x",
)


@pytest.mark.sample(5)
@pytest.mark.parametrize("title", [*FORMULAS, *FULL_WIDTH])
async def test_no_title_becomes_a_formula(api: ApiHarness, title: str) -> None:
    office = await api.office()
    sync = await api.sync(office, dry_run=True)
    row = Outcome(assignment_id="1", title=title, result=Result.FAILED, reason=Reason.DUPLICATE_NAME)
    async with api.runtime.context.database.district(api.district.id) as db:
        await outcomes.record(db, sync["id"], [row])
    lines = await spreadsheet(office, sync)
    cell = next(row["assignment"] for row in lines if row["assignment id"] == "1")
    assert cell.startswith("'")


async def test_a_reason_of_a_later_release_shows_its_code(api: ApiHarness) -> None:
    office = await api.office()
    sync = await api.sync(office, dry_run=True)
    row = Outcome(assignment_id="1", result=Result.FAILED, reason="of-later", warnings=("also-later",))
    async with api.runtime.context.database.district(api.district.id) as db:
        await outcomes.record(db, sync["id"], [row])
    await api.change_rows("UPDATE sync SET error_code = 'of-later'")
    body = (await office.get(sync["links"]["outcomes"], result="failed")).json()
    (item,) = [item for item in body["items"] if item["assignment"]["id"] == "1"]
    path = f"{api.path}/syncs/{sync['id']}"
    reasons = [item["reason"], *item["warnings"], (await office.get(path)).json()["error"]]
    assert [reason["code"] for reason in reasons] == ["of-later", "also-later", "of-later"]
    assert all(reason["title"] and reason["fix"] for reason in reasons)
    sheet = await spreadsheet(office, sync, result="failed")
    assert "of-later" in {row["reason code"] for row in sheet}


async def test_outcomes_of_an_unknown_sync_are_not_found(api: ApiHarness) -> None:
    office = await api.office()
    expect_problem(await office.get(f"{api.path}/syncs/{uuid4()}/outcomes"), 404, "sync-not-found")
    expect_problem(await office.get(f"{api.path}/syncs/last/outcomes"), 422, "request-not-valid")


async def spreadsheet(who: ApiClient, sync: dict[str, Any], **query: str) -> list[dict[str, str]]:
    response = await who.ask(
        "GET", sync["links"]["outcomes"], params=query or None, headers={"accept": "text/csv"}
    )
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment" in response.headers["content-disposition"]
    text = response.content.decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))
