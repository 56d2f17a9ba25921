"""Test pre-flight reports: what would not sync, found without reading scores or writing."""

import asyncio
import csv
import io
from dataclasses import replace
from decimal import Decimal
from typing import Any

from sqlalchemy import text

from gradesync.core.district import SchoologyAccess
from gradesync.db import preflight_findings, preflights, retention
from gradesync.settings import Settings
from gradesync.sync import preflight
from gradesync_sandbox.faults import Fault, Hold, Status
from gradesync_sandbox.world import build
from harness.api import ApiClient, ApiHarness, expect_problem, open_api
from harness.known_districts import forget_pauses
from harness.servers import Urls

LATER_IS_NOW = "UPDATE preflight SET not_before = now(), lease_until = lease_until - interval '1 hour'"
BUSY = Status(429, headers={"retry-after": "300"})
PAST = "UPDATE preflight SET settles_by = now() - interval '1 second'"


async def start_report(office: ApiClient, **wanted: Any) -> str:
    response = await office.post("/preflight", wanted or None)
    assert response.status_code == 202, response.text
    assert response.json()["links"]["self"] == response.headers["location"]
    return response.headers["location"]


async def advance(api: ApiHarness, times: int = 1) -> None:
    """Run the worker's periodic work, without the pauses in between."""
    for _ in range(times):
        await preflight.advance(api.runtime.context)
        await api.change_rows(LATER_IS_NOW)


async def make_report(api: ApiHarness, office: ApiClient, **wanted: Any) -> dict[str, Any]:
    path = await start_report(office, **wanted)
    await advance(api, 6)
    report: dict[str, Any] = (await office.get(path)).json()
    assert report["status"] != "processing"
    return report


async def findings(office: ApiClient, report: dict[str, Any], **filters: Any) -> list[dict[str, Any]]:
    return await read_all(office, report["links"]["findings"], **filters, limit=7)


async def read_all(office: ApiClient, path: str, **query: Any) -> list[dict[str, Any]]:
    """Return the items of all pages of a list."""
    items: list[dict[str, Any]] = []
    while True:
        page = (await office.get(path, **query)).json()
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        query["cursor"] = page["next_cursor"]


async def test_a_report_predicts_what_a_sync_leaves_out(settings: Settings, servers: Urls) -> None:
    world = build(seed=7, sections=1, students=18, assignments=36)
    async with open_api(settings, servers, world) as api:
        office = await api.office()
        report = await make_report(api, office, sections=[api.section])
        predicted = {
            (f["assignment"]["id"], f["reason"]["code"])
            for f in await findings(office, report)
            if f["assignment"] and f["result"] != "warning"
        }
        students = {
            f["student_id"]: f["reason"]["code"] for f in await findings(office, report) if f["student_id"]
        }
        sync = await api.sync(office)
        outcomes = await read_all(office, sync["links"]["outcomes"], limit=200)
    assert report["status"] == "complete"
    assert report["progress"] == {"done": 1, "total": 1}
    assert predicted == {
        (o["assignment"]["id"], o["reason"]["code"])
        for o in outcomes
        if o["student"] is None and o["result"] in {"skipped", "failed"}
    }
    assert {"title-too-long", "category-unmapped", "due-date-outside-term", "points-not-accepted"} <= {
        reason for _, reason in predicted
    }
    odd = api.room.odd
    assert students == {
        str(odd["dropped_in_sis"]): "student-not-in-sis-section",
        str(odd["by_hand"]): "student-not-from-sis",
        str(odd["odd_id"]): "student-unmatched",
    }


async def test_a_report_reads_no_scores_and_writes_nothing(api: ApiHarness) -> None:
    office = await api.office()
    before = await api.rows()
    await make_report(api, office, sections=[api.section])
    kinds = {call.kind for call in api.world.schoology.log.calls}
    assert not kinds & {"grades", "multiget"}
    assert all(call.method == "GET" for call in api.world.powerschool.log.calls if call.kind != "token")
    written = {table for table, rows in (await api.rows()).items() if rows != before[table]}
    assert written <= {"preflight", "preflight_finding", "audit"}


