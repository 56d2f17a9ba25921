"""Test the mapping of many sections: imported pairs, title rules, and copies."""

from gradesync_sandbox.district import Classroom
from harness.api import ApiClient, ApiHarness
from harness.bulk_imports import PAIRS, import_rows, section_id

TITLES = "/categories/titles"


async def mapping(office: ApiClient, room: Classroom) -> dict[str, tuple[str | None, bool]]:
    """Return each category's title -> the title of its SIS category, and true for a chosen pair."""
    response = await office.get(f"/sections/{section_id(room)}/categories")
    assert response.status_code == 200, response.text
    items = response.json()["items"]
    return {
        item["title"]: ((item["sis_category"] or {"title": None})["title"], item["chosen"]) for item in items
    }


def unpaired_titles(titles: dict[str, tuple[str | None, bool]]) -> tuple[str, str]:
    """Return the title of a category without a pair, and the SIS title of one with a pair."""
    unpaired = next(title for title, (sis, _) in titles.items() if sis is None)
    return unpaired, next(sis for sis, _ in titles.values() if sis)


async def test_pairs_are_imported_by_id_or_by_title(api: ApiHarness) -> None:
    office = await api.office()
    await api.change_policy(many_to_one=True)
    rooms = api.world.classrooms
    before = [await mapping(office, room) for room in rooms]
    ours, theirs = unpaired_titles(before[0])
    shown = (await office.get(f"/sections/{section_id(rooms[1])}/categories")).json()
    by_id = {item["title"]: item["id"] for item in shown["items"]}[ours]
    sis_id = {category["title"]: category["id"] for category in shown["sis_categories"]}[theirs]
    wanted = [
        {"section": section_id(rooms[0]), "category": ours.upper(), "sis_category": f" {theirs} "},
        {"section": section_id(rooms[0]), "category": "No such", "sis_category": theirs},
        {"section": section_id(rooms[1]), "category": by_id, "sis_category": sis_id},
        {"section": "7999999999", "category": ours, "sis_category": theirs},
        {"section": section_id(rooms[1]), "category": ours},
    ]
    assert await import_rows(office, PAIRS, wanted) == [
        ("done", None),
        ("failed", "pair-not-possible"),
        ("done", None),
        ("failed", "section-not-found"),
        ("failed", "request-not-valid"),
    ]
    for room in rooms:
        assert (await mapping(office, room))[ours] == (theirs, True)


async def test_imported_pairs_keep_chosen_ones(api: ApiHarness) -> None:
    office = await api.office()
    await api.change_policy(many_to_one=True)
    titles = await mapping(office, api.room)
    ours, theirs = unpaired_titles(titles)
    paired = next(title for title, (sis, _) in titles.items() if sis)
    for name in (ours, paired):
        row = {"section": api.section, "category": name, "sis_category": theirs}
        assert await import_rows(office, PAIRS, [row]) == [("done", None)]
    after = await mapping(office, api.room)
    assert (after[ours], after[paired]) == ((theirs, True), (theirs, True))


async def test_a_conflicting_pair_fails_alone(api: ApiHarness) -> None:
    office = await api.office()
    ours, theirs = unpaired_titles(await mapping(office, api.room))
    another = next(title for title, (sis, _) in (await mapping(office, api.room)).items() if sis)
    wanted = [
        {"section": api.section, "category": ours, "sis_category": theirs},
        {"section": api.section, "category": another, "sis_category": theirs},
    ]
    assert await import_rows(office, PAIRS, wanted) == [("done", None), ("failed", "pair-not-possible")]
    assert (await mapping(office, api.room))[ours] == (theirs, True)


