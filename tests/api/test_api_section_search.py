"""Test how people find sections: by title, code, teacher, school, term, state and reason."""

from itertools import pairwise
from typing import Any

from harness.api import ApiClient, ApiHarness, expect_problem


async def find(client: ApiClient, **query: Any) -> list[str]:
    answer = await client.get("/sections", **query)
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["items"]]


async def test_sections_are_found_by_what_people_know(api: ApiHarness) -> None:
    office, (first, second) = await api.office(), api.world.classrooms
    ids = [str(room.section.id) for room in (first, second)]
    api.drop_student()
    for section in ids:
        await api.sync(office, section)
    body = (await office.get(api.path)).json()
    term = f"{body['sis_section']['term_first']}/{body['sis_section']['term_last']}"
    assert body["title"]
    assert body["teachers"] == [{"id": str(first.teacher.uid), "name": first.teacher.display}]
    assert await find(office, title=body["title"][2:-2].upper()) == [ids[0]]
    assert await find(office, code=body["code"]) == [ids[0]]
    assert await find(office, teacher=first.teacher.display[1:].upper()) == [ids[0]]
    assert await find(office, teacher=str(second.teacher.uid)) == [ids[1]]
    assert await find(office, school=body["school"], term=term) == [ids[0]]
    assert await find(office, term=term) == ids
    assert await find(office, reason="student-not-in-sis-section") == [ids[0]]
    assert await find(office, state=body["latest"]["result"], title=body["title"]) == [ids[0]]
    for nothing in ({"title": "%"}, {"teacher": "_"}, {"term": "2020-01-01/2020-06-30"}, {"code": "9\\"}):
        assert await find(office, **nothing) == []


async def test_a_section_names_what_its_last_sync_came_to(api: ApiHarness) -> None:
    office = await api.office()
    await office.ask("PUT", api.path, json={})
    assert (await office.get(api.path)).json()["latest"] is None
    assert await find(office, state="never-synced") == [api.section]
    api.drop_student()
    synced = await api.sync(office)
    latest = (await office.get(api.path)).json()["latest"]
    assert (latest["result"], latest["settled_at"]) == (synced["result"], synced["finished_at"])
    assert latest["links"]["sync"] == synced["links"]["self"]
    assert "student-not-in-sis-section" in {one["reason"]["code"] for one in latest["reasons"]}
    assert all(one["items"] >= other["items"] for one, other in pairwise(latest["reasons"]))


async def test_a_section_that_never_linked_is_found(api: ApiHarness) -> None:
    office = await api.office()
    api.room.section.school_code = "no code of the SIS"
    await api.sync(office)
    assert await find(office, state="failed", reason="section-unmatched") == [api.section]
    (item,) = (await office.get("/sections", teacher=api.room.teacher.display)).json()["items"]
    assert (item["sis_section"], item["code"]) == (None, "no code of the SIS")


async def test_search_pages_and_refuses_what_it_does_not_know(api: ApiHarness) -> None:
    office = await api.office()
    for room in api.world.classrooms:
        await office.ask("PUT", f"/sections/{room.section.id}", json={})
    page = await office.get("/sections", state="never-synced", limit=1)
    cursor = page.json()["next_cursor"]
    rest = await find(office, state="never-synced", limit=1, cursor=cursor)
    assert [page.json()["items"][0]["id"], *rest] == [str(room.section.id) for room in api.world.classrooms]
    expect_problem(await office.get("/sections", state="failed", cursor=cursor), 422, "cursor-not-valid")
    for wrong in (
        {"titel": "Algebra"},
        {"state": "good"},
        {"reason": "x"},
        {"term": "2026-13-01/2027-01-01"},
    ):
        expect_problem(await office.get("/sections", **wrong), 422, "request-not-valid")


async def test_schools_have_the_titles_of_schoology(api: ApiHarness) -> None:
    office = await api.office()
    await api.sync(office)
    school = (await office.get(api.path)).json()["school"]
    named = {one["id"]: one["title"] for one in (await office.get("/schools")).json()["items"]}
    assert named[school] == api.world.schoology.buildings[int(school)]
    api.refuse("schoology")
    assert {one["id"] for one in (await office.get("/schools")).json()["items"]} == set(named)
    api.restart()
    assert (await office.get("/schools")).json() == {"items": []}


async def test_titles_of_schools_wait_for_syncs(api: ApiHarness) -> None:
    office = await api.office()
    await office.post(f"{api.path}/syncs")
    assert (await office.get("/schools")).json() == {"items": []}
