"""Syncs over HTTP: asked for, listed, looked at."""

from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from harness.api import ApiClient, ApiHarness, expect_problem

COUNTS = ("assignments", "scores")


async def test_a_request_is_accepted_at_once_and_says_where_to_look(api: ApiHarness) -> None:
    teacher = await api.teacher()
    answer = await teacher.post(f"{api.path}/syncs")
    assert answer.status_code == 202
    sync = answer.json()
    assert (await teacher.get(answer.headers["location"])).json() == sync
    assert (sync["status"], sync["stage"], sync["applied"], sync["mode"]) == (
        "processing",
        "queued",
        "none",
        "changes",
    )
    assert sync["requested_by"] == {"kind": "teacher", "id": str(api.room.teacher.uid)}
    assert sync["progress"] == {"done": 0, "total": None}
    assert set(sync["assignments"].values()) == set(sync["scores"].values()) == {0}
    assert sync["requested_at"] < sync["settles_by"]
    assert sync["error"] is None
    assert sync["links"]["events"].startswith(answer.headers["location"])


async def test_what_was_read_is_counted_out_and_settled(api: ApiHarness) -> None:
    teacher = await api.teacher()
    sync = await api.sync(teacher)
    assert sync["stage"] == "settled"
    assert sync["finished_at"] >= sync["started_at"] >= sync["requested_at"]
    assert sync["fingerprint"]
    assert sync["guard"].keys() == {"sent", "cleared", "zeroed", "changed", "known", "recreated"}
    for kind in COUNTS:
        counts = dict(sync[kind])
        assert counts.pop("read") == sum(counts.values()) > 0


async def test_R22_R23_clients_start_syncs_only_where_the_district_lets_them(api: ApiHarness) -> None:
    office = await api.office()
    await api.change_policy(service_sync=False)
    told = expect_problem(await office.post(f"{api.path}/syncs"), 403, "service-sync-off")
    assert "service_sync" in told["fix"]
    await api.change_policy(service_sync=True)
    sync = (await office.post(f"{api.path}/syncs")).json()
    assert sync["requested_by"]["kind"] == "client"


async def test_a_second_request_is_told_of_the_first(api: ApiHarness) -> None:
    teacher = await api.teacher()
    first = await teacher.post(f"{api.path}/syncs")
    second = await teacher.post(f"{api.path}/syncs", {"mode": "full"})
    told = expect_problem(second, 409, "sync-in-progress")
    assert second.headers["location"] == first.headers["location"]
    assert told["sync_id"] == first.json()["id"]


async def test_previews_hold_nobody_up_and_are_listed_apart(api: ApiHarness) -> None:
    teacher = await api.teacher()
    real = (await teacher.post(f"{api.path}/syncs")).json()["id"]
    previews = [(await teacher.post(f"{api.path}/syncs", {"dry_run": True})).json() for _ in range(2)]
    assert all(preview["dry_run"] for preview in previews)
    assert await ids(teacher, f"{api.path}/syncs") == [real]
    listed = await ids(teacher, f"{api.path}/syncs", dry_run="true")
    assert listed == [preview["id"] for preview in reversed(previews)]


async def test_an_overdue_sync_is_settled_by_whoever_comes_next(api: ApiHarness) -> None:
    teacher = await api.teacher()
    late = (await teacher.post(f"{api.path}/syncs")).headers["location"]
    await pass_deadline(api)
    assert (await teacher.post(f"{api.path}/syncs")).status_code == 202
    settled = (await teacher.get(late)).json()
    assert settled["status"] == "failed"
    assert settled["error"]["code"] == "timed-out"
    assert settled["error"].keys() == {"code", "title", "detail", "fix", "retryable"}


async def test_looking_at_an_overdue_sync_settles_it(api: ApiHarness) -> None:
    teacher = await api.teacher()
    late = (await teacher.post(f"{api.path}/syncs")).headers["location"]
    await pass_deadline(api)
    assert (await teacher.get(late)).json()["status"] == "failed"


async def test_the_bound_moves_out_with_the_districts_backlog(api: ApiHarness) -> None:
    office = await api.office()
    first = (await office.post("/sections/7000001/syncs")).json()
    for section in range(7000002, 7000012):
        last = (await office.post(f"/sections/{section}/syncs")).json()
    assert waits(last) > waits(first)