async def test_title_rules_pair_in_every_section_until_removed(api: ApiHarness) -> None:
    office = await api.office()
    await api.change_policy(many_to_one=True)
    rooms = api.world.classrooms
    await api.sync(office, section_id(rooms[0]))
    before = [await mapping(office, room) for room in rooms]
    ours, theirs = unpaired_titles(before[0])
    paired = next(title for title, (sis, _) in before[0].items() if sis and sis != theirs)
    rules = [{"title": f" {ours} ", "sis_title": theirs.lower()}, {"title": paired, "sis_title": theirs}]
    response = await office.ask("PUT", TITLES, json={"rules": rules})
    assert response.status_code == 200, response.text
    assert (await office.get(TITLES)).json() == response.json()
    for room in rooms:
        mapped = await mapping(office, room)
        assert (mapped[ours], mapped[paired]) == ((theirs, False), (theirs, False))
    await api.sync(office, section_id(rooms[0]))
    await office.ask("PUT", TITLES, json={"rules": []})
    await api.sync(office, section_id(rooms[0]))
    assert [await mapping(office, room) for room in rooms] == before
    actions = [entry["action"] for entry in (await office.get("/audit")).json()["items"]]
    assert actions.count("category-titles.set") == 2


async def test_two_categories_for_one_sis_category_show_a_problem(
    api: ApiHarness,
) -> None:
    office = await api.office()
    ours, theirs = unpaired_titles(await mapping(office, api.room))
    rule = {"title": ours, "sis_title": theirs}
    await office.ask("PUT", TITLES, json={"rules": [rule]})
    items = (await office.get(f"{api.path}/categories")).json()["items"]
    problems = {item["title"]: item["problem"] and item["problem"]["code"] for item in items}
    same = next(title for title in problems if title.strip().casefold() == theirs.strip().casefold())
    assert (problems[ours], problems[same]) == ("category-taken", "category-taken")
    await api.sync(office)
    assignments = (await office.get(f"{api.path}/assignments")).json()["items"]
    codes = {
        assignment["problem"]["code"]
        for assignment in assignments
        if assignment["category"] and assignment["category"]["title"] == same
    }
    assert codes == {"category-taken"}


async def test_title_rules_survive_the_districts_file(api: ApiHarness) -> None:
    office = await api.office()
    rules = {"rules": [{"title": "HW", "sis_title": "Homework"}]}
    await office.ask("PUT", TITLES, json=rules)
    await api.replace_district(api.district)
    await api.change_policy(take_over=True)
    assert (await office.get(TITLES)).json() == rules


async def test_a_chosen_pair_overrides_a_title_rule(api: ApiHarness) -> None:
    office = await api.office()
    await api.change_policy(many_to_one=True)
    ours, theirs = unpaired_titles(await mapping(office, api.room))
    row = {"section": api.section, "category": ours, "sis_category": theirs}
    await import_rows(office, PAIRS, [row])
    elsewhere = next(sis for sis, _ in (await mapping(office, api.room)).values() if sis and sis != theirs)
    await office.ask("PUT", TITLES, json={"rules": [{"title": ours, "sis_title": elsewhere}]})
    assert (await mapping(office, api.room))[ours] == (theirs, True)


async def test_a_mapping_is_copied_to_other_sections(api: ApiHarness) -> None:
    office = await api.office()
    await api.change_policy(many_to_one=True)
    first, second = api.world.classrooms
    ours, theirs = unpaired_titles(await mapping(office, first))
    await import_rows(
        office, PAIRS, [{"section": section_id(first), "category": ours, "sis_category": theirs}]
    )
    before = await mapping(office, second)
    path = f"/sections/{section_id(first)}/categories/copy"
    response = await office.post(path, {"sections": [section_id(second), "7999999999"]})
    assert response.status_code == 200, response.text
    done, missing = response.json()["sections"]
    assert (done["section"], done["result"], done["left_out"]) == (section_id(second), "done", [])
    assert (missing["result"], missing["code"], missing["pairs"]) == ("failed", "section-not-found", 0)
    after = await mapping(office, second)
    assert after[ours] == (theirs, True)
    assert {title: sis for title, (sis, _) in after.items() if title != ours} == {
        title: sis for title, (sis, _) in before.items() if title != ours
    }


async def test_a_copy_lists_titles_that_a_section_lacks(api: ApiHarness) -> None:
    office = await api.office()
    first, second = api.world.classrooms
    gone = next(title for title, (sis, _) in (await mapping(office, first)).items() if sis)
    lacking = next(category for category in second.section.categories.values() if category.title == gone)
    lacking.title = "Another title"
    path = f"/sections/{section_id(first)}/categories/copy"
    (done,) = (await office.post(path, {"sections": [section_id(second)]})).json()["sections"]
    assert done["result"] == "done"
    assert done["left_out"] == [gone.strip().casefold()]
