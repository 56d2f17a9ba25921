"""Test what is joined to outcomes when they are read: names of people, and total points."""

from decimal import Decimal

from harness.api import ApiClient, ApiHarness


async def test_students_of_one_name_carry_their_school_ids(api: ApiHarness) -> None:
    users, (one, other) = api.world.schoology.users, [*api.room.students][:2]
    users[one].first, users[one].last = users[other].first, users[other].last
    teacher = await api.teacher()
    sync = await api.sync(teacher)
    body = (await teacher.get(sync["links"]["outcomes"], limit=200)).json()
    named = {item["student"]["id"]: item["student"]["name"] for item in body["items"] if item["student"]}
    active = [each for each in api.room.section.students() if each.status == 1]
    assert body["students"] == len(active)
    assert named[str(one)] == f"{users[one].display} ({users[one].school_uid})"
    assert named[str(one)] != named[str(other)]
    assert len(set(named.values())) == len(named)


async def test_scores_come_with_the_total_points(api: ApiHarness) -> None:
    teacher = await api.teacher()
    sync = await api.sync(teacher)
    written = (await teacher.get(sync["links"]["outcomes"], result="written")).json()["items"]
    totals = {item.title: item.max_points for item in api.room.section.items.values()}
    assert all(Decimal(row["assignment"]["points"]) == totals[row["assignment"]["title"]] for row in written)


async def test_log_names_another_teacher_where_schoology_responds(api: ApiHarness) -> None:
    await api.sync(await api.teacher())
    answer = await api.exchange(api.world.lti.id_token(api.world.admin, api.room.section))
    colleague = ApiClient(api.http, answer.json()["access_token"])
    (sync,) = (await colleague.get(f"{api.path}/syncs")).json()["items"]
    uid = api.room.teacher.uid
    name = api.world.schoology.users[uid].display
    assert sync["requested_by"] == {
        "kind": "teacher",
        "id": str(api.room.teacher.uid),
        "name": name,
        "run": None,
    }
    api.restart()
    api.refuse("schoology")
    (sync,) = (await colleague.get(f"{api.path}/syncs")).json()["items"]
    assert sync["requested_by"]["name"] is None
