"""Test that every request must be signed, once, by a key that may read."""

import httpx
import pytest

from gradesync_sandbox.schoology.model import Credential
from gradesync_sandbox.world import World, build
from harness.signing import BASE, Signed, client

REPLAYED = "Duplicate timestamp/nonce combination, possible replay attack. Request rejected."


@pytest.fixture(scope="module")
def world() -> World:
    return build(students=4, assignments=3, sections=2)


@pytest.mark.parametrize("method", ["PLAINTEXT", "HMAC-SHA1"])
async def test_both_signature_methods_cover_the_query(world: World, method: str) -> None:
    path = f"/sections/{world.classrooms[0].section.id}/enrollments?limit=2&type=member"
    wrong = Credential(world.app_key.key, "not the secret", world.admin.uid)
    async with client(world) as schoology:
        good = await schoology.get(path, auth=Signed(world.app_key, method))
        bad = await schoology.get(path, auth=Signed(wrong, method))
    assert (good.status_code, len(good.json()["enrollment"])) == (200, 2)
    assert (bad.status_code, bad.text) == (401, "Invalid signature.")


async def test_json_body_is_no_part_of_an_hmac_signature(world: World) -> None:
    async with client(world) as schoology:
        answer = await schoology.post(
            "/multiget",
            json={"request": [f"/v1/sections/{world.classrooms[0].section.id}"]},
            auth=Signed(world.app_key, "HMAC-SHA1"),
        )
    assert answer.json()["response"][0]["response_code"] == 200


async def test_hmac_signature_fits_one_query_only(world: World) -> None:
    async with client(world) as schoology:
        signed = await schoology.get("/app-user-info?a=1", auth=Signed(world.app_key, "HMAC-SHA1"))
        header = {"authorization": signed.request.headers["authorization"]}
        moved = await schoology.get("/app-user-info?a=2", headers=header, auth=lambda request: request)
    assert (signed.status_code, moved.status_code) == (200, 401)


async def test_header_serves_once(world: World) -> None:
    async with client(world) as schoology:
        first = await schoology.get("/app-user-info")
        header = {"authorization": first.request.headers["authorization"]}
        again = await schoology.get("/app-user-info", headers=header, auth=lambda request: request)
    assert first.status_code == 200
    assert (again.status_code, again.text) == (401, REPLAYED)


async def test_same_nonce_at_another_second_is_another_request(world: World) -> None:
    async with client(world) as schoology:
        answers = [
            await schoology.get(
                "/app-user-info", auth=Signed(world.app_key, more={"nonce": "once", "timestamp": second})
            )
            for second in ("1700000000", "1700000001", "1700000001")
        ]
    assert [answer.status_code for answer in answers] == [200, 200, 401]


async def test_empty_token_is_accepted_a_real_one_refused(world: World) -> None:
    key = world.app_key

    def header(token: str, nonce: str) -> dict[str, str]:
        return {
            "authorization": f'OAuth realm="Schoology API", oauth_consumer_key="{key.key}", '
            f'oauth_token="{token}", oauth_nonce="{nonce}", oauth_timestamp="1700000002", '
            f'oauth_signature_method="PLAINTEXT", oauth_version="1.0", oauth_signature="{key.secret}%26"'
        }

    async with client(world) as schoology:
        empty = await schoology.get("/app-user-info", headers=header("", "x"), auth=lambda r: r)
        named = await schoology.get("/app-user-info", headers=header("t", "y"), auth=lambda r: r)
    assert (empty.status_code, named.status_code) == (200, 401)


@pytest.mark.parametrize(
    "header", ["", "Bearer abc", "OAuth", 'OAuth oauth_consumer_key="x", oauth_consumer_key="x"']
)
async def test_unsigned_requests_are_refused_in_plain_text(world: World, header: str) -> None:
    async with client(world) as schoology:
        answer = await schoology.get(
            "/app-user-info", headers={"authorization": header}, auth=lambda request: request
        )
    assert answer.status_code == 401
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.text


async def test_key_that_is_not_allowed_gets_an_empty_401(world: World) -> None:
    async with client(world, world.refused_key) as schoology:
        answer = await schoology.get("/app-user-info")
    assert (answer.status_code, answer.content) == (401, b"")


async def test_redirects_need_a_fresh_header(world: World) -> None:
    student = world.classrooms[0].section.students()[0]
    school_uid = world.schoology.users[student.uid].school_uid
    async with client(world) as schoology:
        me = await schoology.get("/users/me")
        by_school_uid = await schoology.get(f"/users/ext/{school_uid}")
        header = {"authorization": me.request.headers["authorization"]}
        stale = await schoology.get(me.headers["location"], headers=header, auth=lambda request: request)
        fresh = await schoology.get(me.headers["location"])
    assert (me.status_code, me.headers["location"]) == (303, f"{BASE}/users/{world.admin.uid}")
    assert by_school_uid.headers["location"] == f"{BASE}/users/{student.uid}"
    assert (stale.status_code, fresh.status_code) == (401, 200)


async def status(world: World, credential: Credential, path: str, run_as: str | None = None) -> int:
    headers = {} if run_as is None else {"x-schoology-run-as": run_as}
    async with client(world, credential, **headers) as schoology:
        answer: httpx.Response = await schoology.get(path)
    if answer.status_code == 403:
        assert answer.content == b""
    return answer.status_code


async def test_reads_follow_roles(world: World) -> None:
    mine, other = (room.section.id for room in world.classrooms)
    assert world.teacher_key is not None
    assert world.student_key is not None
    for call in ("enrollments", "grades"):
        assert await status(world, world.app_key, f"/sections/{other}/{call}") == 200
        assert await status(world, world.teacher_key, f"/sections/{mine}/{call}") == 200
        assert await status(world, world.teacher_key, f"/sections/{other}/{call}") == 403
        assert await status(world, world.student_key, f"/sections/{mine}/{call}") == 403
    assert await status(world, world.student_key, f"/sections/{mine}/grading_periods") == 200
    assert await status(world, world.app_key, "/sections/1/grades") == 404


async def test_run_as_takes_the_rights_of_a_numeric_uid(world: World) -> None:
    room = world.classrooms[0]
    student = str(room.section.students()[0].uid)
    grades = f"/sections/{room.section.id}/grades"
    assert world.teacher_key is not None
    assert await status(world, world.app_key, grades, str(room.teacher.uid)) == 200
    assert await status(world, world.app_key, grades, student) == 403
    assert await status(world, world.app_key, grades, room.teacher.school_uid) == 403
    assert await status(world, world.teacher_key, grades, str(room.teacher.uid)) == 403


async def test_run_as_needs_the_impersonation_permission() -> None:
    world = build(students=2, assignments=1, sections=1)
    world.schoology.switches.impersonation = False
    uid = str(world.classrooms[0].teacher.uid)
    assert await status(world, world.app_key, "/app-user-info", uid) == 403
    assert await status(world, world.app_key, "/app-user-info") == 200