async def test_a_report_without_a_body_covers_known_sections(api: ApiHarness) -> None:
    office = await api.office()
    sections = [str(room.section.id) for room in api.world.classrooms]
    for section in sections:
        await api.sync(office, section)
    api.world.schoology.log.clear()
    report = await make_report(api, office)
    assert report["progress"] == {"done": 2, "total": 2}
    requested = {
        call.path.rpartition("/")[2] for call in api.world.schoology.log.calls if call.kind == "section"
    }
    assert requested == set(sections)


async def test_a_section_that_cannot_sync_is_a_finding(api: ApiHarness) -> None:
    office = await api.office()
    assert api.world.manual is not None
    taken = api.world.classrooms[1]
    await api.sync(office)
    response = await office.ask("PUT", api.path, json={"sis_section": str(taken.sis.dcid)})
    assert response.status_code == 200, response.text
    sections = [str(api.world.manual.id), str(taken.section.id), "7999999999"]
    report = await make_report(api, office, sections=sections)
    reasons = {f["section_id"]: f["reason"]["code"] for f in await findings(office, report)}
    assert list(reasons) == sorted(sections)
    assert [reasons[section] for section in sections] == [
        "section-not-from-sis",
        "sis-section-taken",
        "section-not-found",
    ]


async def test_findings_are_filtered_and_exported(api: ApiHarness) -> None:
    office = await api.office()
    report = await make_report(api, office, sections=[api.section])
    everything = await findings(office, report)
    response = await office.get(report["links"]["findings"])
    sheet = await office.ask("GET", report["links"]["findings"], headers={"accept": "text/csv"})
    rows = list(csv.DictReader(io.StringIO(sheet.text.removeprefix("\ufeff"))))
    assert response.status_code == 200
    assert [(row["assignment id"], row["reason"]) for row in rows] == [
        ((f["assignment"] or {"id": ""})["id"], f["reason"]["code"]) for f in everything
    ]
    reason = everything[0]["reason"]["code"]
    some = await findings(office, report, reason=reason, section=api.section)
    assert some == [finding for finding in everything if finding["reason"]["code"] == reason]
    assert report["reasons"][reason] == len(some)
    assert report["findings"] == len(everything)


async def test_a_finding_of_a_later_release_shows_its_code(api: ApiHarness) -> None:
    office = await api.office()
    report = await make_report(api, office, sections=[api.section])
    async with api.urls.owner() as owner:
        await owner.execute(text("UPDATE preflight_finding SET reason = 'of-later'"))
    assert {finding["reason"]["code"] for finding in await findings(office, report)} == {"of-later"}


async def test_a_district_has_one_report_at_a_time(api: ApiHarness) -> None:
    office = await api.office()
    path = await start_report(office)
    response = await office.post("/preflight")
    expect_problem(response, 409, "preflight-in-progress")
    assert response.headers["location"] == path
    await api.change_rows(PAST)
    report = (await office.get(path)).json()
    assert (report["status"], report["error"]["code"]) == ("failed", "timed-out")
    again = await start_report(office)
    reports = (await office.get("/preflight")).json()["items"]
    assert [report["links"]["self"] for report in reports] == [again, path]


async def test_a_report_waits_while_a_sync_waits(api: ApiHarness) -> None:
    office = await api.office()
    await office.post(f"{api.path}/syncs", {})
    path = await start_report(office, sections=[api.section])
    api.world.schoology.log.clear()
    await advance(api)
    assert api.world.schoology.log.counts() == {}
    await api.run_queued()
    await advance(api, 2)
    assert (await office.get(path)).json()["status"] == "complete"


async def test_a_report_leaves_calls_for_a_sync(settings: Settings, servers: Urls) -> None:
    world = build(seed=7, sections=3, students=3, assignments=2)
    async with open_api(settings, servers, world) as api:
        tight = replace(api.district.schoology, requests_per_window=12, window_seconds=Decimal(600))
        await api.replace_district(replace(api.district, schoology=tight))
        office = await api.office()
        path = await start_report(office, sections=[str(room.section.id) for room in world.classrooms])
        await advance(api, 3)
        assert (await office.get(path)).json()["progress"]["done"] == 1
        assert await api.runtime.systems.reserve_sync(api.district)