async def test_the_log_is_read_page_by_page_newest_first(api: ApiHarness) -> None:
    office = await api.office()
    made = []
    for section in range(7000001, 7000006):
        made.append((await office.post(f"/sections/{section}/syncs")).json()["id"])
    found, path, query = [], "/syncs", {"limit": 2}
    while path:
        answer = await office.get(path, **query)
        found += [sync["id"] for sync in answer.json()["items"]]
        link = answer.links.get("next")
        assert (link is None) == (answer.json()["next_cursor"] is None)
        path, query = (link["url"] if link else ""), {}
    assert found == made[::-1]


async def test_the_same_key_and_body_get_the_same_answer(api: ApiHarness) -> None:
    teacher = await api.teacher()
    key = {"Idempotency-Key": "press-1"}
    first = await teacher.post(f"{api.path}/syncs", {"mode": "full"}, headers=key)
    before = await api.rows()
    again = await teacher.post(f"{api.path}/syncs", {"mode": "full"}, headers=key)
    assert (again.status_code, again.json()) == (202, first.json())
    assert again.headers["location"] == first.headers["location"]
    await api.run_queued()
    after = await teacher.post(f"{api.path}/syncs", {"mode": "full"}, headers=key)
    assert after.json() == first.json()
    assert (await api.rows())["sync"] == before["sync"]
    other = await teacher.post(f"{api.path}/syncs", {"mode": "changes"}, headers=key)
    expect_problem(other, 422, "idempotency-key-reused")


async def test_a_key_belongs_to_one_person_and_one_section(api: ApiHarness) -> None:
    office, teacher = await api.office(), await api.teacher(api.world.classrooms[1])
    other = f"/sections/{api.world.classrooms[1].section.id}"
    key = {"Idempotency-Key": "press-1"}
    first = (await office.post(f"{api.path}/syncs", headers=key)).json()
    second = (await office.post(f"{other}/syncs", headers=key)).json()
    assert second["id"] != first["id"]
    expect_problem(await teacher.post(f"{other}/syncs", headers=key), 409, "sync-in-progress")


async def test_a_refusal_is_not_kept_under_its_key(api: ApiHarness) -> None:
    teacher = await api.teacher()
    await teacher.post(f"{api.path}/syncs")
    key = {"Idempotency-Key": "press-2"}
    expect_problem(await teacher.post(f"{api.path}/syncs", headers=key), 409, "sync-in-progress")
    await api.run_queued()
    assert (await teacher.post(f"{api.path}/syncs", headers=key)).status_code == 202


@pytest.mark.parametrize(
    "body",
    [
        {"mode": "everything"},
        {"mode": None},
        {"dry_run": "yes"},
        {"dry_run": 1},
        {"assignments": []},
        {"assignments": [5001]},
        {"assignments": ["x"]},
        {"assignments": "5001"},
        {"retry_of": "the last one"},
        {"approve": "no good; drop table"},
        {"approve": "0123456789abcdef", "dry_run": True},
        {"retry_of": str(uuid4()), "mode": "changes"},
        {"retry_of": str(uuid4()), "assignments": ["5001"]},
        {"force": True},
        ["mode"],
        "full",
        7,
    ],
)
async def test_what_makes_no_sense_together_or_alone_is_refused(api: ApiHarness, body: Any) -> None:
    teacher = await api.teacher()
    before = await api.rows()
    told = expect_problem(await teacher.post(f"{api.path}/syncs", body), 422, "request-not-valid")
    assert told["errors"]
    assert all(error.keys() == {"at", "type", "message"} for error in told["errors"])
    assert "drop table" not in str(told)
    assert await api.rows() == before


async def test_an_absent_body_an_empty_one_and_null_are_all_a_plain_sync(api: ApiHarness) -> None:
    office = await api.office()
    for section, content in (("7000001", b""), ("7000002", b"null"), ("7000003", b"{}")):
        answer = await office.ask(
            "POST",
            f"/sections/{section}/syncs",
            content=content,
            headers={"content-type": "application/json"},
        )
        assert answer.status_code == 202, (content, answer.text)


