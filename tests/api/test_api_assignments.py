"""Test the assignments of a section, and their switch."""

from datetime import datetime
from typing import Any

from harness.api import ApiClient, ApiHarness, expect_problem


async def listed(who: ApiClient, api: ApiHarness) -> dict[str, dict[str, Any]]:
    response = await who.get(f"{api.path}/assignments")
    assert response.status_code == 200, response.text
    return {item["id"]: item for item in response.json()["items"]}


async def test_every_gradable_item_is_listed_before_the_first_sync(api: ApiHarness) -> None:
    teacher = await api.teacher()
    body = (await teacher.get(f"{api.path}/assignments")).json()
    items = {item["id"]: item for item in body["items"]}
    assert items.keys() == {str(item.id) for item in api.room.section.standing()}
    assert body["live"] is True
    assert body["as_of"]
    assert {item["state"] for item in items.values()} == {"never-synced", "problem"}
    assert all(item["sync_to_sis"] and item["last_sent"] is None for item in items.values())
    assignment = api.room.section.standing()[0]
    assert items[str(assignment.id)]["title"] == assignment.title


async def test_synced_assignments_show_their_state(api: ApiHarness) -> None:
    teacher = await api.teacher()
    sync = await api.sync(teacher)
    items = (await listed(teacher, api)).values()
    synced = [item for item in items if item["state"] == "synced"]
    stopped = [item for item in items if item["state"] == "problem"]
    assert synced
    assert all(item["changes_waiting"] is False for item in synced)
    requested_at = datetime.fromisoformat(sync["requested_at"])
    assert all(datetime.fromisoformat(item["last_sent"]) >= requested_at for item in synced)
    assert all(item["problem"]["fix"] for item in stopped)
    assert len(synced) + len(stopped) == len(items)


async def test_a_change_in_schoology_is_shown_as_waiting(api: ApiHarness) -> None:
    teacher = await api.teacher()
    await api.sync(teacher)
    synced = next(item for item in (await listed(teacher, api)).values() if item["state"] == "synced")
    api.world.schoology.edit_assignment(api.room.section.id, int(synced["id"]), title="Another name")
    later = await listed(ApiClient(api.restart(), teacher.token), api)
    assert later[synced["id"]]["state"] == "changes-waiting"
    assert later[synced["id"]]["changes_waiting"] is True


async def test_schoology_is_read_once_a_minute(api: ApiHarness) -> None:
    teacher = await api.teacher()
    api.world.schoology.log.clear()
    for _ in range(3):
        await listed(teacher, api)
    counts = api.world.schoology.log.counts()
    assert max(counts.values()) == 1


async def test_the_ledger_is_listed_while_schoology_is_down(api: ApiHarness) -> None:
    teacher = await api.teacher()
    await api.sync(teacher)
    api.refuse("schoology")
    body = (await teacher.get(f"{api.path}/assignments")).json()
    assert body["live"] is False
    assert body["problem"]["code"] == "schoology-key-not-allowed"
    assert body["as_of"]
    synced = [item for item in body["items"] if item["state"] == "synced"]
    assert synced
    assert all(item["title"] and item["points"] for item in synced)


async def test_a_problem_of_a_later_release_shows_its_code(api: ApiHarness) -> None:
    teacher = await api.teacher()
    await api.sync(teacher)
    await api.change_rows("UPDATE ledger SET problem = 'of-later'")
    api.refuse("schoology")
    items = (await listed(teacher, api)).values()
    assert {item["problem"]["code"] for item in items} == {"of-later"}


async def test_without_a_ledger_a_refusal_is_reported(api: ApiHarness) -> None:
    teacher = await api.teacher()
    api.refuse("schoology")
    body = expect_problem(await teacher.get(f"{api.path}/assignments"), 502, "upstream-refused")
    assert body["reason"] == "schoology-key-not-allowed"
    assert body["detail"]


