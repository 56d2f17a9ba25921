"""Section links and category pairs, found by themselves or set by the district."""

from dataclasses import replace
from typing import Any

import httpx

from harness.api import ApiClient, ApiHarness, expect_problem


async def put(door: ApiClient, path: str, body: Any) -> httpx.Response:
    return await door.ask("PUT", path, json=body)


async def test_before_the_first_sync_a_section_is_what_schoology_says(api: ApiHarness) -> None:
    told = (await (await api.office()).get(api.path)).json()
    assert told["code"] == api.room.section.school_code
    assert (told["sis_section"], told["chosen"]) == (None, False)


async def test_a_sync_links_the_section_by_its_school_code(api: ApiHarness) -> None:
    office = await api.office()
    await api.sync(office)
    told = (await office.get(api.path)).json()
    assert told["sis_section"]["id"] == str(api.room.sis.dcid)
    assert told["sis_section"]["term_first"] < told["sis_section"]["term_last"]
    assert [item["id"] for item in (await office.get("/sections")).json()["items"]] == [api.section]


async def test_the_district_sets_a_link_at_once(api: ApiHarness) -> None:
    office = await api.office()
    other = api.world.classrooms[1]
    answer = await put(office, api.path, {"sis_section": str(other.sis.dcid)})
    assert answer.status_code == 200, answer.text
    assert answer.json()["sis_section"]["id"] == str(other.sis.dcid)
    assert answer.json()["chosen"] is True
    assert (await office.get(api.path)).json() == answer.json()
    back = await put(office, api.path, {})
    assert (back.json()["sis_section"]["id"], back.json()["chosen"]) == (str(api.room.sis.dcid), False)
    actions = [entry["action"] for entry in (await office.get("/audit")).json()["items"]]
    assert actions.count("section.linked") == 2


async def test_one_sis_section_goes_to_one_section(api: ApiHarness) -> None:
    office = await api.office()
    await api.sync(office)
    other = f"/sections/{api.world.classrooms[1].section.id}"
    before = await api.rows()
    answer = await put(office, other, {"sis_section": str(api.room.sis.dcid)})
    expect_problem(answer, 409, "sis-section-taken")
    assert await api.rows() == before


async def test_a_link_that_the_sis_does_not_know_is_refused(api: ApiHarness) -> None:
    office = await api.office()
    told = expect_problem(await put(office, api.path, {"sis_section": "999999"}), 422, "link-not-possible")
    assert told["reason"] == "sis-section-not-found"
    told = expect_problem(await put(office, api.path, {"teacher": "999999"}), 422, "link-not-possible")
    assert told["reason"] == "teacher-not-in-sis-section"
    bodies: list[Any] = [{"sis_section": 5}, {"sis_section": ""}, {"students": {}}, None]
    await api.replace_district(replace(api.district, match=replace(api.district.match, section="^x(1)$")))
    told = expect_problem(await put(office, api.path, {}), 422, "link-not-possible")
    assert told["reason"] == "section-unmatched"
    for body in bodies:
        expect_problem(await put(office, api.path, body), 422, "request-not-valid")


async def test_a_link_stands_still_while_a_sync_is_under_way(api: ApiHarness) -> None:
    office = await api.office()
    running = await office.post(f"{api.path}/syncs")
    answer = await put(office, api.path, {})
    expect_problem(answer, 409, "sync-in-progress")
    assert answer.headers["location"] == running.headers["location"]


async def test_a_link_that_moves_forgets_what_was_sent_to_the_old_place(api: ApiHarness) -> None:
    office = await api.office()
    first = await api.sync(office)
    await put(office, api.path, {"sis_section": str(api.world.classrooms[1].sis.dcid)})
    again = await api.sync(office)
    created = first["assignments"]["created"]
    assert created > 0
    assert again["assignments"]["created"] + again["assignments"]["skipped"] >= created


async def test_R11_a_link_that_stays_keeps_its_pairs_whatever_their_titles(api: ApiHarness) -> None:
    office = await api.office()
    await api.sync(office)
    before = (await office.get(f"{api.path}/categories")).json()["items"]
    assert any(item["sis_category"] for item in before)
    for category in api.world.powerschool.categories.values():
        category.name = f"Renamed {category.teachercategoryid}"
    assert (await put(office, api.path, {})).status_code == 200
    after = (await ApiClient(api.restart(), office.token).get(f"{api.path}/categories")).json()["items"]
    assert refs(after) == refs(before)


async def test_a_link_that_moves_pairs_again_by_the_titles_that_it_had(api: ApiHarness) -> None:
    office = await api.office()
    await api.sync(office)
    before = (await office.get(f"{api.path}/categories")).json()["items"]
    colleague = next(room for room in api.world.classrooms if room.sis_teacher is not api.room.sis_teacher)
    await put(office, api.path, {"sis_section": str(colleague.sis.dcid)})
    after = (await ApiClient(api.restart(), office.token).get(f"{api.path}/categories")).json()["items"]
    assert refs(after) != refs(before)
    for old, new in zip(before, after, strict=True):
        if new["sis_category"]:
            assert plain(new["sis_category"]["title"]) == plain(old["sis_category"]["title"])