async def test_a_retry_takes_a_settled_sync_of_this_section_with_failures(api: ApiHarness) -> None:
    office = await api.office()
    api.drop_student()
    path = f"{api.path}/syncs"
    expect_problem(await office.post(path, {"retry_of": str(uuid4())}), 422, "retry-not-possible")
    running = (await office.post(path)).json()["id"]
    expect_problem(await office.post(path, {"retry_of": running}), 422, "retry-not-possible")
    await api.run_queued()
    elsewhere = f"/sections/{api.world.classrooms[1].section.id}/syncs"
    expect_problem(await office.post(elsewhere, {"retry_of": running}), 422, "retry-not-possible")
    again = await office.post(path, {"retry_of": running})
    assert again.status_code == 202, again.text
    assert again.json()["retry_of"] == running


async def test_a_sync_without_failures_leaves_nothing_to_retry(api: ApiHarness) -> None:
    office = await api.office()
    for dry_run in (True, False):
        settled = await api.sync(office, dry_run=dry_run)
        assert settled["status"] == "complete"
        answer = await office.post(f"{api.path}/syncs", {"retry_of": settled["id"]})
        expect_problem(answer, 422, "retry-not-possible")


async def test_a_part_of_the_section_is_synced_alone(api: ApiHarness) -> None:
    office = await api.office()
    one = str(api.room.section.standing()[0].id)
    sync = await api.sync(office, assignments=[one])
    assert sync["assignments_selected"] == [one]
    items = (await office.get(sync["links"]["outcomes"], limit=200)).json()["items"]
    assert {item["assignment"]["id"] for item in items} == {one}


async def test_a_token_ends_with_its_district(api: ApiHarness) -> None:
    office = await api.office()
    async with api.urls.owner() as owner:
        await owner.execute(text("DELETE FROM district"))
    expect_problem(await office.post(f"{api.path}/syncs"), 401, "token-not-accepted")


async def test_only_a_plan_that_was_shown_can_be_approved(api: ApiHarness) -> None:
    teacher = await api.teacher()
    path = f"{api.path}/syncs"
    expect_problem(await teacher.post(path, {"approve": "0123456789abcdef"}), 422, "approval-not-possible")
    preview = await api.sync(teacher, dry_run=True)
    other = await api.teacher(api.world.classrooms[1])
    elsewhere = f"/sections/{api.world.classrooms[1].section.id}/syncs"
    refused = await other.post(elsewhere, {"approve": preview["fingerprint"]})
    expect_problem(refused, 422, "approval-not-possible")
    assert (await teacher.post(path, {"approve": preview["fingerprint"]})).status_code == 202


async def test_another_plan_than_the_approved_one_writes_nothing(api: ApiHarness) -> None:
    teacher = await api.teacher()
    preview = await api.sync(teacher, dry_run=True)
    await api.sync(teacher)
    sync = await api.sync(teacher, approve=preview["fingerprint"])
    assert (sync["status"], sync["error"]["code"], sync["applied"]) == ("failed", "plan-changed", "none")
    assert sync["fingerprint"] != preview["fingerprint"]


async def test_a_section_that_nobody_knows_is_accepted_and_fails(api: ApiHarness) -> None:
    office = await api.office()
    unknown = "/sections/4040404"
    for path in ("", "/syncs", "/assignments", "/categories", f"/syncs/{uuid4()}"):
        assert (await office.get(unknown + path)).status_code == 404, path
    sync = await api.sync(office, "4040404")
    assert (sync["status"], sync["error"]["code"]) == ("failed", "section-not-found")
    assert (await office.get(unknown)).status_code == 404


async def test_a_known_section_without_syncs_has_an_empty_log(api: ApiHarness) -> None:
    for who in (await api.teacher(), await api.office()):
        answer = await who.get(f"{api.path}/syncs")
        assert (answer.status_code, answer.json()) == (200, {"items": [], "next_cursor": None})


async def test_a_sync_is_found_under_its_own_section_alone(api: ApiHarness) -> None:
    office = await api.office()
    sync = (await office.post(f"{api.path}/syncs")).json()["id"]
    other = api.world.classrooms[1].section.id
    expect_problem(await office.get(f"/sections/{other}/syncs/{sync}"), 404, "sync-not-found")


async def ids(who: ApiClient, path: str, **query: str) -> list[str]:
    return [sync["id"] for sync in (await who.get(path, **query)).json()["items"]]


async def pass_deadline(api: ApiHarness) -> None:
    await api.change_rows("UPDATE sync SET settles_by = now() - interval '1 second'")


def waits(sync: dict[str, Any]) -> float:
    bound, asked = (datetime.fromisoformat(sync[name]) for name in ("settles_by", "requested_at"))
    return (bound - asked).total_seconds()
