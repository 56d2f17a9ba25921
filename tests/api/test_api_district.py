"""Test the district's own operations: its filtered log, its policy, and the connection check."""

from dataclasses import replace
from typing import Any

import pytest

from gradesync.cli import operator
from gradesync_sandbox.district_file import district_toml
from gradesync_sandbox.faults import Fault, Status
from harness.api import ApiClient, ApiHarness, expect_problem


async def log(office: ApiClient, **filters: Any) -> list[str]:
    response = await office.get("/syncs", **filters)
    assert response.status_code == 200, response.text
    return [sync["id"] for sync in response.json()["items"]]


async def test_the_log_shows_syncs_that_meet_every_filter(api: ApiHarness) -> None:
    office, teacher = await api.office(), await api.teacher()
    other_section = str(api.world.classrooms[1].section.id)
    by_teacher = (await api.sync(teacher))["id"]
    by_client = await api.sync(office, other_section)
    queued = (await office.post(f"/sections/{other_section}/syncs")).json()["id"]
    assert await log(office) == [queued, by_client["id"], by_teacher]
    assert await log(office, section=api.section) == [by_teacher]
    assert await log(office, status="processing") == [queued]
    assert await log(office, requested_by=str(api.room.teacher.uid)) == [by_teacher]
    assert await log(office, requested_by=by_client["requested_by"]["id"], section=other_section) == [
        queued,
        by_client["id"],
    ]
    assert await log(office, since=by_client["requested_at"]) == [queued, by_client["id"]]
    assert await log(office, until=by_client["requested_at"]) == [by_teacher]
    assert await log(office, section=api.section, status="processing") == []


async def test_the_log_is_filtered_by_reason(api: ApiHarness) -> None:
    office = await api.office()
    sync = await api.sync(office)
    outcomes = (await office.get(sync["links"]["outcomes"], limit=200)).json()["items"]
    reason = next(outcome["reason"]["code"] for outcome in outcomes if outcome["reason"])
    assert api.world.manual is not None
    stopped = await api.sync(office, str(api.world.manual.id))
    assert await log(office, reason=reason) == [sync["id"]]
    assert await log(office, reason=stopped["error"]["code"]) == [stopped["id"]]
    assert await log(office, reason="mass-change") == []


async def test_the_log_is_filtered_by_warning(api: ApiHarness) -> None:
    office = await api.office()
    sync = await api.sync(office)
    warning, number = next(iter(sync["warnings"].items()))
    assert await log(office, reason=warning) == [sync["id"]]
    outcomes = (await office.get(sync["links"]["outcomes"], reason=warning, limit=200)).json()["items"]
    assert len(outcomes) == number
    assert all(warning in {reason["code"] for reason in outcome["warnings"]} for outcome in outcomes)


async def test_pages_of_a_filtered_log_keep_their_filters(api: ApiHarness) -> None:
    office = await api.office()
    first, second = [(await api.sync(office))["id"] for _ in range(2)]
    response = await office.get("/syncs", section=api.section, limit=1)
    cursor = response.json()["next_cursor"]
    assert f"section={api.section}" in response.headers["link"]
    assert await log(office, section=api.section, limit=1, cursor=cursor) == [first]
    assert response.json()["items"][0]["id"] == second
    expect_problem(await office.get("/syncs", limit=1, cursor=cursor), 422, "cursor-not-valid")


@pytest.mark.parametrize(
    "filters", [{"since": "yesterday"}, {"since": "2026-11-24T08:00:00"}, {"status": "x"}, {"reason": "no"}]
)
async def test_invalid_filters_are_refused(api: ApiHarness, filters: dict[str, str]) -> None:
    expect_problem(await (await api.office()).get("/syncs", **filters), 422, "request-not-valid")


async def test_a_policy_is_changed_in_part(api: ApiHarness) -> None:
    office = await api.office()
    before = (await office.get("/policy")).json()
    assert (before["title_overflow"], before["category_mapping"]) == ("skip", "one_to_one")
    change = {"title_overflow": "shorten", "guard_share": "0.25", "take_over": True, "guard_scores": None}
    changed = await office.ask("PATCH", "/policy", json=change)
    assert changed.status_code == 200, changed.text
    assert changed.json() == {
        **before,
        "title_overflow": "shorten",
        "guard_share": "0.25",
        "take_over": True,
    }
    assert (await office.get("/policy")).json() == changed.json()
    await office.ask("PATCH", "/policy", json={"take_over": True})
    entries = (await office.get("/audit")).json()["items"]
    (objects,) = [entry["objects"] for entry in entries if entry["action"] == "policy.changed"]
    assert objects == {"title_overflow": "shorten", "guard_share": "0.25", "take_over": "True"}


