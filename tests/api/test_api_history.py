"""Test what stood in the SIS at a moment, and what was sent for a student, by HTTP."""

from datetime import datetime
from typing import Any

from harness.api import ApiClient, ApiHarness, expect_problem


async def read_all(who: ApiClient, path: str, **filters: Any) -> list[dict[str, Any]]:
    """Return the scores of all pages."""
    items: list[dict[str, Any]] = []
    query = {"limit": 7, **filters}
    while True:
        page = (await who.get(path, **query)).json()
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        query["cursor"] = page["next_cursor"]


def by_cell(items: list[dict[str, Any]]) -> dict[tuple[str, str], str | None]:
    return {(one["assignment"]["id"], one["student"]["id"]): one["change"]["value"] for one in items}


async def test_history_shows_what_stood_at_each_moment(api: ApiHarness) -> None:
    teacher = await api.teacher()
    first = await api.sync(teacher)
    path = f"{api.path}/history"
    before = by_cell(await read_all(teacher, path))
    (item_id, uid), value = next((key, value) for key, value in before.items() if value not in {None, "3"})
    api.world.schoology.grade(api.room.section.id, int(item_id), int(uid), 3)
    second = await api.sync(teacher)
    now = (await teacher.get(path, assignment=item_id, student=uid)).json()
    (cell,) = now["items"]
    assert (cell["change"]["value"], cell["change"]["before"]) == ("3", value)
    assert cell["change"]["sync_id"] == second["id"]
    assert cell["change"]["requested_by"] == f"teacher:{api.room.teacher.uid}"
    assert cell["student"]["name"]
    assert cell["assignment"]["title"]
    then = await read_all(teacher, path, as_of=first["finished_at"])
    assert by_cell(then) == before
    assert {one["change"]["sync_id"] for one in then} == {first["id"]}
    assert await read_all(teacher, path, as_of=first["requested_at"]) == []
    assert datetime.fromisoformat(now["known_since"]) <= datetime.fromisoformat(first["finished_at"])


async def test_unchanged_sync_adds_nothing_to_the_history(api: ApiHarness) -> None:
    teacher = await api.teacher()
    await api.sync(teacher)
    rows = (await api.rows())["history"]
    await api.sync(teacher)
    await api.sync(teacher, dry_run=True, mode="full")
    assert (await api.rows())["history"] == rows


async def test_history_of_another_section_is_not_found(api: ApiHarness) -> None:
    teacher = await api.teacher()
    other = api.world.classrooms[1].section.id
    expect_problem(await teacher.get(f"/sections/{other}/history"), 404, "section-not-found")
