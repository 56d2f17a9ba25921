"""Test the reasons of a sync: each once, with everybody and everything that it concerns."""

from typing import Any

from gradesync_sandbox.faults import Fault, Status
from harness.api import ApiClient, ApiHarness, expect_problem


async def read_reasons(who: ApiClient, sync: dict[str, Any]) -> dict[str, dict[str, Any]]:
    response = await who.get(f"{sync['links']['self']}/reasons")
    assert response.status_code == 200, response.text
    return {item["reason"]["code"]: item for item in response.json()["items"]}


async def test_a_student_is_listed_once_with_the_number_of_scores(api: ApiHarness) -> None:
    uid = api.drop_student()
    teacher = await api.teacher()
    sync = await api.sync(teacher)
    found = (await read_reasons(teacher, sync))["student-not-in-sis-section"]
    (concerned,) = found["concerned"]
    assert concerned["student"] == {"id": str(uid), "name": api.world.schoology.users[uid].display}
    assert concerned["assignment"] is None
    query = {"reason": "student-not-in-sis-section", "student": str(uid), "limit": 200}
    rows = (await teacher.get(sync["links"]["outcomes"], **query)).json()["items"]
    assert len(rows) == concerned["scores"] == found["scores"]
    shown = [(one["assignment"]["id"], one["student"]["id"]) for one in concerned["first"]]
    assert shown == [(row["assignment"]["id"], row["student"]["id"]) for row in rows[:4]]


async def test_an_assignment_is_listed_with_its_facts(api: ApiHarness) -> None:
    item = api.room.section.standing()[0]
    api.world.schoology.edit_assignment(api.room.section.id, item.id, title="x" * 63)
    teacher = await api.teacher()
    sync = await api.sync(teacher)
    found = (await read_reasons(teacher, sync))["title-too-long"]
    (concerned,) = [one for one in found["concerned"] if one["assignment"]["id"] == str(item.id)]
    assert concerned["student"] is None
    assert (concerned["assignments"], concerned["scores"]) == (1, 0)
    assert concerned["first"][0]["about"].startswith("The name has 63 characters")


async def test_R54_attention_is_the_sum_of_listed_reasons(api: ApiHarness) -> None:
    api.drop_student()
    for item in api.room.section.standing()[:2]:
        api.world.schoology.edit_assignment(api.room.section.id, item.id, title="x" * 63)
    teacher = await api.teacher()
    sync = await api.sync(teacher)
    listed = [
        each for each in (await read_reasons(teacher, sync)).values() if each["reason"]["needs_attention"]
    ]
    for kind in ("assignments", "scores"):
        assert sum(each[kind] for each in listed) == sync["attention"][kind] > 0
        assert all(sum(one[kind] for one in each["concerned"]) == each[kind] for each in listed)


async def test_reasons_of_an_unknown_sync_are_refused(api: ApiHarness) -> None:
    teacher = await api.teacher()
    unknown = f"{api.path}/syncs/01234567-89ab-7cde-8f01-23456789abcd/reasons"
    expect_problem(await teacher.get(unknown), 404, "sync-not-found")


async def test_technical_details_are_labeled(api: ApiHarness) -> None:
    no = Status(409, '{"message":"TeacherCategoryId is refused, Ada"}')
    api.sandbox.faults.add(Fault("powerschool", "assignment.create", no))
    teacher = await api.teacher()
    found = (await read_reasons(teacher, await api.sync(teacher)))["assignment-not-accepted"]
    assert "the details name" in found["reason"]["fix"]
    (row,) = found["concerned"][0]["first"]
    assert row["about"] == "Details: PowerSchool answered 409 and named teachercategoryid"
