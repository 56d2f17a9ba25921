"""The district's own calls: its filtered log, its policy, and a check that tries the ids of a section."""

from dataclasses import replace
from typing import Any

import pytest

from gradesync_sandbox.faults import Fault, Status
from harness.api import ApiClient, ApiHarness, expect_problem


async def log(office: ApiClient, **filters: Any) -> list[str]:
    answer = await office.get("/syncs", **filters)
    assert answer.status_code == 200, answer.text
    return [sync["id"] for sync in answer.json()["items"]]


async def test_the_log_shows_what_meets_every_filter(api: ApiHarness) -> None:
    office, teacher = await api.office(), await api.teacher()
    other = str(api.world.classrooms[1].section.id)
    by_teacher = (await api.sync(teacher))["id"]
    by_client = await api.sync(office, other)
    queued = (await office.post(f"/sections/{other}/syncs")).json()["id"]
    assert await log(office) == [queued, by_client["id"], by_teacher]
    assert await log(office, section=api.section) == [by_teacher]
    assert await log(office, status="processing") == [queued]
    assert await log(office, requested_by=str(api.room.teacher.uid)) == [by_teacher]
    assert await log(office, requested_by=by_client["requested_by"]["id"], section=other) == [
        queued,
        by_client["id"],
    ]
    assert await log(office, since=by_client["requested_at"]) == [queued, by_client["id"]]
    assert await log(office, until=by_client["requested_at"]) == [by_teacher]
    assert await log(office, section=api.section, status="processing") == []


async def test_the_log_is_searched_by_the_reasons_of_syncs_and_outcomes(api: ApiHarness) -> None:
    office = await api.office()
    sync = await api.sync(office)
    outcomes = (await office.get(sync["links"]["outcomes"], limit=200)).json()["items"]
    reason = next(one["reason"]["code"] for one in outcomes if one["reason"])
    assert api.world.manual is not None
    stopped = await api.sync(office, str(api.world.manual.id))
    assert await log(office, reason=reason) == [sync["id"]]
    assert await log(office, reason=stopped["error"]["code"]) == [stopped["id"]]
    assert await log(office, reason="mass-change") == []


async def test_the_log_and_its_outcomes_are_searched_by_warnings_too(api: ApiHarness) -> None:
    office = await api.office()
    sync = await api.sync(office)
    warning, number = next(iter(sync["warnings"].items()))
    assert await log(office, reason=warning) == [sync["id"]]
    found = (await office.get(sync["links"]["outcomes"], reason=warning, limit=200)).json()["items"]
    assert len(found) == number
    assert all(warning in {one["code"] for one in outcome["warnings"]} for outcome in found)


async def test_pages_of_a_filtered_log_keep_their_filters(api: ApiHarness) -> None:
    office = await api.office()
    first, second = [(await api.sync(office))["id"] for _ in range(2)]
    answer = await office.get("/syncs", section=api.section, limit=1)
    cursor = answer.json()["next_cursor"]
    assert f"section={api.section}" in answer.headers["link"]
    assert await log(office, section=api.section, limit=1, cursor=cursor) == [first]
    assert answer.json()["items"][0]["id"] == second
    expect_problem(await office.get("/syncs", limit=1, cursor=cursor), 422, "cursor-not-valid")


@pytest.mark.parametrize(
    "filters", [{"since": "yesterday"}, {"since": "2026-11-24T08:00:00"}, {"status": "x"}, {"reason": "no"}]
)
async def test_filters_that_mean_nothing_are_refused(api: ApiHarness, filters: dict[str, str]) -> None:
    expect_problem(await (await api.office()).get("/syncs", **filters), 422, "request-not-valid")


async def test_a_policy_is_read_and_changed_by_parts(api: ApiHarness) -> None:
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
    (told,) = [entry["objects"] for entry in entries if entry["action"] == "policy.changed"]
    assert told == {"title_overflow": "shorten", "guard_share": "0.25", "take_over": "True"}


async def test_a_changed_policy_is_what_the_next_sync_goes_by(api: ApiHarness) -> None:
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
async def test_a_policy_that_cannot_be_is_refused(api: ApiHarness, change: dict[str, Any]) -> None:
    office = await api.office()
    before = (await office.get("/policy")).json()
    expect_problem(await office.ask("PATCH", "/policy", json=change), 422, "request-not-valid")
    assert (await office.get("/policy")).json() == before


async def match(api: ApiHarness, **patterns: str) -> None:
    """Change the district's patterns."""
    await api.replace_district(replace(api.district, match=replace(api.district.match, **patterns)))


async def check(api: ApiHarness, section: str | None = None) -> dict[str, dict[str, Any]]:
    office = await api.office()
    answer = await office.post("/connections/check", {"section": section} if section else None)
    assert answer.status_code == 200, answer.text
    return {finding["check"]: finding for finding in answer.json()["findings"]}


async def test_a_check_follows_the_ids_of_a_section(api: ApiHarness) -> None:
    found = await check(api, api.section)
    assert str(api.room.sis.dcid) in found["Section join"]["detail"]
    assert found["Section join"]["ok"]
    assert found["Student join"]["ok"]


async def test_without_a_section_a_check_takes_a_linked_one(api: ApiHarness) -> None:
    assert "Section join" not in await check(api)
    await api.sync(await api.office())
    assert "Section join" in await check(api)


async def test_a_check_says_why_a_section_leads_nowhere(api: ApiHarness) -> None:
    assert api.world.manual is not None
    by_hand = (await check(api, str(api.world.manual.id)))["Section join"]
    assert not by_hand["ok"]
    assert by_hand["fix"]
    await match(api, section=r"^S-(\d+)$")
    unfit = (await check(api, api.section))["Section join"]
    assert "match.section" in unfit["detail"]
    await match(api, section=r"^(\d+)\d$")
    unknown = (await check(api, api.section))["Section join"]
    assert not unknown["ok"]


async def test_a_check_says_why_students_lead_nowhere(api: ApiHarness) -> None:
    await match(api, student=r"^2_(\d+)$")
    unfit = (await check(api, api.section))["Student join"]
    assert (unfit["ok"], "match.student" in unfit["fix"]) == (False, True)
    await match(api, student=r"^1_(\d+)\d$")
    strangers = (await check(api, api.section))["Student join"]
    assert (strangers["ok"], "0 of them" in strangers["detail"]) == (False, True)


async def test_a_check_goes_on_without_a_roster_and_tells_a_silent_system(api: ApiHarness) -> None:
    for call in ("v1.section_enrollment", "schema.cc"):
        api.sandbox.faults.add(Fault("powerschool", call, Status(403, "{}"), times=None))
    assert "cannot be read" in (await check(api, api.section))["Student join"]["detail"]
    api.sandbox.faults.clear()
    later = Status(429, headers={"retry-after": "300"})
    api.sandbox.faults.add(Fault("schoology", "grade_items", later))
    silent = (await check(api, api.section))["Section join"]
    assert (silent["ok"], "few minutes" in silent["fix"]) == (False, True)
