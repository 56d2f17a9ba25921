"""Test what waits for the next sync: counted cheaply, and not at all rather than wrongly."""

from decimal import Decimal
from typing import Any

import pytest

from gradesync.db import audit
from gradesync_sandbox.faults import Fault, Status
from gradesync_sandbox.schoology.model import ACTIVE, ARCHIVED
from harness.api import ApiClient, ApiHarness

UNKNOWN = {"assignments": None, "scores": None, "as_of": None}


async def waiting(who: ApiClient, api: ApiHarness) -> dict[str, Any]:
    response = await who.get(f"{api.path}/waiting")
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


async def synced(api: ApiHarness) -> ApiClient:
    teacher = await api.teacher()
    await api.sync(teacher)
    return teacher


def grade(api: ApiHarness, points: int) -> int:
    """Give a student another score; return the assignment's id."""
    section, uid = api.room.section, next(iter(api.room.students))
    item = next(iter(section.items.values()))
    api.world.schoology.grade(section.id, item.id, uid, Decimal(points))
    return item.id


async def test_changes_since_the_last_sync_are_counted(api: ApiHarness) -> None:
    teacher = await synced(api)
    item = grade(api, 1)
    changed = next(each for each in api.room.section.items.values() if each.id != item)
    api.world.schoology.edit_assignment(api.room.section.id, changed.id, title="Another name")
    counted = await waiting(teacher, api)
    assert (counted["assignments"], counted["scores"]) == (1, 1)
    items = {each["id"]: each for each in (await teacher.get(f"{api.path}/assignments")).json()["items"]}
    assert (items[str(item)]["state"], items[str(item)]["scores_waiting"]) == ("changes-waiting", 1)
    assert {each["scores_waiting"] for key, each in items.items() if key != str(item)} == {0}


async def test_what_was_counted_before_a_sync_is_forgotten(api: ApiHarness) -> None:
    teacher = await synced(api)
    grade(api, 1)
    assert (await waiting(teacher, api))["scores"] == 1
    grade(api, 2)
    await api.sync(teacher)
    assert (await waiting(teacher, api))["scores"] == 0


async def test_scores_of_a_new_student_are_counted(api: ApiHarness) -> None:
    schoology, section = api.world.schoology, api.room.section
    uid = next(uid for uid in api.room.students if uid not in api.room.odd.values())
    schoology.drop_student(section.id, uid)
    teacher = await synced(api)
    schoology.enroll(section.id, uid)  # with scores that are older than the sync
    preview = await api.sync(teacher, dry_run=True)
    assert preview["scores"]["written"] > 3
    assert (await waiting(teacher, api))["scores"] == preview["scores"]["written"]


@pytest.mark.parametrize("gone", [False, True], ids=["two enrollments", "one is gone"])
async def test_R38_an_older_blank_does_not_wait(api: ApiHarness, gone: bool) -> None:
    schoology, section = api.world.schoology, api.room.section
    uid = next(uid for uid in api.room.students if uid not in api.room.odd.values())
    first, item = section.enrollment_of(uid), next(iter(section.items.values()))
    schoology.clear(section.id, item.id, uid)
    schoology.switches.clock_skew += 5
    second = schoology.enroll_anew(section.id, uid)
    schoology.grade_enrollment(section.id, item.id, second.id, 8)
    teacher = await synced(api)
    second.status, first.status = ARCHIVED, ACTIVE
    if gone:
        del section.enrollments[second.id]
    preview = await api.sync(teacher, dry_run=True)
    assert preview["scores"]["cleared"] == 0
    assert (await waiting(teacher, api))["scores"] == 0


async def test_nothing_is_counted_where_old_scores_are_unread(api: ApiHarness) -> None:
    schoology, section = api.world.schoology, api.room.section
    uid = next(uid for uid in api.room.students if uid not in api.room.odd.values())
    schoology.drop_student(section.id, uid)
    teacher = await synced(api)
    schoology.enroll(section.id, uid)
    api.sandbox.faults.add(Fault("schoology", "grades", Status(403), times=None))
    assert await waiting(teacher, api) == UNKNOWN


