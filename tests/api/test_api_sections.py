"""Test section links and category pairs, found automatically or set by the district."""

from dataclasses import replace
from typing import Any

import httpx
import pytest

from harness.api import ApiClient, ApiHarness, expect_problem


async def put(client: ApiClient, path: str, body: Any) -> httpx.Response:
    return await client.ask("PUT", path, json=body)


async def test_a_section_shows_its_code_before_the_first_sync(api: ApiHarness) -> None:
    body = (await (await api.office()).get(api.path)).json()
    assert body["code"] == api.room.section.school_code
    assert (body["sis_section"], body["chosen"]) == (None, False)


async def test_a_sync_links_the_section_by_its_school_code(api: ApiHarness) -> None:
    office = await api.office()
    await api.sync(office)
    body = (await office.get(api.path)).json()
    assert body["sis_section"]["id"] == str(api.room.sis.dcid)
    assert body["sis_section"]["term_first"] < body["sis_section"]["term_last"]
    assert [item["id"] for item in (await office.get("/sections")).json()["items"]] == [api.section]


async def test_the_district_sets_a_link_at_once(api: ApiHarness) -> None:
    office = await api.office()
    neighbor = api.world.classrooms[1]
    response = await put(office, api.path, {"sis_section": str(neighbor.sis.dcid)})
    assert response.status_code == 200, response.text
    assert response.json()["sis_section"]["id"] == str(neighbor.sis.dcid)
    assert response.json()["chosen"] is True
    assert (await office.get(api.path)).json() == response.json()
    back = await put(office, api.path, {})
    assert (back.json()["sis_section"]["id"], back.json()["chosen"]) == (str(api.room.sis.dcid), False)
    actions = [entry["action"] for entry in (await office.get("/audit")).json()["items"]]
    assert actions.count("section.linked") == 2


@pytest.mark.parametrize("zeros", ["", "0"])
async def test_a_sis_section_is_linked_only_once(api: ApiHarness, zeros: str) -> None:
    office = await api.office()
    await api.sync(office)
    other_path = f"/sections/{api.world.classrooms[1].section.id}"
    before = await api.rows()
    response = await put(office, other_path, {"sis_section": f"{zeros}{api.room.sis.dcid}"})
    expect_problem(response, 409, "sis-section-taken")
    assert await api.rows() == before


async def test_a_link_unknown_to_the_sis_is_refused(api: ApiHarness) -> None:
    office = await api.office()
    refused = expect_problem(await put(office, api.path, {"sis_section": "999999"}), 422, "link-not-possible")
    assert refused["reason"] == "sis-section-not-found"
    for text in ("A85001", f"+{api.room.sis.dcid}", f"{api.room.sis.dcid}-1"):
        refused = expect_problem(await put(office, api.path, {"sis_section": text}), 422, "link-not-possible")
        assert refused["reason"] == "sis-section-not-found"
    refused = expect_problem(await put(office, api.path, {"teacher": "999999"}), 422, "link-not-possible")
    assert refused["reason"] == "teacher-not-in-sis-section"
    bodies: list[Any] = [{"sis_section": 5}, {"sis_section": ""}, {"students": {}}, None]
    await api.replace_district(replace(api.district, match=replace(api.district.match, section="^x(1)$")))
    refused = expect_problem(await put(office, api.path, {}), 422, "link-not-possible")
    assert refused["reason"] == "section-unmatched"
    for body in bodies:
        expect_problem(await put(office, api.path, body), 422, "request-not-valid")


async def test_a_link_cannot_change_during_a_sync(api: ApiHarness) -> None:
    office = await api.office()
    running = await office.post(f"{api.path}/syncs")
    response = await put(office, api.path, {})
    expect_problem(response, 409, "sync-in-progress")
    assert response.headers["location"] == running.headers["location"]


async def test_a_changed_link_sends_everything_again(api: ApiHarness) -> None:
    office = await api.office()
    first = await api.sync(office)
    await put(office, api.path, {"sis_section": str(api.world.classrooms[1].sis.dcid)})
    again = await api.sync(office)
    created = first["assignments"]["created"]
    assert created > 0
    assert again["assignments"]["created"] + again["assignments"]["skipped"] >= created


async def test_R11_an_unchanged_link_keeps_renamed_pairs(api: ApiHarness) -> None:
    office = await api.office()
    await api.sync(office)
    before = (await office.get(f"{api.path}/categories")).json()["items"]
    assert any(item["sis_category"] for item in before)
    for category in api.world.powerschool.categories.values():
        category.name = f"Renamed {category.teachercategoryid}"
    assert (await put(office, api.path, {})).status_code == 200
    after = (await ApiClient(api.restart(), office.token).get(f"{api.path}/categories")).json()["items"]
    assert refs(after) == refs(before)


