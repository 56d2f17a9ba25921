"""Pre-flight reports: what would not sync, told beforehand, without a score read or a thing written."""

import asyncio
import csv
import io
from dataclasses import replace
from decimal import Decimal
from typing import Any

from sqlalchemy import text

from gradesync.core.district import SchoologyAccess
from gradesync.db import preflights, retention
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


async def started(office: ApiClient, **wanted: Any) -> str:
    answer = await office.post("/preflight", wanted or None)
    assert answer.status_code == 202, answer.text
    assert answer.json()["links"]["self"] == answer.headers["location"]
    return answer.headers["location"]


async def advance(api: ApiHarness, times: int = 1) -> None:
    """Let the worker's rounds come, with the rests in between over."""
    for _ in range(times):
        await preflight.advance(api.runtime.context)
        await api.change_rows(LATER_IS_NOW)


async def made(api: ApiHarness, office: ApiClient, **wanted: Any) -> dict[str, Any]:
    path = await started(office, **wanted)
    await advance(api, 6)
    told: dict[str, Any] = (await office.get(path)).json()
    assert told["status"] != "processing"
    return told


async def findings(office: ApiClient, report: dict[str, Any], **filters: Any) -> list[dict[str, Any]]:
    return await whole(office, report["links"]["findings"], **filters, limit=7)


async def whole(office: ApiClient, path: str, **query: Any) -> list[dict[str, Any]]:
    """All pages of a list."""
    found: list[dict[str, Any]] = []
    while True:
        page = (await office.get(path, **query)).json()
        found += page["items"]
        if page["next_cursor"] is None:
            return found
        query["cursor"] = page["next_cursor"]


async def test_a_report_tells_beforehand_what_a_sync_then_leaves_out(
    settings: Settings, servers: Urls
) -> None:
    world = build(seed=7, sections=1, students=18, assignments=36)
    async with open_api(settings, servers, world) as api:
        office = await api.office()
        report = await made(api, office, sections=[api.section])
        foretold = {
            (f["assignment"]["id"], f["reason"]["code"])
            for f in await findings(office, report)
            if f["assignment"] and f["result"] != "warning"
        }
        students = {
            f["student_id"]: f["reason"]["code"] for f in await findings(office, report) if f["student_id"]
        }
        sync = await api.sync(office)
        outcomes = await whole(office, sync["links"]["outcomes"], limit=200)
    assert report["status"] == "complete"
    assert report["progress"] == {"done": 1, "total": 1}
    assert foretold == {
        (o["assignment"]["id"], o["reason"]["code"])
        for o in outcomes
        if o["student"] is None and o["result"] in {"skipped", "failed"}
    }
    assert {"title-too-long", "category-unmapped", "due-date-outside-term", "points-not-accepted"} <= {
        reason for _, reason in foretold
    }
    odd = api.room.odd
    assert students == {
        str(odd["dropped_in_sis"]): "student-not-in-sis-section",
        str(odd["by_hand"]): "student-not-from-sis",
        str(odd["odd_id"]): "student-unmatched",
    }


async def test_a_report_reads_no_score_and_writes_nothing(api: ApiHarness) -> None:
    office = await api.office()
    before = await api.rows()
    await made(api, office, sections=[api.section])
    kinds = {call.kind for call in api.world.schoology.log.calls}
    assert not kinds & {"grades", "multiget"}
    assert all(call.method == "GET" for call in api.world.powerschool.log.calls if call.kind != "token")
    written = {table for table, rows in (await api.rows()).items() if rows != before[table]}
    assert written <= {"preflight", "preflight_finding", "audit"}


async def test_without_a_body_every_known_section_is_looked_at(api: ApiHarness) -> None:
    office = await api.office()
    sections = [str(room.section.id) for room in api.world.classrooms]
    for section in sections:
        await api.sync(office, section)
    api.world.schoology.log.clear()
    report = await made(api, office)
    assert report["progress"] == {"done": 2, "total": 2}
    asked = {call.path.rpartition("/")[2] for call in api.world.schoology.log.calls if call.kind == "section"}
    assert asked == set(sections)