async def test_R17_the_switch_works_before_the_first_sync(api: ApiHarness) -> None:
    teacher = await api.teacher()
    assignment_id = str(api.room.section.standing()[0].id)
    response = await teacher.ask(
        "PATCH", f"{api.path}/assignments/{assignment_id}", json={"sync_to_sis": False}
    )
    assert response.status_code == 200
    assert (response.json()["sync_to_sis"], response.json()["state"]) == (False, "opted-out")
    sync = await api.sync(teacher)
    outcomes = (await teacher.get(sync["links"]["outcomes"], reason="opted-out")).json()["items"]
    assert [item["assignment"]["id"] for item in outcomes] == [assignment_id]
    response = await teacher.ask(
        "PATCH", f"{api.path}/assignments/{assignment_id}", json={"sync_to_sis": True}
    )
    assert response.json()["sync_to_sis"] is True


async def test_an_unknown_assignment_has_no_switch(api: ApiHarness) -> None:
    teacher = await api.teacher()
    elsewhere = str(api.world.classrooms[1].section.standing()[0].id)
    before = await api.rows()
    for assignment in ("404404", elsewhere):
        path = f"{api.path}/assignments/{assignment}"
        response = await teacher.ask("PATCH", path, json={"sync_to_sis": False})
        expect_problem(response, 404, "assignment-not-found")
    assert await api.rows() == before


async def test_a_known_assignment_is_switched_while_schoology_is_down(api: ApiHarness) -> None:
    office, teacher = await api.office(), await api.teacher()
    path, off = f"{api.path}/assignments/{api.room.section.standing()[0].id}", {"sync_to_sis": False}
    api.cut_off("schoology")
    expect_problem(await office.ask("PATCH", path, json=off), 503, "upstream-unavailable")
    api.mend()
    await api.sync(teacher)
    api.cut_off("schoology")
    api.restart()
    # Nobody knows now who is a course admin.
    expect_problem(await teacher.ask("PATCH", path, json=off), 503, "upstream-unavailable")
    response = await office.ask("PATCH", path, json=off)
    assert (response.status_code, response.json()["state"]) == (200, "opted-out")
    response = await office.ask("PATCH", f"{api.path}/assignments/404404", json=off)
    expect_problem(response, 404, "assignment-not-found")


async def test_an_assignment_that_schoology_just_lost_is_unknown(api: ApiHarness) -> None:
    office, section = await api.office(), api.room.section
    await api.sync(office)
    last, *others = (str(item.id) for item in section.standing())
    await office.ask("PATCH", f"{api.path}/assignments", json={"ids": others, "sync_to_sis": False})
    api.world.schoology.delete_assignment(section.id, int(last))
    # It is known from what was read a moment ago; with none that syncs, the list is read anew.
    path, off = f"{api.path}/assignments/{last}", {"sync_to_sis": False}
    expect_problem(await office.ask("PATCH", path, json=off), 404, "assignment-not-found")


async def test_a_switch_is_on_or_off(api: ApiHarness) -> None:
    teacher = await api.teacher()
    path = f"{api.path}/assignments/{api.room.section.standing()[0].id}"
    bodies: list[Any] = [None, {}, {"sync_to_sis": "no"}, {"sync_to_sis": None}, {"sync_to_sis": 0}, []]
    for body in (*bodies, {"sync_to_sis": True, "color": "red"}):
        expect_problem(await teacher.ask("PATCH", path, json=body), 422, "request-not-valid")


async def test_switching_an_assignment_is_audited(api: ApiHarness) -> None:
    teacher = await api.teacher()
    assignment_id = str(api.room.section.standing()[0].id)
    await teacher.ask("PATCH", f"{api.path}/assignments/{assignment_id}", json={"sync_to_sis": False})
    entry = (await (await api.office()).get("/audit", limit=1)).json()["items"][0]
    assert entry["action"] == "assignment.switched"
    assert entry["actor"] == f"teacher:{api.room.teacher.uid}"
    assert entry["objects"] == {"section": api.section, "assignment": assignment_id, "sync_to_sis": False}