async def test_a_changed_link_pairs_again_by_title(api: ApiHarness) -> None:
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
    body = (await teacher.get(f"{api.path}/categories")).json()
    assert body["live"] is True
    titles = {category["id"]: category["title"] for category in body["sis_categories"]}
    paired = [item for item in body["items"] if item["sis_category"]]
    assert paired
    for item in paired:
        assert plain(titles[item["sis_category"]["id"]]) == plain(item["title"])
        assert item["problem"] is None
    unmapped = [item for item in body["items"] if item["sis_category"] is None]
    assert body["unmapped"] == [item["id"] for item in unmapped]
    assert all(item["problem"]["code"].startswith("category-") for item in unmapped)


async def test_the_district_sets_and_removes_pairs(api: ApiHarness) -> None:
    office = await api.office()
    path = f"{api.path}/categories"
    before = (await office.get(path)).json()
    free, lead = unpaired_ids(api, before)
    response = await put(office, path, {"pairs": [{"id": lead, "sis_category": free}]})
    assert response.status_code == 200, response.text
    item = next(item for item in response.json()["items"] if item["id"] == lead)
    assert (item["sis_category"]["id"], item["chosen"]) == (free, True)
    assert (await office.get(path)).json()["items"] == response.json()["items"]
    assert (await put(office, path, {"pairs": []})).json()["items"] == before["items"]
    newest = (await office.get("/audit", limit=2)).json()["items"]
    assert [entry["action"] for entry in newest] == ["categories.paired"] * 2


async def test_pairs_name_existing_categories_once(api: ApiHarness) -> None:
    office = await api.office()
    path = f"{api.path}/categories"
    mapping = (await office.get(path)).json()
    (first, second), sis = [item["id"] for item in mapping["items"]][:2], mapping["sis_categories"][0]["id"]
    inactive = api.world.powerschool.add_category(api.room.sis_teacher, "Retired", active=False)
    for pairs in (
        [{"id": "404404", "sis_category": sis}],
        [{"id": first, "sis_category": "404404"}],
        [{"id": first, "sis_category": str(inactive.teachercategoryid)}],
        [{"id": first, "sis_category": sis}, {"id": second, "sis_category": sis}],
    ):
        expect_problem(await put(office, path, {"pairs": pairs}), 422, "pair-not-possible")
    for body in (
        None,
        {},
        {"pairs": None},
        {"pairs": [{"id": first}]},
        {"pairs": [{"id": first, "sis_category": sis, "weight": 1}]},
        {"pairs": [{"id": first, "sis_category": sis}] * 2},
    ):
        expect_problem(await put(office, path, body), 422, "request-not-valid")
    await api.change_policy(many_to_one=True)
    both = [{"id": first, "sis_category": sis}, {"id": second, "sis_category": sis}]
    assert (await put(office, path, {"pairs": both})).status_code == 200


async def test_sis_categories_are_known_while_the_sis_is_down(api: ApiHarness) -> None:
    teacher = await api.teacher()
    await api.sync(teacher)
    api.refuse("powerschool")
    body = (await teacher.get(f"{api.path}/categories")).json()
    assert body["live"] is False
    assert body["sis_categories"]
    assert any(item["sis_category"] for item in body["items"])


async def test_working_connections_pass_the_check(api: ApiHarness) -> None:
    body = (await (await api.office()).post("/connections/check")).json()
    assert body["ok"] is True, body
    assert all(finding["ok"] for finding in body["findings"])


async def test_a_connection_check_names_what_is_missing(api: ApiHarness) -> None:
    office = await api.office()
    api.world.powerschool.plugin.client_secret = "another"
    body = (await office.post("/connections/check")).json()
    assert body["ok"] is False
    failed = [finding for finding in body["findings"] if not finding["ok"]]
    assert failed
    assert all(finding["fix"] and finding["detail"] for finding in failed)
    (entry,) = (await office.get("/audit")).json()["items"]
    assert entry["objects"]["failed"] == [finding["check"] for finding in failed]


def plain(title: str) -> str:
    return title.strip().casefold()


def unpaired_ids(api: ApiHarness, mapping: dict[str, Any]) -> tuple[str, str]:
    """Return the ids of a SIS category without a pair, and of a Schoology category of another title."""
    category = api.world.powerschool.add_category(api.room.sis_teacher, "Projects of the spring")
    api.app.state.live.forget_sis(api.seen_by_office)
    return str(category.teachercategoryid), str(mapping["items"][0]["id"])
