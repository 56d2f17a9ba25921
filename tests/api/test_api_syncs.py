"""Test syncs over HTTP: starting, listing and reading them."""

from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from gradesync.api import schemas
from harness.api import ApiClient, ApiHarness, expect_problem

COUNTS = ("assignments", "scores")


async def test_a_request_is_accepted_at_once_with_a_location(api: ApiHarness) -> None:
    teacher = await api.teacher()
    response = await teacher.post(f"{api.path}/syncs")
    assert response.status_code == 202
    sync = response.json()
    assert (await teacher.get(response.headers["location"])).json() == sync
    assert (sync["status"], sync["stage"], sync["applied"], sync["mode"]) == (
        "processing",
        "queued",
        "none",
        "changes",
    )
    assert sync["requested_by"] == {
        "kind": "teacher",
        "id": str(api.room.teacher.uid),
        "name": None,
        "run": None,
    }
    assert sync["progress"] == {"done": 0, "total": None}
    assert set(sync["assignments"].values()) == set(sync["scores"].values()) == {0}
    assert sync["requested_at"] < sync["settles_by"]
    assert sync["error"] is None
    assert sync["links"]["events"].startswith(response.headers["location"])


async def test_a_settled_sync_counts_everything_it_read(api: ApiHarness) -> None:
    teacher = await api.teacher()
    sync = await api.sync(teacher)
    assert sync["stage"] == "settled"
    assert sync["finished_at"] >= sync["started_at"] >= sync["requested_at"]
    assert sync["fingerprint"]
    assert sync["guard"].keys() >= {"sent", "cleared", "zeroed", "changed", "known", "recreated"}
    for kind in COUNTS:
        counts = dict(sync[kind])
        assert counts.pop("read") == sum(counts.values()) > 0


async def test_R22_R23_clients_start_syncs_only_if_allowed(api: ApiHarness) -> None:
    office = await api.office()
    await api.change_policy(service_sync=False)
    refused = expect_problem(await office.post(f"{api.path}/syncs"), 403, "service-sync-off")
    assert "service_sync" in refused["fix"]
    await api.change_policy(service_sync=True)
    sync = (await office.post(f"{api.path}/syncs")).json()
    assert sync["requested_by"]["kind"] == "client"


async def test_a_second_request_gets_the_first_ones_location(api: ApiHarness) -> None:
    teacher = await api.teacher()
    first = await teacher.post(f"{api.path}/syncs")
    second = await teacher.post(f"{api.path}/syncs", {"mode": "full"})
    refused = expect_problem(second, 409, "sync-in-progress")
    assert second.headers["location"] == first.headers["location"]
    assert refused["sync_id"] == first.json()["id"]


async def test_previews_run_in_parallel_and_are_listed_apart(api: ApiHarness) -> None:
    teacher = await api.teacher()
    real = (await teacher.post(f"{api.path}/syncs")).json()["id"]
    previews = [(await teacher.post(f"{api.path}/syncs", {"dry_run": True})).json() for _ in range(2)]
    assert all(preview["dry_run"] for preview in previews)
    assert await ids(teacher, f"{api.path}/syncs") == [real]
    listed = await ids(teacher, f"{api.path}/syncs", dry_run="true")
    assert listed == [preview["id"] for preview in reversed(previews)]


async def test_the_next_request_settles_an_overdue_sync(api: ApiHarness) -> None:
    teacher = await api.teacher()
    late = (await teacher.post(f"{api.path}/syncs")).headers["location"]
    await pass_deadline(api)
    assert (await teacher.post(f"{api.path}/syncs")).status_code == 202
    settled = (await teacher.get(late)).json()
    assert settled["status"] == "failed"
    assert settled["error"]["code"] == "timed-out"
    assert settled["error"].keys() == schemas.SyncError.model_fields.keys()


async def test_reading_an_overdue_sync_settles_it(api: ApiHarness) -> None:
    teacher = await api.teacher()
    late = (await teacher.post(f"{api.path}/syncs")).headers["location"]
    await pass_deadline(api)
    assert (await teacher.get(late)).json()["status"] == "failed"


async def test_the_deadline_grows_with_the_backlog(api: ApiHarness) -> None:
    office = await api.office()
    first = (await office.post("/sections/7000001/syncs")).json()
    for section in range(7000002, 7000012):
        last = (await office.post(f"/sections/{section}/syncs")).json()
    assert waits(last) > waits(first)


async def test_the_log_is_read_page_by_page_newest_first(api: ApiHarness) -> None:
    office = await api.office()
    created = []
    for section in range(7000001, 7000006):
        created.append((await office.post(f"/sections/{section}/syncs")).json()["id"])
    listed, path, query = [], "/syncs", {"limit": 2}
    while path:
        response = await office.get(path, **query)
        listed += [sync["id"] for sync in response.json()["items"]]
        link = response.links.get("next")
        assert (link is None) == (response.json()["next_cursor"] is None)
        path, query = (link["url"] if link else ""), {}
    assert listed == created[::-1]


async def test_the_same_key_and_body_return_the_same_sync(api: ApiHarness) -> None:
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
    changed = await teacher.post(f"{api.path}/syncs", {"mode": "changes"}, headers=key)
    expect_problem(changed, 422, "idempotency-key-reused")


async def test_a_key_belongs_to_one_person_and_one_section(api: ApiHarness) -> None:
    office, teacher = await api.office(), await api.teacher(api.world.classrooms[1])
    other_path = f"/sections/{api.world.classrooms[1].section.id}"
    key = {"Idempotency-Key": "press-1"}
    first = (await office.post(f"{api.path}/syncs", headers=key)).json()
    second = (await office.post(f"{other_path}/syncs", headers=key)).json()
    assert second["id"] != first["id"]
    expect_problem(await teacher.post(f"{other_path}/syncs", headers=key), 409, "sync-in-progress")