async def test_nothing_is_counted_before_the_first_sync(api: ApiHarness) -> None:
    teacher = await api.teacher()
    assert await waiting(teacher, api) == UNKNOWN


async def test_nothing_is_counted_while_schoology_is_down(api: ApiHarness) -> None:
    teacher = await synced(api)
    api.refuse("schoology")
    assert await waiting(teacher, api) == UNKNOWN


async def test_nothing_is_counted_while_a_sync_needs_the_calls(api: ApiHarness) -> None:
    teacher = await synced(api)
    await teacher.post(f"{api.path}/syncs")
    assert await waiting(teacher, api) == UNKNOWN


async def test_nothing_is_counted_of_what_is_shown_in_part(api: ApiHarness) -> None:
    teacher = await synced(api)
    grade(api, 1)
    switches = api.world.schoology.switches
    switches.partial_lists, switches.partial_once, switches.partial_rest = {"enrollment": 3}, False, False
    assert await waiting(teacher, api) == UNKNOWN


async def test_waiting_scores_are_read_once_a_minute(api: ApiHarness) -> None:
    teacher = await synced(api)
    api.world.schoology.log.clear()
    for _ in range(3):
        await waiting(teacher, api)
        await teacher.get(f"{api.path}/assignments")
    assert max(api.world.schoology.log.counts().values()) == 1
    assert sum(api.world.schoology.log.counts().values()) <= 3


async def test_owed_scores_do_not_wait(api: ApiHarness) -> None:
    api.drop_student()
    teacher = await synced(api)
    assert (await waiting(teacher, api))["scores"] == 0
    items = (await teacher.get(f"{api.path}/assignments")).json()["items"]
    assert any(item["scores_not_sent"] for item in items)


async def test_several_assignments_are_switched_at_once(api: ApiHarness) -> None:
    teacher = await api.teacher()
    ids = [str(item.id) for item in api.room.section.standing()][:2]
    body = {"ids": [*ids, ids[0]], "sync_to_sis": False}
    listed = (await teacher.ask("PATCH", f"{api.path}/assignments", json=body)).json()["items"]
    assert [item["id"] for item in listed if not item["sync_to_sis"]] == ids
    entries = (await (await api.office()).get("/audit", limit=2)).json()["items"]
    assert [entry["objects"]["assignment"] for entry in reversed(entries)] == ids
    async with api.runtime.context.database.district(api.district.id) as db:
        assert await audit.verify(db) is None
    unknown = {"ids": [ids[0], "404404"], "sync_to_sis": True}
    assert (await teacher.ask("PATCH", f"{api.path}/assignments", json=unknown)).status_code == 404
    listed = (await teacher.get(f"{api.path}/assignments")).json()["items"]
    assert [item["id"] for item in listed if not item["sync_to_sis"]] == ids


async def test_problems_are_known_before_the_first_sync(api: ApiHarness) -> None:
    section = api.room.section
    item = section.standing()[0]
    api.world.schoology.edit_assignment(section.id, item.id, title="x" * 63)
    teacher = await api.teacher()
    body = (await teacher.get(f"{api.path}/assignments")).json()
    problems = {each["id"]: each["problem"]["code"] for each in body["items"] if each["problem"]}
    assert problems[str(item.id)] == "title-too-long"
    assert body["problem"] is None


async def test_section_without_a_match_is_known_before_the_first_sync(api: ApiHarness) -> None:
    api.room.section.school_code = "UNHEARD-OF"
    teacher = await api.teacher()
    body = (await teacher.get(f"{api.path}/assignments")).json()
    assert body["problem"]["code"] == "section-unmatched"


async def test_assignments_link_to_schoology(api: ApiHarness) -> None:
    teacher = await api.teacher()
    items = (await teacher.get(f"{api.path}/assignments")).json()["items"]
    assert all(item["url"].startswith("https://") for item in items)
