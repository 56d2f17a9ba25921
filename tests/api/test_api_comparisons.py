"""Test comparisons of a section: nothing is written, nobody waits, and every edit in the SIS is found."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from sqlalchemy import text

from gradesync.core.sis import Policy
from gradesync.db import comparisons, retention
from gradesync.sync import comparison
from gradesync_sandbox.faults import Fault, Hold, RefuseBefore, Status
from harness.api import ApiClient, ApiHarness, expect_problem
from harness.known_districts import forget_pauses
from harness.sis_edits import compare, find_scored, part_of, type_in_sis

LATER_IS_NOW = "UPDATE comparison SET not_before = now(), lease_until = lease_until - interval '1 hour'"
PAST = "UPDATE comparison SET settles_by = now() - interval '1 second'"
BUSY = Status(429, headers={"retry-after": "300"})


async def start(who: ApiClient, api: ApiHarness) -> str:
    response = await who.post(f"{api.path}/comparisons")
    assert response.status_code == 202, response.text
    assert response.json()["links"]["self"] == response.headers["location"]
    return response.headers["location"]


async def advance(api: ApiHarness, times: int = 1) -> int:
    """Run the worker's periodic work, without the pauses in between; return how many were completed."""
    made = 0
    for _ in range(times):
        made += await comparison.advance(api.runtime.context)
        await api.change_rows(LATER_IS_NOW)
    return made


async def read_cells(who: ApiClient, found: dict[str, Any], **filters: Any) -> list[dict[str, Any]]:
    """Return the cells of all pages of a comparison."""
    items: list[dict[str, Any]] = []
    query = {"limit": 7, **filters}
    while True:
        page = (await who.get(found["links"]["cells"], **query)).json()
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        query["cursor"] = page["next_cursor"]


async def test_edited_assignment_is_found_field_by_field(api: ApiHarness) -> None:
    office = await api.office()
    await api.sync(office)
    before = (await compare(api, office))["fields"]
    assert before["total"] == before["counts"]["same"] > 0 == len(before["differing"])
    item, _ = find_scored(api)
    gradebook = api.world.powerschool.gradebook
    points, due = item.max_points + 5, date(2026, 10, 1)
    gradebook.edit_assignment(part_of(api, item), points=points, due=due)
    fields = (await compare(api, office))["fields"]
    assert fields["total"] == before["total"] == sum(fields["counts"].values())
    found = {one["field"]: (one["state"], one["sis"]) for one in fields["differing"]}
    assert found == {"points": ("drift", f"{points.normalize():f}"), "due": ("drift", due.isoformat())}
    assert {one["assignment"]["id"] for one in fields["differing"]} == {str(item.id)}


async def test_every_edit_is_found_with_its_values(api: ApiHarness) -> None:
    office = await api.office()
    await api.sync(office)
    before = await compare(api, office)
    item, (ann, ben, cam, *_) = find_scored(api, 3)
    for uid in (ann, ben):
        type_in_sis(api, item, uid, 3)
    for uid in (ben, cam):
        api.world.schoology.grade(api.room.section.id, item.id, uid, 4)
    found = await compare(api, office)
    cells = {cell["student"]["id"]: cell for cell in await read_cells(office, found, assignment=str(item.id))}
    moved = {"same": -3, "drift": 1, "conflict": 1, "pending": 1}
    assert found["counts"] == {name: n + moved.get(name, 0) for name, n in before["counts"].items()}
    assert [cells[str(uid)]["state"] for uid in (ann, ben, cam)] == ["drift", "conflict", "pending"]
    assert (cells[str(ben)]["sis"], cells[str(ben)]["schoology"]) == ("3", "4")
    assert found["edits"]["summary"] == f"Both edits are in {item.title.strip()}."
    assert found["edits"]["assignments"] == [{"id": str(item.id), "title": item.title.strip(), "edits": 2}]
    listed = (await office.get(f"{api.path}/comparisons")).json()["items"]
    assert [one["id"] for one in listed] == [found["id"], before["id"]]


