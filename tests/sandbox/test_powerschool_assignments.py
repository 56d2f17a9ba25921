"""Test PowerSchool's categories and assignments (upstream.md PowerSchool §4.1 to §4.3)."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from gradesync_sandbox.powerschool.switches import INFERRED
from harness.powerschool_client import District, Plugin, new_assignment, part, row


async def test_categories_are_a_plain_array_of_the_teachers(district: District, client: Plugin) -> None:
    district.sis.add_category(district.teacher, "Old", active=False)
    district.sis.add_category(district.sis.add_teacher(district.school), "Another teacher's")
    who = {"users_dcid": district.teacher.dcid, "year_id": 36}
    found = (await client.http.get("/ws/xte/teacher_category", params=who)).json()
    assert [(c["name"], c["isactive"]) for c in found] == [("Homework", True), ("Old", False)]
    assert len(found[0]["description"]) > 2000
    assert (await client.http.get("/ws/xte/teacher_category", params=who | {"year_id": 2026})).json() == []


@pytest.mark.parametrize(
    ("query", "status"),
    [({"users_dcid": 8301}, 400), ({"year_id": 36}, 400), ({"users_dcid": 1, "year_id": 36}, 404)],
)
async def test_categories_need_a_known_teacher_and_a_year(
    client: Plugin, query: dict[str, int], status: int
) -> None:
    found = await client.http.get("/ws/xte/teacher_category", params=query)
    assert found.status_code == status


async def test_create_is_201_with_location_and_no_body(district: District, client: Plugin) -> None:
    made = await client.create()
    (assignmentid,) = district.sis.gradebook.assignments
    assert (made.status_code, made.content) == (201, b"")
    assert made.headers["location"] == f"http://sis.example/ws/xte/section/assignment/{assignmentid}"
    assert "assignmentsectionids" not in made.headers


async def test_assignment_section_ids_header_by_switch(district: District, client: Plugin) -> None:
    district.sis.switches.assignment_section_ids_header = True
    made = await client.create()
    assert made.headers["AssignmentSectionIds"] == str(list(district.sis.gradebook.parts))


async def test_assignment_reads_back_without_nulls(district: District, client: Plugin) -> None:
    made = await client.created(scoreentrypoints=12, description=None)
    (listed,) = (await client.list()).json()
    assert listed["assignmentid"] == made["assignmentid"] == made["_id"]
    assert made["createdbyplugin"] == "744"
    shown = part(made)
    assert shown["assignmentsectionid"] == shown["_id"] != made["assignmentid"]
    assert (shown["sectionsdcid"], shown["duedate"]) == (district.section.dcid, "2026-09-28")
    assert "description" not in shown
    assert "$breach_mitigation" in shown
    assert '"scoreentrypoints":12.0' in (await client.get(made["assignmentid"])).text


async def test_list_has_no_pages_and_hides_the_hidden(district: District, client: Plugin) -> None:
    gradebook = district.sis.gradebook
    made = [
        gradebook.add_assignment(district.section, f"Quiz {n}", district.category, due=date(2026, 9, 1))
        for n in range(120)
    ]
    assert len((await client.list()).json()) == 120
    gradebook.hide_from_lists(made[0])
    assert len((await client.list()).json()) == 119
    assert (await client.get(made[0].assignmentid)).status_code == 200


async def test_teachers_assignment_shows_all_its_sections(district: District, client: Plugin) -> None:
    other = district.sis.add_section(district.school, district.term, district.teacher)
    shared = district.sis.gradebook.add_assignment(
        [district.section, other], "Essay", district.category, due=date(2026, 10, 1)
    )
    (listed,) = (await client.list()).json()
    assert "createdbyplugin" not in listed
    assert [p["sectionsdcid"] for p in listed["_assignmentsections"]] == [district.section.dcid, other.dcid]
    assert shared.section(other.dcid).name == "Essay"


@pytest.mark.parametrize(
    ("section", "named"),
    [
        ({"colour": "red"}, "colour"),
        ({"assignmentsectionid": 7}, "assignmentsectionid"),
        ({"islocked": False}, "islocked"),
        ({"name": 7}, "name"),
        ({"duedate": "09/28/2026"}, "duedate"),
        ({"duedate": "2026-09-28T00:00:00"}, "duedate"),
        ({"scoreentrypoints": "12"}, "scoreentrypoints"),
        ({"scoretype": "points"}, "points"),
        ({"sectionsdcid": "85001"}, "sectionsdcid"),
        ({"publishoption": "Whenever"}, "Whenever"),
    ],
)
async def test_create_refuses_unknown_fields_and_wrong_types(
    district: District, client: Plugin, section: dict[str, Any], named: str
) -> None:
    refused = await client.create(**section)
    assert refused.status_code == 400
    assert named in refused.json()["message"]
    assert not district.sis.gradebook.assignments


async def test_create_takes_what_the_web_app_sends(district: District, client: Plugin) -> None:
    body = new_assignment(
        district,
        description="",
        extracreditpoints=0,
        pointspossible=12,
        relatedgradescaleitemdcid=None,
        isscorespublish=True,
        publishdaysbeforedue=0,
        publishonspecificdate="2026-09-28",
        maxretakeallowed=0,
        yearid=36,
        _assignmentstudentassociations=[],
        selectedScoreType="POINTS",
        dueDateObj={"any": "thing"},
    )
    body |= {"standardcalcdirection": "NONE", "standardscoringmethod": "GradeScale", "yearid": 36}
    assert (await client.create(body)).status_code == 201


INVALID: list[tuple[str, dict[str, Any], str]] = [
    ("name", {"name": " "}, "name"),
    ("name", {"name": "x" * 51}, "name"),
    ("due_date", {"duedate": "2026-08-16"}, "duedate"),
    ("due_date", {"duedate": "2027-01-16"}, "duedate"),
    ("category", {"_assignmentcategoryassociations": []}, "_assignmentcategoryassociations"),
    (
        "category",
        {"_assignmentcategoryassociations": [{"teachercategoryid": 1, "isprimary": True}]},
        "teachercategoryid",
    ),
    ("points", {"scoreentrypoints": 0, "totalpointvalue": 0}, "scoreentrypoints"),
    ("points", {"scoreentrypoints": 10000, "totalpointvalue": 10000}, "totalpointvalue"),
    ("points", {"totalpointvalue": 13}, "totalpointvalue"),
]


@pytest.mark.parametrize(("rule", "section", "field"), INVALID)
async def test_inferred_refusals_are_409_and_switchable(
    district: District, client: Plugin, rule: str, section: dict[str, Any], field: str
) -> None:
    refused = await client.create(**section)
    assert refused.status_code == 409
    (error,) = refused.json()["errors"]
    assert error.keys() == {"code", "field", "params"}
    assert error["field"] == field
    district.sis.switches.inferred = set(INFERRED - {rule})
    assert (await client.create(**section)).status_code == 201


async def test_inactive_category_is_refused(district: District, client: Plugin) -> None:
    district.category.isactive = False
    refused = await client.create()
    assert (refused.status_code, refused.json()["message"]) == (409, "Category is not active")


async def test_same_name_and_day_is_refused_in_any_case(
    client: Plugin,
) -> None:
    await client.created(name="Unit 3 test")
    assert (await client.create(name="UNIT 3 TEST")).status_code == 409
    assert (await client.create(name="UNIT 3 TEST", duedate="2026-09-29")).status_code == 201


async def test_locked_term_refuses_every_write(district: District, client: Plugin) -> None:
    made = await client.created()
    district.sis.lock_term(district.term)
    answers = [
        await client.create(name="Other"),
        await client.put(made["assignmentid"], made),
        await client.delete(made["assignmentid"]),
        await client.score(row(made, district.students[0], "9")),
    ]
    assert [(a.status_code, a.json()["message"]) for a in answers] == [(409, "Locked Term")] * 4
    assert part((await client.get(made["assignmentid"])).json())["islocked"] is True
    district.sis.lock_term(district.term, locked=False)
    assert (await client.delete(made["assignmentid"])).status_code == 204


async def test_object_goes_back_exactly_as_it_was_read(district: District, client: Plugin) -> None:
    made = await client.created(_assignmentstudentassociations=[{"studentsdcid": district.students[0].dcid}])
    assert (await client.put(made["assignmentid"], made)).status_code == 201
    again = (await client.get(made["assignmentid"])).json()
    assert part(again)["assignmentsectionid"] == part(made)["assignmentsectionid"]
    assert part(again)["name"] == part(made)["name"]
    assert len(part(again)["_assignmentstudentassociations"]) == 1


async def test_update_overwrites_and_left_out_fields_fall_back(client: Plugin) -> None:
    made = await client.created(iscountedinfinalgrade=False, description="to be lost")
    changed = part(made) | {"name": "Unit 3 retake", "duedate": "2026-09-30"}
    for name in ("iscountedinfinalgrade", "description"):
        changed.pop(name)
    await client.put(made["assignmentid"], made | {"_assignmentsections": [changed]})
    shown = part((await client.get(made["assignmentid"])).json())
    assert (shown["name"], shown["duedate"]) == ("Unit 3 retake", "2026-09-30")
    assert shown["iscountedinfinalgrade"] is True
    assert "description" not in shown


async def test_update_is_checked_but_never_clashes_with_itself(client: Plugin) -> None:
    first, second = await client.created(name="One"), await client.created(name="Two")
    renamed = second | {"_assignmentsections": [part(second) | {"name": "one"}]}
    assert (await client.put(second["assignmentid"], renamed)).status_code == 409
    same = first | {"_assignmentsections": [part(first) | {"name": "ONE"}]}
    assert (await client.put(first["assignmentid"], same)).status_code == 201


async def test_update_must_include_all_sections(district: District, client: Plugin) -> None:
    other = district.sis.add_section(district.school, district.term, district.teacher)
    sections = [district.section, other]
    gradebook = district.sis.gradebook
    shared = gradebook.add_assignment(sections, "Essay", district.category, due=date(2026, 10, 1))
    whole = (await client.get(shared.assignmentid)).json()
    ours, theirs = whole["_assignmentsections"]
    key = shared.assignmentid
    assert (await client.put(key, whole | {"_assignmentsections": [ours]})).status_code == 400
    assert (await client.put(key, whole | {"assignmentid": key + 1})).status_code == 400
    swapped = [ours | {"assignmentsectionid": theirs["assignmentsectionid"]}, theirs]
    assert (await client.put(key, whole | {"_assignmentsections": swapped})).status_code == 400
    unequal = [ours | {"name": "Essay 1"}, theirs]
    assert (await client.put(key, whole | {"_assignmentsections": unequal})).status_code == 400
    assert (await client.put(key, whole)).status_code == 201


@pytest.mark.parametrize(("does", "text"), [("keep", "9"), ("scale", "18")])
async def test_new_points_need_update_scores_once_scores_exist(
    district: District, client: Plugin, does: str, text: str
) -> None:
    district.sis.switches.update_scores_does = does  # type: ignore[assignment]
    made = await client.created()
    doubled = made | {"_assignmentsections": [part(made) | {"scoreentrypoints": 24, "totalpointvalue": 24}]}
    await client.score(row(made, district.students[0], "9"))
    assert (await client.put(made["assignmentid"], doubled)).status_code == 409
    assert (await client.put(made["assignmentid"], doubled, update_scores="yes")).status_code == 400
    assert (await client.put(made["assignmentid"], doubled, update_scores="true")).status_code == 201
    table = district.sis.gradebook.table(district.section)
    assert table == {"Unit 3 test": {district.students[0].dcid: text}}


async def test_new_points_need_nothing_without_scores(client: Plugin) -> None:
    made = await client.created()
    doubled = made | {"_assignmentsections": [part(made) | {"scoreentrypoints": 24, "totalpointvalue": 24}]}
    assert (await client.put(made["assignmentid"], doubled)).status_code == 201


async def test_delete_with_scores_needs_force(district: District, client: Plugin) -> None:
    made = await client.created()
    await client.score(row(made, district.students[0], "9"))
    assert (await client.delete(made["assignmentid"])).status_code == 412
    assert (await client.delete(made["assignmentid"], force="true")).status_code == 204
    assert (await client.get(made["assignmentid"])).status_code == 404
    district.sis.switches.gone_status = 500
    gone = await client.get(made["assignmentid"])
    assert (gone.status_code, gone.json()["message"][:14]) == (500, "Unable to find")
    assert (await client.list()).json() == []


async def test_people_edit_assignments_in_the_sis(district: District, client: Plugin) -> None:
    made = await client.created()
    gradebook = district.sis.gradebook
    (assignment,) = gradebook.named(district.section, "Unit 3 test")
    mine = assignment.section(district.section.dcid)
    gradebook.edit_assignment(mine, name="Renamed", due=date(2026, 9, 29), points=Decimal(20))
    shown = part((await client.get(made["assignmentid"])).json())
    assert (shown["name"], shown["duedate"], shown["totalpointvalue"]) == ("Renamed", "2026-09-29", 20.0)
