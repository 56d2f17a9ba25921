"""The district's own calls: its filtered log, its policy, and a check that tries the ids of a section."""

from dataclasses import replace
from typing import Any

import pytest

from gradesync_sandbox.faults import Fault, Status
from harness.api import Door, Place, problem


async def log(office: Door, **filters: Any) -> list[str]:
    answer = await office.get("/syncs", **filters)
    assert answer.status_code == 200, answer.text
    return [sync["id"] for sync in answer.json()["items"]]


async def test_the_log_shows_what_meets_every_filter(place: Place) -> None:
    office, teacher = await place.office(), await place.teacher()
    other = str(place.world.classrooms[1].section.id)
    by_teacher = (await place.synced(teacher))["id"]
    by_client = await place.synced(office, other)
    queued = (await office.post(f"/sections/{other}/syncs")).json()["id"]
    assert await log(office) == [queued, by_client["id"], by_teacher]
    assert await log(office, section=place.section) == [by_teacher]
    assert await log(office, status="processing") == [queued]
    assert await log(office, requested_by=str(place.room.teacher.uid)) == [by_teacher]
    assert await log(office, requested_by=by_client["requested_by"]["id"], section=other) == [
        queued,
        by_client["id"],
    ]
    assert await log(office, since=by_client["requested_at"]) == [queued, by_client["id"]]
    assert await log(office, until=by_client["requested_at"]) == [by_teacher]
    assert await log(office, section=place.section, status="processing") == []


async def test_the_log_is_searched_by_the_reasons_of_syncs_and_outcomes(place: Place) -> None:
    office = await place.office()
    sync = await place.synced(office)
    outcomes = (await office.get(sync["links"]["outcomes"], limit=200)).json()["items"]
    reason = next(one["reason"]["code"] for one in outcomes if one["reason"])
    assert place.world.manual is not None
    stopped = await place.synced(office, str(place.world.manual.id))
    assert await log(office, reason=reason) == [sync["id"]]
    assert await log(office, reason=stopped["error"]["code"]) == [stopped["id"]]
    assert await log(office, reason="mass-change") == []


async def test_the_log_and_its_outcomes_are_searched_by_warnings_too(place: Place) -> None:
    office = await place.office()
    sync = await place.synced(office)
    warning, number = next(iter(sync["warnings"].items()))
    assert await log(office, reason=warning) == [sync["id"]]
    found = (await office.get(sync["links"]["outcomes"], reason=warning, limit=200)).json()["items"]
    assert len(found) == number
    assert all(warning in {one["code"] for one in outcome["warnings"]} for outcome in found)


async def test_pages_of_a_filtered_log_keep_their_filters(place: Place) -> None:
    office = await place.office()
    first, second = [(await place.synced(office))["id"] for _ in range(2)]
    answer = await office.get("/syncs", section=place.section, limit=1)
    cursor = answer.json()["next_cursor"]
    assert f"section={place.section}" in answer.headers["link"]
    assert await log(office, section=place.section, limit=1, cursor=cursor) == [first]
    assert answer.json()["items"][0]["id"] == second
    problem(await office.get("/syncs", limit=1, cursor=cursor), 422, "cursor-not-valid")


@pytest.mark.parametrize(
    "filters", [{"since": "yesterday"}, {"since": "2026-11-24T08:00:00"}, {"status": "x"}, {"reason": "no"}]
)
async def test_filters_that_mean_nothing_are_refused(place: Place, filters: dict[str, str]) -> None:
    problem(await (await place.office()).get("/syncs", **filters), 422, "request-not-valid")


async def test_a_policy_is_read_and_changed_by_parts(place: Place) -> None:
    office = await place.office()
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


async def test_a_changed_policy_is_what_the_next_sync_goes_by(place: Place) -> None:
    office = await place.office()
    before = await place.synced(office, dry_run=True)
    outcomes = f"{before['links']['outcomes']}?reason=title-too-long"
    too_long = len((await office.get(outcomes)).json()["items"])
    await office.ask("PATCH", "/policy", json={"title_overflow": "shorten"})
    after = await place.synced(office, dry_run=True)
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
async def test_a_policy_that_cannot_be_is_refused(place: Place, change: dict[str, Any]) -> None:
    office = await place.office()
    before = (await office.get("/policy")).json()
    problem(await office.ask("PATCH", "/policy", json=change), 422, "request-not-valid")
    assert (await office.get("/policy")).json() == before


async def match(place: Place, **patterns: str) -> None:
    """Change the district's patterns."""
    await place.become(replace(place.district, match=replace(place.district.match, **patterns)))


async def check(place: Place, section: str | None = None) -> dict[str, dict[str, Any]]:
    office = await place.office()
    answer = await office.post("/connections/check", {"section": section} if section else None)
    assert answer.status_code == 200, answer.text
    return {finding["check"]: finding for finding in answer.json()["findings"]}


async def test_a_check_follows_the_ids_of_a_section(place: Place) -> None:
    found = await check(place, place.section)
    assert str(place.room.sis.dcid) in found["Section join"]["detail"]
    assert found["Section join"]["ok"]
    assert found["Student join"]["ok"]


async def test_without_a_section_a_check_takes_a_linked_one(place: Place) -> None:
    assert "Section join" not in await check(place)
    await place.synced(await place.office())
    assert "Section join" in await check(place)


async def test_a_check_says_why_a_section_leads_nowhere(place: Place) -> None:
    assert place.world.manual is not None
    by_hand = (await check(place, str(place.world.manual.id)))["Section join"]
    assert not by_hand["ok"]
    assert by_hand["fix"]
    await match(place, section=r"^S-(\d+)$")
    unfit = (await check(place, place.section))["Section join"]
    assert "match.section" in unfit["detail"]
    await match(place, section=r"^(\d+)\d$")
    unknown = (await check(place, place.section))["Section join"]
    assert not unknown["ok"]


async def test_a_check_says_why_students_lead_nowhere(place: Place) -> None:
    await match(place, student=r"^2_(\d+)$")
    unfit = (await check(place, place.section))["Student join"]
    assert (unfit["ok"], "match.student" in unfit["fix"]) == (False, True)
    await match(place, student=r"^1_(\d+)\d$")
    strangers = (await check(place, place.section))["Student join"]
    assert (strangers["ok"], "0 of them" in strangers["detail"]) == (False, True)


async def test_a_check_goes_on_without_a_roster_and_tells_a_silent_system(place: Place) -> None:
    for call in ("v1.section_enrollment", "schema.cc"):
        place.sandbox.faults.add(Fault("powerschool", call, Status(403, "{}"), times=None))
    assert "cannot be read" in (await check(place, place.section))["Student join"]["detail"]
    place.sandbox.faults.clear()
    later = Status(429, headers={"retry-after": "300"})
    place.sandbox.faults.add(Fault("schoology", "grade_items", later))
    silent = (await check(place, place.section))["Section join"]
    assert (silent["ok"], "few minutes" in silent["fix"]) == (False, True)
