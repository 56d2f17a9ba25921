"""Test schedules: runs that begin by themselves in a window, each occurrence once, by somebody's decision."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from gradesync.sync.runs import advance_runs
from gradesync.sync.schedules import begin_scheduled
from harness.api import ApiClient, ApiHarness, expect_problem

EVERY_DAY = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
YESTERDAY = "UPDATE schedule SET next_at = next_at - interval '1 day'"
SENT = "UPDATE sync SET status = 'complete', result = 'all-sent'"
OVER = "UPDATE run SET ends = now() - interval '1 second'"


@pytest.fixture
async def office(api: ApiHarness) -> ApiClient:
    await api.change_policy(schedules=True, service_sync=True)
    return await api.office()


def window(api: ApiHarness, begins: timedelta, ends: timedelta) -> dict[str, Any]:
    """Return a request for a window on every day that begins and ends so long from now."""
    now = datetime.now(ZoneInfo(api.district.timezone))
    return {"days": EVERY_DAY, "begins": f"{now + begins:%H:%M}", "ends": f"{now + ends:%H:%M}"}


async def add(api: ApiHarness, office: ApiClient, **more: Any) -> dict[str, Any]:
    """Add a schedule whose window began half an hour ago, and has three hours left."""
    wanted = window(api, timedelta(minutes=-30), timedelta(hours=3))
    response = await office.post("/schedules", {**wanted, **more})
    assert response.status_code == 201, response.text
    await api.change_rows(YESTERDAY)
    schedule: dict[str, Any] = response.json()
    return schedule


async def know_sections(api: ApiHarness, office: ApiClient) -> list[str]:
    """Let gradesync know both sections, and return them in the order of their syncs."""
    sections = [str(room.section.id) for room in api.world.classrooms]
    for section in sections:
        await api.sync(office, section)
    return sections


async def runs(office: ApiClient) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await office.get("/runs")).json()["items"]
    return items


async def begin(api: ApiHarness) -> int:
    return await begin_scheduled(api.runtime.context)


async def test_R23_schedules_need_a_policy(api: ApiHarness) -> None:
    office = await api.office()
    wanted = {"days": ["monday"], "begins": "01:00", "ends": "05:00"}
    expect_problem(await office.post("/schedules", wanted), 403, "schedules-off")
    await api.change_policy(schedules=True)
    await add(api, office, section=api.section)
    await api.change_policy(schedules=False)
    assert await begin(api) == 0
    assert await runs(office) == []


async def test_window_begins_one_run_in_the_schedules_name(api: ApiHarness, office: ApiClient) -> None:
    schedule = await add(api, office, section=api.section)
    assert sum(await asyncio.gather(*(begin(api) for _ in range(3)))) == 1
    await api.change_rows(YESTERDAY)  # as if the process had died before it noted the next window
    assert await begin(api) == 0
    (run,) = await runs(office)
    assert (run["schedule_id"], run["requested_by"]) == (schedule["id"], schedule["decided_by"])
    assert run["begins"] < datetime.now(UTC).isoformat() < run["finishes_by"] < run["ends"]
    assert await advance_runs(api.runtime.context, 900) == 1
    await api.run_queued()
    (sync,) = (await office.get("/syncs")).json()["items"]
    assert (sync["requested_by"]["kind"], sync["requested_by"]["run"]) == ("schedule", run["id"])
    assert sync["requested_by"]["id"] == schedule["decided_by"]["id"]
    await advance_runs(api.runtime.context, 900)
    (run,) = await runs(office)
    assert (run["status"], run["counts"]["total"], run["counts"]["waiting"]) == ("complete", 1, 0)
    entries = (await office.get("/audit", limit=3)).json()["items"]
    begun = next(entry for entry in entries if entry["action"] == "schedule.begun")
    assert begun["actor"] == f"client:{schedule['decided_by']['id']}"
    assert (await office.get("/schedules")).json()["items"][0]["next"]["begins"] > run["ends"]


async def test_syncs_spread_over_the_window_and_end_with_it(api: ApiHarness, office: ApiClient) -> None:
    sections = await know_sections(api, office)
    schedule = await add(api, office)
    assert (schedule["next"]["sections"], schedule["next"]["room"]) == (2, 2)
    await begin(api)
    assert await advance_runs(api.runtime.context, 900) == 1
    await api.run_queued()
    assert await advance_runs(api.runtime.context, 900) == 0  # the turn of the second is an hour away
    (run,) = await runs(office)
    assert (run["counts"]["waiting"], run["status"]) == (1, "processing")
    await api.change_rows(OVER)
    await advance_runs(api.runtime.context, 900)
    (run,) = await runs(office)
    assert (run["status"], [skip["code"] for skip in run["skips"]]) == ("complete", ["window-over"])
    parts = (await office.get(run["links"]["sections"])).json()["items"]
    assert [part["section_id"] for part in parts] == sections  # the one synced longest ago comes first
    assert await begin(api) == 0


async def test_section_synced_since_its_turn_came_is_skipped(api: ApiHarness, office: ApiClient) -> None:
    await add(api, office, section=api.section)
    await begin(api)
    await api.sync(office)
    await api.change_rows(SENT)
    await advance_runs(api.runtime.context, 900)
    (run,) = await runs(office)
    assert [(skip["code"], skip["count"]) for skip in run["skips"]] == [("synced-since", 1)]


async def test_preview_since_its_turn_came_skips_nothing(api: ApiHarness, office: ApiClient) -> None:
    await add(api, office, section=api.section)
    await begin(api)
    await api.sync(office, dry_run=True)
    await api.change_rows(SENT)
    assert await advance_runs(api.runtime.context, 900) == 1


async def test_window_that_is_over_is_left_out(api: ApiHarness, office: ApiClient) -> None:
    wanted = window(api, timedelta(hours=-5), timedelta(hours=-4))
    await office.post("/schedules", {**wanted, "section": api.section})
    await api.change_rows("UPDATE schedule SET next_at = next_at - interval '3 days'")
    assert await begin(api) == 0
    assert await runs(office) == []
    (schedule,) = (await office.get("/schedules")).json()["items"]
    assert schedule["next"]["begins"] > datetime.now(UTC).isoformat()


@pytest.mark.parametrize(
    ("before", "after", "hours"),
    [("America/Chicago", "America/New_York", 1), ("Pacific/Honolulu", "America/New_York", 5)],
)
async def test_zone_that_moves_east_leaves_no_night_out(
    api: ApiHarness, office: ApiClient, before: str, after: str, hours: int
) -> None:
    await api.replace_district(replace(api.district, timezone=before))
    wanted = window(api, timedelta(minutes=30), timedelta(hours=hours + 2))
    response = await office.post("/schedules", {**wanted, "section": api.section})
    schedule = response.json()
    assert await begin(api) == 0
    await api.replace_district(replace(api.district, timezone=after))
    assert await begin(api) == 1
    (run,) = await runs(office)
    assert run["schedule_id"] == schedule["id"]
    earlier = datetime.fromisoformat(schedule["next"]["begins"]) - datetime.fromisoformat(run["begins"])
    assert earlier in {timedelta(hours=hours), timedelta(hours=hours + 1)}  # in summer Honolulu is 6 away
    assert await begin(api) == 0


async def test_schedule_is_removed_and_what_is_wrong_refused(api: ApiHarness, office: ApiClient) -> None:
    schedule = await add(api, office, section=api.section)
    assert (await office.ask("DELETE", f"/schedules/{schedule['id']}")).status_code == 204
    assert await begin(api) == 0
    expect_problem(await office.ask("DELETE", f"/schedules/{uuid4()}"), 404, "schedule-not-found")
    mistakes: list[dict[str, Any]] = [
        {"ends": "01:05"},
        {"days": []},
        {"school": "940", "section": api.section},
    ]
    for wrong in mistakes:
        wanted = {"days": ["monday"], "begins": "01:00", "ends": "05:00", **wrong}
        expect_problem(await office.post("/schedules", wanted), 422, "request-not-valid")


async def test_section_without_changes_is_skipped_unsynced(api: ApiHarness, office: ApiClient) -> None:
    await know_sections(api, office)
    left = await api.sync(office)
    while left["result"] != "all-sent":  # what needs attention is switched off
        stopped = (await office.get(f"{left['links']['self']}/outcomes")).json()["items"]
        ids = sorted({one["assignment"]["id"] for one in stopped if one["result"] in {"failed", "skipped"}})
        await office.ask("PATCH", f"{api.path}/assignments", json={"ids": ids, "sync_to_sis": False})
        left = await api.sync(office)
    await add(api, office, section=api.section)
    await begin(api)
    calls = len(api.world.powerschool.log.calls)
    assert await advance_runs(api.runtime.context, 900) == 0
    (run,) = await runs(office)
    assert [(skip["code"], skip["count"]) for skip in run["skips"]] == [("nothing-changed", 1)]
    assert run["status"] == "complete"
    assert len(api.world.powerschool.log.calls) == calls
    item, uid = api.room.section.standing()[0], next(iter(api.room.students))
    api.world.schoology.grade(api.room.section.id, item.id, uid, 4)
    for table in ("run_section", "run"):
        await api.change_rows(f"DELETE FROM {table}")  # noqa: S608 - our own tables
    await api.change_rows(YESTERDAY)
    await begin(api)
    assert await advance_runs(api.runtime.context, 900) == 1
