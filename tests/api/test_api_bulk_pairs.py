"""Many pairs of categories at once: chosen, by title in every section, given from one section to others."""

from gradesync_sandbox.district import Classroom
from harness.api import ApiClient, ApiHarness
from harness.bulk_imports import PAIRS, import_rows, section_id

TITLES = "/categories/titles"


async def mapping(office: ApiClient, room: Classroom) -> dict[str, tuple[str | None, bool]]:
    """Title of a category -> the title of its SIS category, and whether the pair was chosen."""
    answer = await office.get(f"/sections/{section_id(room)}/categories")
    assert answer.status_code == 200, answer.text
    items = answer.json()["items"]
    return {
        item["title"]: ((item["sis_category"] or {"title": None})["title"], item["chosen"]) for item in items
    }


def other(titles: dict[str, tuple[str | None, bool]]) -> tuple[str, str]:
    """A category that pairs with none, and the SIS title of one that is paired."""
    unpaired = next(title for title, (sis, _) in titles.items() if sis is None)
    return unpaired, next(sis for sis, _ in titles.values() if sis)


async def test_pairs_are_set_in_many_sections_by_id_or_by_title(api: ApiHarness) -> None:
    office = await api.office()
    await api.change_policy(many_to_one=True)
    rooms = api.world.classrooms
    before = [await mapping(office, room) for room in rooms]
    ours, theirs = other(before[0])
    shown = (await office.get(f"/sections/{section_id(rooms[1])}/categories")).json()
    by_id = {item["title"]: item["id"] for item in shown["items"]}[ours]
    sis_id = {one["title"]: one["id"] for one in shown["sis_categories"]}[theirs]
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


async def test_imported_pairs_stand_beside_chosen_ones(api: ApiHarness) -> None:
    office = await api.office()
    await api.change_policy(many_to_one=True)
    titles = await mapping(office, api.room)
    ours, theirs = other(titles)
    paired = next(title for title, (sis, _) in titles.items() if sis)
    for name in (ours, paired):
        row = {"section": api.section, "category": name, "sis_category": theirs}
        assert await import_rows(office, PAIRS, [row]) == [("done", None)]
    after = await mapping(office, api.room)
    assert (after[ours], after[paired]) == ((theirs, True), (theirs, True))


async def test_one_pair_too_many_fails_alone(api: ApiHarness) -> None:
    office = await api.office()
    ours, theirs = other(await mapping(office, api.room))
    another = next(title for title, (sis, _) in (await mapping(office, api.room)).items() if sis)
    wanted = [
        {"section": api.section, "category": ours, "sis_category": theirs},
        {"section": api.section, "category": another, "sis_category": theirs},
    ]
    assert await import_rows(office, PAIRS, wanted) == [("done", None), ("failed", "pair-not-possible")]
    assert (await mapping(office, api.room))[ours] == (theirs, True)


async def test_title_rules_pair_in_every_section_and_let_go_again(api: ApiHarness) -> None:
    office = await api.office()
    await api.change_policy(many_to_one=True)
    rooms = api.world.classrooms
    await api.sync(office, section_id(rooms[0]))
    before = [await mapping(office, room) for room in rooms]
    ours, theirs = other(before[0])
    paired = next(title for title, (sis, _) in before[0].items() if sis and sis != theirs)
    rules = [{"title": f" {ours} ", "sis_title": theirs.lower()}, {"title": paired, "sis_title": theirs}]
    answer = await office.ask("PUT", TITLES, json={"rules": rules})
    assert answer.status_code == 200, answer.text
    assert (await office.get(TITLES)).json() == answer.json()
    for room in rooms:
        mapped = await mapping(office, room)
        assert (mapped[ours], mapped[paired]) == ((theirs, False), (theirs, False))
    await api.sync(office, section_id(rooms[0]))
    await office.ask("PUT", TITLES, json={"rules": []})
    await api.sync(office, section_id(rooms[0]))
    assert [await mapping(office, room) for room in rooms] == before
    actions = [entry["action"] for entry in (await office.get("/audit")).json()["items"]]
    assert actions.count("category-titles.set") == 2


async def test_two_categories_that_a_rule_sends_to_one_are_told_why_they_have_no_pair(
    api: ApiHarness,
) -> None:
    office = await api.office()
    ours, theirs = other(await mapping(office, api.room))
    rule = {"title": ours, "sis_title": theirs}
    await office.ask("PUT", TITLES, json={"rules": [rule]})
    items = (await office.get(f"{api.path}/categories")).json()["items"]
    told = {item["title"]: item["problem"] and item["problem"]["code"] for item in items}
    same = next(title for title in told if title.strip().casefold() == theirs.strip().casefold())
    assert (told[ours], told[same]) == ("category-taken", "category-taken")
    await api.sync(office)
    assignments = (await office.get(f"{api.path}/assignments")).json()["items"]
    held = {
        one["problem"]["code"] for one in assignments if one["category"] and one["category"]["title"] == same
    }
    assert held == {"category-taken"}


async def test_title_rules_outlive_the_districts_file(api: ApiHarness) -> None:
    office = await api.office()
    rules = {"rules": [{"title": "HW", "sis_title": "Homework"}]}
    await office.ask("PUT", TITLES, json=rules)
    await api.replace_district(api.district)
    await api.change_policy(take_over=True)
    assert (await office.get(TITLES)).json() == rules


async def test_a_chosen_pair_is_stronger_than_a_title_rule(api: ApiHarness) -> None:
    office = await api.office()
    await api.change_policy(many_to_one=True)
    ours, theirs = other(await mapping(office, api.room))
    row = {"section": api.section, "category": ours, "sis_category": theirs}
    await import_rows(office, PAIRS, [row])
    elsewhere = next(sis for sis, _ in (await mapping(office, api.room)).values() if sis and sis != theirs)
    await office.ask("PUT", TITLES, json={"rules": [{"title": ours, "sis_title": elsewhere}]})
    assert (await mapping(office, api.room))[ours] == (theirs, True)


async def test_one_sections_mapping_is_given_to_others(api: ApiHarness) -> None:
    office = await api.office()
    await api.change_policy(many_to_one=True)
    first, second = api.world.classrooms
    ours, theirs = other(await mapping(office, first))
    await import_rows(
        office, PAIRS, [{"section": section_id(first), "category": ours, "sis_category": theirs}]
    )
    before = await mapping(office, second)
    path = f"/sections/{section_id(first)}/categories/copy"
    answer = await office.post(path, {"sections": [section_id(second), "7999999999"]})
    assert answer.status_code == 200, answer.text
    done, missing = answer.json()["sections"]
    assert (done["section"], done["result"], done["left_out"]) == (section_id(second), "done", [])
    assert (missing["result"], missing["code"], missing["pairs"]) == ("failed", "section-not-found", 0)
    after = await mapping(office, second)
    assert after[ours] == (theirs, True)
    assert {title: sis for title, (sis, _) in after.items() if title != ours} == {
        title: sis for title, (sis, _) in before.items() if title != ours
    }


async def test_a_category_that_a_section_lacks_is_left_out_and_told(api: ApiHarness) -> None:
    office = await api.office()
    first, second = api.world.classrooms
    gone = next(title for title, (sis, _) in (await mapping(office, first)).items() if sis)
    lacking = next(one for one in second.section.categories.values() if one.title == gone)
    lacking.title = "Another title"
    path = f"/sections/{section_id(first)}/categories/copy"
    (done,) = (await office.post(path, {"sections": [section_id(second)]})).json()["sections"]
    assert done["result"] == "done"
    assert done["left_out"] == [gone.strip().casefold()]