async def test_a_comparison_writes_to_neither_system(api: ApiHarness) -> None:
    office = await api.office()
    await api.sync(office)
    api.world.powerschool.log.clear()
    api.world.schoology.log.clear()
    before = await api.rows()
    await compare(api, office)
    assert all(call.method == "GET" for call in api.world.powerschool.log.calls if call.kind != "token")
    assert {c.kind for c in api.world.schoology.log.calls if c.method != "GET"} <= {"multiget"}
    written = {table for table, rows in (await api.rows()).items() if rows != before[table]}
    assert written == {"comparison", "audit"}


async def test_cells_are_paged_and_filtered(api: ApiHarness) -> None:
    teacher = await api.teacher()
    await api.sync(teacher)
    item, uids = find_scored(api, 3)
    type_in_sis(api, item, uids[0], 3)
    found = await compare(api, teacher)
    cells = await read_cells(teacher, found)
    states = Counter(cell["state"] for cell in cells)
    assert states == {name: n for name, n in found["counts"].items() if n}
    (drift,) = await read_cells(teacher, found, state="drift")
    assert drift["student"]["name"]
    own = [cell for cell in cells if cell["student"] and cell["student"]["id"] == str(uids[0])]
    assert await read_cells(teacher, found, student=str(uids[0])) == own
    assert await read_cells(teacher, found, student=drift["sis_student"]) == own


async def test_a_comparison_keeps_no_sync_waiting(api: ApiHarness) -> None:
    office = await api.office()
    path = await start(office, api)
    api.world.schoology.log.clear()
    assert (await office.post(f"{api.path}/syncs", {})).status_code == 202
    assert await advance(api) == 0
    assert api.world.schoology.log.counts() == {}
    await api.run_queued()
    assert await advance(api) == 1
    assert (await office.get(path)).json()["status"] == "complete"


async def test_what_a_sync_writes_meanwhile_is_no_edit(api: ApiHarness) -> None:
    office = await api.office()
    await api.sync(office)
    item, uids = find_scored(api, 3)
    path = await start(office, api)
    api.sandbox.faults.add(Fault("schoology", "multiget", Hold()))
    working = asyncio.create_task(comparison.advance(api.runtime.context))
    await api.sandbox.faults.until_held()
    api.world.schoology.grade(api.room.section.id, item.id, uids[0], 4)
    await api.sync(office)
    api.sandbox.faults.release()
    assert await working == 0
    assert (await office.get(path)).json()["status"] == "processing"
    await api.change_rows(LATER_IS_NOW)
    assert await advance(api) == 1
    found = (await office.get(path)).json()
    assert (found["counts"]["drift"], found["counts"]["conflict"]) == (0, 0)


async def test_edit_after_a_sync_that_was_waited_for_is_listed(api: ApiHarness) -> None:
    """Wait for a sync, and list what was typed over its score before the second attempt."""
    office = await api.office()
    await api.sync(office)
    item, uids = find_scored(api, 3)
    await start(office, api)
    api.world.schoology.grade(api.room.section.id, item.id, uids[0], 4)
    assert (await office.post(f"{api.path}/syncs", {})).status_code == 202
    assert await advance(api) == 0
    await api.run_queued()
    type_in_sis(api, item, uids[0], 2)
    assert await advance(api) == 1
    (edit,) = (await office.get(f"{api.path}/drift")).json()["items"]
    assert (edit["sis"], edit["schoology"]) == ("2", "4")


async def test_a_paused_district_compares_nothing(api: ApiHarness) -> None:
    office = await api.office()
    path = await start(office, api)
    pause = (await office.post("/pause", {"reason": "An upgrade."})).json()
    assert await advance(api) == 0
    assert (await office.ask("DELETE", f"/pause/{pause['id']}")).is_success
    assert await advance(api) == 1
    assert (await office.get(path)).json()["status"] == "complete"


async def test_a_section_has_one_comparison_at_a_time(api: ApiHarness) -> None:
    office = await api.office()
    path = await start(office, api)
    assert await start(await api.teacher(), api) == path
    await api.change_rows(PAST)
    found = (await office.get(path)).json()
    assert (found["status"], found["error"]["code"]) == ("failed", "timed-out")
    assert await start(office, api) != path
    audit = (await office.get("/audit")).json()["items"]
    assert [entry["action"] for entry in audit].count("comparison.requested") == 2


