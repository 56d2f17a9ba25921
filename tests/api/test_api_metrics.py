"""Test the metrics of syncs, and that they identify nobody."""

import asyncio
import re
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from gradesync.core.reasons import Reason
from gradesync.powerschool.check import READ, WRITTEN
from gradesync.runtime import run_maintenance
from gradesync.sync.claim import claim_from
from gradesync.sync.gauges import observe_queue
from gradesync.sync.run import run_sync
from gradesync.sync.sweep import sweep
from gradesync_sandbox.faults import Fault, LoseAfter, Status
from harness.api import ApiHarness
from harness.exposition import Series, Watch, scrape, series

STAGES = ("queued", "reading", "planning", "writing")
OVERDUE = "UPDATE sync SET settles_by = now() - interval '1 second' WHERE status = 'processing'"
TAKEN = "UPDATE sync SET lease_token = gen_random_uuid() WHERE status = 'processing'"


def counts(grown: dict[Series, float], name: str, label: str) -> dict[str, float]:
    """Return by how much each series of a metric grew, by the value of one label."""
    return {dict(labels)[label]: value for (metric, labels), value in grown.items() if metric == name}


def nonzero(count: dict[str, int]) -> dict[str, int]:
    """Return a resource's counts as metrics have them: a count of zero did not grow."""
    return {result: number for result, number in count.items() if number and result != "read"}


def seconds(sync: dict[str, Any]) -> float:
    times = [datetime.fromisoformat(sync[name]) for name in ("requested_at", "finished_at")]
    return (times[1] - times[0]).total_seconds()


async def test_a_sync_is_counted_and_timed_by_result(api: ApiHarness) -> None:
    teacher = await api.teacher()
    api.world.schoology.log.clear()
    api.world.powerschool.log.clear()
    watch = await Watch.begin(api.http)
    sync = await api.sync(teacher)
    grown = await watch.grown(api.http)
    ended = {"mode": "changes", "status": sync["status"]}
    settled = series("gradesync_syncs_total", **ended, result=sync["result"], code="none")
    assert grown[settled] == 1
    assert grown[series("gradesync_sync_seconds_count", **ended)] == 1
    assert grown[series("gradesync_sync_seconds_sum", **ended)] == pytest.approx(seconds(sync), abs=0.001)
    assert counts(grown, "gradesync_sync_stage_seconds_count", "stage") == dict.fromkeys(STAGES, 1)
    assert counts(grown, "gradesync_assignments_total", "result") == nonzero(sync["assignments"])
    assert counts(grown, "gradesync_scores_total", "result") == nonzero(sync["scores"])
    assert counts(grown, "gradesync_warnings_total", "code") == sync["warnings"]
    assert counts(grown, "gradesync_wakeups_total", "result") == {"sent": 1}
    assert sync["assignments"]["created"]
    assert sync["warnings"]


async def test_calls_are_counted_by_system_kind_and_status(api: ApiHarness) -> None:
    teacher = await api.teacher()
    api.sandbox.faults.add(Fault("powerschool", "assignment.list", Status(503)))
    api.sandbox.faults.add(Fault("powerschool", "score.write", LoseAfter()))
    api.world.powerschool.log.clear()
    watch = await Watch.begin(api.http)
    await api.sync(teacher)
    grown = await watch.grown(api.http)

    def calls(kind: str) -> dict[str, float]:
        mine = {key: n for key, n in grown.items() if ("kind", kind) in key[1]}
        return counts(mine, "gradesync_upstream_calls_total", "status")

    log = Counter((call.kind, str(call.status)) for call in api.world.powerschool.log.calls)
    assert calls("assignment.create") == {"201": log["assignment.create", "201"]}
    assert calls("assignment.list")["503"] == 1
    assert calls("score.write")["lost"] == 1
    retried = {"system": "powerschool", "kind": "assignment.list"}
    assert grown[series("gradesync_upstream_retries_total", **retried)] == 1
    assert ("gradesync_upstream_retries_total", "score.write") not in {
        (name, dict(labels).get("kind")) for name, labels in grown
    }
    for system in ("schoology", "powerschool"):
        mine = {key: n for key, n in grown.items() if ("system", system) in key[1]}
        total = sum(counts(mine, "gradesync_upstream_call_seconds_count", "kind").values())
        assert total == grown[series("gradesync_budget_wait_seconds_count", system=system)] > 0


async def test_a_preview_is_counted_apart_from_syncs(api: ApiHarness) -> None:
    teacher = await api.teacher()
    watch = await Watch.begin(api.http)
    preview = await api.sync(teacher, dry_run=True)
    grown = await watch.grown(api.http)
    assert counts(grown, "gradesync_syncs_total", "mode") == {"preview": 1}
    assert counts(grown, "gradesync_sync_stage_seconds_count", "stage").keys() == set(STAGES) - {"writing"}
    assert preview["scores"]["written"]
    for name in ("gradesync_scores_total", "gradesync_assignments_total", "gradesync_warnings_total"):
        assert name not in {metric for metric, _ in grown}


