"""Test runs: syncs of many sections for the district, behind those of teachers, with counts that close."""

import asyncio
from typing import Any

import pytest

from gradesync.sync.claim import claim_from
from gradesync.sync.run import run_sync
from gradesync.sync.runs import advance_runs
from harness.api import ApiClient, ApiHarness, expect_problem

UNKNOWN = [str(7_000_001 + number) for number in range(8)]  # Schoology has none of them


@pytest.fixture
async def office(api: ApiHarness) -> ApiClient:
    await api.change_policy(runs=True, service_sync=True)
    return await api.office()


async def advance(api: ApiHarness) -> int:
    return await advance_runs(api.runtime.context, 900)


async def start(office: ApiClient, **wanted: Any) -> str:
    response = await office.post("/runs", wanted or None)
    assert response.status_code == 202, response.text
    assert response.json()["links"]["self"] == response.headers["location"]
    return response.headers["location"]


async def read(office: ApiClient, path: str) -> dict[str, Any]:
    """Return a run, whose counts must close."""
    run: dict[str, Any] = (await office.get(path)).json()
    counts = run["counts"]
    assert sum(number for name, number in counts.items() if name != "total") == counts["total"]
    assert sum(skip["count"] for skip in run["skips"]) == counts["skipped"]
    return run


async def finish(api: ApiHarness, office: ApiClient, path: str) -> dict[str, Any]:
    """Carry a run out as workers do, and return it."""
    for _ in range(20):
        await advance(api)
        await api.run_queued()
        run = await read(office, path)
        if run["status"] in {"complete", "stopped"}:
            return run
    raise AssertionError(f"it does not end: {run}")


async def test_R23_runs_need_a_policy(api: ApiHarness) -> None:
    office = await api.office()
    expect_problem(await office.post("/runs", {"dry_run": True}), 403, "runs-off")
    await api.change_policy(runs=True)
    path = await start(office, sections=UNKNOWN)
    await api.change_policy(runs=False)
    run = await finish(api, office, path)
    assert run["skips"] == [
        {"code": "policy-off", "title": "The district's policy no longer allows this.", "count": 8}
    ]


async def test_run_syncs_sections_and_names_who_decided(api: ApiHarness, office: ApiClient) -> None:
    sections = [str(room.section.id) for room in api.world.classrooms]
    path = await start(office, sections=[*sections, UNKNOWN[0]])
    first = await read(office, path)
    assert (first["status"], first["counts"]["waiting"]) == ("processing", 3)
    run = await finish(api, office, path)
    assert (run["status"], run["counts"]["total"], run["counts"]["failed"]) == ("complete", 3, 1)
    parts = (await office.get(f"{path}/sections")).json()["items"]
    assert [part["section_id"] for part in parts] == [*sections, UNKNOWN[0]]
    sync = (await office.get(parts[0]["sync"])).json()
    assert (sync["result"], sync["requested_by"]["kind"]) == (parts[0]["result"], "run")
    assert (sync["requested_by"]["run"], sync["requested_by"]["id"]) == (run["id"], run["requested_by"]["id"])
    entries = (await office.get("/audit", limit=10)).json()["items"]
    requested = [entry for entry in entries if entry["action"] == "sync.requested"]
    assert {entry["objects"]["run"] for entry in requested} == {run["id"]}
    assert {entry["actor"] for entry in requested} == {f"client:{run['requested_by']['id']}"}


async def test_run_of_a_reason_or_a_school(api: ApiHarness, office: ApiClient) -> None:
    expect_problem(await office.post("/runs", {"reason": "section-not-found"}), 422, "run-empty")
    for section in (api.section, UNKNOWN[0]):
        await api.sync(office, section)
    failed = await read(office, await start(office, reason="section-not-found"))
    assert (failed["counts"]["total"], failed["chosen"]) == (1, {"reason": "section-not-found"})
    await finish(api, office, failed["links"]["self"])
    school = (await office.get(api.path)).json()["school"]
    of_school = await read(office, await start(office, school=school, dry_run=True))
    assert of_school["counts"]["total"] == 1
    run = await finish(api, office, of_school["links"]["self"])
    (part,) = (await office.get(run["links"]["sections"])).json()["items"]
    assert part["section_id"] == api.section
    assert (await office.get(part["sync"])).json()["dry_run"]


