"""Test PowerSchool's API of tables (upstream.md PowerSchool §5)."""

from typing import Any

import pytest

from harness.powerschool_client import District, Plugin, row


def records(body: dict[str, Any]) -> list[dict[str, str]]:
    return [record["tables"][body["name"]] for record in body["record"]]


async def test_rows_hold_texts_only_and_no_nulls(district: District, client: Plugin) -> None:
    made = await client.created()
    await client.score(row(made, district.students[0], "9.5"))
    district.sis.gradebook.score_of(part_id(made), district.students[1].dcid)
    found = await client.table(
        "assignmentscore", "studentsdcid,scorepoints,ismissing", f"assignmentsectionid=={part_id(made)}"
    )
    first, second = found.json()["record"]
    assert isinstance(first["id"], int)
    assert first["tables"]["assignmentscore"] == {
        "studentsdcid": str(district.students[0].dcid),
        "scorepoints": "9.5",
        "ismissing": "0",
    }
    assert second["tables"]["assignmentscore"].keys() == {"studentsdcid", "ismissing"}


def part_id(assignment: dict[str, Any]) -> int:
    return int(assignment["_assignmentsections"][0]["assignmentsectionid"])


async def test_documented_join_leads_to_the_teacher(district: District, client: Plugin) -> None:
    dcid = district.section.dcid
    (section,) = records((await client.table("sections", "id,termid,schoolid", f"dcid=={dcid}")).json())
    (teaching,) = records(
        (await client.table("sectionteacher", "teacherid", f"sectionid=={section['id']}")).json()
    )
    staff = await client.table("schoolstaff", "users_dcid", f"id=={teaching['teacherid']}")
    assert records(staff.json()) == [{"users_dcid": str(district.teacher.dcid)}]
    term = await client.table(
        "terms", "yearid,firstday,lastday", f"id=={section['termid']};schoolid=={section['schoolid']}"
    )
    assert records(term.json()) == [{"yearid": "36", "firstday": "2026-08-17", "lastday": "2027-01-15"}]


async def test_term_id_is_not_unique_without_its_school(district: District, client: Plugin) -> None:
    other = district.sis.add_school("Birch High")
    district.sis.add_term(other, "S1", district.term.firstday, district.term.lastday)
    found = await client.table("terms", "dcid", f"id=={district.term.id}")
    assert len(found.json()["record"]) == 2


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ("student_number=gt=900501", 2),
        ("student_number=ge=900501", 3),
        ("student_number=lt=900504", 1),
        ("student_number=le=900504;student_number=gt=900501", 1),
        ("student_number==9005*", 3),
        ("dcid==1", 0),
        ("", 3),
    ],
)
async def test_queries_compare_and_conditions_add_up(client: Plugin, q: str, expected: int) -> None:
    found = await client.table("students", "id", q)
    assert len(found.json()["record"]) == expected
    counted = await client.http.get("/ws/schema/table/students/count", params={"q": q})
    assert counted.json() == {"count": expected}


async def test_pages_are_cut_to_the_cap(district: District, client: Plugin) -> None:
    for _ in range(148):
        district.sis.add_student(district.school)
    pages = [await client.table("students", "dcid", pagesize=500, page=page) for page in (1, 2, 3)]
    assert [len(page.json()["record"]) for page in pages] == [100, 51, 0]
    whole = [record["dcid"] for page in pages for record in records(page.json())]
    assert len(set(whole)) == 151


@pytest.mark.parametrize(
    ("table", "projection", "query", "status", "words"),
    [
        ("nonsense", "id", {}, 404, "Resource not found"),
        ("prefs", "id", {}, 405, "not allowed"),
        ("students", "shoe_size", {}, 400, "shoe_size is not valid column for table: students"),
        ("students", "last_name", {}, 403, "No access to field students.last_name"),
        ("students", "", {}, 400, "projection"),
        ("students", "id", {"q": "last_name==Student"}, 403, "students.last_name"),
        ("students", "id", {"q": "shoe_size==44"}, 400, "shoe_size"),
        ("students", "id", {"q": "id=44"}, 400, "Invalid query"),
        ("students", "id", {"pagesize": 0}, 400, "pagesize"),
        ("students", "id", {"page": "x"}, 400, "page"),
    ],
)
async def test_tables_refuse_unknown_requests(
    table: str, projection: str, query: dict[str, Any], status: int, words: str
) -> None:
    refused = await District().client().table(table, projection, **query)
    assert refused.status_code == status
    assert words in refused.json()["message"]


@pytest.mark.parametrize("shown", ["negative", "kept"])
async def test_dropped_students_cc_row_by_switch(district: District, client: Plugin, shown: str) -> None:
    district.sis.switches.dropped_cc = shown  # type: ignore[assignment]
    district.sis.drop(district.students[0], district.section)
    key = district.section.id
    here = records((await client.table("cc", "studentid,sectionid", f"sectionid=={key}")).json())
    assert len(here) == (2 if shown == "negative" else 3)
    gone = records((await client.table("cc", "studentid,sectionid", f"sectionid=={-key}")).json())
    expected = {"studentid": str(district.students[0].id), "sectionid": str(-key)}
    assert gone == ([expected] if shown == "negative" else [])


async def test_every_table_can_be_read(district: District, client: Plugin) -> None:
    made = await client.created()
    columns = {
        "schools": "school_number",
        "users": "email_addr",
        "teachercategory": "name,isactive",
        "assignment": "createdbyplugin",
        "assignmentsection": "name,duedate",
        "assignmentcategoryassoc": "teachercategoryid",
        "sectionteacher": "teacherid",
    }
    found = {name: records((await client.table(name, asked)).json())[0] for name, asked in columns.items()}
    assert found["schools"] == {"school_number": str(district.school.school_number)}
    assert found["assignment"] == {"createdbyplugin": "744"}
    assert found["assignmentsection"] == {"name": "Unit 3 test", "duedate": "2026-09-28"}
    assert found["teachercategory"] == {"name": "Homework", "isactive": "1"}
    in_section = f"sectionsdcid=={district.section.dcid}"
    by_section = records((await client.table("assignmentsection", "assignmentid", in_section)).json())
    assert by_section == [{"assignmentid": str(made["assignmentid"])}]