async def test_a_stopped_sync_is_counted_by_its_reason(api: ApiHarness) -> None:
    teacher = await api.teacher()
    api.refuse("schoology")
    watch = await Watch.begin(api.http)
    sync = await api.sync(teacher, mode="full")
    grown = await watch.grown(api.http)
    ended = {"mode": "full", "status": "failed", "result": "failed", "code": sync["error"]["code"]}
    assert grown[series("gradesync_syncs_total", **ended)] == 1
    assert counts(grown, "gradesync_sync_stage_seconds_count", "stage") == {"queued": 1, "reading": 1}


async def test_an_overdue_sync_is_counted_once_when_settled(api: ApiHarness) -> None:
    teacher = await api.teacher()
    watch = await Watch.begin(api.http)
    for by_sweep in (False, True):
        response = await teacher.post(f"{api.path}/syncs")
        await api.change_rows(OVERDUE)
        if by_sweep:
            await sweep(api.runtime.context)
        sync = (await teacher.get(response.headers["location"])).json()
        assert sync["error"]["code"] == "timed-out"
    grown = await watch.grown(api.http)
    assert counts(grown, "gradesync_syncs_total", "code") == {"timed-out": 2}
    assert counts(grown, "gradesync_sync_seconds_count", "status") == {"failed": 2}
    assert counts(grown, "gradesync_sweeps_total", "what") == {"settled": 1}


async def test_a_lost_lease_is_counted_and_the_sync_is_not(api: ApiHarness) -> None:
    teacher = await api.teacher()
    await teacher.post(f"{api.path}/syncs")
    claimed = await claim_from(api.runtime.context, api.district.id)
    assert claimed is not None
    await api.change_rows(TAKEN)
    watch = await Watch.begin(api.http)
    await run_sync(api.runtime.context, claimed)
    grown = await watch.grown(api.http)
    assert grown[series("gradesync_leases_lost_total")] == 1
    assert "gradesync_syncs_total" not in {name for name, _ in grown}


async def queued(api: ApiHarness) -> dict[str, float]:
    await observe_queue(api.runtime.context)
    return counts(await scrape(api.http), "gradesync_queue_syncs", "class")


async def test_the_queue_separates_ready_from_throttled_syncs(api: ApiHarness) -> None:
    first, second = [await api.teacher(room) for room in api.world.classrooms]
    assert await queued(api) == {"ready": 0, "throttled": 0, "paused": 0}
    for who, room in ((first, 0), (second, 1)):
        await who.post(f"/sections/{api.world.classrooms[room].section.id}/syncs")
    assert await queued(api) == {"ready": 2, "throttled": 0, "paused": 0}
    oldest = counts(await scrape(api.http), "gradesync_queue_oldest_seconds", "class")
    assert oldest["ready"] > 0
    assert oldest["throttled"] == 0
    api.cut_off("schoology")
    while await claim_from(api.runtime.context, api.district.id):
        pass
    assert await queued(api) == {"ready": 0, "throttled": 0, "paused": 0}


async def test_a_sync_without_budget_is_counted_as_throttled(api: ApiHarness) -> None:
    teacher = await api.teacher()
    await teacher.post(f"{api.path}/syncs")
    budget = api.district.schoology.requests_per_window
    while await api.runtime.systems.reserve_sync(api.district):
        assert (budget := budget - 1) >= 0
    assert await claim_from(api.runtime.context, api.district.id) is None
    assert await queued(api) == {"ready": 0, "throttled": 1, "paused": 0}


async def test_every_process_updates_the_queue_metrics(api: ApiHarness) -> None:
    teacher = await api.teacher()
    await teacher.post(f"{api.path}/syncs")
    async with run_maintenance(api.runtime):
        while not counts(await scrape(api.http), "gradesync_queue_syncs", "class").get("ready"):
            await asyncio.sleep(0)


PAGE = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()
(LISTED,) = re.findall(r"^- `kind`: (.*?)\.$", PAGE, re.MULTILINE | re.DOTALL)
KINDS = {*re.findall("`(.+?)`", LISTED), *(f"schema.{table}" for table in (*WRITTEN, *READ))} - {"schema."}
ALLOWED = {
    "mode": r"changes|full|preview",
    "status": r"complete|failed|\d{3}|other|unsent|timeout|lost|too-large|cancelled",
    "code": "|".join(["none", *Reason]),
    "stage": "|".join(STAGES),
    "result": "created|recreated|updated|unchanged|adopted|skipped|failed|written|cleared"
    "|sent|suppressed|lost|all-sent|needs-attention|stopped-for-review",
    "system": "schoology|powerschool",
    "kind": "|".join(map(re.escape, KINDS)),
    "class": "ready|throttled",
    "what": "notified|settled",
    "limit": "request|token|login",
}


async def test_no_label_identifies_a_person_or_a_district(api: ApiHarness) -> None:
    watch = await Watch.begin(api.http)
    for room in api.world.classrooms:
        teacher = await api.teacher(room)
        for wanted in ({"dry_run": True}, {}, {"mode": "full"}):
            await api.sync(teacher, str(room.section.id), **wanted)
    office = await api.office()
    assert (await office.post("/connections/check")).status_code == 200
    await observe_queue(api.runtime.context)
    grown = await watch.grown(api.http)
    assert len({name for name, _ in grown}) > 10
    for name, labels in grown:
        for label, value in labels:
            assert re.fullmatch(ALLOWED[label], value), (name, label, value)