async def test_the_next_sync_follows_a_changed_policy(api: ApiHarness) -> None:
    office = await api.office()
    before = await api.sync(office, dry_run=True)
    outcomes = f"{before['links']['outcomes']}?reason=title-too-long"
    too_long = len((await office.get(outcomes)).json()["items"])
    await office.ask("PATCH", "/policy", json={"title_overflow": "shorten"})
    after = await api.sync(office, dry_run=True)
    assert after["warnings"]["title-shortened"] == too_long
    assert after["assignments"]["created"] == before["assignments"]["created"] + too_long


@pytest.mark.parametrize(
    "change",
    [
        {"guard_share": 0},
        {"guard_share": "1.5"},
        {"guard_scores": 0},
        {"title_overflow": "cut"},
        {"take_over": "yes"},
        {"nothing": True},
    ],
)
async def test_an_invalid_policy_is_refused(api: ApiHarness, change: dict[str, Any]) -> None:
    office = await api.office()
    before = (await office.get("/policy")).json()
    expect_problem(await office.ask("PATCH", "/policy", json=change), 422, "request-not-valid")
    assert (await office.get("/policy")).json() == before


async def change_match(api: ApiHarness, **patterns: str) -> None:
    """Change the patterns that match the district's ids."""
    await api.replace_district(replace(api.district, match=replace(api.district.match, **patterns)))


async def check(api: ApiHarness, section: str | None = None) -> dict[str, dict[str, Any]]:
    office = await api.office()
    response = await office.post("/connections/check", {"section": section} if section else None)
    assert response.status_code == 200, response.text
    return {finding["check"]: finding for finding in response.json()["findings"]}


async def test_a_check_follows_the_ids_of_a_section(api: ApiHarness) -> None:
    findings = await check(api, api.section)
    assert str(api.room.sis.dcid) in findings["Section match"]["detail"]
    assert findings["Section match"]["ok"]
    assert findings["Student match"]["ok"]


async def test_a_check_without_a_section_uses_a_linked_one(api: ApiHarness) -> None:
    assert "Section match" not in await check(api)
    await api.sync(await api.office())
    assert "Section match" in await check(api)


async def test_a_check_explains_a_section_without_a_match(api: ApiHarness) -> None:
    assert api.world.manual is not None
    by_hand = (await check(api, str(api.world.manual.id)))["Section match"]
    assert not by_hand["ok"]
    assert by_hand["fix"]
    await change_match(api, section=r"^S-(\d+)$")
    unfit = (await check(api, api.section))["Section match"]
    assert "match.section" in unfit["detail"]
    await change_match(api, section=r"^(\d+)\d$")
    unknown = (await check(api, api.section))["Section match"]
    assert not unknown["ok"]


async def test_a_check_explains_students_without_a_match(api: ApiHarness) -> None:
    await change_match(api, student=r"^2_(\d+)$")
    unfit = (await check(api, api.section))["Student match"]
    assert (unfit["ok"], "match.student" in unfit["fix"]) == (False, True)
    await change_match(api, student=r"^1_(\d+)\d$")
    strangers = (await check(api, api.section))["Student match"]
    assert (strangers["ok"], "0 of them" in strangers["detail"]) == (False, True)


async def test_a_check_reports_a_missing_roster_and_an_outage(api: ApiHarness) -> None:
    for call in ("v1.section_enrollment", "schema.cc"):
        api.sandbox.faults.add(Fault("powerschool", call, Status(403, "{}"), times=None))
    assert "cannot be read" in (await check(api, api.section))["Student match"]["detail"]
    api.sandbox.faults.clear()
    later = Status(429, headers={"retry-after": "300"})
    api.sandbox.faults.add(Fault("schoology", "grade_items", later))
    silent = (await check(api, api.section))["Section match"]
    assert (silent["ok"], "few minutes" in silent["fix"]) == (False, True)


async def test_settings_are_compared_with_the_operators_file(api: ApiHarness) -> None:
    office = await api.office()
    assert (await office.get("/district/differences")).json() == {"applied_at": None, "items": []}
    await operator.apply(api.runtime, district_toml(api.sandbox, api.district.id))
    assert (await office.get("/district/differences")).json()["items"] == []
    assert (await office.ask("PATCH", "/policy", json={"runs": True})).status_code == 200
    found = (await office.get("/district/differences")).json()
    assert found["items"] == [{"setting": "policy.runs", "filed": "false", "in_force": "true"}]
    assert found["applied_at"]
