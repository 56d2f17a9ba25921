"""The assignments of a section, and their switch."""

from datetime import datetime
from typing import Any

from harness.api import Door, Place, problem


async def listed(who: Door, place: Place) -> dict[str, dict[str, Any]]:
    answer = await who.get(f"{place.path}/assignments")
    assert answer.status_code == 200, answer.text
    return {item["id"]: item for item in answer.json()["items"]}


async def test_every_gradable_item_is_listed_before_the_first_sync(place: Place) -> None:
    teacher = await place.teacher()
    answer = (await teacher.get(f"{place.path}/assignments")).json()
    items = {item["id"]: item for item in answer["items"]}
    assert items.keys() == {str(item.id) for item in place.room.section.standing()}
    assert answer["live"] is True
    assert answer["as_of"]
    assert {item["state"] for item in items.values()} == {"never-synced"}
    assert all(item["sync_to_sis"] and item["last_synced"] is None for item in items.values())
    one = place.room.section.standing()[0]
    assert items[str(one.id)]["title"] == one.title


async def test_a_sync_moves_them_on(place: Place) -> None:
    teacher = await place.teacher()
    sync = await place.synced(teacher)
    items = (await listed(teacher, place)).values()
    synced = [item for item in items if item["state"] == "synced"]
    stopped = [item for item in items if item["state"] == "problem"]
    assert synced
    assert all(item["changes_waiting"] is False for item in synced)
    asked = datetime.fromisoformat(sync["requested_at"]).replace(microsecond=0)  # as Schoology tells time
    assert all(datetime.fromisoformat(item["last_synced"]) >= asked for item in synced)
    assert all(item["problem"]["fix"] for item in stopped)
    assert len(synced) + len(stopped) == len(items)


async def test_a_change_in_schoology_is_seen_waiting(place: Place) -> None:
    teacher = await place.teacher()
    await place.synced(teacher)
    synced = next(item for item in (await listed(teacher, place)).values() if item["state"] == "synced")
    place.world.schoology.edit_assignment(place.room.section.id, int(synced["id"]), title="Another name")
    later = await listed(Door(place.afresh(), teacher.token), place)
    assert later[synced["id"]]["state"] == "changes-waiting"
    assert later[synced["id"]]["changes_waiting"] is True


async def test_schoology_is_asked_once_a_minute(place: Place) -> None:
    teacher = await place.teacher()
    place.world.schoology.log.clear()
    for _ in range(3):
        await listed(teacher, place)
    counts = place.world.schoology.log.counts()
    assert max(counts.values()) == 1


async def test_what_was_known_is_told_while_schoology_is_away(place: Place) -> None:
    teacher = await place.teacher()
    await place.synced(teacher)
    place.refuse("schoology")
    answer = (await teacher.get(f"{place.path}/assignments")).json()
    assert answer["live"] is False
    assert answer["as_of"]
    synced = [item for item in answer["items"] if item["state"] == "synced"]
    assert synced
    assert all(item["title"] and item["points"] for item in synced)


async def test_a_problem_that_a_later_release_met_goes_by_its_code(place: Place) -> None:
    teacher = await place.teacher()
    await place.synced(teacher)
    await place.rows_become("UPDATE ledger SET problem = 'of-later'")
    place.refuse("schoology")
    items = (await listed(teacher, place)).values()
    assert {item["problem"]["code"] for item in items} == {"of-later"}


async def test_where_nothing_is_known_a_silent_schoology_is_said_to_be(place: Place) -> None:
    teacher = await place.teacher()
    place.refuse("schoology")
    told = problem(await teacher.get(f"{place.path}/assignments"), 502, "upstream-refused")
    assert told["reason"] == "schoology-key-not-allowed"
    assert told["detail"]


async def test_R17_the_switch_works_before_the_first_sync(place: Place) -> None:
    teacher = await place.teacher()
    one = str(place.room.section.standing()[0].id)
    answer = await teacher.ask("PATCH", f"{place.path}/assignments/{one}", json={"sync_to_sis": False})
    assert answer.status_code == 200
    assert (answer.json()["sync_to_sis"], answer.json()["state"]) == (False, "opted-out")
    sync = await place.synced(teacher)
    told = (await teacher.get(sync["links"]["outcomes"], reason="opted-out")).json()["items"]
    assert [item["assignment"]["id"] for item in told] == [one]
    answer = await teacher.ask("PATCH", f"{place.path}/assignments/{one}", json={"sync_to_sis": True})
    assert answer.json()["sync_to_sis"] is True


async def test_an_unknown_assignment_has_no_switch(place: Place) -> None:
    teacher = await place.teacher()
    elsewhere = str(place.world.classrooms[1].section.standing()[0].id)
    before = await place.rows()
    for assignment in ("404404", elsewhere):
        path = f"{place.path}/assignments/{assignment}"
        answer = await teacher.ask("PATCH", path, json={"sync_to_sis": False})
        problem(answer, 404, "assignment-not-found")
    assert await place.rows() == before


async def test_a_known_assignment_is_switched_while_schoology_is_away(place: Place) -> None:
    teacher = await place.teacher()
    path = f"{place.path}/assignments/{place.room.section.standing()[0].id}"
    place.cut_off("schoology")
    problem(await teacher.ask("PATCH", path, json={"sync_to_sis": False}), 503, "upstream-unavailable")
    place.mend()
    await place.synced(teacher)
    place.cut_off("schoology")
    place.afresh()
    answer = await teacher.ask("PATCH", path, json={"sync_to_sis": False})
    assert (answer.status_code, answer.json()["state"]) == (200, "opted-out")
    answer = await teacher.ask("PATCH", f"{place.path}/assignments/404404", json={"sync_to_sis": False})
    problem(answer, 404, "assignment-not-found")


async def test_a_switch_is_on_or_off(place: Place) -> None:
    teacher = await place.teacher()
    path = f"{place.path}/assignments/{place.room.section.standing()[0].id}"
    bodies: list[Any] = [None, {}, {"sync_to_sis": "no"}, {"sync_to_sis": None}, {"sync_to_sis": 0}, []]
    for body in (*bodies, {"sync_to_sis": True, "colour": "red"}):
        problem(await teacher.ask("PATCH", path, json=body), 422, "request-not-valid")


async def test_turning_a_switch_is_audited(place: Place) -> None:
    teacher = await place.teacher()
    one = str(place.room.section.standing()[0].id)
    await teacher.ask("PATCH", f"{place.path}/assignments/{one}", json={"sync_to_sis": False})
    entry = (await (await place.office()).get("/audit", limit=1)).json()["items"][0]
    assert entry["action"] == "assignment.switched"
    assert entry["actor"] == f"teacher:{place.room.teacher.uid}"
    assert entry["objects"] == {"section": place.section, "assignment": one, "sync_to_sis": False}
