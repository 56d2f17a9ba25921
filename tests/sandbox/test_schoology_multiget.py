"""Test many reads in one call, and the limit on calls."""

import httpx
import pytest

from gradesync_sandbox.world import World, build
from harness.signing import BASE, client


@pytest.fixture
def world() -> World:
    return build(students=3, assignments=2, sections=2)


async def test_rows_come_in_order_and_fail_one_by_one(schoology: httpx.AsyncClient, world: World) -> None:
    at = f"/v1/sections/{world.classrooms[0].section.id}"
    asked = [f"{at}/grades?limit=200", "/v1/sections/1", f"{at}/grading_categories", at]
    answer = await schoology.post("/multiget", json={"request": asked})
    rows = answer.json()["response"]
    assert [row["response_code"] for row in rows] == [200, 404, 403, 200]
    assert rows[0]["location"] == f"{BASE}{at.removeprefix('/v1')}/grades"
    assert rows[0]["headers"] == []
    assert rows[1]["body"] is None
    alone = await schoology.get(f"{at.removeprefix('/v1')}/grades?limit=200")
    assert rows[0]["body"] == alone.json()
    assert world.schoology.log.of("multiget")[0].inner == asked


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"request": []}, 400),
        ({"request": ["/v1/sections/1"] * 51}, 400),
        ({"request": "/v1/sections/1"}, 400),
        ({"requests": ["/v1/sections/1"]}, 400),
        ({"request": ["/v1/sections/1"], "more": 1}, 400),
        ({"request": ["/v1/sections/1"] * 50}, 200),
    ],
)
async def test_body_is_one_list_of_at_most_fifty(
    schoology: httpx.AsyncClient, body: object, status: int
) -> None:
    assert (await schoology.post("/multiget", json=body)).status_code == status


async def test_forms_and_broken_json_are_refused(schoology: httpx.AsyncClient) -> None:
    form = await schoology.post("/multiget", data={"request": "/v1/sections/1"})
    broken = await schoology.post(
        "/multiget", content=b'{"request":', headers={"content-type": "application/json"}
    )
    assert (form.status_code, broken.status_code) == (415, 400)


@pytest.mark.parametrize("status", [400, 403, 404])
async def test_multiget_can_be_refused_as_a_whole(
    schoology: httpx.AsyncClient, world: World, status: int
) -> None:
    world.schoology.switches.multiget_refused = status
    answer = await schoology.post("/multiget", json={"request": ["/v1/sections/1"]})
    assert answer.status_code == status


async def test_rows_of_a_kind_can_be_made_to_fail(schoology: httpx.AsyncClient, world: World) -> None:
    world.schoology.switches.multiget_rows["grades"] = 500
    at = f"/v1/sections/{world.classrooms[0].section.id}"
    answer = await schoology.post("/multiget", json={"request": [at, f"{at}/grades"]})
    assert [row["response_code"] for row in answer.json()["response"]] == [200, 500]


async def test_rights_hold_inside_a_multiget(world: World) -> None:
    other = world.classrooms[1].section.id
    async with client(world, world.teacher_key) as teacher:
        answer = await teacher.post("/multiget", json={"request": [f"/v1/sections/{other}/grades"]})
    assert answer.json()["response"][0]["response_code"] == 403


async def test_key_may_spend_so_many_credits_in_a_window(schoology: httpx.AsyncClient, world: World) -> None:
    world.schoology.switches.credits = 4
    world.schoology.switches.window_seconds = 3600
    world.schoology.switches.multiget_cost = 3
    first = await schoology.post("/multiget", json={"request": ["/v1/sections/1"]})
    answers = [await schoology.get("/app-user-info") for _ in range(3)]
    async with client(world, world.teacher_key) as teacher:
        other = await teacher.get("/app-user-info")
    assert [first.status_code, *(a.status_code for a in answers)] == [200, 200, 429, 429]
    assert 3590 <= int(answers[1].headers["retry-after"]) <= 3600
    assert other.status_code == 200
    assert world.schoology.log.max_in_window(3600, world.app_key.key) == 6
    assert world.schoology.log.counts() == {"multiget": 1, "app_user_info": 4}


async def test_429_may_lack_retry_after(schoology: httpx.AsyncClient, world: World) -> None:
    world.schoology.switches.credits = 0
    world.schoology.switches.retry_after = False
    answer = await schoology.get("/app-user-info")
    assert answer.status_code == 429
    assert "retry-after" not in answer.headers


async def test_log_has_every_call_with_its_status(schoology: httpx.AsyncClient, world: World) -> None:
    await schoology.get("/sections/1/grades?limit=3")
    (call,) = world.schoology.log.calls
    assert (call.kind, call.method, call.path, call.query, call.status, call.key) == (
        "grades",
        "GET",
        "/v1/sections/1/grades",
        "limit=3",
        404,
        world.app_key.key,
    )