async def test_a_refused_request_does_not_use_up_its_key(api: ApiHarness) -> None:
    teacher = await api.teacher()
    await teacher.post(f"{api.path}/syncs")
    key = {"Idempotency-Key": "press-2"}
    expect_problem(await teacher.post(f"{api.path}/syncs", headers=key), 409, "sync-in-progress")
    await api.run_queued()
    assert (await teacher.post(f"{api.path}/syncs", headers=key)).status_code == 202


@pytest.mark.sample(5)
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
async def test_an_invalid_sync_request_is_refused(api: ApiHarness, body: Any) -> None:
    teacher = await api.teacher()
    before = await api.rows()
    refused = expect_problem(await teacher.post(f"{api.path}/syncs", body), 422, "request-not-valid")
    assert refused["errors"]
    assert all(error.keys() == {"at", "type", "message"} for error in refused["errors"])
    assert "drop table" not in str(refused)
    assert await api.rows() == before


async def test_an_empty_body_starts_a_plain_sync(api: ApiHarness) -> None:
    office = await api.office()
    for section, content in (("7000001", b""), ("7000002", b"null"), ("7000003", b"{}")):
        response = await office.ask(
            "POST",
            f"/sections/{section}/syncs",
            content=content,
            headers={"content-type": "application/json"},
        )
        assert response.status_code == 202, (content, response.text)


async def test_a_retry_needs_a_settled_sync_with_failures(api: ApiHarness) -> None:
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


async def test_a_sync_without_failures_cannot_be_retried(api: ApiHarness) -> None:
    office = await api.office()
    for dry_run in (True, False):
        settled = await api.sync(office, dry_run=dry_run)
        assert settled["status"] == "complete"
        response = await office.post(f"{api.path}/syncs", {"retry_of": settled["id"]})
        expect_problem(response, 422, "retry-not-possible")


async def test_selected_assignments_are_synced_alone(api: ApiHarness) -> None:
    office = await api.office()
    assignment_id = str(api.room.section.standing()[0].id)
    sync = await api.sync(office, assignments=[assignment_id])
    assert sync["assignments_selected"] == [assignment_id]
    items = (await office.get(sync["links"]["outcomes"], limit=200)).json()["items"]
    assert {item["assignment"]["id"] for item in items} == {assignment_id}


async def test_a_token_ends_with_its_district(api: ApiHarness) -> None:
    office = await api.office()
    async with api.urls.owner() as owner:
        await owner.execute(text("DELETE FROM district"))
    expect_problem(await office.post(f"{api.path}/syncs"), 401, "token-not-accepted")


async def test_only_a_known_plan_can_be_approved(api: ApiHarness) -> None:
    teacher = await api.teacher()
    path = f"{api.path}/syncs"
    expect_problem(await teacher.post(path, {"approve": "0123456789abcdef"}), 422, "approval-not-possible")
    preview = await api.sync(teacher, dry_run=True)
    colleague = await api.teacher(api.world.classrooms[1])
    elsewhere = f"/sections/{api.world.classrooms[1].section.id}/syncs"
    refused = await colleague.post(elsewhere, {"approve": preview["fingerprint"]})
    expect_problem(refused, 422, "approval-not-possible")
    assert (await teacher.post(path, {"approve": preview["fingerprint"]})).status_code == 202


async def test_a_plan_other_than_the_approved_writes_nothing(api: ApiHarness) -> None:
    teacher = await api.teacher()
    preview = await api.sync(teacher, dry_run=True)
    await api.sync(teacher)
    sync = await api.sync(teacher, approve=preview["fingerprint"])
    assert (sync["status"], sync["error"]["code"], sync["applied"]) == ("failed", "plan-changed", "none")
    assert sync["fingerprint"] != preview["fingerprint"]


async def test_a_sync_of_an_unknown_section_fails(api: ApiHarness) -> None:
    office = await api.office()
    unknown = "/sections/4040404"
    for path in ("", "/syncs", "/assignments", "/categories", f"/syncs/{uuid4()}"):
        assert (await office.get(unknown + path)).status_code == 404, path
    sync = await api.sync(office, "4040404")
    assert (sync["status"], sync["error"]["code"]) == ("failed", "section-not-found")
    assert (await office.get(unknown)).status_code == 404


async def test_a_known_section_without_syncs_has_an_empty_log(api: ApiHarness) -> None:
    for who in (await api.teacher(), await api.office()):
        response = await who.get(f"{api.path}/syncs")
        assert (response.status_code, response.json()) == (200, {"items": [], "next_cursor": None})


async def test_a_sync_is_found_only_under_its_section(api: ApiHarness) -> None:
    office = await api.office()
    sync = (await office.post(f"{api.path}/syncs")).json()["id"]
    other_section = api.world.classrooms[1].section.id
    expect_problem(await office.get(f"/sections/{other_section}/syncs/{sync}"), 404, "sync-not-found")


async def ids(who: ApiClient, path: str, **query: str) -> list[str]:
    return [sync["id"] for sync in (await who.get(path, **query)).json()["items"]]


async def pass_deadline(api: ApiHarness) -> None:
    await api.change_rows("UPDATE sync SET settles_by = now() - interval '1 second'")


def waits(sync: dict[str, Any]) -> float:
    bound, requested = (datetime.fromisoformat(sync[name]) for name in ("settles_by", "requested_at"))
    return (bound - requested).total_seconds()