def refs(items: list[dict[str, Any]]) -> list[str | None]:
    return [item["sis_category"] and item["sis_category"]["id"] for item in items]


async def test_categories_pair_by_title_before_the_first_sync(api: ApiHarness) -> None:
    teacher = await api.teacher()
    told = (await teacher.get(f"{api.path}/categories")).json()
    assert told["live"] is True
    titles = {one["id"]: one["title"] for one in told["sis_categories"]}
    paired = [item for item in told["items"] if item["sis_category"]]
    assert paired
    for item in paired:
        assert plain(titles[item["sis_category"]["id"]]) == plain(item["title"])
        assert item["problem"] is None
    unmapped = [item for item in told["items"] if item["sis_category"] is None]
    assert told["unmapped"] == [item["id"] for item in unmapped]
    assert all(item["problem"]["code"].startswith("category-") for item in unmapped)


async def test_the_district_sets_pairs_and_takes_them_back(api: ApiHarness) -> None:
    office = await api.office()
    path = f"{api.path}/categories"
    before = (await office.get(path)).json()
    free, lead = lonely(api, before)
    answer = await put(office, path, {"pairs": [{"id": lead, "sis_category": free}]})
    assert answer.status_code == 200, answer.text
    item = next(item for item in answer.json()["items"] if item["id"] == lead)
    assert (item["sis_category"]["id"], item["chosen"]) == (free, True)
    assert (await office.get(path)).json()["items"] == answer.json()["items"]
    assert (await put(office, path, {"pairs": []})).json()["items"] == before["items"]
    newest = (await office.get("/audit", limit=2)).json()["items"]
    assert [entry["action"] for entry in newest] == ["categories.paired"] * 2


async def test_pairs_name_categories_that_exist_each_once(api: ApiHarness) -> None:
    office = await api.office()
    path = f"{api.path}/categories"
    told = (await office.get(path)).json()
    (one, two), sis = [item["id"] for item in told["items"]][:2], told["sis_categories"][0]["id"]
    inactive = api.world.powerschool.add_category(api.room.sis_teacher, "Retired", active=False)
    for pairs in (
        [{"id": "404404", "sis_category": sis}],
        [{"id": one, "sis_category": "404404"}],
        [{"id": one, "sis_category": str(inactive.teachercategoryid)}],
        [{"id": one, "sis_category": sis}, {"id": two, "sis_category": sis}],
    ):
        expect_problem(await put(office, path, {"pairs": pairs}), 422, "pair-not-possible")
    for body in (
        None,
        {},
        {"pairs": None},
        {"pairs": [{"id": one}]},
        {"pairs": [{"id": one, "sis_category": sis, "weight": 1}]},
        {"pairs": [{"id": one, "sis_category": sis}] * 2},
    ):
        expect_problem(await put(office, path, body), 422, "request-not-valid")
    await api.change_policy(many_to_one=True)
    both = [{"id": one, "sis_category": sis}, {"id": two, "sis_category": sis}]
    assert (await put(office, path, {"pairs": both})).status_code == 200


async def test_the_sis_side_is_remembered_while_the_sis_is_away(api: ApiHarness) -> None:
    teacher = await api.teacher()
    await api.sync(teacher)
    api.refuse("powerschool")
    told = (await teacher.get(f"{api.path}/categories")).json()
    assert told["live"] is False
    assert told["sis_categories"]
    assert any(item["sis_category"] for item in told["items"])


async def test_connections_that_work_are_said_to(api: ApiHarness) -> None:
    told = (await (await api.office()).post("/connections/check")).json()
    assert told["ok"] is True, told
    assert all(finding["ok"] for finding in told["findings"])


async def test_a_connection_check_names_what_is_missing(api: ApiHarness) -> None:
    office = await api.office()
    api.world.powerschool.plugin.client_secret = "another"
    told = (await office.post("/connections/check")).json()
    assert told["ok"] is False
    failed = [finding for finding in told["findings"] if not finding["ok"]]
    assert failed
    assert all(finding["fix"] and finding["detail"] for finding in failed)
    (entry,) = (await office.get("/audit")).json()["items"]
    assert entry["objects"]["failed"] == [finding["check"] for finding in failed]


def plain(title: str) -> str:
    return title.strip().casefold()


def lonely(api: ApiHarness, told: dict[str, Any]) -> tuple[str, str]:
    """A SIS category that nothing is paired with, and a category of Schoology with another title."""
    made = api.world.powerschool.add_category(api.room.sis_teacher, "Projects of the spring")
    api.app.state.live.forget_sis(api.seen_by_office)
    return str(made.teachercategoryid), str(told["items"][0]["id"])