async def test_refused_credentials_end_a_report(api: ApiHarness) -> None:
    office = await api.office()
    api.world.powerschool.plugin.client_secret = "another"
    report = await make_report(api, office, sections=[api.section])
    assert (report["status"], report["error"]["code"]) == ("failed", "sis-credentials-refused")


async def test_a_report_resumes_after_a_failed_read(api: ApiHarness) -> None:
    office = await api.office()
    api.sandbox.faults.add(Fault("schoology", "section", BUSY))
    path = await start_report(office, sections=[api.section])
    await preflight.advance(api.runtime.context)
    assert (await office.get(path)).json()["progress"]["done"] == 0
    assert await preflight.advance(api.runtime.context) == 0
    await forget_pauses(api.runtime.redis)
    await advance(api, 3)
    assert (await office.get(path)).json()["status"] == "complete"


async def test_an_unresponsive_section_is_skipped(api: ApiHarness) -> None:
    office = await api.office()
    api.sandbox.faults.add(Fault("schoology", "section", BUSY, times=None))
    path = await start_report(office, sections=[api.section])
    for _ in range(6):
        await advance(api)
        await forget_pauses(api.runtime.redis)
    report = (await office.get(path)).json()
    assert report["status"] == "complete"
    (finding,) = await findings(office, report)
    assert finding["reason"]["code"] == "upstream-unavailable"


async def test_an_overdue_report_is_ended_by_a_worker(api: ApiHarness) -> None:
    office = await api.office()
    path = await start_report(office, sections=[api.section])
    await api.change_rows(PAST)
    assert await preflight.advance(api.runtime.context) == 0
    async with api.runtime.context.database.district(api.district.id) as db:
        assert await preflights.get_running(db) is None
    assert (await office.get(path)).json()["error"]["code"] == "timed-out"


async def test_a_worker_that_lost_its_lease_stores_nothing(api: ApiHarness) -> None:
    office = await api.office()
    path = await start_report(office, sections=[api.section])
    api.sandbox.faults.add(Fault("schoology", "section", Hold()))
    working = asyncio.create_task(preflight.advance(api.runtime.context))
    await api.sandbox.faults.until_held()
    await api.change_rows("UPDATE preflight SET lease_token = gen_random_uuid()")
    api.sandbox.faults.release()
    assert await working == 0
    report = (await office.get(path)).json()
    assert (report["progress"]["done"], report["findings"]) == (0, 0)


async def test_a_long_report_runs_in_slices(settings: Settings, servers: Urls) -> None:
    world = build(seed=7, sections=3, students=3, assignments=2)
    async with open_api(settings.filled(slice_seconds=0.001), servers, world) as api:
        await api.replace_district(replace(api.district, schoology=_wide(api)))
        office = await api.office()
        path = await start_report(office, sections=[str(room.section.id) for room in world.classrooms])
        for done in (1, 2, 3):
            assert await preflight.advance(api.runtime.context) == 1
            assert (await office.get(path)).json()["progress"]["done"] == done
        assert await preflight.advance(api.runtime.context) == 0
        assert (await office.get(path)).json()["status"] == "complete"


def _wide(api: ApiHarness) -> SchoologyAccess:
    return replace(api.district.schoology, requests_per_window=5000)


async def test_old_reports_are_purged(api: ApiHarness) -> None:
    office = await api.office()
    report = await make_report(api, office, sections=[api.section])
    async with api.runtime.context.database.district(api.district.id) as db:
        await retention.purge(db)
        assert await preflights.get(db, report["id"]) is not None
        await db.execute(text("UPDATE preflight SET requested_at = now() - interval '31 days'"))
        await retention.purge(db)
        assert await preflight_findings.page_findings(db, report["id"]) == []
    expect_problem(await office.get(report["links"]["self"]), 404, "preflight-not-found")


async def test_another_districts_report_does_not_exist(api: ApiHarness) -> None:
    office = await api.office()
    path = await start_report(office)
    stranger = await api.office(district_id=(await api.add_neighbor()).id)
    expect_problem(await stranger.get(path), 404, "preflight-not-found")
    expect_problem(await stranger.get(f"{path}/findings"), 404, "preflight-not-found")
    assert (await stranger.get("/preflight")).json()["items"] == []