async def test_a_section_that_cannot_sync_is_told_as_such(api: ApiHarness) -> None:
    office = await api.office()
    assert api.world.manual is not None
    taken = api.world.classrooms[1]
    await api.sync(office)
    answer = await office.ask("PUT", api.path, json={"sis_section": str(taken.sis.dcid)})
    assert answer.status_code == 200, answer.text
    sections = [str(api.world.manual.id), str(taken.section.id), "7999999999"]
    report = await made(api, office, sections=sections)
    found = {f["section_id"]: f["reason"]["code"] for f in await findings(office, report)}
    assert list(found) == sorted(sections)
    assert [found[section] for section in sections] == [
        "section-not-from-sis",
        "sis-section-taken",
        "section-not-found",
    ]


async def test_findings_are_a_spreadsheet_too_and_can_be_filtered(api: ApiHarness) -> None:
    office = await api.office()
    report = await made(api, office, sections=[api.section])
    everything = await findings(office, report)
    answer = await office.get(report["links"]["findings"])
    sheet = await office.ask("GET", report["links"]["findings"], headers={"accept": "text/csv"})
    rows = list(csv.DictReader(io.StringIO(sheet.text.removeprefix("\ufeff"))))
    assert answer.status_code == 200
    assert [(row["assignment id"], row["reason"]) for row in rows] == [
        ((f["assignment"] or {"id": ""})["id"], f["reason"]["code"]) for f in everything
    ]
    reason = everything[0]["reason"]["code"]
    some = await findings(office, report, reason=reason, section=api.section)
    assert some == [found for found in everything if found["reason"]["code"] == reason]
    assert report["reasons"][reason] == len(some)
    assert report["findings"] == len(everything)


async def test_a_finding_of_a_later_release_goes_by_its_code(api: ApiHarness) -> None:
    office = await api.office()
    report = await made(api, office, sections=[api.section])
    async with api.urls.owner() as owner:
        await owner.execute(text("UPDATE preflight_finding SET reason = 'of-later'"))
    assert {found["reason"]["code"] for found in await findings(office, report)} == {"of-later"}


async def test_a_district_makes_one_report_at_a_time(api: ApiHarness) -> None:
    office = await api.office()
    path = await started(office)
    answer = await office.post("/preflight")
    expect_problem(answer, 409, "preflight-in-progress")
    assert answer.headers["location"] == path
    await api.change_rows(PAST)
    told = (await office.get(path)).json()
    assert (told["status"], told["error"]["code"]) == ("failed", "timed-out")
    again = await started(office)
    listed = (await office.get("/preflight")).json()["items"]
    assert [one["links"]["self"] for one in listed] == [again, path]


async def test_a_report_waits_while_a_teachers_sync_does(api: ApiHarness) -> None:
    office = await api.office()
    await office.post(f"{api.path}/syncs", {})
    path = await started(office, sections=[api.section])
    api.world.schoology.log.clear()
    await advance(api)
    assert api.world.schoology.log.counts() == {}
    await api.run_queued()
    await advance(api, 2)
    assert (await office.get(path)).json()["status"] == "complete"


async def test_a_report_leaves_a_sync_its_first_reads(settings: Settings, servers: Urls) -> None:
    world = build(seed=7, sections=3, students=3, assignments=2)
    async with open_api(settings, servers, world) as api:
        tight = replace(api.district.schoology, requests_per_window=12, window_seconds=Decimal(600))
        await api.replace_district(replace(api.district, schoology=tight))
        office = await api.office()
        path = await started(office, sections=[str(room.section.id) for room in world.classrooms])
        await advance(api, 3)
        assert (await office.get(path)).json()["progress"]["done"] == 1
        assert await api.runtime.systems.reserve_sync(api.district)


async def test_credentials_that_are_refused_end_a_report(api: ApiHarness) -> None:
    office = await api.office()
    api.world.powerschool.plugin.client_secret = "another"
    report = await made(api, office, sections=[api.section])
    assert (report["status"], report["error"]["code"]) == ("failed", "sis-credentials-refused")


