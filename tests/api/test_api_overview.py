"""Test the district at a glance: what its sections came to, why, what waits, and how both systems stand."""

from typing import Any

from harness.api import ApiClient, ApiHarness


async def overview(client: ApiClient) -> dict[str, Any]:
    answer = await client.get("/overview")
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def standing(counts: dict[str, int]) -> dict[str, int]:
    return {state: number for state, number in counts.items() if number and state != "total"}


async def test_overview_counts_sections_by_their_last_syncs(api: ApiHarness) -> None:
    office, other = await api.office(), str(api.world.classrooms[1].section.id)
    empty = await overview(office)
    assert (empty["sections"]["total"], empty["reasons"], len(empty["days"])) == (0, [], 30)
    api.drop_student()
    synced = await api.sync(office)
    await office.ask("PUT", f"/sections/{other}", json={})
    seen = await overview(office)
    state = synced["result"].replace("-", "_")
    assert standing(seen["sections"]) == {state: 1, "never_synced": 1}
    assert standing(seen["days"][-1]["sections"]) == {state: 1}
    assert standing(seen["days"][-2]["sections"]) == {}
    assert sum(group["sections"]["total"] for group in seen["schools"]) == 2
    assert sum(group["sections"]["total"] for group in seen["terms"]) == 2
    (absent,) = [one for one in seen["reasons"] if one["reason"]["code"] == "student-not-in-sis-section"]
    assert absent["sections"] == 1
    assert absent["items"] > 0
    assert absent["links"] == {"sections": "/sections?reason=student-not-in-sis-section"}


async def test_a_sync_of_a_part_makes_no_section_right(api: ApiHarness) -> None:
    office = await api.office()
    api.refuse("powerschool")
    assert (await api.sync(office))["result"] == "failed"
    api.mend()
    listed = (await office.get(f"{api.path}/assignments")).json()["items"]
    part = await api.sync(office, assignments=[listed[0]["id"]])
    assert part["result"] != "failed"
    assert standing((await overview(office))["sections"]) == {"failed": 1}
    whole = await api.sync(office)
    assert standing((await overview(office))["sections"]) == {whole["result"].replace("-", "_"): 1}


async def test_previews_leave_the_overview_as_it_is(api: ApiHarness) -> None:
    office = await api.office()
    await api.sync(office, dry_run=True)
    assert (await overview(office))["sections"]["total"] == 0


async def test_overview_names_what_waits_and_the_systems(api: ApiHarness) -> None:
    office = await api.office()
    await office.post(f"{api.path}/syncs")
    seen = await overview(office)
    queue = seen["queue"]
    assert (queue["running"], queue["ready"], queue["later"], queue["paused"]) == (0, 1, 0, 0)
    assert queue["oldest"] < queue["settled_by"]
    assert [(one["system"], one["known"]) for one in seen["systems"]] == [
        ("schoology", True),
        ("powerschool", True),
    ]
    await office.post("/pause", {"reason": "An upgrade."})
    assert (await overview(office))["queue"]["paused"] == 1


async def test_overview_shows_no_other_district(api: ApiHarness) -> None:
    await api.sync(await api.office())
    stranger = await api.office(district_id=(await api.add_neighbor()).id)
    seen = await overview(stranger)
    assert (seen["sections"]["total"], seen["reasons"], seen["schools"]) == (0, [], [])