async def test_a_sis_that_shows_no_scores_is_claimed_nothing_of(api: ApiHarness) -> None:
    office = await api.office()
    await api.sync(office)
    api.world.powerschool.plugin.deny("assignmentscore", "scorepoints")
    found = await compare(api, office)
    assert found["counts"]["unreadable"] == found["cells"] > 0
    reasons = {cell["reason"]["code"] for cell in await read_cells(office, found) if cell["reason"]}
    assert "sis-scores-unreadable" in reasons
    assert {cell["sis"] for cell in await read_cells(office, found)} == {None}


async def test_refused_credentials_end_a_comparison(api: ApiHarness) -> None:
    office = await api.office()
    path = await start(office, api)
    api.world.powerschool.plugin.client_secret = "another"
    await advance(api)
    found = (await office.get(path)).json()
    assert (found["status"], found["error"]["code"]) == ("failed", "sis-credentials-refused")
    assert (await office.get(found["links"]["cells"])).json()["items"] == []


@pytest.mark.parametrize("fault", [BUSY, RefuseBefore()], ids=["throttled", "away"])
async def test_a_system_that_stays_away_ends_a_comparison(api: ApiHarness, fault: Any) -> None:
    office = await api.office()
    path = await start(office, api)
    api.sandbox.faults.add(Fault("schoology", "*", fault, times=None))
    for _ in range(4):
        assert await advance(api) == 0
        await forget_pauses(api.runtime.redis)
    found = (await office.get(path)).json()
    assert (found["status"], found["error"]["code"]) == ("failed", "upstream-unavailable")
    assert found["error"]["explanation"] == "Schoology isn't available right now."


async def test_a_worker_that_lost_its_lease_stores_nothing(api: ApiHarness) -> None:
    office = await api.office()
    path = await start(office, api)
    api.sandbox.faults.add(Fault("schoology", "multiget", Hold()))
    working = asyncio.create_task(comparison.advance(api.runtime.context))
    await api.sandbox.faults.until_held()
    await api.change_rows("UPDATE comparison SET lease_token = gen_random_uuid()")
    api.sandbox.faults.release()
    await working
    found = (await office.get(path)).json()
    assert (found["status"], found["cells"]) == ("processing", 0)


async def test_old_comparisons_are_purged(api: ApiHarness) -> None:
    office = await api.office()
    found = await compare(api, office)
    async with api.runtime.context.database.district(api.district.id) as db:
        await retention.purge(db)
        assert await comparisons.get(db, found["id"]) is not None
        await db.execute(text("UPDATE comparison SET requested_at = now() - interval '31 days'"))
        await retention.purge(db)
    expect_problem(await office.get(found["links"]["self"]), 404, "comparison-not-found")


async def test_another_sections_comparison_does_not_exist(api: ApiHarness) -> None:
    office = await api.office()
    found = await compare(api, office)
    elsewhere = found["links"]["self"].replace(api.section, str(api.world.classrooms[1].section.id))
    expect_problem(await office.get(elsewhere), 404, "comparison-not-found")
    expect_problem(await office.get(f"{elsewhere}/cells"), 404, "comparison-not-found")


def zone_where(api: ApiHarness, hour: int) -> str:
    """Return a time zone in which it is that hour now. The signs of these names are turned around."""
    west = (api.runtime.clock().hour - hour + 11) % 24 - 11
    return f"Etc/GMT{west:+d}"


async def test_policy_compares_every_section_each_night(api: ApiHarness) -> None:
    office = await api.office()
    for room in api.world.classrooms:
        await api.sync(office, str(room.section.id))
    night, noon, rooms = zone_where(api, 2), zone_where(api, 12), len(api.world.classrooms)
    for zone, policy, queued in (
        (night, Policy(), 0),
        (noon, Policy(compare_nightly=True), 0),
        (night, Policy(compare_nightly=True), rooms),
        (night, Policy(compare_nightly=True), 0),
    ):
        await api.replace_district(replace(api.district, timezone=zone, policy=policy))
        assert await comparison.queue_nightly(api.runtime.context) == queued
    assert await advance(api, rooms) == rooms
    (found,) = (await office.get(f"{api.path}/comparisons")).json()["items"]
    assert (found["status"], found["requested_by"]["kind"]) == ("complete", "schedule")