async def test_a_report_that_ran_into_trouble_rests_and_goes_on(api: ApiHarness) -> None:
    office = await api.office()
    api.sandbox.faults.add(Fault("schoology", "section", BUSY))
    path = await started(office, sections=[api.section])
    await preflight.advance(api.runtime.context)
    assert (await office.get(path)).json()["progress"]["done"] == 0
    assert await preflight.advance(api.runtime.context) == 0
    await forget_pauses(api.runtime.redis)
    await advance(api, 3)
    assert (await office.get(path)).json()["status"] == "complete"


async def test_a_section_that_never_answers_is_passed_over(api: ApiHarness) -> None:
    office = await api.office()
    api.sandbox.faults.add(Fault("schoology", "section", BUSY, times=None))
    path = await started(office, sections=[api.section])
    for _ in range(6):
        await advance(api)
        await forget_pauses(api.runtime.redis)
    report = (await office.get(path)).json()
    assert report["status"] == "complete"
    (found,) = await findings(office, report)
    assert found["reason"]["code"] == "upstream-unavailable"


async def test_a_report_past_its_bound_is_ended_by_the_worker(api: ApiHarness) -> None:
    office = await api.office()
    path = await started(office, sections=[api.section])
    await api.change_rows(PAST)
    assert await preflight.advance(api.runtime.context) == 0
    async with api.runtime.database.district(api.district.id) as db:
        assert await preflights.running(db) is None
    assert (await office.get(path)).json()["error"]["code"] == "timed-out"


async def test_a_worker_that_lost_its_report_keeps_nothing(api: ApiHarness) -> None:
    office = await api.office()
    path = await started(office, sections=[api.section])
    api.sandbox.faults.add(Fault("schoology", "section", Hold()))
    working = asyncio.create_task(preflight.advance(api.runtime.context))
    await api.sandbox.faults.until_held()
    await api.change_rows("UPDATE preflight SET lease_token = gen_random_uuid()")
    api.sandbox.faults.release()
    assert await working == 0
    report = (await office.get(path)).json()
    assert (report["progress"]["done"], report["findings"]) == (0, 0)


async def test_a_long_report_is_made_in_slices(settings: Settings, servers: Urls) -> None:
    world = build(seed=7, sections=3, students=3, assignments=2)
    async with open_api(settings.filled(slice_seconds=0.001), servers, world) as api:
        await api.replace_district(replace(api.district, schoology=_wide(api)))
        office = await api.office()
        path = await started(office, sections=[str(room.section.id) for room in world.classrooms])
        for done in (1, 2, 3):
            assert await preflight.advance(api.runtime.context) == 1
            assert (await office.get(path)).json()["progress"]["done"] == done
        assert await preflight.advance(api.runtime.context) == 0
        assert (await office.get(path)).json()["status"] == "complete"


def _wide(api: ApiHarness) -> SchoologyAccess:
    return replace(api.district.schoology, requests_per_window=5000)


async def test_old_reports_are_forgotten(api: ApiHarness) -> None:
    office = await api.office()
    report = await made(api, office, sections=[api.section])
    async with api.runtime.database.district(api.district.id) as db:
        await retention.purge(db)
        assert await preflights.get(db, report["id"]) is not None
        await db.execute(text("UPDATE preflight SET requested_at = now() - interval '31 days'"))
        await retention.purge(db)
        assert await preflights.findings(db, report["id"]) == []
    expect_problem(await office.get(report["links"]["self"]), 404, "preflight-not-found")


async def test_a_report_of_another_district_is_not_there(api: ApiHarness) -> None:
    office = await api.office()
    path = await started(office)
    stranger = await api.office(district_id="elsewhere")
    expect_problem(await stranger.get(path), 404, "preflight-not-found")
    expect_problem(await stranger.get(f"{path}/findings"), 404, "preflight-not-found")
    assert (await stranger.get("/preflight")).json()["items"] == []