async def test_dry_run_of_all_covers_the_known_sections(api: ApiHarness, office: ApiClient) -> None:
    expect_problem(await office.post("/runs", {"dry_run": True}), 422, "run-empty")
    for room in api.world.classrooms:
        await api.sync(office, str(room.section.id))
    api.world.powerschool.log.clear()
    run = await finish(api, office, await start(office, dry_run=True))
    assert run["counts"]["total"] == 2
    assert {call.method for call in api.world.powerschool.log.calls if call.kind != "token"} == {"GET"}


async def test_teacher_who_presses_meanwhile_comes_first(api: ApiHarness, office: ApiClient) -> None:
    await start(office, sections=UNKNOWN)
    limit = api.runtime.context.limits.per_district - 1
    assert await advance(api) == limit
    assert await advance(api) == 0  # no more at once
    teacher = await api.teacher()
    mine = (await teacher.post(f"{api.path}/syncs")).json()
    claimed = await claim_from(api.runtime.context, api.district.id)
    assert claimed is not None
    assert claimed.sync.id == mine["id"]
    await run_sync(api.runtime.context, claimed)
    other = await api.teacher(api.world.classrooms[1])
    await other.post(f"/sections/{api.world.classrooms[1].section.id}/syncs")
    for _ in range(limit + 1):
        await _run_one(api)
    assert await advance(api) == limit


async def _run_one(api: ApiHarness) -> None:
    claimed = await claim_from(api.runtime.context, api.district.id)
    assert claimed is not None
    await run_sync(api.runtime.context, claimed)


async def test_nothing_is_queued_while_a_teacher_waits(api: ApiHarness, office: ApiClient) -> None:
    await start(office, sections=UNKNOWN)
    await (await api.teacher()).post(f"{api.path}/syncs")
    assert await advance(api) == 0
    await api.run_queued()
    assert await advance(api) > 0


async def test_busy_and_paused_sections_are_skipped_and_named(api: ApiHarness, office: ApiClient) -> None:
    busy = (await office.post(f"{api.path}/syncs")).json()
    assert await claim_from(api.runtime.context, api.district.id) is not None
    await office.post("/pause", {"reason": "A dispute.", "section": UNKNOWN[0]})
    path = await start(office, sections=[api.section, *UNKNOWN[:2]])
    await advance(api)
    run = await read(office, path)
    assert {skip["code"]: skip["count"] for skip in run["skips"]} == {
        "sync-in-progress": 1,
        "syncs-paused": 1,
    }
    parts = (await office.get(f"{path}/sections")).json()["items"]
    assert [part["state"] for part in parts] == ["skipped", "skipped", "processing"]
    assert parts[0]["skipped"]["title"] == "Another sync of the section was in progress."
    assert (await office.get(busy["links"]["self"])).json()["requested_by"]["kind"] == "client"


async def test_run_waits_while_its_district_is_paused(api: ApiHarness, office: ApiClient) -> None:
    path = await start(office, sections=UNKNOWN)
    await advance(api)
    begun = (await read(office, path))["counts"]["waiting"]
    pause = (await office.post("/pause", {"reason": "An upgrade."})).json()
    for _ in range(3):
        assert await advance(api) == 0
    run = await read(office, path)
    assert (run["status"], run["skips"], run["counts"]["waiting"]) == ("processing", [], begun)
    assert (await office.ask("DELETE", f"/pause/{pause['id']}")).status_code == 204
    assert (await finish(api, office, path))["counts"]["failed"] == len(UNKNOWN)


async def test_stopped_run_begins_nothing_more(api: ApiHarness, office: ApiClient) -> None:
    path = await start(office, sections=UNKNOWN)
    again = await office.post("/runs", {"sections": UNKNOWN})
    assert expect_problem(again, 409, "run-in-progress")["run_id"] in path
    assert again.headers["location"] == path
    begun = await advance(api)
    stopping = (await office.post(f"{path}/stop")).json()
    assert (stopping["status"], stopping["counts"]["processing"]) == ("stopping", begun)
    run = await finish(api, office, path)
    assert (run["status"], run["counts"]["failed"], run["counts"]["skipped"]) == ("stopped", begun, 8 - begun)
    assert (await office.post(f"{path}/stop")).json()["status"] == "stopped"
    actions = [entry["action"] for entry in (await office.get("/audit", limit=20)).json()["items"]]
    assert actions.count("run.stopped") == 1


async def test_workers_queue_each_section_once(api: ApiHarness, office: ApiClient) -> None:
    path = await start(office, sections=UNKNOWN)
    assert sum(await asyncio.gather(*(advance(api) for _ in range(4)))) == 3
    await finish(api, office, path)
    syncs = (await office.get("/syncs", limit=50)).json()["items"]
    assert sorted(sync["section_id"] for sync in syncs) == UNKNOWN
